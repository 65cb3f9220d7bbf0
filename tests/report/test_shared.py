"""What several accounts have in common agrees with a count by hand over the literal log."""

import numpy as np

from support.small_store import SENT
from sweeplens.report.columns import columns_of
from sweeplens.report.shared import prompts_of, shared_links, shared_prompts
from sweeplens.store.snapshot import Snapshot

GROUP = ("chat-1", "lone", "shop")


def rows_of(snapshot: Snapshot, accounts: tuple[str, ...]) -> np.ndarray:
    return np.array([columns_of(snapshot).position[a] for a in accounts])


def test_prompts_of_several_accounts_are_counted_with_who_else_sent_them(snapshot: Snapshot) -> None:
    sent = prompts_of(snapshot, rows_of(snapshot, GROUP))
    all_of_them = [p for a in GROUP for p in SENT[a]]
    assert sent.ids.tolist() == sorted(set(all_of_them))
    assert sent.sent.tolist() == [all_of_them.count(p) for p in sent.ids]
    by = {p: sum(p in SENT[a] for a in GROUP) for p in all_of_them}
    assert dict(zip(sent.ids.tolist(), sent.members.tolist(), strict=True)) == by
    shared = shared_prompts(snapshot, sent)
    assert {s.prompt_id for s in shared} == {p for p, n in by.items() if n > 1}
    for s in shared:
        everybody = sum(s.prompt_id in own for own in SENT.values())
        assert (s.n_members, s.n_others) == (by[s.prompt_id], everybody - by[s.prompt_id])


def test_prompts_of_most_accounts_stand_first_then_those_sent_most_often(snapshot: Snapshot) -> None:
    shared = shared_prompts(snapshot, prompts_of(snapshot, rows_of(snapshot, GROUP)))
    assert [s.n_members for s in shared] == sorted((s.n_members for s in shared), reverse=True)
    assert shared[0].prompt_id == 30  # sent seven times by three accounts


def test_accounts_that_share_nothing_have_no_shared_prompts(snapshot: Snapshot) -> None:
    assert shared_prompts(snapshot, prompts_of(snapshot, rows_of(snapshot, ("dealt-a", "dealt-b")))) == ()


def test_links_count_those_in_the_group_and_in_the_log(snapshot: Snapshot) -> None:
    links = shared_links(snapshot, ("dealt-a", "dealt-b", "chat-1"))
    assert [(k.kind, k.value, k.n_members, k.n_accounts) for k in links] == [
        ("org", "org-9", 3, 3), ("ip", "192.0.2.7", 2, 2),
    ]  # fmt: skip
    assert shared_links(snapshot, ("dealt-c",)) == ()
