"""What each signal adds to an account's score, all of them: the sum that the score is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.accounts import KIN
from sweeplens.detect.detector import Detector, log_odds
from sweeplens.detect.fallback import fallback_contributions
from sweeplens.detect.raising import CAMPAIGN
from sweeplens.detect.training import choose_detector
from sweeplens.embed.encoder import known_name
from sweeplens.errors import DetectorError
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import AccountRow
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.measure import LEAST

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SAME = 0.02  # log-odds by which what is written down as a reason may differ from what the detector says now
_EDGE = 1e-6  # scores nearer to 0 or 1 than this have no log-odds to take apart
_NONE = 0.005  # log-odds that are nothing


@dataclass(frozen=True)
class Contributions:
    """What a score is the sum of, in log-odds: base + signals + kin + campaign = total.

    weights   what each signal adds
    at_peers  what it would add at the median of the account's peers
    """

    base: float
    weights: Mapping[str, float]
    at_peers: Mapping[str, float]
    kin: float
    campaign: float
    total: float

    @property
    def signals(self) -> float:
        """What all signals add together."""
        return sum(self.weights.values())


_detectors: "WeakKeyDictionary[Snapshot, list[Detector]]" = WeakKeyDictionary()


def contributions_of(
    snapshot: "Snapshot", account: int, row: AccountRow, medians: NDArray[np.float64]
) -> Contributions | None:
    """Take an account's score apart; `medians` are its peers', in the order of the snapshot's signals.

    None where the account has no signals, or where the detector of the snapshot is not at hand any more: then only
    what the snapshot itself names as reasons is known.
    """
    detector = detector_of(snapshot)
    if detector is None or row.score is None or row.n_prompts < LEAST:
        return None
    signals = columns_of(snapshot).signals
    places = [KEYS.index(name) for name in signals.names if name in KEYS]
    known = [i for i, name in enumerate(signals.names) if name in KEYS]
    table = np.full((2, len(KEYS)), np.nan)
    if detector.fallback:
        table[0, places], table[1] = signals.percentiles[account, known], 50.0
        added = fallback_contributions(table)
    else:
        table[:, places] = signals.values[account, known], medians[known]
        added = detector.contributions(table)
    weights, at_peers = (dict(zip(KEYS, line.tolist(), strict=True)) for line in added)
    told = {reason.signal: reason.weight for reason in row.reasons if reason.weight is not None}
    if any(abs(weights[name] - weight) > _SAME for name, weight in told.items() if name in weights):
        return None
    base, campaign = detector.base, told.get(CAMPAIGN, 0.0)
    own = base + sum(weights.values())
    inside = _EDGE < row.score < 1 - _EDGE
    kin = log_odds(row.score) - own - campaign if inside else told.get(KIN, 0.0)
    kin = kin if abs(kin) > _NONE else 0.0
    return Contributions(base, weights, at_peers, kin, campaign, own + kin + campaign)


def detector_of(snapshot: "Snapshot") -> Detector | None:
    """Return the detector that a snapshot was scored with, or None where it is not at hand any more."""
    kept = _detectors.get(snapshot)
    if kept is None:
        kept = _detectors[snapshot] = _find(snapshot)
    return kept[0] if kept else None


def _find(snapshot: "Snapshot") -> list[Detector]:
    told, encoder = snapshot.manifest.get("detector"), snapshot.manifest.get("encoder")
    if not isinstance(told, dict) or not isinstance(encoder, dict):
        return []
    try:
        found = choose_detector(known_name(encoder), snapshot.folder.parent)
    except DetectorError:
        return []
    same = (found.name, found.version) == (told.get("name"), str(told.get("version")))
    return [found] if same else []
