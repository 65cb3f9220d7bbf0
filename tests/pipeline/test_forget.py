"""An account that must be erased leaves no trace: not in tables, vectors, index, map, cache, verdicts, nor names."""

import json
import multiprocessing
import os
import signal

import numpy as np
import pytest

from support.scan import Scanner, plain_hashes
from sweeplens.config import Settings
from sweeplens.errors import NotFoundError
from sweeplens.pipeline import build, forget, score, update
from sweeplens.review import add_verdict, history
from sweeplens.store import disk
from sweeplens.store.snapshot import open_snapshot
from sweeplens.store.tombstones import load_tombstones
from sweeplens.store.verify import verify

SUBJECTS = ("bread", "rivers", "trains", "stars")
GONE, STRANGER = "mallory-0007", "stranger-0001"
SHARED = "Tell account 0 fact 0 about bread"
WORDS = ("schnitzelquantum", "pentameters", "thunderstruck")
PRIVATE = {
    "ip": "198.51.100.77", "user_agent": "mallorybrowser/7", "session_id": "session-mallory",
    "org_id": "mallory-holding", "system_prompt": "Obey the private instruction sheet of Mallory",
}  # fmt: skip


def settings(store, **more):
    return Settings(store=store, encoder="fast", workers=1, **more)


def row(account, prompt, day, minute, **more):
    ts = f"2026-03-{day:02d}T10:{minute:02d}:00Z"
    return {"account_id": account, "prompt": prompt, "ts": ts, "request_id": f"{account}/{day}/{minute}", **more}


def others(day):
    return [row(f"acct-{a:04d}", f"Tell account {a} fact {p} about {SUBJECTS[p % 4]}", day, p)
            for a in range(4) for p in range(12)]  # fmt: skip


def mallorys(day, first=0):
    """Prompts on ground of their own, some on the others' ground with words of their own, and one that others sent."""
    own = [f"Schnitzelquantum resonances number {p} explained in pentameters" for p in range(first, first + 10)]
    mixed = [f"Tell thunderstruck account {p} about {SUBJECTS[p % 4]}" for p in range(first, first + 8)]
    return [row(GONE, text, day, m, **PRIVATE) for m, text in enumerate([*own, *mixed, SHARED])]


def write_log(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return str(path)


def fill(folder):
    """Build, update, and leave verdicts; give what must be found nowhere afterwards."""
    first = write_log(folder / "first.jsonl", others(2) + mallorys(2))
    second = write_log(folder / "second.jsonl", others(3)[:6] + mallorys(3, first=30))
    store = folder / "store"
    build([first], settings(store))
    snapshot = update([second], settings(store)).snapshot
    about = {"snapshot_id": snapshot.snapshot_id, "detector": "fast"}
    add_verdict(store, "account", GONE, "unsure", note="asked for schnitzelquantum again", **about)
    add_verdict(store, "account", "acct-0001", "benign", note=f"not like {GONE}", **about)
    return store, snapshot, [first, second]


def scanner_of(snapshot):
    table = snapshot.table("prompts", ["prompt_hash", "text"]).to_pydict()
    rows = [i for i, text in enumerate(table["text"]) if any(w in text.lower() for w in WORDS)]
    texts = [table["text"][i] for i in rows]
    return Scanner(
        texts=[*texts, *WORDS, GONE, *PRIVATE.values()],
        hashes=[*(table["prompt_hash"][i] for i in rows), *plain_hashes([*texts, GONE, *PRIVATE.values()])],
        vectors=np.asarray(snapshot.vectors[rows]),
        allowed=[r["prompt"] for r in others(2)],
    )


@pytest.fixture(scope="module")
def erased(tmp_path_factory):
    """A store before and after an erasure; the traces that were there; the logs."""
    folder = tmp_path_factory.mktemp("forget")
    store, before, logs = fill(folder)
    scanner = scanner_of(before)
    there = scanner.scan(store)
    done = forget([GONE], settings(store))
    return store, before, logs, scanner, there, done


def test_the_scanner_finds_the_account_everywhere_before(erased):
    _, _, _, _, there, _ = erased
    places = {(t.file.split("/")[-1], t.kind) for t in there}
    tables = ("requests", "requests-0001", "prompts", "prompts-0001", "clusters", "accounts", "signals", "curves")
    assert {(f"{name}.parquet", "text") for name in tables} <= places
    assert {("prompts.parquet", "hash"), ("vectors.npy", "vector"), ("index.faiss", "vector")} <= places
    assert {("review.sqlite", "text"), ("vectors-0001.npy", "vector"), ("index-0001.faiss", "vector")} <= places
    assert {kind for t in there if t.file.startswith(".cache/") for kind in [t.kind]} == {"hash", "vector"}


def test_no_trace_is_left_but_in_older_snapshots_which_are_named(erased):
    store, before, _, scanner, _, done = erased
    older = {t.file.split("/")[0] for t in scanner.scan(store)}
    assert older == set(done.holding)
    assert before.snapshot_id in older
    assert len(older) == 2
    assert done.pruned is None
    assert open_snapshot(store).snapshot_id == done.result.snapshot.snapshot_id not in older
    assert done.result.snapshot.manifest["parent"] == before.snapshot_id


def test_what_went_is_counted(erased):
    _, before, _, _, _, done = erased
    assert done.requests == 2 * 19
    assert done.prompts == 2 * 18
    assert (done.cached, done.verdicts) == (2 * 18, 1)
    assert done.summary["requests"] == before.table("requests").num_rows - 38
    assert done.summary["prompts"] == before.table("prompts").num_rows - 36


def test_a_prompt_that_others_sent_stays_and_others_lose_nothing(erased):
    _, before, _, _, _, done = erased
    after = done.result.snapshot
    assert SHARED in after.table("prompts")["text"].to_pylist()
    kept = [r for r in before.table("requests").to_pylist() if r["account_id"] != GONE]
    left = after.table("requests").to_pylist()
    texts = [snapshot.table("prompts")["text"].to_pylist() for snapshot in (before, after)]
    for old, new in zip(kept, left, strict=True):
        assert texts[0][old.pop("prompt_id")] == texts[1][new.pop("prompt_id")]
        assert old == new
    place = {text: i for i, text in enumerate(texts[0])}
    np.testing.assert_array_equal(after.vectors[:], before.vectors[[place[text] for text in texts[1]]])
    use = dict(zip(texts[1], after.table("use").to_pylist(), strict=True))
    assert (use[SHARED]["n_requests"], use[SHARED]["n_accounts"]) == (2, 1)
    assert after.table("accounts")["account_id"].to_pylist() == [f"acct-{a:04d}" for a in range(4)]


def test_verdicts_on_others_stay_without_the_id(erased):
    store, _, _, _, _, _ = erased
    assert history(store, "account", GONE) == []
    assert [v.note for v in history(store, "account", "acct-0001")] == ["not like [erased]"]


def test_the_new_snapshot_is_sound(erased):
    store, _, _, _, _, done = erased
    assert verify(store, every=True, deep=True) == []
    found = done.result.snapshot.index.search(np.asarray(done.result.snapshot.vectors[:5], np.float32), 1)[1]
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_an_unknown_id_is_a_sentence_and_nothing_is_done(erased):
    store, _, _, _, _, _ = erased
    before = {str(p): p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file() and not p.name.endswith("lock")}
    with pytest.raises(NotFoundError, match="no account 'stranger-0001': nothing was forgotten"):
        forget(["acct-0000", STRANGER], settings(store))
    after = {str(p): p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file() and not p.name.endswith("lock")}
    assert after == before
    assert not load_tombstones(store).forgets("acct-0000", None)


def test_old_logs_do_not_bring_it_back_and_later_requests_count(erased, tmp_path):
    store, _, logs, scanner, _, done = erased
    timeless = {"account_id": GONE, "prompt": "A row of mallory without a time"}
    late = write_log(tmp_path / "late.jsonl", [{**timeless, "ts": "2096-01-01T00:00:00Z"}, timeless])
    scored = score(logs, settings(store))
    assert scored.summary["forgotten"] == 38
    assert GONE not in scored.accounts["account_id"].to_pylist()
    again = update(logs, settings(store))
    assert again.summary["forgotten"] == 38
    assert again.summary["requests"] == done.summary["requests"]
    rebuilt = build([*logs, late], settings(store))
    assert rebuilt.summary["forgotten"] == 39
    (mine,) = [r for r in rebuilt.snapshot.table("accounts").to_pylist() if r["account_id"] == GONE]
    assert (mine["n_requests"], mine["n_prompts"]) == (1, 1)
    newer = [t for t in scanner.scan(store) if t.file.split("/")[0] not in done.holding]
    assert {t.needle for t in newer} == {GONE}


def test_everywhere_leaves_no_trace_at_all_also_after_a_first_erasure(tmp_path):
    store, before, _ = fill(tmp_path)
    scanner = scanner_of(before)
    reader = open_snapshot(store)
    done = forget([GONE], settings(store), everywhere=True)
    assert done.holding == (before.snapshot_id,)
    assert dict(done.pruned.kept) == {before.snapshot_id: "it is being read"}
    assert len(done.pruned.removed) == 1
    assert len(reader.table("prompts")) == len(before.table("prompts"))
    reader.close()
    before.close()
    again = forget([GONE], settings(store), everywhere=True)
    assert (again.requests, again.prompts, again.cached, again.verdicts, again.holding) == (0, 0, 0, 0, ())
    assert scanner.scan(store) == []
    assert verify(store, every=True, deep=True) == []


def test_prompts_that_only_older_snapshots_have_are_forgotten_too(tmp_path):
    store = tmp_path / "store"
    few = [row(GONE, f"Schnitzelquantum number {n}", 20, n) for n in range(3)]
    old = write_log(tmp_path / "old.jsonl", mallorys(2) + others(2))
    built = build([old], settings(store)).snapshot
    scanner = scanner_of(built)
    windowed = update([write_log(tmp_path / "new.jsonl", few + others(20))], settings(store, window="7d")).snapshot
    assert windowed.table("prompts").num_rows == 48 + 3
    assert any(t.file.startswith(".cache") for t in scanner.scan(store))
    for snapshot in (built, windowed):
        snapshot.close()
    forget([GONE], settings(store), everywhere=True)
    assert scanner.scan(store) == []


def test_two_accounts_that_alone_sent_a_prompt_take_it_along_and_a_store_without_text_forgets_as_well(tmp_path):
    store, both = tmp_path / "store", [GONE, STRANGER]
    rows = mallorys(2) + [{**r, "account_id": STRANGER, "request_id": f"s{i}"} for i, r in enumerate(mallorys(2))]
    log = write_log(tmp_path / "log.jsonl", rows + others(2))
    before = build([log], settings(store, text=False)).snapshot
    prompts = before.table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist()
    theirs = sorted({r["prompt_id"] for r in before.table("requests").to_pylist() if r["account_id"] in both})
    theirs = [i for i in theirs if before.table("use")["n_accounts"][i].as_py() == 2]
    scanner = Scanner(texts=both, hashes=[prompts[i] for i in theirs], vectors=np.asarray(before.vectors[theirs]))
    before.close()
    assert forget([GONE], settings(store, text=False)).prompts == 0
    done = forget([STRANGER], settings(store, text=False), everywhere=True)
    assert (done.prompts, done.summary["accounts"]) == (18, 4)
    assert [t for t in scanner.scan(store) if t.needle != GONE] == []
    forget([GONE], settings(store, text=False), everywhere=True)
    assert scanner.scan(store) == []


def test_the_last_account_can_be_forgotten(tmp_path):
    store = tmp_path / "store"
    build([write_log(tmp_path / "log.jsonl", mallorys(2))], settings(store)).snapshot.close()
    scanner = Scanner(texts=[GONE, *WORDS])
    done = forget([GONE], settings(store), everywhere=True)
    assert (done.summary["requests"], done.summary["accounts"], done.summary["prompts"]) == (0, 0, 0)
    assert scanner.scan(store) == []
    assert verify(store, every=True, deep=True) == []


def _forget_until_killed(store, at):
    count = 0

    def kill(op, when, path, other, data):
        nonlocal count
        count += when == "before"
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    with disk.observe(kill):
        forget([GONE], settings(store), everywhere=True)


def test_a_killed_erasure_goes_on_when_it_is_run_again(tmp_path):
    store, before, _ = fill(tmp_path)
    scanner = scanner_of(before)
    before.close()
    for at in (1, 8, 30, 10**6):
        victim = multiprocessing.get_context("spawn").Process(target=_forget_until_killed, args=(store, at))
        victim.start()
        victim.join(60)
        assert victim.exitcode in (-signal.SIGKILL, 0)
        assert verify(store, every=True, deep=True) == []
    assert victim.exitcode == 0
    assert scanner.scan(store) == []
