"""The learned test of groups: an additive function of their facts, read from JSON, so that every reason is exact."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from sweeplens.detect.detector import Shape, parse_shape, shipped_file
from sweeplens.detect.group_facts import FACTS, KIND_OF
from sweeplens.errors import DetectorError

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
    try:
        data = json.loads(raw)
        if data["format"] > FORMAT:
            raise DetectorError(f"{where} has group test format {data['format']}, but formats up to {FORMAT} are known")
        unknown = sorted(set(data["facts"]) - set(FACTS))
        if unknown:
            raise DetectorError(f"{where} uses the fact {unknown[0]!r}, which this version does not measure")
        shapes = {key: parse_shape(value) for key, value in data["facts"].items()}
        return GroupTest(str(data["name"]), str(data["version"]), float(data["base"]), shapes)
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(f"{where} is not a test of groups: {type(error).__name__} in its JSON") from None


@cache
def load_group_test(encoder: str) -> GroupTest | None:
    """Return the test of groups trained on the vectors of that encoder, or None where none was."""
    source = shipped_file(encoder, ENDING)
    return None if source is None else parse_group_test(source.read_bytes(), f"the test of groups {source.name}")
