"""Campaigns: groups of like accounts, tested as one, labelled, with the evidence."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sweeplens.detect.accounts import AccountScores
from sweeplens.detect.detector import Detector, chance, log_odds
from sweeplens.detect.fingerprints import Fingerprints, take_fingerprints
from sweeplens.detect.groups import find_groups, likeness
from sweeplens.detect.links import Link
from sweeplens.signals.account import Accounts
from sweeplens.signals.catalog import SIGNALS
from sweeplens.signals.ground import Ground
from sweeplens.signals.measure import measure_account

SWEEP, TENANT, TEMPLATE, BENCHMARK, UNDECIDED = "sweep", "tenant", "template", "benchmark", "undecided"
_SAME_ORG = 0.8  # share of the members in one organisation that makes a group a tenant's keys
_SAME_PROMPTS = 0.3  # share of the prompts that two or more members sent word for word: a public set, or a template
_FEWEST = 5  # members of a sweep: four accounts that are alike are found by chance too often
_NARROW = 8.0  # cells in 40 prompts of the union under which a group is one narrow job
_CLOSENESS = np.array([s.family == "closeness" for s in SIGNALS])


@dataclass(frozen=True)
class Campaign:
    """A group of accounts that acts as one. `codes` are its members; `score` is that of the group, 0 to 1."""

    campaign_id: str
    label: str
    codes: tuple[int, ...]
    n_requests: int
    n_prompts: int
    score: float
    level: str
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Scene:
    """What every group of one log is judged with."""

    accounts: Accounts
    ground: Ground
    scores: AccountScores
    detector: Detector
    prints: Fingerprints
    links: dict[str, list[Link]]


def find_campaigns(
    accounts: Accounts, ground: Ground, scores: AccountScores, detector: Detector, links: Sequence[Link] = ()
) -> tuple[Campaign, ...]:
    """Group accounts by fingerprint and judge each group by its members and by their union; sweeps come first."""
    prints = take_fingerprints(ground.vectors, accounts)
    scene = _Scene(accounts, ground, scores, detector, prints, _links_by_account(links))
    found = []
    for members in find_groups(prints):
        evidence = _gather(scene, members)
        label, score = judge_group(evidence, detector)
        found.append((label, score, members, evidence))
    found.sort(key=lambda f: (f[0] != SWEEP, -f[1], -len(f[2]), int(f[2][0])))
    return tuple(_campaign(f"C-{i:02d}", *parts, detector) for i, parts in enumerate(found, 1))


def judge_group(evidence: dict[str, object], detector: Detector) -> tuple[str, float]:
    """Return (label, score) of a group from its evidence.

    The log-odds of the score are those of the members' mean, taken twice, and of their union, taken once.
    """
    mean, union = log_odds(_number(evidence, "mean_score")), log_odds(_number(evidence, "union_score"))
    score = chance((2 * mean + union) / 3)
    if _number(evidence, "same_org") >= _SAME_ORG:
        return TENANT, score
    if _number(evidence, "shared_prompts") >= _SAME_PROMPTS:
        return BENCHMARK if _number(evidence, "union_cells_in_40") > _NARROW else TEMPLATE, score
    if score >= detector.levels["campaign"] and _number(evidence, "n_accounts") >= _FEWEST:
        return SWEEP, score
    return TEMPLATE if _number(evidence, "union_cells_in_40") <= _NARROW else UNDECIDED, score


def _scores_of(scene: _Scene, members: np.ndarray, union: np.ndarray) -> tuple[float, float]:
    """Return the score of the members' mean log-odds, and that of their union, taken as one account.

    How near a pool is to others says nothing once the pool holds all who are near: for the family "closeness" the
    union takes the members' mean. A detector without training cannot judge a union; it takes the mean.
    """
    able = members[~np.isnan(scene.scores.score[members])]
    weights = scene.scores.weights[able]
    mean = scene.detector.base + float(weights.sum(1).mean())
    if scene.detector.fallback:
        return chance(mean), chance(mean)
    own = scene.detector.contributions(union[None])[0]
    return chance(mean), chance(scene.detector.base + float(np.where(_CLOSENESS, weights.mean(0), own).sum()))


def _campaign(  # noqa: PLR0917 - the parts of a group, in the order in which they are sorted
    campaign_id: str, label: str, score: float, members: np.ndarray, evidence: dict[str, object], detector: Detector
) -> Campaign:
    level = detector.level(score)
    if label == SWEEP and level in {"none", "watch"}:
        level = "review"
    if label != SWEEP:
        level = "none"
    return Campaign(
        campaign_id, label, tuple(int(c) for c in members), int(_number(evidence, "n_requests")),
        int(_number(evidence, "n_prompts")), score, level, evidence,
    )  # fmt: skip


def _gather(scene: _Scene, members: np.ndarray) -> dict[str, object]:
    """Collect what is known of a group: how alike, how the members share the ground, what they are together."""
    accounts, ground = scene.accounts, scene.ground
    union = accounts.union(members.tolist())
    own = [accounts.one(c).distinct for c in members.tolist()]
    values = measure_account(union, ground)
    rows = scene.prints.scaled()[np.searchsorted(scene.prints.codes, members)]
    alike = likeness(rows)[np.triu_indices(len(members), 1)]
    senders = Counter(p for d in own for p in d.tolist())
    cells = [set(ground.cell[d].tolist()) for d in own]
    covered = set().union(*cells)
    mean_score, union_score = _scores_of(scene, members, values)
    shared = _shared_links([accounts.names[c] for c in members], scene.links)
    orgs = [_number(k, "members") for k in shared if k["kind"] == "org"]
    return {
        "n_accounts": len(members),
        "n_requests": len(union.requests),
        "n_prompts": len(union.distinct),
        "mean_likeness": round(float(alike.mean()), 4),
        "least_likeness": round(float(alike.min()), 4),
        "mean_score": round(mean_score, 4),
        "union_score": round(union_score, 4),
        "union_cells_in_40": round(40 * float(values[0]), 2),
        "union_cells": len(covered),
        "largest_member_cells": max(map(len, cells)),
        "cell_overlap": round(_mean_overlap(cells), 4),
        "shared_prompts": round(sum(n > 1 for n in senders.values()) / max(1, len(senders)), 4),
        "same_org": round(max(orgs, default=0.0) / len(members), 4),
        "links": shared,
    }


def _mean_overlap(cells: list[set[int]]) -> float:
    """Return the mean share of its cells that a member has in common with the next: low where ground was dealt out."""
    pairs = list(itertools.pairwise(cells))
    return float(np.mean([len(a & b) / max(1, min(len(a), len(b))) for a, b in pairs])) if pairs else 0.0


def _links_by_account(links: Sequence[Link]) -> dict[str, list[Link]]:
    by_account: dict[str, list[Link]] = {}
    for link in links:
        by_account.setdefault(link.account_id, []).append(link)
    return by_account


def _shared_links(names: Sequence[str], links: dict[str, list[Link]], most: int = 8) -> list[dict[str, object]]:
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
        for _, n, k in rows[:most]
    ]


def _number(evidence: dict[str, object], key: str) -> float:
    value = evidence.get(key, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
