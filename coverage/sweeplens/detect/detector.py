"""The account detector: an additive function of the signals, read from JSON, so that every reason is exact."""

import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sweeplens.embed.shipped import NAMES
from sweeplens.errors import DetectorError
from sweeplens.signals.catalog import KEYS

FORMAT = 1
LEVELS = ("insufficient", "none", "watch", "review", "high")
log = logging.getLogger(__name__)
Model = TypeVar("Model")


@dataclass(frozen=True)
class Shape:
    """What one signal adds to the log-odds: a step function.

    Values up to edges[0] add steps[0], those above edges[i - 1] and up to edges[i] add steps[i]; missing ones add
    `missing`.
    """

    edges: np.ndarray
    steps: np.ndarray
    missing: float

    def add(self, values: np.ndarray) -> np.ndarray:
        """Return what each value adds, float64 [n]."""
        added = self.steps[np.searchsorted(self.edges, values, side="left").clip(0, len(self.edges))]
        return np.where(np.isnan(values), self.missing, added)


@dataclass(frozen=True)
class Detector:
    """log-odds = base + the sum of each signal's shape; score = 1 / (1 + exp(-log-odds)).

    `levels` holds the lowest score of watch, review and high. `fallback` is set for the detector that was not trained.
    """

    name: str
    version: str
    base: float
    shapes: Mapping[str, Shape]
    levels: Mapping[str, float]
    fallback: bool = False

    def contributions(self, values: np.ndarray) -> np.ndarray:
        """Return what each signal of [N, signals] adds to the log-odds, of the same shape."""
        added = np.zeros(values.shape)
        for key, shape in self.shapes.items():
            at = KEYS.index(key)
            added[:, at] = shape.add(values[:, at])
        return added

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """Return the log-odds of [N, signals]; NaN for rows without a single signal."""
        total = self.base + self.contributions(values).sum(1)
        return np.where(np.isnan(values).all(1), np.nan, total)

    def level(self, score: float) -> str:
        """Return the level of one score."""
        if np.isnan(score):
            return "insufficient"
        return next((k for k in ("high", "review", "watch") if score >= self.levels[k]), "none")


def log_odds(score: float) -> float:
    """Return log(p / (1 - p)) of a score, kept finite."""
    p = min(max(score, 1e-6), 1 - 1e-6)
    return float(np.log(p / (1 - p)))


def chance(odds: float) -> float:
    """Return the score whose log-odds these are."""
    return float(1 / (1 + np.exp(-odds)))


def parse_detector(raw: bytes, where: str) -> Detector:
    """Read a detector from JSON. Raises `DetectorError` when it is none, or of a newer format."""

    def make(data: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Detector:
        levels = {k: float(data["levels"][k]) for k in ("watch", "review", "high")}
        return Detector(data["name"], data["version"], float(data["base"]), shapes, levels)

    return parse_additive(raw, where, make, Parts("detector", "signal", "signals", KEYS), FORMAT)


@dataclass(frozen=True)
class Parts:
    """How the JSON of an additive model speaks: what it is, what a part is called, the key of all, and those known."""

    what: str
    one: str
    all: str
    known: Collection[str]


def parse_additive(
    raw: bytes, where: str, make: Callable[[Mapping[str, Any], Mapping[str, Shape]], Model], parts: Parts, newest: int
) -> Model:
    """Read an additive model from JSON; `make` makes it of the data and the step functions.

    Raises `DetectorError` when it is none, of a newer format, or has parts that are not measured.
    """
    try:
        data = json.loads(raw)
        if data["format"] > newest:
            raise DetectorError(
                f"{where} has {parts.what} format {data['format']}, but formats up to {newest} are known"
            )
        unknown = sorted(set(data[parts.all]) - set(parts.known))
        if unknown:
            raise DetectorError(f"{where} uses the {parts.one} {unknown[0]!r}, which this version does not measure")
        return make(data, {k: _parse_shape(v) for k, v in data[parts.all].items()})
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(f"{where} is not a {parts.what}: {type(error).__name__} in its JSON") from None


@cache
def load_detector(encoder: str) -> Detector:
    """Return the detector trained on the vectors of that encoder, or the fallback where none was."""
    source = shipped_file(encoder, ".json")
    if source is None:
        log.info("no detector was trained for the encoder %s: the fallback is used", encoder)
        return _fallback()
    return parse_detector(source.read_bytes(), f"the detector {encoder}.json")


def shipped_file(encoder: str, ending: str) -> Traversable | None:
    """Return the file of that ending that ships for the vectors of an encoder, None where none does."""
    if encoder not in NAMES:  # any other name may hold a path
        return None
    source = resources.files("sweeplens.detect").joinpath("data").joinpath(f"{encoder}{ending}")
    return source if source.is_file() else None


def encoder_of(encoder: str, version: str) -> str:
    """Return today's name of the encoder that a detector of that version, or a reference for it, was made for.

    What `fast` was up to version 2 is `fast-english` now.
    """
    return "fast-english" if encoder == "fast" and re.match(r"[12]\b", version) else encoder


def read_detector(path: Path) -> Detector:
    """Read a detector from a file."""
    try:
        return parse_detector(path.read_bytes(), str(path))
    except OSError as error:
        raise DetectorError(f"the detector {path} cannot be read: {error.strerror}") from None


def _parse_shape(data: Mapping[str, Any]) -> Shape:
    edges, steps = np.asarray(data["edges"], float), np.asarray(data["steps"], float)
    if len(steps) != len(edges) + 1 or (np.diff(edges) <= 0).any():
        raise ValueError("steps must be one more than edges, and edges must rise")
    return Shape(edges, steps, float(data["missing"]))


def _fallback() -> Detector:
    """Return the detector for vectors that none was trained on: it ranks, and never goes above watch."""
    return Detector("fallback", "1", 0.0, {}, {"watch": 0.9, "review": np.inf, "high": np.inf}, fallback=True)
