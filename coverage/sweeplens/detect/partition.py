"""How the members of a group split the ground between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COPIES, RANDOM, TOPICS = "copies", "random", "by topic"
_SAME = 0.3  # share of the prompts that several members sent from which on they run copies of one set
_APART = 1.5  # times as often in one cell as prompts of any two members: from here on each has topics of its own
_DRAWS = 199  # permutations: the smallest p is 0.005
_MOST = 20_000  # prompts that are permuted; more tell no more
_SEED = 0


@dataclass(frozen=True)
class Partition:
    """How prompts are dealt over members.

    kind      copies: many prompts are sent by several members. random: no member has ground of its own, as when one
              pool is dealt out at random; independent people differ more. by topic: members have topics of their own.
    ratio     how much more often two prompts of one member share a cell than two prompts of the group do; 1 for a pool
              that is dealt at random
    p_value   of that ratio, if prompts were dealt at random over the members (permutation test)
    shared    share of the distinct prompts that two or more members sent
    expected  that share if each member had drawn as many prompts at random from the prompts of all
    """

    kind: str
    ratio: float
    p_value: float
    shared: float
    expected: float


def split_ground(own: Sequence[np.ndarray], cell: np.ndarray) -> Partition:
    """Test how the distinct prompts of members, one array each, split the cells of the map (`cell`, one a prompt)."""
    sizes = np.array([len(d) for d in own])
    prompts = np.concatenate(list(own))
    senders = np.unique(prompts, return_counts=True)[1]
    shared = float((senders > 1).mean())
    ratio, p_value = _permute(np.repeat(np.arange(len(own)), sizes), cell[prompts])
    kind = COPIES if shared >= _SAME else TOPICS if ratio >= _APART and p_value <= 0.05 else RANDOM
    return Partition(kind, ratio, p_value, shared, expected_shared(sizes, len(senders)))


def expected_shared(sizes: np.ndarray, pool: int) -> float:
    """Return the share of the prompts drawn by any that two or more draw, if each draws `sizes` of `pool` at random."""
    none = float(np.prod(1 - sizes / pool))
    with np.errstate(divide="ignore"):
        once = float(sum(s / pool * np.prod(np.delete(1 - sizes / pool, i)) for i, s in enumerate(sizes)))
    return 0.0 if none >= 1 else (1 - none - once) / (1 - none)


def _permute(member: np.ndarray, cell: np.ndarray) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)
    if len(member) > _MOST:
        chosen = rng.choice(len(member), _MOST, replace=False)
        member, cell = member[chosen], cell[chosen]
    cell = np.unique(cell, return_inverse=True)[1]
    width = int(cell.max()) + 1
    n = np.bincount(member).astype(float)
    pairs = float((n * (n - 1)).sum())
    total = np.bincount(cell).astype(float)
    overall = float((total * (total - 1)).sum()) / max(1.0, len(cell) * (len(cell) - 1.0))
    if pairs == 0 or overall == 0:
        return 1.0, 1.0

    def inside(dealt: np.ndarray) -> float:
        counts = np.unique(member * width + dealt, return_counts=True)[1].astype(float)
        return float((counts * (counts - 1)).sum()) / pairs

    seen = inside(cell)
    at_least = sum(inside(rng.permutation(cell)) >= seen for _ in range(_DRAWS))
    return seen / overall, (1 + at_least) / (1 + _DRAWS)
