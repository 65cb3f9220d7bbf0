"""Ids that clusters and campaigns keep from snapshot to snapshot."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.atlas.aligning import (
    EVENTS,
    MATCH,
    PART,
    CampaignAlignment,
    ClusterAlignment,
    Lineage,
    align_campaigns,
    align_clusters,
)

IDS = (3, 8, 11, 40)  # ids of old clusters: neither in a row nor from 0
NEXT = 41


def align(old: Sequence[int], new: Sequence[int], ids: Sequence[int] = IDS, more: int = 0) -> ClusterAlignment:
    """Align labels; `more` prompts of each new cluster are in the new snapshot alone."""
    k = max(new, default=-1) + 1
    return align_clusters(
        np.array(old, np.int32), np.array(new, np.int32), old_ids=ids, old_sizes=[old.count(i) for i in ids],
        new_sizes=[new.count(c) + more for c in range(k)], next_id=NEXT,
    )  # fmt: skip


def only(found: ClusterAlignment | CampaignAlignment, name: str) -> Lineage:
    (row,) = [row for row in found.lineage if row.id == name]
    return row


def test_a_cluster_that_grew_keeps_its_id() -> None:
    found = align([3] * 4 + [8] * 5, [1] * 4 + [0] * 5, (8, 3), more=90)
    assert found.ids.tolist() == [8, 3]
    assert found.next_id == NEXT
    assert found.lineage == (
        Lineage("cluster", "8", "kept", ("8",), 5, 95, 5),
        Lineage("cluster", "3", "kept", ("3",), 4, 94, 4),
    )


def test_what_shares_too_little_is_born_and_what_nobody_continues_died() -> None:
    # One of three, and one of four: under half of either, and a single part.
    found = align([8] * 3 + [-1] * 3, [0, -1, -1, 0, 0, 0], (8,))
    assert found.ids.tolist() == [41]
    assert found.next_id == 42
    assert found.lineage == (
        Lineage("cluster", "41", "born", (), 0, 4, 0),
        Lineage("cluster", "8", "died", ("8",), 3, 0, 0),
    )


def test_the_larger_part_of_a_split_cluster_keeps_the_id() -> None:
    found = align([3] * 10, [0] * 4 + [1] * 6, (3,))
    assert found.ids.tolist() == [41, 3]
    assert only(found, "3") == Lineage("cluster", "3", "split", ("3",), 10, 6, 6)
    assert only(found, "41") == Lineage("cluster", "41", "split", ("3",), 10, 4, 4)


def test_a_cluster_that_lost_a_crumb_is_kept() -> None:
    found = align([3] * 10, [0] * 9 + [1], (3,))
    assert only(found, "3").event == "kept"
    assert only(found, "41") == Lineage("cluster", "41", "split", ("3",), 10, 1, 1)


def test_merged_clusters_live_on_under_the_id_of_the_larger_one() -> None:
    found = align([3] * 4 + [8] * 6, [0] * 10, (3, 8))
    assert found.ids.tolist() == [8]
    assert found.lineage == (Lineage("cluster", "8", "merged", ("3", "8"), 10, 10, 10),)


def test_the_total_of_shared_prompts_decides_who_gets_an_id() -> None:
    # 3 shares six with the first and five with the second, 8 five with the first only: 5 + 5 beats 6.
    found = align([3] * 11 + [8] * 5, [0] * 6 + [1] * 5 + [0] * 5, (3, 8))
    assert found.ids.tolist() == [8, 3]


def test_nothing_old_and_nothing_new() -> None:
    nothing = align([], [], ())
    assert (nothing.ids.tolist(), nothing.next_id, nothing.lineage) == ([], NEXT, ())
    first = align([-1, -1], [0, 0], ())
    assert (first.ids.tolist(), first.next_id, first.lineage[0].event) == ([41], 42, "born")
    last = align([3, 3], [-1, -1], (3,))
    assert (last.ids.tolist(), last.next_id, last.lineage[0].event) == ([], 41, "died")


@st.composite
def labels(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    n = draw(st.integers(0, 30))
    old = draw(st.lists(st.sampled_from((-1, *IDS)), min_size=n, max_size=n))
    raw = draw(st.lists(st.integers(-1, 4), min_size=n, max_size=n))
    names = sorted({c for c in raw if c >= 0})
    return old, [names.index(c) if c >= 0 else -1 for c in raw]


@given(labels(), st.randoms())
def test_a_permutation_of_labels_keeps_all_ids(sides: tuple[list[int], list[int]], order: Random) -> None:
    old, _ = sides
    present = sorted({c for c in old if c >= 0})
    numbers = list(range(len(present)))
    order.shuffle(numbers)
    found = align(old, [numbers[present.index(c)] if c >= 0 else -1 for c in old], present)
    assert [int(found.ids[numbers[i]]) for i in range(len(present))] == present
    assert found.next_id == NEXT
    assert {row.event for row in found.lineage} <= {"kept"}


@given(labels())
def test_ids_are_unique_and_every_old_one_is_accounted_for(sides: tuple[list[int], list[int]]) -> None:
    found = align(*sides)
    ids = found.ids.tolist()
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {*IDS, *range(NEXT, found.next_id)}
    assert {name for row in found.lineage for name in (row.id, *row.parents)} == {str(i) for i in {*IDS, *ids}}
    assert len({row.id for row in found.lineage}) == len(found.lineage)
    assert {row.event for row in found.lineage} <= set(EVENTS)


@given(labels())
def test_pairs_share_as_many_prompts_as_any_pairing_and_events_are_as_they_are_defined(
    sides: tuple[list[int], list[int]],
) -> None:
    old, new = sides
    before = {x: {i for i, c in enumerate(old) if c == x} for x in IDS}
    after = {y: {i for i, c in enumerate(new) if c == y} for y in range(max(new, default=-1) + 1)}

    def alike(x: int, y: int) -> bool:
        both = len(before[x] & after[y])
        return both > 0 and (both >= MATCH * len(before[x]) or both >= MATCH * len(after[y]))

    def holds(y: int, x: int, share: float) -> bool:
        return bool(before[x]) and len(before[x] & after[y]) >= share * len(before[x])

    found = align(old, new)
    ids = found.ids.tolist()
    kept = [(x, y) for y, x in enumerate(ids) if x < NEXT]
    assert all(alike(x, y) for x, y in kept)
    slots = [*after, *[-1] * len(IDS)]
    best = max(
        sum(len(before[x] & after[y]) for x, y in zip(IDS, chosen, strict=True) if y >= 0 and alike(x, y))
        for chosen in set(permutations(slots[:8], len(IDS)))
    )
    assert sum(len(before[x] & after[y]) for x, y in kept) == best

    parts = {x: [y for y in after if alike(x, y) or holds(y, x, PART)] for x in IDS}
    parts = {x: [] if len(ys) == 1 and not alike(x, ys[0]) else ys for x, ys in parts.items()}
    for row, y in zip(found.lineage, after, strict=False):
        parents = [x for x in IDS if y in parts[x]]
        assert row.parents == tuple(str(x) for x in parents)
        assert row.n_shared == sum(len(before[x] & after[y]) for x in parents)
        shattered = [x for x in IDS if sum(holds(z, x, PART) for z in after) > 1]
        if not parents:
            expected = "born"
        elif sum(holds(y, x, MATCH) for x in IDS) > 1:
            expected = "merged"
        else:
            expected = "split" if ids[y] >= NEXT or ids[y] in shattered else "kept"
        assert row.event == expected
    died = [row for row in found.lineage if row.event == "died"]
    assert [row.id for row in died] == [str(x) for x in IDS if not parts[x]]


def test_a_campaign_keeps_its_id_where_half_of_the_smaller_one_stays() -> None:
    old = {"C-02": ["a", "b", "c", "d"], "C-05": ["m", "n"]}
    new = [["m", "n", "o", "p", "q"], ["a", "b", "x", "y", "z"], ["v", "w"]]
    found = align_campaigns(old, new, next_number=9)
    assert found.ids == ("C-05", "C-02", "C-09")
    assert found.next_number == 10
    assert only(found, "C-05") == Lineage("campaign", "C-05", "kept", ("C-05",), 2, 5, 2)
    assert only(found, "C-09") == Lineage("campaign", "C-09", "born", (), 0, 2, 0)


def test_a_campaign_that_shares_less_than_half_of_the_smaller_one_is_another() -> None:
    found = align_campaigns({"C-01": ["a", "b", "c"]}, [["a", "x", "y", "z"]], next_number=2)
    assert found.ids == ("C-02",)
    assert [row.event for row in found.lineage] == ["born", "died"]


def test_campaigns_that_merge_go_on_as_the_one_with_most_members() -> None:
    old = {"C-01": ["a", "b"], "C-02": ["c", "d", "e"]}
    found = align_campaigns(old, [["a", "b", "c", "d", "e"]], next_number=3)
    assert found.ids == ("C-02",)
    assert found.lineage == (Lineage("campaign", "C-02", "merged", ("C-01", "C-02"), 5, 5, 5),)


def test_of_two_equal_parts_the_one_with_less_else_goes_on() -> None:
    found = align_campaigns({"C-01": list("abcd")}, [list("abxyz"), list("cd")], next_number=2)
    assert found.ids == ("C-02", "C-01")
    assert {row.event for row in found.lineage} == {"split"}


def test_no_campaigns_before_or_after() -> None:
    assert align_campaigns({}, [], next_number=1) == CampaignAlignment((), 1, ())
    assert align_campaigns({}, [["a"]], next_number=1).ids == ("C-01",)
    assert align_campaigns({"C-100": ["a"]}, [], next_number=101).lineage[0].event == "died"


@st.composite
def memberships(draw: st.DrawFn) -> tuple[dict[str, list[str]], list[list[str]]]:
    accounts = [f"a{i}" for i in range(draw(st.integers(0, 16)))]
    sides = [draw(st.lists(st.integers(0, 4), min_size=len(accounts), max_size=len(accounts))) for _ in range(2)]
    groups = [[[a for a, c in zip(accounts, side, strict=True) if c == g] for g in range(4)] for side in sides]
    return {f"C-{i:02d}": g for i, g in enumerate(groups[0], 1) if g}, [g for g in groups[1] if g]


@given(memberships())
def test_campaigns_are_paired_with_their_best_match_alone(sides: tuple[dict[str, list[str]], list[list[str]]]) -> None:
    old, new = sides
    found = align_campaigns(old, new, next_number=5)
    assert len(set(found.ids)) == len(found.ids)
    assert {n for row in found.lineage for n in (row.id, *row.parents)} == {*old, *found.ids}
    shared = {(x, y): len(set(old[x]) & set(members)) for x in old for y, members in enumerate(new)}
    for y, name in enumerate(found.ids):
        rivals = [n for (a, b), n in shared.items() if (a == name) != (b == y)]
        if name in old:
            assert shared[name, y] >= min(len(old[name]), len(new[y])) / 2
            assert shared[name, y] >= max(rivals, default=0)
        else:
            sole = [x for x in old if 2 * shared[x, y] >= min(len(old[x]), len(new[y])) and shared[x, y] > max(
                [n for (a, b), n in shared.items() if (a == x) != (b == y)], default=0)]  # fmt: skip
            assert not sole


@given(memberships(), st.randoms())
def test_campaigns_in_another_order_keep_their_ids(
    sides: tuple[dict[str, list[str]], list[list[str]]], order: Random
) -> None:
    old, _ = sides
    names = list(old)
    order.shuffle(names)
    found = align_campaigns(old, [old[name] for name in names], next_number=5)
    assert found.ids == tuple(names)
    assert {row.event for row in found.lineage} <= {"kept"}
