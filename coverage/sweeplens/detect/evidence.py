"""What is known of a group: how alike its members are, how they share ground and time, what they have in common."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeplens.detect.detector import chance
from sweeplens.detect.group_facts import Group, measure_group, measure_union
from sweeplens.detect.group_test import GroupTest
from sweeplens.detect.groups import mean_likeness
from sweeplens.detect.halves import Halves
from sweeplens.detect.links import Link
from sweeplens.detect.partition import split_ground
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.ground import Ground

_CELLS = KEYS.index("cells")
_DAY = 86_400_000_000
_LINKS = 8

_MOST_SPANS = 1000  # members whose spans of time are compared pair by pair


@dataclass(frozen=True)
class Scene:
    """What every group of one log is judged with.

    values  float64 [N, S]: the signals of each account
    own     float64 [N]: the log-odds of each account alone, NaN where it has none
    test    the learned test of groups; None where none was trained, and then a group's log-odds are its members' mean
    """

    accounts: Accounts
    ground: Ground
    values: np.ndarray
    own: np.ndarray
    test: GroupTest | None
    halves: Halves
    links: Mapping[str, Sequence[Link]]
    known: np.ndarray | None
    known_names: Sequence[str]


def gather(scene: Scene, members: np.ndarray) -> tuple[float, dict[str, object]]:
    """Return (log-odds, evidence) of a group; the log-odds are NaN where there is nothing to judge."""
    accounts, ground = scene.accounts, scene.ground
    union = accounts.union(members.tolist())
    own = [accounts.distinct(c) for c in members.tolist()]
    signals = measure_union(union, own, ground)
    cells = [np.unique(ground.cell[d]) for d in own]
    rows = scene.halves.places(members)
    split = split_ground(own, ground.cell)
    group = Group(own, signals, scene.values[members], scene.own[members], split)
    facts = measure_group(group, scene.halves, rows)
    odds, why = _odds(scene, group, facts)
    shared = _shared_links([accounts.names[c] for c in members], scene.links)
    in_org = max((k["members"] for k in shared if k["kind"] == "org"), default=0)
    together = len(np.unique(ground.cell[union.distinct]))
    return odds, {
        "n_accounts": len(members),
        "n_requests": len(union.requests),
        "n_prompts": len(union.distinct),
        "mean_likeness": round(mean_likeness(scene.halves.whole[rows]), 4),
        "tested_likeness": round(mean_likeness(scene.halves.second[rows]), 4),
        "mean_score": _score(mean_odds(group.odds)),
        "n_scored": int((~np.isnan(scene.own[members])).sum()),
        "union_cells_in_40": round(40 * float(signals[_CELLS]), 2) if not math.isnan(signals[_CELLS]) else None,
        "union_cells": together,
        "fewest_prompts": min(map(len, own)),
        "most_prompts": max(map(len, own)),
        "largest_member_cells": max(map(len, cells)),
        "dealing": split.kind,
        "dealing_ratio": round(split.ratio, 3),
        "dealing_p": round(split.p_value, 4),
        "shared_prompts": round(split.shared, 4),
        "expected_shared": round(split.expected, 4),
        "same_org": round(in_org / len(members), 4),
        **_known_set(scene, union.distinct),
        **_times(accounts, members),
        "links": shared,
        "weights": why,
    }


def _odds(scene: Scene, group: Group, facts: np.ndarray) -> tuple[float, dict[str, float]]:
    """Return the log-odds of a group, and what each kind of evidence adds to them."""
    if scene.test is None:
        return mean_odds(group.odds), {}
    return scene.test.log_odds(facts), {kind: round(w, 3) for kind, w in scene.test.by_kind(facts).items()}


def mean_odds(odds: np.ndarray) -> float:
    """Return the mean of the log-odds that there are; NaN for none."""
    known = odds[~np.isnan(odds)]
    return float(known.mean()) if len(known) else math.nan


def _score(odds: float) -> float | None:
    return None if math.isnan(odds) else round(chance(odds), 4)


def _known_set(scene: Scene, prompts: np.ndarray) -> dict[str, object]:
    """Return the known prompt set that most of a group's prompts come from, and their share."""
    if scene.known is None or not len(prompts):
        return {}
    found = scene.known[prompts]
    if not (found >= 0).any():
        return {"known_set": None, "known_share": 0.0}
    counts = np.bincount(found[found >= 0])
    return {
        "known_set": scene.known_names[int(counts.argmax())],
        "known_share": round(float(counts.max()) / len(prompts), 4),
    }


def _times(accounts: Accounts, members: np.ndarray) -> dict[str, object]:
    """Return how far the members' spans of time overlap, and how close together they began; nothing without times.

    The overlap of two spans is what they have in common over the shorter one; the mean is over all pairs, of a large
    group over those of 1,000 members spread over it.
    """
    members = members[:: -(-len(members) // _MOST_SPANS) or 1]
    spans = []
    for code in members.tolist():
        times = accounts.times[accounts.offsets[code] : accounts.offsets[code + 1]]
        times = times[times != MISSING]
        if len(times):
            spans.append((times.min(), times.max()))
    if len(spans) < 2:
        return {}
    first, last = np.array(spans, np.float64).T / _DAY
    common = np.minimum(last[:, None], last) - np.maximum(first[:, None], first)
    shorter = np.minimum((last - first)[:, None], last - first)
    share = np.where(shorter > 0, np.clip(common, 0, None) / np.maximum(shorter, 1e-9), common >= 0)
    pairs = share[np.triu_indices(len(first), 1)]
    low, high = np.quantile(first, [0.1, 0.9])
    return {"time_overlap": round(float(pairs.mean()), 4), "starts_within_days": round(float(high - low), 2)}


def _shared_links(names: Sequence[str], links: Mapping[str, Sequence[Link]]) -> list[dict[str, Any]]:
    """Return what two or more members share, the rarest and most shared first."""
    count: Counter[tuple[str, str]] = Counter()
    known: dict[tuple[str, str], Link] = {}
    for name in names:
        for link in links.get(name, ()):
            count[link.kind, link.value] += 1
            known[link.kind, link.value] = link
    rows = [(n * known[k].weight, n, known[k]) for k, n in count.items() if n > 1]
    rows.sort(key=lambda r: (-r[0], r[2].kind, r[2].value))
    return [
        {"kind": k.kind, "value": k.value[:200], "members": n, "accounts": k.n_accounts, "weight": round(k.weight, 3)}
        for _, n, k in rows[:_LINKS]
    ]
