"""What accounts sent before a snapshot counts for what comes after it: an update, a score and a build agree."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from support.day_log import quick, write_rows
from support.whole import asked, check_whole, rows_by
from sweeplens.pipeline import build, forget, score, update
from sweeplens.store.snapshot import open_snapshot

N, CUT = 24, 12  # questions of each account, and after how many of them the second log begins
SUBJECTS = ("bread", "rivers", "trains", "stars", "violins", "taxes", "cats", "bridges")


def question(account, p):
    return f"Tell {account} fact {p} about {SUBJECTS[p % 8]}."


def turns(*texts):
    return [{"role": "user", "content": text} for text in texts]


def written(account, p):
    """Return how an account puts its question p."""
    now = question(account, p)
    if account == "system":
        return {"prompt": "go on", "system_prompt": f"Answer in a sentence.\n{now}\nUse no lists."}
    if account == "earlier":
        return {"messages": turns(now, "go on")}
    if account == "counter":
        return {"messages": [{"role": "system", "content": now}, *turns(f"go on {p}")]}
    if account == "chat":
        return {"messages": turns(*(question(account, q) for q in range(p // 6 * 6, p)), now)}
    if account == "shop":
        return {"prompt": now, "system_prompt": f"You help in a shop. Today is 2026-03-{p + 1:02d}. Be brief."}
    return {"prompt": now}


ACCOUNTS = ("system", "earlier", "counter", "chat", "shop", "plain")


def rows(begin, end):
    return [
        {"request_id": f"{a}-{p}", "account_id": a, "ts": f"2026-03-02T10:{p:02d}:{i:02d}Z", **written(a, p)}
        for p in range(begin, end)
        for i, a in enumerate(ACCOUNTS)
    ]


def prompts_of(snapshot, account):
    """Return the prompts of an account in the order of its requests."""
    found = asked(snapshot)
    return [found[f"{account}-{p}"][1] for p in range(N)]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Both halves of a log: built at once, and the second scored and put on top of the first; with text and without."""
    folder = tmp_path_factory.mktemp("sent")
    logs = [write_rows(folder / "1.jsonl", rows(0, CUT)), write_rows(folder / "2.jsonl", rows(CUT - 2, N))]
    kept = quick(folder / "store")
    build(logs[:1], kept).snapshot.close()
    shutil.copytree(kept.store, folder / "first")
    scored = score(logs[1:], kept)
    none = quick(folder / "none", text=False)
    build(logs[:1], none).snapshot.close()
    return SimpleNamespace(
        folder=folder, logs=logs, scored=scored, child=update(logs[1:], kept),
        whole=build(logs, quick(folder / "whole")),
        none_scored=score(logs[1:], none), none=update(logs[1:], none),
    )  # fmt: skip


def test_honest_accounts_are_read_as_they_ask(stores):
    for result in (stores.whole, stores.child):
        for account in ("chat", "shop", "plain"):
            assert prompts_of(result.snapshot, account) == [question(account, p) for p in range(N)]


def test_what_stands_behind_a_constant_last_turn_is_measured(stores):
    for result in (stores.whole, stores.child):
        behind = [question("system", p) for p in range(N)]
        assert prompts_of(result.snapshot, "system") == ["go on", *behind[1:]]
        counted = [f"{question('counter', p)}\n\ngo on {p}" for p in range(N)]
        assert prompts_of(result.snapshot, "counter") == ["go on 0", *counted[1:]]
    levels = {name: row["level"] for name, row in rows_by(stores.whole.snapshot, "accounts", "account_id").items()}
    assert "insufficient" not in levels.values()


def test_the_last_turn_of_a_joined_prompt_is_all_that_an_update_does_not_know(stores):
    behind = [question("earlier", p) for p in range(N)]
    assert prompts_of(stores.whole.snapshot, "earlier") == [f"{behind[0]}\n\ngo on", *behind[1:]]
    behind[0], behind[CUT] = f"{behind[0]}\n\ngo on", f"{behind[CUT]}\n\ngo on"
    assert prompts_of(stores.child.snapshot, "earlier") == behind


def test_an_update_holds_what_a_build_of_both_logs_holds(stores):
    check_whole(stores.child.snapshot)
    mine, theirs = asked(stores.child.snapshot), asked(stores.whole.snapshot)
    assert {name for name in mine if mine[name] != theirs[name]} == {f"earlier-{CUT}"}
    # One row of a log is one request, with its system prompt in its column, whatever became of the prompt.
    table = stores.child.snapshot.table("requests")
    assert len(table) == N * len(ACCOUNTS)
    systems = dict(zip(table["request_id"].to_pylist(), table["system_prompt"].to_pylist(), strict=True))
    assert systems["system-5"] == f"Answer in a sentence.\n{question('system', 5)}\nUse no lists."
    assert systems["earlier-5"] is None


@pytest.mark.parametrize("kind", ["", "none_"])
def test_a_score_of_the_log_is_that_of_an_update(stores, kind):
    scored = getattr(stores, f"{kind}scored")
    snapshot = (stores.none if kind else stores.child).snapshot
    columns = ("n_requests", "n_prompts", "level", "score")
    told = {row["account_id"]: [row[c] for c in columns[:3]] for row in scored.accounts.to_pylist()}
    theirs = rows_by(snapshot, "accounts", "account_id")
    assert told == {name: [row[c] for c in columns[:3]] for name, row in theirs.items()}


def test_without_text_earlier_prompts_are_known_but_no_system_prompts(stores):
    counts = {name: row["n_prompts"] for name, row in rows_by(stores.none.snapshot, "accounts", "account_id").items()}
    whole = {name: row["n_prompts"] for name, row in rows_by(stores.whole.snapshot, "accounts", "account_id").items()}
    # The first system prompt of the second log is taken for the account's own: one of "system" is not measured.
    assert {name: counts[name] - whole[name] for name in whole} == dict.fromkeys(whole, 0) | {"system": -1}
    assert "text" not in stores.none.snapshot.table("prompts").column_names or not any(
        stores.none.snapshot.table("prompts")["text"].to_pylist()
    )


def test_a_log_that_comes_again_changes_nothing(stores, tmp_path):
    shutil.copytree(stores.folder / "first", tmp_path / "store")
    result = update(stores.logs[:1], quick(tmp_path / "store"))
    assert (result.summary["repeated"], result.summary["new_prompts"]) == (CUT * len(ACCOUNTS), 0)


def test_what_a_forgotten_account_sent_is_forgotten(stores, tmp_path):
    shutil.copytree(stores.folder / "first", tmp_path / "store")
    about = quick(tmp_path / "store")
    forget(["system", "earlier"], about)
    late = [come_later(row) for row in rows(CUT, N) if row["account_id"] == "system"]
    with open_snapshot(about.store) as snapshot:
        assert not {"system", "earlier"} & set(snapshot.table("requests")["account_id"].to_pylist())
        assert not any("system fact" in text for text in snapshot.table("prompts")["text"].to_pylist())
    result = update([write_rows(tmp_path / "late.jsonl", late)], replace(about, window=None))
    found = asked(result.snapshot)
    assert [found[row["request_id"]][1] for row in late] == [
        "go on",
        *(question("system", p) for p in range(CUT + 1, N)),
    ]


def come_later(row):
    """Return a row of after the erasure."""
    return {**row, "request_id": f"{row['request_id']}-late", "ts": "2150-03-02T10:00:00Z"}
