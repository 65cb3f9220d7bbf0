"""Scoring a log against a snapshot: the answer of an update, without a trace in the store."""

import json
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr

from support.day_log import day_rows, quick, write_rows
from support.old_store import write_old_snapshot
from support.whole import differing, rows_by
from sweeplens import known
from sweeplens.errors import LogError, NotFoundError, RejectsError, StoreError
from sweeplens.pipeline import build, passing, score, update
from sweeplens.pipeline.score import Scored
from sweeplens.signals import sample
from sweeplens.store.schema import schemas
from sweeplens.store.snapshot import open_snapshot

FIRST, SECOND = day_rows(2, range(6), 0, 16), day_rows(3, range(3, 9), 10, 26)
OVERLAP = day_rows(2, range(2, 4), 0, 16)
EQUAL = ("n_requests", "n_prompts", "first_ts", "last_ts", "level", "level_from", "campaign_id")


def everything(folder):
    """Return inode, size and time of every file and folder below."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.stat()
        found[str(path.relative_to(folder))] = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_mode)
    return found


def by_account(scored):
    return {row["account_id"]: row for row in scored.accounts.to_pylist()}


def check_same(mine, theirs, *, columns=EQUAL, tolerance=1e-6):
    """Assert that two sets of accounts have the same scores."""
    assert mine.keys() == theirs.keys()
    for column in ("score", "p_value", "q_value"):
        odd = differing({k: r[column] for k, r in mine.items()}, {k: r[column] for k, r in theirs.items()},
                        tolerance=tolerance)  # fmt: skip
        assert odd == set(), column
    for column in columns:
        assert {k: r[column] for k, r in mine.items()} == {k: r[column] for k, r in theirs.items()}, column


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A store of the first day; the second scored, put on top of another such store, and built with the first."""
    folder = tmp_path_factory.mktemp("score")
    first = write_rows(folder / "first.jsonl", FIRST)
    second = write_rows(folder / "second.jsonl", [*OVERLAP, *SECOND])
    build([first], quick(folder / "store")).snapshot.close()
    shutil.copytree(folder / "store", folder / "updated")
    before = everything(folder / "store")
    answer = score([second], quick(folder / "store"))
    return SimpleNamespace(
        folder=folder, store=folder / "store", about=quick(folder / "store"), first=first, second=second, answer=answer,
        before=before, after=everything(folder / "store"), update=update([second], quick(folder / "updated")),
        whole=build([first, second], quick(folder / "whole")),
    )  # fmt: skip


def test_accounts_are_judged_as_by_an_update(scored):
    check_same(by_account(scored.answer), rows_by(scored.update.snapshot, "accounts", "account_id"))
    reasons = [{k: [(r["signal"], r["text"]) for r in row["reasons"]] for k, row in rows.items()} for rows in
               (by_account(scored.answer), rows_by(scored.update.snapshot, "accounts", "account_id"))]  # fmt: skip
    assert reasons[0] == reasons[1]


def test_accounts_are_judged_as_by_a_build_of_history_and_log(scored):
    check_same(by_account(scored.answer), rows_by(scored.whole.snapshot, "accounts", "account_id"))


def test_nothing_in_the_store_is_written(scored):
    assert len(scored.before) > 20
    assert scored.after == scored.before


def test_it_has_the_tables_of_a_snapshot_and_says_what_was_read(scored):
    answer = scored.answer
    assert isinstance(answer, Scored)
    assert answer.accounts.schema.equals(schemas()["accounts"])
    assert answer.campaigns.schema.equals(schemas()["campaigns"])
    assert answer.snapshot.snapshot_id == answer.summary["snapshot"] == open_snapshot(scored.store).snapshot_id
    assert answer.left.repeated == answer.summary["repeated"] == len(OVERLAP)
    assert answer.summary["rows"] == answer.stats.rows == len(OVERLAP) + len(SECOND)
    assert answer.summary["requests"] == len(FIRST) + len(SECOND)
    assert answer.summary["accounts"] == 9
    assert sum(answer.summary["levels"].values()) == 9
    assert set(answer.seconds) >= {"history", "read", "gather", "signals", "detect"}


def test_the_same_answer_again(scored):
    again = score([scored.second], scored.about)
    assert again.accounts.equals(scored.answer.accounts)
    assert again.campaigns.equals(scored.answer.campaigns)


def test_a_log_that_is_known_already_gives_the_scores_of_the_snapshot(scored):
    again = score([scored.first], scored.about)
    assert again.left.repeated == len(FIRST)
    check_same(by_account(again), rows_by(open_snapshot(scored.store), "accounts", "account_id"))


def test_only_chosen_accounts_are_given_back_with_the_same_scores(scored):
    answer = score([scored.second], scored.about, accounts=["a3", "a8", "nobody"])
    assert answer.accounts["account_id"].to_pylist() == ["a3", "a8"]
    whole = by_account(scored.answer)
    check_same(by_account(answer), {k: whole[k] for k in ("a3", "a8")})
    assert answer.summary["accounts"] == sum(answer.summary["levels"].values()) == 2


def test_since_and_until_cut_the_log_but_not_the_history(scored, tmp_path):
    since, until = datetime(2026, 3, 3, 10, 12, tzinfo=UTC), datetime(2026, 3, 3, 10, 20, tzinfo=UTC)
    timeless = [{k: v for k, v in row.items() if k != "ts"} for row in day_rows(9, [3], 50, 52)]
    log = write_rows(tmp_path / "log.jsonl", [*SECOND, *timeless])
    answer = score([log], scored.about, since=since, until=until)
    inside = [row for row in SECOND if 12 <= int(row["ts"][14:16]) < 20]
    assert answer.left.unwanted == answer.summary["unwanted"] == len(SECOND) - len(inside)
    assert answer.summary["requests"] == len(FIRST) + len(inside) + len(timeless)
    shutil.copytree(scored.store, tmp_path / "store")
    cut = write_rows(tmp_path / "cut.jsonl", [*inside, *timeless])
    expected = update([cut], quick(tmp_path / "store")).snapshot
    check_same(by_account(answer), rows_by(expected, "accounts", "account_id"))
    naive = score([log], scored.about, since=since.replace(tzinfo=None), until=until.replace(tzinfo=None))
    assert naive.accounts.equals(answer.accounts)


def test_a_span_that_leaves_nothing_leaves_the_history(scored):
    answer = score([scored.second], scored.about, since=datetime(2027, 1, 1, tzinfo=UTC))
    assert answer.left.unwanted == answer.stats.rows
    check_same(by_account(answer), rows_by(open_snapshot(scored.store), "accounts", "account_id"))


def test_a_store_without_text_gives_the_scores_of_its_update(scored, tmp_path):
    about = quick(tmp_path / "store", text=False)
    build([scored.first], about).snapshot.close()
    before = everything(about.store)
    answer = score([scored.second], about)
    assert everything(about.store) == before
    # What is measured of texts is not kept of old prompts, in a score as in an update.
    check_same(by_account(answer), rows_by(update([scored.second], about).snapshot, "accounts", "account_id"))
    assert answer.left.repeated == len(OVERLAP)


def test_a_snapshot_of_version_1_gives_the_same_answer(scored, tmp_path):
    with open_snapshot(scored.store) as snapshot:
        write_old_snapshot(tmp_path / "store", snapshot).close()
    answer = score([scored.second], quick(tmp_path / "store"))
    assert answer.snapshot.manifest["schema"] == 1
    assert answer.accounts.equals(scored.answer.accounts)


def test_a_store_with_known_prompts_looks_for_them(scored, tmp_path):
    shutil.copytree(scored.store, tmp_path / "store")
    lines = "".join(f"{json.dumps({'prompt': row['prompt']})}\n" for row in SECOND[:20])
    (tmp_path / "known.jsonl").write_text(lines, encoding="utf-8")
    known.add_known(tmp_path / "store", "bench", [str(tmp_path / "known.jsonl")])
    answer = score([scored.second], quick(tmp_path / "store"))
    check_same(by_account(answer), rows_by(update([scored.second], quick(tmp_path / "store")).snapshot, "accounts",
                                           "account_id"))  # fmt: skip


def test_a_damaged_or_missing_store_and_log_are_said(scored, tmp_path):
    with pytest.raises((StoreError, NotFoundError)):
        score([scored.second], quick(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    with pytest.raises(LogError):
        score([str(tmp_path / "none.jsonl")], scored.about)
    with pytest.raises(RejectsError):
        score([write_rows(tmp_path / "bad.jsonl", SECOND, broken=["{nonsense"] * 9)], scored.about)
    assert everything(scored.store) == scored.before


def test_rejects_are_counted_and_written_nowhere(scored, tmp_path):
    log = write_rows(tmp_path / "log.jsonl", SECOND, broken=["{nonsense"])
    answer = score([log], replace(scored.about, max_rejects=0.1))
    assert (answer.summary["rejected"], answer.stats.rejected) == (1, 1)
    assert everything(scored.store) == scored.before


def test_an_account_that_nobody_knew_is_judged(scored, tmp_path):
    log = write_rows(tmp_path / "log.jsonl", day_rows(4, [50, 51], 30, 44))
    answer = by_account(score([log], scored.about))
    assert answer["a50"]["score"] is not None
    assert (answer["a50"]["n_requests"], answer["a50"]["n_prompts"]) == (14, 14)
    assert answer["a50"]["first_ts"] == datetime(2026, 3, 4, 10, 30, 50, tzinfo=UTC)
    assert answer["a50"]["last_ts"] == datetime(2026, 3, 4, 10, 43, 50, tzinfo=UTC)


MOST = 40


@pytest.fixture
def small_samples(monkeypatch):
    """Let 40 requests of an account be all that is looked at, and let the stream look often."""
    monkeypatch.setattr(sample.smallest, "__defaults__", (MOST,))
    monkeypatch.setattr(sample.sample_accounts, "__defaults__", (MOST,))
    for module in (passing, sys.modules[Scored.__module__]):
        monkeypatch.setattr(module, "MOST", MOST)
    monkeypatch.setattr(passing, "_EVERY", 50)


def large_rows(day, accounts, n, *, seed):
    """Requests of accounts that ask much, in an order that is not that of time; some prompts come again."""
    rng = np.random.default_rng(seed)
    return [
        {
            "request_id": f"L{day}-{a}-{i}", "account_id": f"big{a}", "prompt": f"Please write verse {p} of song {a}",
            "ts": f"2026-03-{day:02d}T{h:02d}:{i % 60:02d}:00Z",
        }
        for a in accounts
        for i, (p, h) in enumerate(zip(rng.integers(0, n, n).tolist(), rng.integers(0, 24, n).tolist(), strict=True))
    ]  # fmt: skip


@pytest.mark.usefixtures("small_samples")
def test_of_large_accounts_the_same_sample_is_looked_at(tmp_path):
    old, new = large_rows(2, range(4), 70, seed=1), large_rows(3, range(2, 6), 150, seed=2)
    small = day_rows(3, range(4), 0, 14)
    logs = [write_rows(tmp_path / "old.jsonl", [*old, *small[:20]]), write_rows(tmp_path / "new.jsonl", [*new, *small])]
    about = quick(tmp_path / "store")
    build(logs[:1], about).snapshot.close()
    answer = score(logs[1:], about)
    mine = by_account(answer)
    assert mine["big3"]["n_requests"] == 220
    for snapshot in (build(logs, quick(tmp_path / "whole")).snapshot, update(logs[1:], about).snapshot):
        theirs = rows_by(snapshot, "accounts", "account_id")
        # Of large accounts the prompts that were looked at are counted, not all.
        check_same(mine, theirs, columns=[c for c in EQUAL if c != "n_prompts"])
    for name, row in mine.items():
        assert row["n_prompts"] <= MOST or not name.startswith("big")
    assert len({row["score"] for name, row in mine.items() if name.startswith("big")}) == 6


@pytest.mark.usefixtures("small_samples")
def test_the_sample_does_not_depend_on_the_order_of_the_log(tmp_path):
    rows = large_rows(3, range(3), 160, seed=5)
    about = quick(tmp_path / "store")
    build([write_rows(tmp_path / "old.jsonl", day_rows(2, range(3), 0, 12))], about).snapshot.close()
    answers = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(rows))
        log = write_rows(tmp_path / f"{seed}.jsonl", [rows[i] for i in order.tolist()])
        answers.append(by_account(score([log], about)))
    # Requests of one minute keep the order of the log: all that asks for an order may differ by that.
    for other in answers[1:]:
        assert {k: r["n_requests"] for k, r in other.items()} == {k: r["n_requests"] for k, r in answers[0].items()}
        assert {k: r["first_ts"] for k, r in other.items()} == {k: r["first_ts"] for k, r in answers[0].items()}
        for name, row in other.items():
            assert row["score"] == pytest.approx(answers[0][name]["score"], abs=0.05)


def test_the_demo_is_scored_as_it_is_updated_campaigns_and_all(grown_demo):
    check_same(by_account(grown_demo.scored), rows_by(grown_demo.second.snapshot, "accounts", "account_id"))
    mine, theirs = grown_demo.scored.campaigns.to_pylist(), grown_demo.second.snapshot.table("campaigns").to_pylist()
    assert [(c["campaign_id"], c["label"], c["accounts"], c["level"]) for c in mine] == [
        (c["campaign_id"], c["label"], c["accounts"], c["level"]) for c in theirs
    ]
    for a, b in zip(mine, theirs, strict=True):
        assert json.loads(a["evidence"]) == json.loads(b["evidence"])


def test_the_demo_is_scored_as_it_is_built(demo, grown_demo):
    answer = grown_demo.scored
    mine, theirs = by_account(answer), rows_by(demo.snapshot, "accounts", "account_id")
    odd = {k for k, r in mine.items() if (r["score"] or 0) != pytest.approx(theirs[k]["score"] or 0, abs=1e-6)}
    assert all(mine[k]["campaign_id"] for k in odd)  # a campaign looks at cells, which are those of the snapshot
    assert {k: r["level"] for k, r in mine.items()} == {k: r["level"] for k, r in theirs.items()}
    judged = [k for k, r in mine.items() if r["score"] is not None]
    assert spearmanr(*([rows[k]["score"] for k in judged] for rows in (mine, theirs))).statistic > 0.999
    sweeps = [{frozenset(c["accounts"]) for c in t.to_pylist() if c["label"] == "sweep"}
              for t in (answer.campaigns, demo.snapshot.table("campaigns"))]  # fmt: skip
    assert sweeps[0] == sweeps[1]
