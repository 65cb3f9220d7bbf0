"""The horizon: what is older than the window is in no file, and what stays is as if nothing else had ever been."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from support.day_log import day_rows, quick, write_rows
from support.scan import Scanner, plain_hashes
from support.whole import MAP_SIGNALS, asked, check_whole, differing, rows_by, signals_of, use_of
from sweeplens.errors import ConfigError
from sweeplens.pipeline import build, score, update
from sweeplens.store.snapshot import open_snapshot
from sweeplens.store.verify import verify

# Of the first day, some questions come again on the tenth, which is when the window begins.
OLD = [*day_rows(2, range(4), 0, 14), *day_rows(2, [20], 0, 3)]
KEPT = day_rows(10, range(2, 6), 8, 22)
NEW = [*day_rows(16, range(3, 7), 12, 30), *day_rows(16, [0], 2, 4)]
LATE = day_rows(3, range(1), 40, 44)  # comes in with the new log, but is too old
TIMELESS = [{k: v for k, v in row.items() if k != "ts"} for row in day_rows(1, [9], 50, 53)]
WINDOW = "7d"


def texts_of(*logs):
    return {row["prompt"] for rows in logs for row in rows}


def ids_of(*logs):
    return {row["request_id"] for rows in logs for row in rows}


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The logs as files, and a store built of the first two without a window."""
    folder = tmp_path_factory.mktemp("window")
    old = write_rows(folder / "old.jsonl", [*OLD, *TIMELESS, *KEPT])
    new = write_rows(folder / "new.jsonl", [*LATE, *NEW])
    left = write_rows(folder / "left.jsonl", [*TIMELESS, *KEPT, *NEW])
    build([old], quick(folder / "before")).snapshot.close()
    return SimpleNamespace(folder=folder, old=old, new=new, left=left)


@pytest.fixture(scope="module")
def cut(logs):
    """The store after an update with a window."""
    about = quick(logs.folder / "store", window=WINDOW)
    shutil.copytree(logs.folder / "before", about.store)
    return SimpleNamespace(
        store=about.store, parent=open_snapshot(about.store), result=update([logs.new], about)
    )  # fmt: skip


@pytest.fixture(scope="module")
def filtered(logs):
    """A store that is built of the rows inside the window alone."""
    return build([logs.left], quick(logs.folder / "filtered")).snapshot


def vectors_by_text(snapshot):
    return dict(zip(snapshot.table("prompts")["text"].to_pylist(), snapshot.vectors[:], strict=True))


def test_what_is_older_is_left_out_and_counted(cut):
    summary = cut.result.summary
    assert summary["outdated"] == len(OLD) + len(LATE)
    assert set(asked(cut.result.snapshot)) == ids_of(TIMELESS, KEPT, NEW)
    assert summary["requests"] == len(TIMELESS) + len(KEPT) + len(NEW)
    check_whole(cut.result.snapshot)


def test_each_request_still_has_its_own_prompt(cut):
    found = asked(cut.result.snapshot)
    for row in [*TIMELESS, *KEPT, *NEW]:
        assert found[row["request_id"]][:2] == (row["account_id"], row["prompt"])


def test_what_is_older_is_in_no_file_of_the_new_snapshot(cut):
    gone = sorted(texts_of(OLD, LATE) - texts_of(KEPT, NEW, TIMELESS))
    assert len(gone) > 20
    vectors = vectors_by_text(cut.parent)
    needles = Scanner(hashes=plain_hashes(gone), vectors=np.stack([vectors[t] for t in gone if t in vectors]))
    assert {t.kind for t in needles.scan(cut.parent.folder)} == {"hash", "vector"}
    assert needles.scan(cut.result.snapshot.folder) == []
    # Texts that are alike share many characters: they are compared whole, and ids are looked for as they stand.
    assert set(gone).isdisjoint(vectors_by_text(cut.result.snapshot))
    raw = b"".join(p.read_bytes() for p in cut.result.snapshot.folder.iterdir())
    assert b"d2-a0-" not in raw
    columns = [cut.result.snapshot.table(name) for name in cut.result.snapshot.manifest["tables"]]
    words = "\n".join(str(table.to_pydict()) for table in columns)
    assert "d2-a" not in words
    assert "'a20'" not in words
    assert not any(f"'{text}'" in words for text in gone)


def test_words_of_the_old_rows_are_in_no_dictionary(cut):
    requests = cut.result.snapshot.table("requests")
    assert set(requests["account_id"].unify_dictionaries().combine_chunks().dictionary.to_pylist()) == {
        row["account_id"] for row in [*TIMELESS, *KEPT, *NEW]
    }


def test_accounts_without_a_request_left_are_gone(cut):
    assert "a20" in rows_by(cut.parent, "accounts", "account_id")
    assert set(rows_by(cut.result.snapshot, "accounts", "account_id")) == {
        row["account_id"] for row in [*TIMELESS, *KEPT, *NEW]
    }
    assert rows_by(cut.result.snapshot, "accounts", "account_id")["a9"]["first_ts"] is None


def test_it_is_judged_as_a_build_of_what_is_left(cut, filtered):
    mine = cut.result.snapshot
    assert asked(mine) == asked(filtered)
    assert use_of(mine) == use_of(filtered)
    assert {s for _, s in differing(signals_of(mine), signals_of(filtered))} <= MAP_SIGNALS
    scores = [{n: (r["score"], r["level"]) for n, r in rows_by(s, "accounts", "account_id").items()}
              for s in (mine, filtered)]  # fmt: skip
    assert differing(*({n: v[0] for n, v in found.items()} for found in scores)) == set()
    assert {n: v[1] for n, v in scores[0].items()} == {n: v[1] for n, v in scores[1].items()}
    kinds = [{(r["account_id"], r["kind"], r["value"], r["n_accounts"]) for r in s.table("links").to_pylist()}
             for s in (mine, filtered)]  # fmt: skip
    assert kinds[0] == kinds[1]


def test_vectors_of_what_stays_are_not_made_again(cut):
    before, after = vectors_by_text(cut.parent), vectors_by_text(cut.result.snapshot)
    both = before.keys() & after.keys()
    assert len(both) > 30
    for text in both:
        np.testing.assert_array_equal(before[text], after[text])


def test_an_old_prompt_that_only_the_new_log_sends_keeps_its_vector(cut):
    again = texts_of(OLD) & texts_of(NEW) - texts_of(KEPT)
    assert again
    assert again <= set(vectors_by_text(cut.result.snapshot))
    assert cut.result.summary["new_prompts"] == len(texts_of(NEW) - texts_of(OLD, KEPT))


def test_clusters_that_live_keep_ids_and_names_and_prompts(cut):
    before = rows_by(cut.parent, "clusters", "cluster_id")
    of_text = [
        dict(zip(s.table("prompts")["text"].to_pylist(), s.table("membership")["cluster"].to_pylist(), strict=True))
        for s in (cut.parent, cut.result.snapshot)
    ]
    for text in of_text[0].keys() & of_text[1].keys():
        assert of_text[0][text] in {-1, of_text[1][text]}
    for i, row in rows_by(cut.result.snapshot, "clusters", "cluster_id").items():
        assert i not in before or row["name"] == before[i]["name"]
    lineage = {r["id"]: r for r in cut.result.snapshot.table("lineage").to_pylist() if r["kind"] == "cluster"}
    dead = {str(i) for i in before} - {str(i) for i in rows_by(cut.result.snapshot, "clusters", "cluster_id")}
    assert {i for i, r in lineage.items() if r["event"] == "died"} == dead


def test_the_snapshot_before_stays_whole(cut):
    assert verify(cut.store, cut.parent.snapshot_id, deep=True) == []
    assert set(asked(cut.parent)) == ids_of(OLD, TIMELESS, KEPT)


def test_a_build_with_a_window_is_a_build_of_the_rows_inside(logs, filtered):
    result = build([logs.old, logs.new], quick(logs.folder / "windowed", window=WINDOW))
    assert result.summary["outdated"] == len(OLD) + len(LATE)
    mine, theirs = result.snapshot.manifest["files"], filtered.manifest["files"]
    assert {n for n in mine if mine[n] != theirs.get(n)} == {"requests.parquet"}  # which says what each row's file is
    assert asked(result.snapshot) == asked(filtered)
    check_whole(result.snapshot)


def test_a_window_that_nothing_falls_out_of_changes_nothing(logs, tmp_path):
    found = []
    for window in ("", "90d"):
        about = quick(tmp_path / f"store{window}", window=window)
        shutil.copytree(logs.folder / "before", about.store)
        found.append(update([logs.new], about))
    assert [r.summary["outdated"] for r in found] == [0, 0]
    assert found[0].snapshot.manifest["files"] == found[1].snapshot.manifest["files"]


def test_a_window_may_drop_old_rows_that_leave_every_prompt(tmp_path):
    about = quick(tmp_path / "store", window="3d")
    first = [*day_rows(2, range(2), 0, 12), *day_rows(9, range(2), 0, 12)]
    build([write_rows(tmp_path / "a.jsonl", first)], replace(about, window=""))
    result = update([write_rows(tmp_path / "b.jsonl", day_rows(10, [2], 0, 12))], about)
    assert (result.summary["requests"], result.summary["prompts"]) == (36, 36)
    check_whole(result.snapshot)


def test_a_log_that_is_wholly_too_old_only_costs_what_falls_out(tmp_path, logs):
    about = quick(tmp_path / "store", window=WINDOW)
    shutil.copytree(logs.folder / "before", about.store)
    result = update([write_rows(tmp_path / "late.jsonl", day_rows(1, range(2), 40, 44))], about)
    # Counted back from the last request, of the tenth: the second day is out.
    assert set(asked(result.snapshot)) == ids_of(TIMELESS, KEPT)
    assert result.summary["new_prompts"] == 0
    check_whole(result.snapshot)


def test_a_snapshot_may_lose_all_that_it_had(tmp_path):
    about = quick(tmp_path / "store", window="2d")
    build([write_rows(tmp_path / "a.jsonl", day_rows(2, range(3), 0, 12))], about)
    result = update([write_rows(tmp_path / "b.jsonl", day_rows(20, range(2, 5), 20, 36))], about)
    assert set(asked(result.snapshot)) == ids_of(day_rows(20, range(2, 5), 20, 36))
    assert set(rows_by(result.snapshot, "accounts", "account_id")) == {"a2", "a3", "a4"}
    check_whole(result.snapshot)
    later = update([write_rows(tmp_path / "c.jsonl", day_rows(21, range(2, 5), 30, 40))], about)
    check_whole(later.snapshot)


def test_a_log_that_was_there_already_still_moves_the_horizon(logs, tmp_path):
    about = quick(tmp_path / "store")
    shutil.copytree(logs.folder / "before", about.store)
    result = update([logs.old], replace(about, window=WINDOW))
    assert set(asked(result.snapshot)) == ids_of(TIMELESS, KEPT)
    assert result.snapshot.manifest["tables"]["requests"] == ["requests.parquet"]
    check_whole(result.snapshot)


def test_updates_with_and_without_a_cut_go_on_from_each_other(tmp_path):
    about = quick(tmp_path / "store")
    days = {d: day_rows(d, range(2), d, d + 3) for d in range(1, 9)}
    build([write_rows(tmp_path / "log.jsonl", days[1])], about)
    for day in range(2, 9):
        log = write_rows(tmp_path / "log.jsonl", days[day])
        snapshot = update([log], replace(about, window="2d" if day == 4 else "")).snapshot
        check_whole(snapshot)
    assert set(asked(snapshot)) == ids_of(*(days[d] for d in range(3, 9)))
    assert snapshot.manifest["tables"]["requests"] == [
        "requests.parquet", *(f"requests-{i:04d}.parquet" for i in range(1, 6))
    ]  # fmt: skip


def test_night_after_night_a_window_moves_on(tmp_path):
    about = quick(tmp_path / "store", window="3d")
    days = {d: day_rows(d, range(d % 3, d % 3 + 3), d, d + 12) for d in range(1, 8)}
    build([write_rows(tmp_path / "log.jsonl", days[1])], about)
    for day in range(2, 8):
        result = update([write_rows(tmp_path / "log.jsonl", days[day])], about)
        inside = [row for d in range(1, day + 1) for row in days[d] if row["ts"] >= f"2026-03-{day - 3:02d}T10:"]
        last = max(row["ts"] for row in days[day])
        inside = [row for row in inside if row["ts"] >= last.replace(f"03-{day:02d}", f"03-{day - 3:02d}")]
        assert set(asked(result.snapshot)) == {row["request_id"] for row in inside}
    check_whole(result.snapshot)
    whole = build([write_rows(tmp_path / "all.jsonl", inside)], quick(tmp_path / "whole")).snapshot
    assert use_of(result.snapshot) == use_of(whole)
    assert {s for _, s in differing(signals_of(result.snapshot), signals_of(whole))} <= MAP_SIGNALS


def test_a_cut_store_without_text_is_whole(logs, tmp_path):
    about = quick(tmp_path / "store", text=False)
    build([logs.old], about)
    result = update([logs.new], replace(about, window=WINDOW))
    assert result.summary["requests"] == len(TIMELESS) + len(KEPT) + len(NEW)
    assert result.summary["new_prompts"] == len(texts_of(NEW) - texts_of(OLD, KEPT))
    check_whole(result.snapshot)


def test_retention_alone_is_a_window_and_may_not_be_shorter(logs, tmp_path):
    about = quick(tmp_path / "store", retention=WINDOW)
    shutil.copytree(logs.folder / "before", about.store)
    assert set(asked(update([logs.new], about).snapshot)) == ids_of(TIMELESS, KEPT, NEW)
    with pytest.raises(ConfigError, match="retention"):
        quick(tmp_path / "store", window="7d", retention="6d")


def test_a_score_with_a_window_counts_what_an_update_counts(logs, cut, tmp_path):
    about = quick(tmp_path / "store", window=WINDOW)
    shutil.copytree(logs.folder / "before", about.store)
    found = score([logs.new], about)
    assert found.left.outdated == cut.result.left.outdated
    mine = {row["account_id"]: row for row in found.accounts.to_pylist()}
    theirs = rows_by(cut.result.snapshot, "accounts", "account_id")
    assert mine.keys() == theirs.keys()
    assert differing({k: r["score"] for k, r in mine.items()}, {k: r["score"] for k, r in theirs.items()}) == set()
    for column in ("n_requests", "n_prompts", "first_ts", "last_ts", "level", "campaign_id"):
        assert {k: r[column] for k, r in mine.items()} == {k: r[column] for k, r in theirs.items()}, column
    assert found.summary["requests"] == cut.result.summary["requests"]


def test_a_clock_that_is_wrong_does_not_move_the_horizon(logs, tmp_path):
    wrong = {**NEW[0], "request_id": "from-another-age", "ts": "2099-01-01T00:00:00Z"}
    log = write_rows(tmp_path / "wrong.jsonl", [*NEW, wrong])
    about = quick(tmp_path / "store", window=WINDOW)
    shutil.copytree(logs.folder / "before", about.store)
    scored = score([log], about)
    result = update([log], about)
    assert set(asked(result.snapshot)) == ids_of(TIMELESS, KEPT, NEW, [wrong])
    assert scored.summary["outdated"] == result.summary["outdated"]
    check_whole(result.snapshot)
