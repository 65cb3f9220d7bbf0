"""The difference of two small snapshots, by hand."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from support.altered import Altered, renumbered, with_column
from support.small_store import JUDGED, SENT
from sweeplens.report.changes import AccountChange, CampaignChange, ClusterChange, LevelMove, PromptFlow
from sweeplens.report.difference import difference
from sweeplens.report.facts import LEVELS
from sweeplens.report.plain import to_plain
from sweeplens.store.schema import make_table
from sweeplens.store.snapshot import Snapshot

LATER = "20260401-000000-0a0a0a0a"
# Prompts 0-4 of cluster 0 become a cluster of their own, 9, with the new prompts; cluster 2 is gone, its prompts are in
# cluster 1 but for two that are in none; 39 found a cluster.
LATER_CLUSTER = [*[9] * 5, *[0] * 5, *[1] * 10, *[1] * 8, -1, -1, *[3] * 8, -1, 3]
CAME = 6  # prompts that only the later one has, in cluster 9


def renamed(table: pa.Table, name: str, change: dict[str, Any], key: str = "account_id") -> pa.Table:
    """Return the table with other values of one column, by the key of the row."""
    rows = zip(table[key].to_pylist(), table[name].to_pylist(), strict=True)
    return with_column(table, name, [change.get(k, value) for k, value in rows])


def clusters_of(labels: list[int], names: dict[int, str]) -> pa.Table:
    n, zero = len(names), [0] * len(names)
    return make_table("clusters", {
        "cluster_id": list(names), "name": list(names.values()), "terms": [[]] * n, "exemplars": [[]] * n,
        "capability": ["coding"] * n, "capability_score": zero, "n_prompts": [labels.count(c) for c in names],
        "n_core": zero, "n_placed": zero, "n_requests": zero, "n_accounts": zero, "x": zero, "y": zero,
    })  # fmt: skip


def campaigns_of(members: dict[str, tuple[str, str, list[str]]]) -> pa.Table:
    n = [1] * len(members)
    return make_table("campaigns", {
        "campaign_id": list(members), "label": [m[0] for m in members.values()],
        "level": [m[1] for m in members.values()], "accounts": [m[2] for m in members.values()], "n_requests": n,
        "n_prompts": n, "score": n, "evidence": ["{}"] * len(n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def after(snapshot: Snapshot) -> Altered:
    """The small snapshot a month later: `shop` is gone, `late` is new, scores and clusters have moved."""
    labels = [*LATER_CLUSTER, *[9] * CAME]
    prompts, membership, accounts = (snapshot.table(t) for t in ("prompts", "membership", "accounts"))
    more = with_column(prompts.slice(0, CAME), "prompt_hash", [f"new {i}" for i in range(CAME)])
    prompts = pa.concat_tables([prompts, more.cast(prompts.schema)])
    membership = with_column(pa.concat_tables([membership, membership.slice(0, CAME)]), "cluster", labels)
    accounts = renamed(accounts, "account_id", {"shop": "late"})
    accounts = renamed(accounts, "score", {"chat-1": 0.62, "lone": 0.9, "=cmd": 0.3, "chat-2": None})
    accounts = renamed(accounts, "level", {"chat-1": "review", "lone": "none", "=cmd": "none", "late": "watch"})
    signals = renamed(snapshot.table("signals"), "value", {})
    values = [None if v is None else v + 1.0 for v in signals["value"].to_pylist()]
    requests = snapshot.table("requests")
    who = ["late" if a == "shop" else a for a in requests["account_id"].to_pylist()]
    vectors = np.concatenate([snapshot.vectors[:], np.roll(snapshot.vectors[:CAME], 1, axis=1)])
    tables = {
        "prompts": prompts,
        "membership": membership,
        "accounts": accounts,
        "clusters": clusters_of(labels, {9: "lists", 0: "python", 1: "translate, french", 3: "soup, recipe"}),
        "campaigns": campaigns_of({
            "C-01": ("sweep", "high", ["dealt-a", "dealt-b", "dealt-c", "late"]),
            "C-04": ("sweep", "review", ["lone", "=cmd"]),
        }),
        "signals": make_table("signals", {
            "account_id": ["late" if a == "shop" else a for a in signals["account_id"].to_pylist()],
            "signal": signals["signal"].to_pylist(), "value": values,
            "peer_percentile": signals["peer_percentile"].to_pylist(),
        }),
        "requests": make_table("requests", {
            "request_id": requests["request_id"].to_pylist(), "account_id": who, "request_key": range(len(who)),
            "prompt_id": requests["prompt_id"].to_pylist(), "ts": requests["ts"],
        }),
    }  # fmt: skip
    return Altered(snapshot, tables, LATER, vectors)


def test_a_snapshot_does_not_differ_from_itself(snapshot: Snapshot) -> None:
    found = difference(snapshot, snapshot)
    assert found.before == found.after
    assert found.prompts == PromptFlow(40, 38, 0, 0, 0, 0, 0)
    assert found.clusters.by_event == {"born": 0, "kept": 4, "split": 0, "merged": 0, "died": 0}
    assert (found.clusters.events, found.clusters.grown, found.clusters.shrunk, found.clusters.moved) == (
        (),
        (),
        (),
        (),
    )
    assert [(c.event, c.joined, c.left) for c in found.campaigns] == [("kept", (), ())] * 2
    accounts = found.accounts
    assert (accounts.n_both, accounts.n_new, accounts.n_gone, accounts.n_raised, accounts.moved) == (8, 0, 0, 0, ())
    assert {d.ks for d in (found.score, *found.signals)} == {0.0, None}
    assert found.notes == ()


def test_other_ids_are_no_change(snapshot: Snapshot) -> None:
    ids = {0: 40, 1: 3, 2: 1207, 3: 12}
    found = difference(snapshot, renumbered(snapshot, ids))
    assert found.prompts == PromptFlow(40, 38, 0, 0, 0, 0, 0)
    assert found.clusters.by_event["kept"] == 4
    assert not found.clusters.recorded


def test_prompts_are_followed_from_cluster_to_cluster(snapshot: Snapshot, after: Altered) -> None:
    # 0 goes on as 9, by its first five or by its last five; 8 of cluster 2 are in another, 2 lost theirs, 39 found one.
    assert difference(snapshot, after).prompts == PromptFlow(
        shared=40, stayed=5 + 10 + 8, changed=5 + 8, gained=1, lost=2, came=CAME, went=0
    )


def test_clusters_are_split_merged_and_named_as_in_the_newer_snapshot(snapshot: Snapshot, after: Altered) -> None:
    found = difference(snapshot, after).clusters
    assert not found.recorded
    assert found.by_event == {"born": 0, "kept": 1, "split": 2, "merged": 1, "died": 0}
    by_id = {c.cluster_id: replace(c, distance=None) for c in found.events}
    assert set(by_id) == {0, 1, 9}
    assert by_id[1] == ClusterChange(1, "merged", 1, (1, 2), "translate, french", "translate, french", 10, 18, 18, None)
    assert {(by_id[c].continues, by_id[c].parents) for c in (0, 9)} == {(0, (0,)), (None, (0,))}
    assert [(c.cluster_id, c.n_before, c.n_after) for c in found.grown][:1] == [(1, 10, 18)]
    heir = next(c for c in (by_id[0], by_id[9]) if c.continues == 0)
    assert heir.name_before == "python, function"
    if heir.cluster_id == 0:
        assert [(c.cluster_id, c.n_before, c.n_after) for c in found.shrunk] == [(0, 10, 5)]
    moved = {c.cluster_id: c.distance for c in found.moved}
    vectors = np.asarray(snapshot.vectors[:], np.float64)
    was, now = vectors[10:20].sum(0), vectors[10:28].sum(0)
    cosine = was @ now / np.linalg.norm(was) / np.linalg.norm(now)
    assert moved[1] == pytest.approx(1.0 - cosine, abs=1e-6)
    assert list(moved.values()) == sorted(moved.values(), key=lambda d: -(d or 0.0))


def test_lists_are_cut_where_that_is_asked_for(snapshot: Snapshot, after: Altered) -> None:
    few, everything = difference(snapshot, after, top=1), difference(snapshot, after, top=None)
    assert len(few.accounts.moved) == 1
    assert len(everything.accounts.moved) == 4
    assert few.clusters.by_event == everything.clusters.by_event
    assert [c.event for c in few.clusters.events] == ["split", "merged"]


def test_what_was_recorded_is_taken_for_the_parent(snapshot: Snapshot, after: Altered) -> None:
    rows = [
        ("cluster", "0", "kept", ["0"], 10, 5, 5), ("cluster", "9", "born", [], 0, 11, 0),
        ("cluster", "1", "merged", ["1", "2"], 20, 18, 18), ("cluster", "3", "kept", ["3"], 8, 9, 8),
        ("campaign", "C-01", "kept", ["C-01"], 3, 4, 3), ("campaign", "C-04", "born", [], 0, 2, 0),
        ("campaign", "K-02", "died", ["K-02"], 2, 0, 0),
    ]  # fmt: skip
    names = ("kind", "id", "event", "parents", "n_before", "n_after", "n_shared")
    lineage = make_table("lineage", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    child = Altered(after, {"lineage": lineage}, LATER, after.vectors, parent=snapshot.snapshot_id)  # type: ignore[arg-type]
    found = difference(snapshot, child)  # type: ignore[arg-type]
    assert found.clusters.recorded
    assert found.clusters.by_event == {"born": 1, "kept": 2, "split": 0, "merged": 1, "died": 0}
    assert [(c.event, c.cluster_id, c.parents) for c in found.clusters.events] == [
        ("born", 9, ()),
        ("merged", 1, (1, 2)),
    ]
    assert found.prompts.stayed == 5 + 10 + 8
    assert [(c.event, c.campaign_id) for c in found.campaigns] == [("kept", "C-01"), ("born", "C-04"), ("died", "K-02")]
    stranger = Altered(after, {"lineage": lineage}, LATER, after.vectors, parent="another")  # type: ignore[arg-type]
    assert not difference(snapshot, stranger).clusters.recorded  # type: ignore[arg-type]


def test_campaigns_say_who_joined_and_who_left(snapshot: Snapshot, after: Altered) -> None:
    kept, born, died = difference(snapshot, after).campaigns
    assert kept == CampaignChange(
        "C-01", "kept", "C-01", ("C-01",), "sweep", "sweep", "high", "high", 3, 4, ("late",), ()
    )
    assert born == CampaignChange("C-04", "born", None, (), None, "sweep", None, "review", 0, 2, ("=cmd", "lone"), ())
    assert died == CampaignChange(
        "K-02", "died", None, ("K-02",), "tenant", None, "none", None, 2, 0, (), ("chat-1", "chat-2")
    )


def test_accounts_whose_score_moved_most_come_first(snapshot: Snapshot, after: Altered) -> None:
    found = difference(snapshot, after).accounts
    assert (found.n_both, found.n_new, found.n_gone) == (7, 1, 1)
    assert [a.account_id for a in found.moved] == ["chat-1", "chat-2", "=cmd", "lone"]
    n = len(set(SENT["chat-1"]))
    assert found.moved[0] == AccountChange("chat-1", "none", "review", 0.12, 0.62, pytest.approx(0.5), n, n)
    # One without a score counts as 0 on that side.
    assert (found.moved[1].score_after, found.moved[1].change) == (None, pytest.approx(-0.34))
    # From too little to judge to judged ordinary is no rise.
    assert (found.n_raised, found.n_lowered) == (1, 1)
    assert LevelMove("high", "high", 3) in found.levels
    assert LevelMove(None, "watch", 1) in found.levels
    assert LevelMove(JUDGED["shop"][1], None, 1) in found.levels
    assert sum(move.n_accounts for move in found.levels) == 9
    assert {level for move in found.levels for level in (move.before, move.after)} <= {None, *LEVELS}


def test_signals_that_drifted_most_come_first(snapshot: Snapshot, after: Altered) -> None:
    found = difference(snapshot, after).signals
    assert [d.signal for d in found] == ["cells", "repeats", "locality"]
    assert [d.ks for d in found] == [1.0, 1.0, None]
    assert found[0].median_after == pytest.approx(found[0].median_before + 1.0)
    assert (found[2].n_before, found[2].psi) == (0, None)


def test_a_signal_that_one_snapshot_lacks_is_there_with_a_count(snapshot: Snapshot) -> None:
    signals = snapshot.table("signals")
    only = signals.filter(pa.compute.equal(signals["signal"].cast(pa.string()), "cells"))
    found = difference(snapshot, Altered(snapshot, {"signals": only})).signals
    assert {(d.signal, d.n_before > 0, d.n_after > 0) for d in found} == {
        ("cells", True, True), ("repeats", True, False), ("locality", False, False),
    }  # fmt: skip


def test_what_cannot_be_compared_is_said(snapshot: Snapshot) -> None:
    prompts = snapshot.table("prompts")
    keyed = with_column(prompts, "prompt_hash", [f"keyed {i}" for i in range(40)])
    found = difference(snapshot, Altered(snapshot, {"prompts": keyed}, text="none", encoder={"name": "another"}))
    assert [note.split(":")[0].split(",")[0] for note in found.notes] == [
        "Only one of the two keeps the text of prompts", "The two were encoded differently",
    ]  # fmt: skip
    assert found.prompts == PromptFlow(0, 0, 0, 0, 0, 40, 40)
    assert found.clusters.by_event == {"born": 4, "kept": 0, "split": 0, "merged": 0, "died": 4}
    assert [c.event for c in found.campaigns] == ["kept", "kept"]


def test_nothing_before(snapshot: Snapshot) -> None:
    names = ("requests", "prompts", "use", "membership", "clusters", "accounts", "signals", "curves", "campaigns")
    empty = Altered(snapshot, {name: snapshot.table(name).slice(0, 0) for name in names}, vectors=snapshot.vectors[:0])
    found = difference(empty, snapshot)
    assert (found.clusters.by_event["born"], found.accounts.n_new, found.prompts.came) == (4, 8, 40)
    back = difference(snapshot, empty)
    assert (back.clusters.by_event["died"], back.accounts.n_gone, back.prompts.went) == (4, 8, 40)
    assert [c.event for c in back.campaigns] == ["died", "died"]


def test_all_of_it_is_json(snapshot: Snapshot, after: Altered) -> None:
    plain = json.loads(json.dumps(to_plain(difference(snapshot, after)), allow_nan=False))
    assert plain["clusters"]["by_event"]["merged"] == 1
    assert set(plain) == {
        "before", "after", "prompts", "clusters", "campaigns", "accounts", "score", "signals", "notes",
    }  # fmt: skip
