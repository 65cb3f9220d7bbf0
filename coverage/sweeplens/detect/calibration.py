"""How rare a score is among honest accounts: p from a benign reference, levels by p, q over all that was tested."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.detector import Detector, encoder_of, shipped_file
from sweeplens.errors import DetectorError

FILE = "calibration.json"  # of a store: its own reference
FORMAT = 1
WATCH, REVIEW, HIGH = 0.05, 0.005, 0.001  # p at or under which an account has that level
_BY_P = (("high", HIGH), ("review", REVIEW), ("watch", WATCH))
_TAIL = 0.9  # the quantile of log-odds whose trend with volume is looked at: only the upper tail decides levels
_SURE = 2.58  # standard errors from which on that trend is taken for real: 1 % of references without one
_STEEPEST = 3.0  # log-odds for a factor of e in volume
log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Volumes = NDArray[np.int64]


@dataclass(frozen=True)
class Reference:
    """What the detector says of honest accounts that it was not trained on, after the help of their kin.

    log_odds  float64 [n], rising
    volumes   int64 [n]: distinct prompts of each
    corpora   number of independent collections that they come from
    source    what they are, in words
    encoder   name of the encoder whose vectors were measured
    detector  name and version of the detector that scored them
    groups    (log-odds, accounts, distinct prompts) of each group that is found in logs of honest accounts alone
    slope     what a factor of e in volume adds to the log-odds of the top tenth; 0 where nothing shows
    """

    log_odds: Floats
    volumes: Volumes
    corpora: int
    source: str
    encoder: str
    detector: str
    groups: tuple[tuple[float, int, int], ...] = ()
    slope: float = 0.0

    def __len__(self) -> int:
        """Return the number of honest accounts."""
        return len(self.log_odds)

    @property
    def least_p(self) -> float:
        """The smallest p that so many accounts can show."""
        return 1 / (len(self) + 1)

    def p_values(self, log_odds: Floats, volumes: Volumes) -> Floats:
        """Return p of accounts [N] of so many distinct prompts: (1 + references at least as high) / (1 + references).

        This is the conformal p-value (Vovk, Gammerman and Shafer 2005; for outliers Bates et al. 2023). Where an honest
        account is exchangeable with those of the reference, P(p <= t) <= t for every t, whatever the scores mean: its
        rank among all n + 1 is uniform, and ties and the 1 that stands for itself only raise p. So it errs on the safe
        side, and p is never under 1 / (n + 1). The promise is on average over references and accounts: honest use of a
        kind that no corpus of the reference has may still score high. The p-values of one log share a reference and so
        depend on each other, positively, under which Benjamini and Hochberg's correction holds (Bates et al. 2023).

        Where the reference's upper tail moves with volume, scores are compared after its slope is taken off, so that
        small and large accounts are flagged alike; all of the reference still counts. NaN stays NaN.
        """
        p = np.full(len(log_odds), np.nan)
        able = ~np.isnan(log_odds)
        level = self._levelled(log_odds[able], volumes[able])
        at_least = len(self) - np.searchsorted(self._sorted, level, side="left")
        p[able] = (1 + at_least) / (1 + len(self))
        return p

    def cutoff(self, p: float) -> float:
        """Return the log-odds above which an account of middling volume has at most this p; infinite for none."""
        above = int(np.floor(p * (len(self) + 1) + 1e-9)) - 1
        if above < 0:
            return float("inf")
        return float(self._sorted[::-1][above]) if above < len(self) else float("-inf")

    @cached_property
    def _sorted(self) -> Floats:
        return np.sort(self._levelled(self.log_odds, self.volumes))

    def _levelled(self, log_odds: Floats, volumes: Volumes) -> Floats:
        if self.slope == 0:
            return log_odds
        within = np.clip(volumes, self.volumes.min(), self.volumes.max())
        levelled: Floats = log_odds - self.slope * (np.log(within) - np.log(np.median(self.volumes)))
        return levelled


def make_reference(
    log_odds: Floats,
    volumes: Volumes,
    *,
    corpora: int,
    source: str,
    encoder: str,
    detector: Detector,
    groups: Sequence[tuple[float, int, int]] = (),
) -> Reference:
    """Make a reference of honest accounts; those without a score (NaN) are left out."""
    able = np.flatnonzero(~np.isnan(log_odds))
    order = able[np.lexsort((volumes[able], log_odds[able]))]
    x, v = np.round(log_odds[order], 4), volumes[order].astype(np.int64)
    found = tuple((round(float(g[0]), 4), int(g[1]), int(g[2])) for g in groups)
    return Reference(x, v, corpora, source, encoder, full_name(detector), found, volume_slope(x, v))


def full_name(detector: Detector) -> str:
    """Return the name and version by which a reference knows its detector."""
    return f"{detector.name} {detector.version}"


def volume_slope(log_odds: Floats, volumes: Volumes) -> float:
    """Return how the 0.9-quantile of the log-odds moves with the logarithm of volume, 0 where that may be chance.

    Quantile regression with one slope; the test is the rank score test of no slope (Koenker 2005, 3.5.3).
    """
    from scipy.optimize import minimize_scalar

    u = np.log(np.maximum(volumes, 1).astype(float))
    spread = float(((u - u.mean()) ** 2).sum()) if len(u) else 0.0
    if spread == 0:
        return 0.0
    high = log_odds > np.quantile(log_odds, _TAIL)
    z = float(high @ (u - u.mean())) / np.sqrt(_TAIL * (1 - _TAIL) * spread)
    if abs(z) < _SURE:
        return 0.0

    def loss(slope: float) -> float:
        rest = log_odds - slope * u
        rest = rest - np.quantile(rest, _TAIL)
        return float(np.maximum(_TAIL * rest, (_TAIL - 1) * rest).sum())

    return round(float(minimize_scalar(loss, bounds=(-_STEEPEST, _STEEPEST), method="bounded").x), 4)


def levels_of(p: Floats, score: Floats, watch: float) -> tuple[str, ...]:
    """Return the levels of accounts: by p, else by the score from which on one is watched; that never goes above watch.

    `score` is NaN for accounts with too little to judge, `p` also where no reference fits.
    """
    return tuple(_level(float(a), float(s), watch) for a, s in zip(p, score, strict=True))


def _level(p: float, score: float, watch: float) -> str:
    if np.isnan(score):
        return "insufficient"
    if np.isnan(p):
        return "watch" if score >= watch else "none"
    return next((name for name, most in _BY_P if p <= most), "none")


def adjust(p: Floats, units: Floats | None = None) -> Floats:
    """Return q: the false discovery rate at which each p is let through (Benjamini, Hochberg 1995). NaN stays NaN.

    `units` are the p of everything that was tested, by default `p` itself. In a log with groups a unit is a group, or
    an account in no group: see `units_of`. A member of a group is no unit; it gets the q of its own p among them.
    """
    family = p if units is None else units
    ranked = np.sort(family[~np.isnan(family)])
    m = len(ranked)
    able = ~np.isnan(p)
    q = np.full(len(p), np.nan)
    through = m * ranked / np.arange(1, m + 1)
    best = np.minimum.accumulate(through[::-1])[::-1]  # the least over all units at or above each one
    own = p[able]
    below = np.searchsorted(ranked, own, side="right")  # units that are let through with it
    alone = max(1, m) * own / np.maximum(below, 1)
    # Among equal p the last one has the smallest m p / rank, which `alone` is; units above may give less still.
    q[able] = np.minimum(np.minimum(alone, np.append(best, np.inf)[below]), 1.0)
    return q


def units_of(accounts: Floats, groups: Floats, member: NDArray[np.bool_]) -> Floats:
    """Return the p of each unit: of all groups that were tested, and of the accounts that are no `member` of one."""
    return np.concatenate([groups, accounts[~member]])


def load_reference(encoder: str, detector: Detector, store: Path | None = None) -> Reference | None:
    """Return the reference that fits: the store's own, else the one that ships, else None, and then there is no p.

    One fits when it was made for that encoder by that version of the detector. Raises `DetectorError` for a file that
    is none.
    """
    if detector.fallback:
        return None
    own = None if store is None else store / FILE
    if own is not None and own.is_file():
        reference = read_reference(own)
        if _fits(reference, encoder, detector):
            return reference
        log.warning(
            "the calibration of the store is for %s on the encoder %s, but this is %s on %s: it is not used until "
            "`sweeplens calibrate` makes it anew",
            reference.detector, reference.encoder, full_name(detector), encoder,
        )  # fmt: skip
    shipped = shipped_file(encoder, "-reference.json")
    if shipped is None:
        return None
    reference = parse_reference(shipped.read_bytes(), f"the reference {shipped.name}")
    return reference if _fits(reference, encoder, detector) else None


def read_reference(path: Path) -> Reference:
    """Read a reference from a file. Raises `DetectorError`."""
    try:
        return parse_reference(path.read_bytes(), str(path))
    except OSError as error:
        raise DetectorError(f"the calibration {path} cannot be read: {error.strerror}") from None


def write_reference(reference: Reference, made: str) -> bytes:
    """Return a reference as JSON, one line for each fact; `made` is the day."""
    facts: dict[str, Any] = {
        "format": FORMAT,
        "encoder": reference.encoder,
        "detector": reference.detector,
        "source": reference.source,
        "made": made,
        "accounts": len(reference),
        "corpora": reference.corpora,
        "slope": reference.slope,
        "log_odds": reference.log_odds.tolist(),
        "volumes": reference.volumes.tolist(),
        "groups": [list(g) for g in reference.groups],
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in facts.items())
    return f"{{\n{lines}\n}}\n".encode()


def parse_reference(raw: bytes, where: str) -> Reference:
    """Read a reference from JSON. Raises `DetectorError` when it is none, or of a newer format."""
    try:
        data = json.loads(raw)
        if data["format"] > FORMAT:
            raise DetectorError(f"{where} has reference format {data['format']}, but formats up to {FORMAT} are known")
        log_odds, volumes = np.asarray(data["log_odds"], np.float64), np.asarray(data["volumes"], np.int64)
        if len(log_odds) != len(volumes) or not len(volumes) or not np.isfinite(log_odds).all() or volumes.min() < 1:
            raise ValueError("as many volumes as log-odds, at least one, all of them numbers")
        if (np.diff(log_odds) < 0).any():
            raise ValueError("log-odds must rise")
        groups = tuple((float(score), int(accounts), int(prompts)) for score, accounts, prompts in data["groups"])
        return Reference(
            log_odds, volumes, int(data["corpora"]), str(data["source"]), str(data["encoder"]), str(data["detector"]),
            groups, float(data["slope"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise DetectorError(
            f"{where} is not a calibration: {type(error).__name__} in its JSON; `sweeplens calibrate` makes one, "
            "with --remove it goes"
        ) from None


def _fits(reference: Reference, encoder: str, detector: Detector) -> bool:
    made_for = encoder_of(reference.encoder, reference.detector.rpartition(" ")[2])
    return made_for == encoder and reference.detector == full_name(detector)
