"""What a few accounts have in common, and what sets them apart, by a count over the literal log."""

import pytest

from support.small_store import SENT
from sweeplens.report.account import account_evidence
from sweeplens.report.compare import Comparison, compare_accounts
from sweeplens.report.facts import SharedLink
from sweeplens.report.shared import shared_links
from sweeplens.store.snapshot import Snapshot


def compare(snapshot: Snapshot, *ids: str) -> Comparison:
    return compare_accounts(snapshot, [account_evidence(snapshot, a) for a in ids])


def cells(account: str) -> set[int]:
    return {p // 2 for p in SENT[account]}


@pytest.mark.parametrize(
    "ids", [("lone", "chat-1"), ("dealt-a", "dealt-b", "lone"), ("shop", "chat-1", "chat-2", "=cmd")]
)
def test_ground_and_prompts_in_common_are_those_of_the_log(snapshot: Snapshot, ids: tuple[str, ...]) -> None:
    found = compare(snapshot, *ids)
    assert found.cells == tuple(len(cells(a)) for a in ids)
    assert found.cells_together == len(set.union(*map(cells, ids)))
    assert found.cells_of_all == len(set.intersection(*map(cells, ids)))
    sent = {p: tuple(SENT[a].count(p) for a in ids) for a in ids for p in SENT[a]}
    several = {p: n for p, n in sent.items() if sum(k > 0 for k in n) > 1}
    assert {c.prompt_id: c.sent for c in found.shared} == several
    assert found.n_shared == len(several)
    for pair in found.pairs:
        assert pair.shared_cells == len(cells(pair.first) & cells(pair.second))
        assert pair.shared_prompts == len(set(SENT[pair.first]) & set(SENT[pair.second]))
    assert len(found.pairs) == len(ids) * (len(ids) - 1) // 2


def test_likeness_is_that_of_the_nearest_accounts(snapshot: Snapshot) -> None:
    near = {n.account_id: n.similarity for n in account_evidence(snapshot, "shop").nearest}
    (pair,) = compare(snapshot, "shop", "chat-1").pairs
    assert pair.similarity == pytest.approx(near["chat-1"])


def test_the_headline_counts(snapshot: Snapshot) -> None:
    assert compare(snapshot, "dealt-a", "chat-1").headline == (
        "Both visit 1 of the 14 cells that they cover together, and one prompt was sent by both."
    )
    assert compare(snapshot, "dealt-a", "dealt-b", "chat-2").headline.startswith("All 3 visit 3 of the 12 cells")
    assert compare(snapshot, "=cmd", "chat-2").headline == (
        "Of the 6 cells that they cover together, none is visited by both, and no prompt was sent by both."
    )


def test_signals_stand_by_what_sets_the_scores_apart(snapshot: Snapshot) -> None:
    found = compare(snapshot, "dealt-a", "chat-1")
    first, second = found.differences[:2]
    assert (first.signal, first.adds) == ("campaign", 2.0)
    assert (second.signal, second.adds) == ("cells", 1.5)
    assert first.facts[1] is None
    rest = [d for d in found.differences if d.adds is None]
    assert {d.signal for d in rest} == {"repeats", "locality"}


def test_links_in_common_are_those_of_the_table(snapshot: Snapshot) -> None:
    ids = ("dealt-b", "dealt-a", "chat-1")
    found = compare(snapshot, *ids).links
    expected = shared_links(snapshot, ids)
    assert [
        SharedLink(k.kind, k.value, len(k.who), k.n_accounts, e.weight) for k, e in zip(found, expected, strict=True)
    ] == list(expected)
    assert {k.kind: k.who for k in found} == {"ip": ("dealt-b", "dealt-a"), "org": ids}
    assert compare(snapshot, "lone", "shop").links == ()
