"""Campaigns: groups of like accounts, tested as one, labelled, with the evidence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sweeplens.detect.accounts import AccountScores
from sweeplens.detect.calibration import HIGH
from sweeplens.detect.detector import Detector, chance
from sweeplens.detect.evidence import Scene, gather, mean_odds
from sweeplens.detect.group_test import GroupTest
from sweeplens.detect.groups import LEAST, find_groups
from sweeplens.detect.halves import take_halves
from sweeplens.detect.joining import Near, join_parts
from sweeplens.detect.links import Link
from sweeplens.detect.nulls import Null, group_p
from sweeplens.detect.partition import COPIES
from sweeplens.detect.pools import find_beside, find_pools, shared_values
from sweeplens.detect.population import Population
from sweeplens.detect.prints import Prints
from sweeplens.signals.account import Accounts
from sweeplens.signals.ground import Ground

SWEEP, TENANT, TEMPLATE, BENCHMARK, UNDECIDED = "sweep", "tenant", "template", "benchmark", "undecided"
# Log-odds of a group at least, and p at most, for a sweep. 0 is an even chance in training, where honest groups and
# attacks weigh the same; held out, 0 alone lets one honest group in twelve pass, and of 131 these two let none pass.
LIKELY, RARE = 0.5, 0.08
_FAR = 5.0  # log-odds under its members' mean, and under -3 by itself: such a member of a sweep is in bad company
_HONEST = -3.0
# Log-odds of its own under which an account does not join a sweep by a part of its prompts, and is raised to the level
# of the sweep it is in only where its fellows lie there, too. In held-out logs 95 of 100 attackers in sweeps are raised
# so, and half of the honest people in mixed groups are not.
DOUBTFUL = -0.5
_SAME_ORG = 0.8  # share of the members in one organisation that makes a group a tenant's keys
_KNOWN = 0.5  # share of the prompts from one known set that makes a benchmark run
_NARROW = 8.0  # cells in 40 prompts of the union under which a group is one narrow job
# Evidence that says how a group was tested: with these members, whoever leaves or joins it later.
_OF_TEST = ("weights", "n_fingerprints", "beside")
_ALIKE = 0.05  # likeness of the halves that formed no group, at least: a group by chance has none


@dataclass(frozen=True)
class Campaign:
    """A group of accounts that acts as one. `codes` are its members; `score` is that of the group, 0 to 1.

    `p_value` is how rare such a group is among honest ones, and `q_value` that after correction for all that was
    tested; both NaN where no reference says.
    """

    campaign_id: str
    label: str
    codes: tuple[int, ...]
    n_requests: int
    n_prompts: int
    score: float
    level: str
    evidence: dict[str, object] = field(default_factory=dict)
    p_value: float = math.nan
    q_value: float = math.nan


@dataclass(frozen=True)
class _Tested:
    """A group as it was tested, before single accounts join."""

    members: np.ndarray
    label: str
    odds: float
    p_value: float
    evidence: dict[str, object]


def find_campaigns(
    accounts: Accounts,
    ground: Ground,
    scores: AccountScores,
    detector: Detector,
    prints: Prints,
    *,
    values: np.ndarray,
    test: GroupTest | None = None,
    population: Population | None = None,
    links: Sequence[Link] = (),
    near: Near | None = None,
    nulls: Sequence[Null] = (),
    known: np.ndarray | None = None,
    known_names: Sequence[str] = (),
) -> tuple[Campaign, ...]:
    """Group accounts by fingerprint and by what they share, and judge each group; sweeps come first.

    `prints` and `values`, the signals [N, S], are of these accounts; `test` is the learned test of groups. `nulls` are
    the groups of honest logs; `near` gives the neighbours of prompts, and without it no account joins a sweep by a part
    of its prompts; `known` is the known set of each prompt, int32 with -1 for none.
    """
    halves = take_halves(prints, population)
    scene = Scene(accounts, ground, values, scores.own, test, halves, _by_account(links), known, known_names)
    tested = [_test(scene, members, beside, nulls) for members, beside in _all_groups(scene, links)]
    if near is not None:
        tested = _join(scene, tested, near)
    tested.sort(key=lambda t: (t.label != SWEEP, -_or_lowest(t.odds), -len(t.members), int(t.members[0])))
    return tuple(_campaign(f"C-{i:02d}", t, detector) for i, t in enumerate(tested, 1))


def judge_group(odds: float, p_value: float, evidence: Mapping[str, object]) -> str:
    """Return the label of a group from its log-odds, its p (NaN for none) and its evidence.

    What explains a group honestly comes first: one organisation, a known prompt set, copies of one set of prompts.
    """
    cells = evidence.get("union_cells_in_40")
    narrow = isinstance(cells, int | float) and cells <= _NARROW
    if _number(evidence, "same_org") >= _SAME_ORG:
        return TENANT
    if _number(evidence, "known_share") >= _KNOWN:
        return BENCHMARK
    if evidence.get("dealing") == COPIES:
        return TEMPLATE if narrow else BENCHMARK
    strong = _or_lowest(odds) >= LIKELY and not p_value > RARE
    formed = _number(evidence, "n_fingerprints") < 2 or _number(evidence, "tested_likeness") >= _ALIKE
    if strong and formed and _number(evidence, "n_accounts") >= LEAST:
        return SWEEP
    return TEMPLATE if narrow else UNDECIDED


def _all_groups(scene: Scene, links: Sequence[Link]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return disjoint groups, each with the accounts beside it, and pools of small accounts, which have none.

    Beside a group by fingerprint are accounts that share a rare value with it and have too few prompts to say more:
    they are named, and neither counted nor raised with it.
    """
    accounts = scene.accounts
    groups = find_groups(scene.halves)
    free = np.ones(len(accounts), bool)
    free[scene.halves.codes] = False
    nobody = np.empty(0, np.int64)
    if not free.any():
        return [(members, nobody) for members in groups]
    values = shared_values(accounts, links, scene.ground.is_long)
    found = list(zip(groups, find_beside(groups, values, free), strict=True))
    for _, beside in found:
        free[beside] = False
    return found + [(pool, nobody) for pool in find_pools(accounts, values, free, LEAST)]


def _test(scene: Scene, members: np.ndarray, beside: np.ndarray, nulls: Sequence[Null]) -> _Tested:
    odds, evidence = gather(scene, members)
    evidence["n_fingerprints"] = len(scene.halves.places(members))
    if len(beside):
        evidence["beside"] = [scene.accounts.names[c] for c in beside.tolist()]
    p_value = group_p(odds, nulls)
    label = judge_group(odds, p_value, evidence)
    if label == SWEEP:
        own = scene.own[members]
        kept = members[~((own < _HONEST) & (own < mean_odds(own) - _FAR))]
        if len(kept) < len(members):
            # Whoever mixes much of something else into a share of the sweep can still join by that part.
            evidence = _gather_anew(scene, kept, evidence)
            members, label = kept, label if len(kept) >= LEAST else UNDECIDED
    return _Tested(members, label, odds, p_value, evidence)


def _gather_anew(scene: Scene, members: np.ndarray, tested: Mapping[str, object]) -> dict[str, object]:
    """Return the evidence of other members than were tested; what belongs to the test stays as it was."""
    return gather(scene, members)[1] | {key: tested[key] for key in _OF_TEST if key in tested}


def _join(scene: Scene, tested: list[_Tested], near: Near) -> list[_Tested]:
    """Let accounts join the sweep that a part of their prompts belongs to, out of groups that nothing explains.

    The test of a group stays that of the members it was formed with: who joins by likeness to them proves nothing.
    """
    sweeps = [t for t in tested if t.label == SWEEP]
    taken = np.zeros(len(scene.accounts), bool)
    taken[scene.own < DOUBTFUL] = True
    for t in tested:
        if t.label in {TENANT, BENCHMARK}:
            taken[t.members] = True
    joined = join_parts([t.members for t in sweeps], scene.accounts, scene.halves, near, taken)
    gone = np.concatenate([np.empty(0, np.int64), *joined])
    if not len(gone):
        return tested
    kept = [_without(scene, t, gone) for t in tested if t.label != SWEEP]
    grown = [_with(scene, t, more) for t, more in zip(sweeps, joined, strict=True)]
    return grown + [t for t in kept if len(t.members) >= LEAST]


def _with(scene: Scene, tested: _Tested, more: np.ndarray) -> _Tested:
    if not len(more):
        return tested
    members = np.sort(np.r_[tested.members, more])
    evidence = _gather_anew(scene, members, tested.evidence) | {"n_joined": len(more)}
    return replace(tested, members=members, evidence=evidence)


def _without(scene: Scene, tested: _Tested, gone: np.ndarray) -> _Tested:
    members = tested.members[~np.isin(tested.members, gone)]
    if len(members) in {0, len(tested.members)}:
        return replace(tested, members=members)
    return replace(tested, members=members, evidence=_gather_anew(scene, members, tested.evidence))


def _campaign(campaign_id: str, tested: _Tested, detector: Detector) -> Campaign:
    score = 0.0 if math.isnan(tested.odds) else chance(tested.odds)
    return Campaign(
        campaign_id, tested.label, tuple(int(c) for c in tested.members), int(_number(tested.evidence, "n_requests")),
        int(_number(tested.evidence, "n_prompts")), score, _level(tested, score, detector), tested.evidence,
        tested.p_value,
    )  # fmt: skip


def _level(tested: _Tested, score: float, detector: Detector) -> str:
    """Return the level of a group: only sweeps have one; a detector without training never goes above watch."""
    if tested.label != SWEEP:
        return "none"
    if detector.fallback:
        return "watch"
    return "high" if tested.p_value <= HIGH or score >= detector.levels["high"] else "review"


def _by_account(links: Sequence[Link]) -> dict[str, list[Link]]:
    by_account: dict[str, list[Link]] = {}
    for link in links:
        by_account.setdefault(link.account_id, []).append(link)
    return by_account


def _or_lowest(odds: float) -> float:
    return -math.inf if math.isnan(odds) else odds


def _number(evidence: Mapping[str, object], key: str) -> float:
    value = evidence.get(key, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
