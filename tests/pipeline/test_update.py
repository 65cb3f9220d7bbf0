"""A log on top of a snapshot: what comes to it counts once, what was there stays, and all is as if built at once."""

import csv
import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr

from support.day_log import day_rows, quick, write_rows
from support.old_store import write_old_snapshot
from support.whole import MAP_SIGNALS, asked, check_whole, differing, rows_by, signals_of, use_of
from sweeplens.errors import LogError, NotFoundError, RejectsError, StoreError
from sweeplens.pipeline import build, update
from sweeplens.store.snapshot import open_snapshot, read_current
from sweeplens.store.verify import verify

FIRST, SECOND = day_rows(2, range(6), 0, 16), day_rows(3, range(3, 9), 10, 26)
OVERLAP = day_rows(2, range(2, 4), 0, 16)
PARTS = ("requests", "prompts", "texts")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A store built of the first day and updated with the second and a part of the first; one built of both."""
    folder = tmp_path_factory.mktemp("update")
    first = write_rows(folder / "first.jsonl", FIRST)
    second = write_rows(folder / "second.jsonl", [*OVERLAP, *SECOND])
    parent = build([first], quick(folder / "store"))
    shutil.copytree(folder / "store", folder / "before")
    return SimpleNamespace(
        folder=folder, first=first, second=second, parent=parent, child=update([second], quick(folder / "store")),
        whole=build([first, second], quick(folder / "whole")),
    )  # fmt: skip


@pytest.fixture
def again(tmp_path, stores):
    """Another store, of the first day, and its settings."""
    about = quick(tmp_path / "store")
    shutil.copytree(stores.folder / "before", about.store)
    return SimpleNamespace(about=about, store=about.store, parent=open_snapshot(about.store))


def listing(folder):
    """Return the inode, size and time of each file of a snapshot."""
    return {p.name: (p.stat().st_ino, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()}


def same_tables(left, right, names):
    return [name for name in names if not left.table(name).equals(right.table(name))]


def prompt_texts(snapshot):
    return snapshot.table("prompts")["text"].to_pylist()


def test_requests_that_are_there_count_once_and_are_counted_as_repeated(stores):
    summary = stores.child.summary
    assert (summary["rows"], summary["repeated"]) == (len(OVERLAP) + len(SECOND), len(OVERLAP))
    assert summary["requests"] == len(FIRST) + len(SECOND)
    assert stores.child.left.repeated == len(OVERLAP)
    assert stores.child.snapshot.manifest["counts"]["repeated"] == len(OVERLAP)


def test_only_new_prompts_are_embedded(stores):
    old, new = ({row["prompt"] for row in rows} for rows in (FIRST, SECOND))
    assert stores.child.summary["new_prompts"] == len(new - old)
    assert stores.child.summary["prompts"] == len(new | old)
    assert len(np.load(stores.child.snapshot.folder / "vectors-0001.npy")) == len(new - old)


def test_both_snapshots_are_whole(stores):
    for result in (stores.parent, stores.child, stores.whole):
        check_whole(result.snapshot)
    assert verify(stores.folder / "store", every=True, deep=True) == []


def test_it_holds_what_a_build_of_both_logs_holds(stores):
    child, whole = stores.child.snapshot, stores.whole.snapshot
    assert asked(child) == asked(whole)
    assert set(prompt_texts(child)) == set(prompt_texts(whole))
    assert use_of(child) == use_of(whole)
    assert child.table("links").sort_by([(c, "ascending") for c in ("account_id", "kind", "value")]) == whole.table(
        "links"
    ).sort_by([(c, "ascending") for c in ("account_id", "kind", "value")])
    counts = ("n_requests", "n_prompts", "first_ts", "last_ts", "level")
    for name, row in rows_by(whole, "accounts", "account_id").items():
        mine = rows_by(child, "accounts", "account_id")[name]
        assert [mine[c] for c in counts] == [row[c] for c in counts]
        assert mine["score"] == pytest.approx(row["score"], abs=1e-6)


def test_signals_are_those_of_a_build_but_for_those_that_ask_the_map(stores):
    odd = differing(signals_of(stores.child.snapshot), signals_of(stores.whole.snapshot))
    assert {signal for _, signal in odd} <= MAP_SIGNALS


def test_parts_of_the_snapshot_before_are_linked_and_it_stays_as_it_was(stores):
    before, after = listing(stores.parent.snapshot.folder), listing(stores.child.snapshot.folder)
    taken = ("requests.parquet", "prompts.parquet", "texts.parquet", "vectors.npy", "index.faiss")
    for name in taken:
        assert before[name][:2] == after[name][:2], name
    made = {name for name in after if name not in before or before[name][0] != after[name][0]}
    assert {f"{name}-0001.parquet" for name in PARTS} | {"vectors-0001.npy", "index-0001.faiss"} <= made
    assert not made & set(taken)
    manifests = stores.parent.snapshot.manifest, stores.child.snapshot.manifest
    for name in taken:
        assert manifests[0]["files"][name] == manifests[1]["files"][name]
    assert manifests[1]["parent"] == stores.parent.snapshot.snapshot_id
    assert verify(stores.folder / "store", stores.parent.snapshot.snapshot_id, deep=True) == []


def test_prompts_keep_their_numbers_and_clusters_their_ids_names_and_prompts(stores):
    before, after = stores.parent.snapshot, stores.child.snapshot
    n = len(before.table("prompts"))
    assert prompt_texts(after)[:n] == prompt_texts(before)
    np.testing.assert_array_equal(after.vectors[:n], before.vectors[:])
    old, new = (s.table("membership").slice(0, n) for s in (before, after))
    clustered = old["cluster"].to_numpy() >= 0
    for column in ("cell", "cluster", "x", "y"):
        np.testing.assert_array_equal(old[column].to_numpy()[clustered], new[column].to_numpy()[clustered])
    np.testing.assert_array_equal(after.cells, before.cells)
    now = rows_by(after, "clusters", "cluster_id")
    for i, row in rows_by(before, "clusters", "cluster_id").items():
        assert [now[i][c] for c in ("name", "terms", "exemplars", "capability")] == [
            row[c] for c in ("name", "terms", "exemplars", "capability")
        ]
        assert now[i]["n_prompts"] >= row["n_prompts"]


def test_the_manifest_tells_what_new_prompts_are_like(stores):
    drift = stores.child.snapshot.manifest["drift"]
    assert drift["new_prompts"] == stores.child.summary["new_prompts"]
    assert drift["rebuild_due"] == list(stores.child.notes) == []
    assert 0 <= drift["unplaced"] <= 1
    assert 0 <= drift["cell_distance"] <= 1
    assert stores.parent.snapshot.manifest["drift"] is None


def test_the_same_log_again_changes_nothing_that_is_counted(again, stores):
    result = update([stores.first], again.about)
    assert result.summary["repeated"] == len(FIRST)
    assert result.summary["new_prompts"] == 0
    names = ("requests", "prompts", "texts", "use", "membership", "clusters", "capabilities", "curves", "links")
    assert same_tables(result.snapshot, again.parent, (*names, "accounts", "signals", "campaigns")) == []
    for what in ("vectors", "index"):
        assert result.snapshot.manifest[what] == again.parent.manifest[what]
    for name in PARTS:  # not even an empty part comes to them
        assert result.snapshot.manifest["tables"][name] == [f"{name}.parquet"]
    assert set(result.snapshot.table("lineage")["event"].to_pylist()) == {"kept"}
    check_whole(result.snapshot)


def test_a_request_that_comes_twice_in_the_log_counts_once(again, tmp_path):
    rows = day_rows(3, range(2), 0, 5)
    result = update([write_rows(tmp_path / "log.jsonl", [*rows, *rows, rows[0]])], again.about)
    assert result.summary["repeated"] == len(rows) + 1
    assert result.summary["requests"] == len(FIRST) + len(rows)
    check_whole(result.snapshot)


def test_new_requests_of_known_prompts_need_no_new_vectors(again, tmp_path):
    result = update([write_rows(tmp_path / "log.jsonl", day_rows(3, range(6), 0, 16))], again.about)
    manifest = result.snapshot.manifest
    assert (result.summary["new_prompts"], result.summary["requests"]) == (0, 2 * len(FIRST))
    assert manifest["tables"]["requests"] == ["requests.parquet", "requests-0001.parquet"]
    assert manifest["tables"]["prompts"] == ["prompts.parquet"]
    assert (manifest["vectors"], manifest["index"]["files"]) == (["vectors.npy"], ["index.faiss"])
    assert result.snapshot.table("use")["n_requests"].to_pylist() == [2] * (6 * 16)
    check_whole(result.snapshot)


def test_day_after_day_parts_add_up_to_what_a_build_holds(tmp_path):
    about, days = quick(tmp_path / "store"), [day_rows(d, range(d, d + 4), 2 * d, 2 * d + 12) for d in range(1, 6)]
    logs = [write_rows(tmp_path / f"{i}.jsonl", rows) for i, rows in enumerate(days)]
    build(logs[:1], about)
    for i, log in enumerate(logs[1:], 1):
        snapshot = update([log, logs[i - 1]], about).snapshot
    whole = build(logs, quick(tmp_path / "whole")).snapshot
    assert asked(snapshot) == asked(whole)
    assert snapshot.manifest["tables"]["requests"] == [
        "requests.parquet", *(f"requests-{i:04d}.parquet" for i in range(1, 5))
    ]  # fmt: skip
    assert use_of(snapshot) == use_of(whole)
    check_whole(snapshot)
    scores = [{n: r["score"] for n, r in rows_by(s, "accounts", "account_id").items()} for s in (snapshot, whole)]
    assert differing(*scores) == set()
    assert len([score for score in scores[0].values() if score is not None]) >= 5


def test_an_account_that_becomes_large_enough_is_judged(again, tmp_path):
    few = update([write_rows(tmp_path / "a.jsonl", day_rows(3, [40], 0, 6))], again.about).snapshot
    assert rows_by(few, "accounts", "account_id")["a40"]["level"] == "insufficient"
    more = update([write_rows(tmp_path / "b.jsonl", day_rows(4, [40], 6, 12))], again.about).snapshot
    row = rows_by(more, "accounts", "account_id")["a40"]
    assert (row["n_requests"], row["n_prompts"]) == (12, 12)
    assert row["score"] is not None
    check_whole(more)


def test_a_log_that_is_all_rejected_leaves_the_store_as_it_was(again, tmp_path):
    before = sorted(p.name for p in again.store.iterdir())
    with pytest.raises(RejectsError):
        update([write_rows(tmp_path / "bad.jsonl", [], broken=["{nonsense"] * 5)], again.about)
    assert sorted(p.name for p in again.store.iterdir()) == before
    assert open_snapshot(again.store).snapshot_id == again.parent.snapshot_id


def test_what_is_left_of_a_log_may_be_known_already(again, tmp_path):
    log = write_rows(tmp_path / "bad.jsonl", FIRST[:3], broken=['{"account_id": "a1", "prompt": 7}'] * 5)
    result = update([log], replace(again.about, max_rejects=1.0))
    assert [result.summary[k] for k in ("rejected", "repeated", "requests")] == [5, 3, len(FIRST)]
    assert len((result.snapshot.folder / "rejects.jsonl").read_text().splitlines()) == 5
    assert same_tables(result.snapshot, again.parent, ("requests", "prompts", "accounts", "signals")) == []
    check_whole(result.snapshot)


def test_without_a_snapshot_there_is_nothing_to_update(tmp_path, stores):
    with pytest.raises((StoreError, NotFoundError), match="store"):
        update([stores.second], quick(tmp_path / "none"))
    with pytest.raises(LogError):
        update([str(tmp_path / "no-such-log.jsonl")], quick(stores.folder / "store"))
    assert read_current(stores.folder / "store")[0] == stores.child.snapshot.snapshot_id


def test_another_taxonomy_is_refused_and_a_build_takes_it(again, tmp_path, stores):
    other = tmp_path / "taxonomy.toml"
    entries = [f'[[capability]]\nkey = "{word}"\nname = "{word}"\nseeds = ["All about {word}"]\n'
               for word in ("baking", "music")]  # fmt: skip
    other.write_text("".join(entries), encoding="utf-8")
    about = replace(again.about, taxonomy=other)
    with pytest.raises(StoreError, match="taxonomy"):
        update([stores.second], about)
    assert read_current(again.store)[0] == again.parent.snapshot_id
    result = build([stores.first, stores.second], about)
    assert "baking" in result.snapshot.table("capabilities")["capability"].to_pylist()
    assert set(result.snapshot.table("clusters")["cluster_id"].to_pylist()) & set(
        again.parent.table("clusters")["cluster_id"].to_pylist()
    )


def test_another_encoder_is_not_asked(again, stores):
    # The encoder is that of the snapshot, whatever the settings say.
    result = update([stores.second], replace(again.about, encoder="default"))
    assert result.snapshot.manifest["encoder"] == again.parent.manifest["encoder"]
    assert result.snapshot.manifest["config"]["encoder"] == "fast"


def test_a_map_that_has_grown_enough_is_laid_out_anew_and_keeps_ids(again, stores):
    result = update([stores.second], replace(again.about, remap=1.01))
    after, n = result.snapshot, len(again.parent.table("prompts"))
    assert after.manifest["laid_out"] == len(after.table("prompts")) > n
    old, new = (s.table("membership").slice(0, n)["cluster"].to_numpy() for s in (again.parent, after))
    both = (old >= 0) & (new >= 0)
    assert (old[both] == new[both]).mean() > 0.8
    names = {c["cluster_id"]: c["name"] for c in again.parent.table("clusters").to_pylist()}
    for c in after.table("clusters").to_pylist():
        assert names.get(c["cluster_id"], c["name"]) == c["name"]
    np.testing.assert_array_equal(after.cells, again.parent.cells)
    assert after.manifest["vectors"] == ["vectors.npy", "vectors-0001.npy"]
    check_whole(after)


def test_a_map_is_not_laid_out_anew_where_that_is_not_wanted(again, stores):
    result = update([stores.second], replace(again.about, remap=0.0))
    assert result.snapshot.manifest["laid_out"] == again.parent.manifest["laid_out"]


def test_a_snapshot_of_version_1_is_gone_on_from(tmp_path, stores):
    store = tmp_path / "store"
    old = write_old_snapshot(store, stores.parent.snapshot)
    assert old.manifest["schema"] == 1
    result = update([stores.second], quick(store))
    assert asked(result.snapshot) == asked(stores.child.snapshot)
    assert use_of(result.snapshot) == use_of(stores.child.snapshot)
    assert result.summary["repeated"] == len(OVERLAP)
    assert differing(signals_of(result.snapshot), signals_of(stores.child.snapshot)) == set()
    scores = [{n: r["score"] for n, r in rows_by(s, "accounts", "account_id").items()}
              for s in (result.snapshot, stores.child.snapshot)]  # fmt: skip
    assert differing(*scores) == set()
    assert result.snapshot.manifest["schema"] == 2
    check_whole(result.snapshot)
    later = update([write_rows(tmp_path / "log.jsonl", day_rows(4, range(2), 30, 34))], quick(store))
    check_whole(later.snapshot)
    assert verify(store, every=True, deep=True) == []


def test_rows_without_an_id_or_a_time_come_in(again, tmp_path):
    rows = [{"account_id": "anon", "prompt": f"Question {i} of nobody"} for i in range(12)]
    log = write_rows(tmp_path / "log.jsonl", rows)
    first, second = update([log], again.about), update([log], again.about)
    assert (first.summary["requests"], second.summary["repeated"]) == (len(FIRST) + 12, 12)
    assert rows_by(second.snapshot, "accounts", "account_id")["anon"]["first_ts"] is None
    check_whole(second.snapshot)


PLANTED = ("comet", "nebula", "telescope", "orbit", "eclipse", "galaxy", "meteor", "quasar", "asteroid", "pulsar")


def plant(day, n, account):
    """Requests about something that nobody asked before, all much alike."""
    return [
        {
            "request_id": f"p{day}-{i}", "account_id": account, "ts": f"2026-03-{day:02d}T11:{i % 60:02d}:00Z",
            "prompt": f"{PLANTED[i % 10]} {PLANTED[i * 3 % 10]} nebula galaxy quasar comet orbit number {i}",
        }
        for i in range(n)
    ]  # fmt: skip


def test_prompts_that_fit_nowhere_and_are_alike_make_a_new_cluster(again, tmp_path):
    fresh = update([write_rows(tmp_path / "log.jsonl", plant(3, 30, "stargazer"))], replace(again.about, min_cluster=8))
    ids = set(again.parent.table("clusters")["cluster_id"].to_pylist())
    born = [c for c in fresh.snapshot.table("clusters").to_pylist() if c["cluster_id"] not in ids]
    assert born
    assert min(c["cluster_id"] for c in born) == again.parent.manifest["next_cluster"]
    assert all(set(c["terms"]) & set(PLANTED) for c in born)
    assert {c["name"] for c in born}.isdisjoint(again.parent.table("clusters")["name"].to_pylist())
    rows = {r["id"]: r for r in fresh.snapshot.table("lineage").to_pylist() if r["kind"] == "cluster"}
    assert all(rows[str(c["cluster_id"])]["event"] == "born" for c in born)
    assert fresh.snapshot.manifest["drift"]["clusters_born"] == len(born)
    check_whole(fresh.snapshot)
    later = update([write_rows(tmp_path / "more.jsonl", plant(4, 40, "another"))], replace(again.about, min_cluster=8))
    names = {c["cluster_id"]: c["name"] for c in later.snapshot.table("clusters").to_pylist()}
    assert all(names[c["cluster_id"]] == c["name"] for c in born)
    check_whole(later.snapshot)


def test_a_log_of_other_things_says_that_a_rebuild_is_due(again, tmp_path):
    words = np.random.default_rng(4).integers(0, 10**9, (520, 6))
    strange = [{"account_id": f"x{i % 4}", "prompt": " ".join(f"zq{w:x}" for w in row)} for i, row in enumerate(words)]
    result = update([write_rows(tmp_path / "log.jsonl", strange)], replace(again.about, remap=0.0))
    drift = result.snapshot.manifest["drift"]
    assert drift["new_prompts"] == 520
    assert drift["rebuild_due"] == list(result.notes) != []
    assert any("fit in no cluster" in reason or "lie elsewhere" in reason for reason in result.notes)


def test_links_are_taken_over_where_the_disk_has_none(again, stores, monkeypatch):
    def refuse(*_args, **_kw):
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr(os, "link", refuse)
    result = update([stores.second], again.about)
    assert asked(result.snapshot) == asked(stores.child.snapshot)
    check_whole(result.snapshot)


def test_the_demo_in_two_parts_is_judged_as_in_one(demo, demo_rows, grown_demo):
    whole, grown = demo.snapshot, grown_demo.second.snapshot
    assert grown_demo.second.summary["repeated"] == int(0.6 * len(demo_rows)) - int(0.5 * len(demo_rows))
    assert asked(grown) == asked(whole)
    assert use_of(grown) == use_of(whole)
    assert {s for _, s in differing(signals_of(grown), signals_of(whole))} <= MAP_SIGNALS
    mine, theirs = (rows_by(s, "accounts", "account_id") for s in (grown, whole))
    assert differing({k: r["p_value"] for k, r in mine.items()}, {k: r["p_value"] for k, r in theirs.items()}) == set()
    assert {k: r["level"] for k, r in mine.items()} == {k: r["level"] for k, r in theirs.items()}
    judged = [k for k, r in mine.items() if r["score"] is not None]
    both = [[rows[k]["score"] for k in judged] for rows in (mine, theirs)]
    assert spearmanr(*both).statistic > 0.999
    # Only what a campaign adds may differ: it looks at how accounts share the cells of the map.
    odd = differing({k: r["score"] for k, r in mine.items()}, {k: r["score"] for k, r in theirs.items()})
    assert all(mine[k]["campaign_id"] and abs(mine[k]["score"] - theirs[k]["score"]) < 0.02 for k in odd)
    groups = [{frozenset(c["accounts"]) for c in s.table("campaigns").to_pylist() if c["label"] == "sweep"}
              for s in (grown, whole)]  # fmt: skip
    assert groups[0] == groups[1]


def test_the_demo_in_two_parts_keeps_the_ids_of_clusters_and_campaigns(demo_log, grown_demo):
    first, grown = grown_demo.first.snapshot, grown_demo.second.snapshot
    n = len(first.table("prompts"))
    old, new = (s.table("membership")["cluster"].to_numpy()[:n] for s in (first, grown))
    np.testing.assert_array_equal(new[old >= 0], old[old >= 0])
    campaigns = [
        {c["campaign_id"]: set(c["accounts"]) for c in s.table("campaigns").to_pylist()} for s in (first, grown)
    ]
    attacks = {r["campaign_id"] for r in demo_log[1].values() if r["label"] == "attack" and r["campaign_id"]}
    assert len(attacks) == 2
    for attack in attacks:
        truth = {account for account, row in demo_log[1].items() if row["campaign_id"] == attack}
        before, after = (max(found, key=lambda i, f=found: len(f[i] & truth)) for found in campaigns)
        assert before == after
    check_whole(grown)


def test_the_log_of_a_store_that_csv_and_json_wrote_is_one(again, tmp_path):
    rows = day_rows(3, range(2), 40, 44)
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.DictWriter(stream, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    one = update([str(tmp_path / "log.csv")], again.about)
    two = update([write_rows(tmp_path / "log.jsonl", json.loads(json.dumps(rows)))], again.about)
    assert (one.summary["repeated"], two.summary["repeated"]) == (0, len(rows))
