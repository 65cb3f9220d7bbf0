"""The learned test of groups: an additive function of their facts, read from JSON, so that every reason is exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sweeplens.detect.detector import Parts, Shape, parse_additive, shipped_file
from sweeplens.detect.group_facts import FACTS, KIND_OF

FORMAT = 1
ENDING = "-groups.json"


@dataclass(frozen=True)
class GroupTest:
    """log-odds that a group is a sweep = base + the sum of each fact's shape; 0 is an even chance in training."""

    name: str
    version: str
    base: float
    shapes: Mapping[str, Shape]

    def contributions(self, facts: np.ndarray) -> dict[str, float]:
        """Return what each fact of one group, in the order of FACTS, adds to the log-odds."""
        value = dict(zip(FACTS, facts.tolist(), strict=True))
        return {key: float(shape.add(np.array([value[key]]))[0]) for key, shape in self.shapes.items()}

    def log_odds(self, facts: np.ndarray) -> float:
        """Return the log-odds of one group."""
        return self.base + sum(self.contributions(facts).values())

    def by_kind(self, facts: np.ndarray) -> dict[str, float]:
        """Return what each kind of evidence adds, strongest first; with the base they add up to the log-odds."""
        total: dict[str, float] = {}
        for key, added in self.contributions(facts).items():
            total[KIND_OF[key]] = total.get(KIND_OF[key], 0.0) + added
        return dict(sorted(total.items(), key=lambda item: (-abs(item[1]), item[0])))


def parse_group_test(raw: bytes, where: str) -> GroupTest:
    """Read a test of groups from JSON. Raises `DetectorError` when it is none, or of a newer format."""

    def make(data: Mapping[str, Any], shapes: Mapping[str, Shape]) -> GroupTest:
        return GroupTest(str(data["name"]), str(data["version"]), float(data["base"]), shapes)

    return parse_additive(raw, where, make, Parts("test of groups", "fact", "facts", FACTS), FORMAT)


@cache
def load_group_test(encoder: str) -> GroupTest | None:
    """Return the test of groups trained on the vectors of that encoder, or None where none was."""
    source = shipped_file(encoder, ENDING)
    return None if source is None else parse_group_test(source.read_bytes(), f"the test of groups {source.name}")
