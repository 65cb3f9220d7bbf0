"""Ids that live on: through updates, through builds on top of a store, and what the table of lineage says of both."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from support.day_log import day_rows, quick, write_rows
from support.whole import check_whole
from sweeplens.atlas.aligning import EVENTS
from sweeplens.pipeline import build, update
from sweeplens.store.prune import use
from sweeplens.store.snapshot import open_snapshot

FIRST, SECOND = day_rows(2, range(8), 0, 24), day_rows(3, range(2, 10), 8, 32)


def lineage(snapshot, kind):
    return {r["id"]: r for r in snapshot.table("lineage").to_pylist() if r["kind"] == kind}


def clusters(snapshot):
    return {c["cluster_id"]: c for c in snapshot.table("clusters").to_pylist()}


def members(snapshot):
    """Return the texts of each cluster."""
    found = {}
    texts = snapshot.table("prompts")["text"].to_pylist()
    for text, cluster in zip(texts, snapshot.table("membership")["cluster"].to_pylist(), strict=True):
        if cluster >= 0:
            found.setdefault(cluster, set()).add(text)
    return found


def check_lineage(before, after):
    """What the table says of clusters must be what their prompts say."""
    old, new, rows = members(before), members(after), lineage(after, "cluster")
    assert {int(i) for i, r in rows.items() if r["event"] != "died"} == set(new)
    for name, row in rows.items():
        assert row["event"] in EVENTS
        parents = [int(p) for p in row["parents"]]
        if row["event"] == "died":
            assert (parents, row["n_after"], row["n_shared"]) == ([int(name)], 0, 0)
            assert int(name) not in new
            continue
        assert row["n_after"] == len(new[int(name)])
        assert row["n_before"] == sum(len(old[p]) for p in parents)
        shared = [len(old[p] & new[int(name)]) for p in parents]
        assert row["n_shared"] == sum(shared)
        if row["event"] == "born":
            assert parents == []
            assert int(name) not in old
        if row["event"] == "kept":
            assert int(name) in parents
    alive = {p for r in rows.values() for p in r["parents"]}
    assert {str(i) for i in old} <= alive | set(rows)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A build of one day, an update with the next, and builds of both days on top of either."""
    folder = tmp_path_factory.mktemp("lineage")
    logs = [write_rows(folder / f"{i}.jsonl", rows) for i, rows in enumerate((FIRST, SECOND))]
    about = quick(folder / "store")
    first = build(logs[:1], about)
    shutil.copytree(about.store, folder / "other")
    grown = update(logs[1:], about)
    return SimpleNamespace(
        folder=folder, logs=logs, about=about, first=first.snapshot, grown=grown.snapshot,
        again=build(logs, about).snapshot, rebuilt=build(logs, quick(folder / "other")).snapshot,
    )  # fmt: skip


def test_a_first_build_comes_from_nothing(stores):
    assert stores.first.table("lineage").num_rows == 0
    assert stores.first.manifest["parent"] is None


def test_an_update_says_what_became_of_each_cluster(stores):
    check_lineage(stores.first, stores.grown)
    assert {r["event"] for r in lineage(stores.grown, "cluster").values()} <= {"kept", "born"}


def test_a_build_on_top_says_it_too(stores):
    check_lineage(stores.first, stores.rebuilt)
    check_lineage(stores.grown, stores.again)
    assert stores.rebuilt.manifest["parent"] == stores.first.snapshot_id
    assert stores.again.manifest["parent"] == stores.grown.snapshot_id


def test_a_build_on_top_keeps_the_ids_and_names_of_clusters_that_go_on(stores):
    for before, after in ((stores.first, stores.rebuilt), (stores.grown, stores.again)):
        old, new = members(before), members(after)
        kept = set(old) & set(new)
        assert len(kept) >= 0.7 * len(old)
        common = set(before.table("prompts")["text"].to_pylist()) & set(after.table("prompts")["text"].to_pylist())
        for i in kept:
            shared = len(old[i] & new[i])
            assert shared * 2 >= min(len(old[i] & common), len(new[i] & common))
            assert clusters(after)[i]["name"] == clusters(before)[i]["name"]
        fresh = set(new) - set(old)
        assert all(i >= before.manifest["next_cluster"] for i in fresh)
        assert after.manifest["next_cluster"] >= before.manifest["next_cluster"]
        check_whole(after)


def test_a_build_of_the_same_log_keeps_every_id(stores, tmp_path):
    about = quick(tmp_path / "store")
    shutil.copytree(stores.folder / "other", about.store)
    before = open_snapshot(about.store)
    again = build(stores.logs, about).snapshot
    for name in ("membership", "clusters", "campaigns", "accounts"):
        assert again.table(name).equals(before.table(name)), name
    for row in again.table("lineage").to_pylist():
        assert (row["event"], row["parents"]) == ("kept", [row["id"]])
        assert row["n_before"] == row["n_after"] == row["n_shared"]


def test_ids_of_dead_clusters_are_not_given_again(stores, tmp_path):
    about = quick(tmp_path / "store", window="12h")
    shutil.copytree(stores.folder / "other", about.store)
    before = open_snapshot(about.store)
    strange = [
        {"request_id": f"s{i}", "account_id": "late", "ts": f"2026-03-20T10:{i:02d}:00Z",
         "prompt": f"comet nebula quasar galaxy orbit {('meteor', 'pulsar', 'eclipse')[i % 3]} number {i}"}
        for i in range(40)
    ]  # fmt: skip
    after = update([write_rows(tmp_path / "log.jsonl", strange)], replace(about, min_cluster=8)).snapshot
    rows = lineage(after, "cluster")
    assert {i for i, r in rows.items() if r["event"] == "died"} == {str(i) for i in clusters(before)}
    assert all(i >= before.manifest["next_cluster"] for i in clusters(after))
    assert after.manifest["next_cluster"] >= before.manifest["next_cluster"]
    check_lineage(before, after)
    later = build(stores.logs, replace(about, window="")).snapshot
    assert set(clusters(later)).isdisjoint(clusters(before))


def test_an_update_of_an_older_snapshot_goes_on_from_that_one(stores, tmp_path):
    about = quick(tmp_path / "store")
    shutil.copytree(stores.about.store, about.store)
    use(about.store, stores.first.snapshot_id).close()
    again = update(stores.logs[1:], about).snapshot
    assert again.manifest["parent"] == stores.first.snapshot_id
    assert again.table("clusters").equals(stores.grown.table("clusters"))
    assert again.table("lineage").equals(stores.grown.table("lineage"))


@pytest.fixture(scope="module")
def demo_line(grown_demo, demo_log):
    """The synthetic log: a part of it, an update with the rest, and a build of all on top of that."""
    return grown_demo.first.snapshot, grown_demo.second.snapshot, build([str(demo_log[0])], grown_demo.about).snapshot


def test_campaigns_keep_their_ids_through_updates_and_builds(demo_line, demo, demo_log):
    attacks = {r["campaign_id"] for r in demo_log[1].values() if r["label"] == "attack" and r["campaign_id"]}
    groups = [{c["campaign_id"]: set(c["accounts"]) for c in s.table("campaigns").to_pylist()} for s in demo_line]
    for attack in attacks:
        truth = {account for account, row in demo_log[1].items() if row["campaign_id"] == attack}
        ids = [max(found, key=lambda i, f=found: len(f[i] & truth)) for found in groups]
        assert len(set(ids)) == 1
    for at in (1, 2):
        before, after = groups[at - 1], groups[at]
        rows = lineage(demo_line[at], "campaign")
        assert {i for i, r in rows.items() if r["event"] != "died"} == set(after)
        for i, row in rows.items():
            shared = sum(len(before[p] & after.get(i, set())) for p in row["parents"])
            assert row["n_shared"] == (0 if row["event"] == "died" else shared)
            assert row["n_after"] == len(after.get(i, ()))
        born = [int(i.removeprefix("C-")) for i in set(after) - set(before)]
        assert all(n >= demo_line[at - 1].manifest["next_campaign"] for n in born)
    # What is made of the same log is the same groups, whatever they are called.
    assert {frozenset(a) for a in groups[2].values()} == {
        frozenset(c["accounts"]) for c in demo.snapshot.table("campaigns").to_pylist()
    }


def test_most_prompts_of_the_demo_keep_their_cluster_through_a_build(demo_line):
    _, before, after = demo_line
    check_lineage(before, after)
    old, new = (
        dict(zip(s.table("prompts")["text"].to_pylist(), s.table("membership")["cluster"].to_pylist(), strict=True))
        for s in (before, after)
    )
    both = [t for t in old if old[t] >= 0 and new[t] >= 0]
    assert np.mean([old[t] == new[t] for t in both]) > 0.7
    events = {r["event"] for r in lineage(after, "cluster").values()}
    assert events >= {"kept", "born"}
