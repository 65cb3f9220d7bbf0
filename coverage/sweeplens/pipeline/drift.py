"""How far new prompts are from the map that they were placed on, and whether it should be made anew."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeplens.atlas.atlas import Atlas

_NOISE = 0.15  # more of the new prompts than of the old ones that fit nowhere
_DISTANCE = 0.45  # Jensen-Shannon distance (base 2) between the shares of the cells among new and old prompts
_PARTS = 60  # parts of a table from which on reading them costs more than writing them as one
_FEWEST = 500  # new prompts from which on shares mean something


@dataclass(frozen=True)
class Drift:
    """How new prompts differ from those that were there.

    new, unplaced   new prompts, and the share of them that fits in no cluster
    noise_before    the share of the old prompts that are in none
    distance        between the new and the old shares of the cells, 0 (the same) to 1 (nothing in common)
    born            clusters that came with them
    reasons         why the map should be built anew, in words; none where it need not
    """

    new: int
    unplaced: float
    noise_before: float
    distance: float
    born: int
    reasons: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return the numbers as the manifest keeps them."""
        return {
            "new_prompts": self.new, "unplaced": round(self.unplaced, 4), "noise_before": round(self.noise_before, 4),
            "cell_distance": round(self.distance, 4), "clusters_born": self.born, "rebuild_due": list(self.reasons),
        }  # fmt: skip


def measure_drift(old: Atlas, grown: Atlas, *, parts: int) -> Drift:
    """Compare the prompts that a map gained with those it had; `parts` is the number of files of its requests."""
    n = len(old.cell)
    new = len(grown.cell) - n
    unplaced = float((grown.cluster[n:] < 0).mean()) if new else 0.0
    before = float((old.cluster < 0).mean()) if n else 0.0
    distance = _distance(old.cell, grown.cell[n:], len(old.cells)) if new and n else 0.0
    born = len({c.cluster_id for c in grown.clusters} - {c.cluster_id for c in old.clusters})
    reasons = []
    if new >= _FEWEST and unplaced > before + _NOISE:
        reasons.append(f"{unplaced:.0%} of the new prompts fit in no cluster, but {before:.0%} of those before")
    if new >= _FEWEST and distance > _DISTANCE:
        reasons.append(f"the new prompts lie elsewhere than those before (distance {distance:.2f} of at most 1)")
    if parts >= _PARTS:
        reasons.append(f"its tables are in {parts} parts (`sweeplens prune --compact` is enough)")
    return Drift(new, unplaced, before, distance, born, tuple(reasons))


def _distance(old: np.ndarray, new: np.ndarray, cells: int) -> float:
    """Return the Jensen-Shannon distance (Endres and Schindelin 2003) of two samples of cells, less what chance makes.

    Two samples of one source differ, too, the more so the smaller they are: what is counted on top of that is the
    excess of the divergence over its expectation, (K - 1) / (8 ln 2) (1 / n + 1 / m) for K cells in use.
    """
    p = np.bincount(old, minlength=cells) / len(old)
    q = np.bincount(new, minlength=cells) / len(new)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = np.where(p > 0, p * np.log2(p / middle), 0.0), np.where(q > 0, q * np.log2(q / middle), 0.0)
    divergence = float((left + right).sum()) / 2
    chance = (int((middle > 0).sum()) - 1) / (8 * np.log(2)) * (1 / len(old) + 1 / len(new))
    return float(np.sqrt(max(0.0, divergence - chance)))
