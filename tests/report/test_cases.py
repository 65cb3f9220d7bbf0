"""Cases: what a verdict settles, how long, and what opens it again."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.follow_store import follow
from support.small_store import SENT, write_small_store
from sweeplens.errors import NotFoundError
from sweeplens.report.cases import (
    Review,
    audited,
    cases_among,
    cases_of,
    decision_on,
    raised_since,
    review_among,
    review_of,
    to_look_at,
)
from sweeplens.report.decisions import KEYS, allow_list, decisions_of, to_records
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.review import add_verdict
from sweeplens.review.assigning import assign
from sweeplens.review.audit import audit_slice
from sweeplens.review.cases import settle
from sweeplens.review.people import Person
from sweeplens.review.verdicts import Verdict, add_verdicts
from sweeplens.store.snapshot import Snapshot, open_snapshot
from sweeplens.store.tombstones import add_tombstones

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ABOUT = {"snapshot_id": "s", "detector": "d"}
TEN = tuple(f"m{i}" for i in range(10))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("cases") / "store"
    write_small_store(store)
    return store


@pytest.fixture
def store(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "store"))


def verdict(word: str, *, days: float = 1, until: float | None = None, level: str | None = "review", members=()):
    kind = "campaign" if members else "account"
    end = None if until is None else NOW + timedelta(days=until)
    at = NOW - timedelta(days=days)
    return Verdict(1, kind, "x", word, "", "ann", False, at, "s", "d", None, end, level, tuple(members))


def state(given: Verdict, level: str = "review", members=()) -> tuple[str, str]:
    case = settle(given, level=level, members=members, allow_days=90, now=NOW)
    return case.state, case.why


def test_a_verdict_settles_or_keeps_open() -> None:
    assert state(verdict("confirmed sweep")) == ("confirmed", "")
    assert state(verdict("confirmed sweep", days=900), "high") == ("confirmed", "")
    assert state(verdict("unsure")) == ("unsure", "")
    for word in ("benign", "benchmark", "tenant"):
        assert state(verdict(word)) == ("allowed", "")


def test_an_entry_of_the_allow_list_ends() -> None:
    assert state(verdict("benign", days=89.9))[0] == "allowed"
    assert state(verdict("benign", days=90)) == ("reopened", "The entry of the allow-list ended on 1 Jun 2026.")
    assert state(verdict("benign", days=400, until=1))[0] == "allowed"
    assert state(verdict("tenant", until=0))[0] == "reopened"
    assert settle(verdict("benign", days=10), level="none", members=(), allow_days=90, now=NOW).ends == NOW + timedelta(
        days=80
    )


def test_it_opens_again_when_the_level_rises_and_not_when_it_falls() -> None:
    assert state(verdict("benign", level="watch"), "review") == (
        "reopened", "Its level has risen from watch to review since.",
    )  # fmt: skip
    assert state(verdict("benign", level="high"), "review")[0] == "allowed"
    assert state(verdict("benign", level="insufficient"), "none")[0] == "allowed"  # it can be judged now: no more
    assert state(verdict("benign", level="insufficient"), "watch")[0] == "reopened"
    assert state(verdict("benign", level=None), "high")[0] == "allowed"


@pytest.mark.parametrize("word", ["confirmed sweep", "tenant"])
def test_a_campaigns_verdict_follows_while_seven_of_ten_stay(word: str) -> None:
    settled = "confirmed" if word == "confirmed sweep" else "allowed"
    given = verdict(word, members=TEN)
    assert state(given, members=TEN)[0] == settled
    assert state(given, members=TEN[:7])[0] == settled
    assert state(given, members=TEN[:6]) == ("reopened", "4 of the 10 members that it had are gone.")
    assert state(given, members=[*TEN, "n1", "n2", "n3", "n4"])[0] == settled
    assert state(given, members=[*TEN, "n1", "n2", "n3", "n4", "n5"]) == (
        "reopened", "5 accounts have joined since: n1, n2, n3 and 2 more.",
    )  # fmt: skip
    assert state(given, members=[*TEN[:5], "n1"]) == (
        "reopened", "1 account has joined since: n1; 5 of the 10 members that it had are gone.",
    )  # fmt: skip
    assert state(verdict(word), members=())[0] == settled


def test_a_confirmed_campaign_settles_the_members_that_it_had(store: Path) -> None:
    add_verdict(store, "account", "dealt-a", "benign", level="high", **ABOUT)
    members = ("dealt-a", "dealt-b", "gone")
    add_verdict(store, "campaign", "C-01", "confirmed sweep", members=members, level="high", **ABOUT)
    cases = cases_of(open_snapshot(store))
    assert cases.of("campaign", "C-01").state == "reopened"  # two of three stayed
    assert cases.of("account", "dealt-a").state == "allowed"
    three = ("dealt-a", "dealt-b", "dealt-c")
    add_verdict(store, "campaign", "C-01", "confirmed sweep", members=three, level="high", **ABOUT)
    cases = cases_of(open_snapshot(store))
    assert [(cases.of("account", a).state, cases.of("account", a).through) for a in three] == [
        ("confirmed", "C-01")
    ] * 3
    add_verdict(store, "account", "dealt-b", "unsure", **ABOUT)
    assert cases_of(open_snapshot(store)).of("account", "dealt-b").state == "unsure"  # the later one counts
    assert cases_of(open_snapshot(store)).of("account", "lone").state == "open"


def test_an_allowed_campaign_settles_only_those_that_it_alone_has_raised(store: Path) -> None:
    for campaign, members in (("K-02", ("chat-1", "chat-2")), ("C-01", ("dealt-a", "dealt-b", "dealt-c"))):
        add_verdict(store, "campaign", campaign, "tenant", members=members, **ABOUT)
    cases = cases_of(open_snapshot(store))
    assert cases.of("account", "dealt-a").state == "allowed"
    assert cases.of("account", "chat-1").state == "open"


def test_verdicts_live_on_in_the_next_snapshot(store: Path) -> None:
    snapshot = open_snapshot(store)
    given = [
        decision_on(snapshot, "campaign", "C-01", "confirmed sweep", seen=None, audit=0),
        decision_on(snapshot, "account", "lone", "benign", seen=None, audit=0),
    ]
    add_verdicts(store, given, **ABOUT)
    after = cases_of(follow(store))
    assert {key: case.state for key, case in after.known.items()} == {
        ("campaign", "C-01"): "confirmed", ("account", "lone"): "allowed", ("account", "dealt-a"): "confirmed",
        ("account", "dealt-b"): "confirmed", ("account", "dealt-c"): "confirmed",
    }  # fmt: skip
    risen = cases_of(follow(store, levels={"lone": "high"}, members=["dealt-a", "dealt-b", "shop", "lone"]))
    assert risen.of("account", "lone").why == "Its level has risen from review to high since."
    assert risen.of("campaign", "C-01").joined == ("lone", "shop")
    assert "1 of the 3 members that it had are gone" in risen.of("campaign", "C-01").why
    assert risen.of("account", "dealt-a").state == "open"
    assert ("account", "lone") not in cases_of(follow(store, without=["lone"])).known


def test_rows_of_a_log_stand_as_those_of_a_snapshot_do(store: Path) -> None:
    snapshot = open_snapshot(store)
    add_verdict(store, "campaign", "C-01", "benign", members=("dealt-a", "dealt-b", "dealt-c"), level="high", **ABOUT)
    add_verdict(store, "account", "lone", "benign", level="watch", **ABOUT)
    assign(store, [("account", "shop"), ("account", "not-here")], " Bob  B ", by=Person("ann"))
    accounts, groups = account_queue(snapshot), campaign_queue(snapshot, include_all=True)
    assert cases_among(store, accounts, groups) == cases_of(snapshot)
    review = review_of(snapshot, allow_days=90, audit=1.0)
    assert review.drawn == set(SENT)
    assert review_among(store, accounts, groups, allow_days=90, audit=1.0) == review
    about = {row.account_id: review.about(row) for row in accounts}
    assert about["shop"] == {"state": "open", "verdict": None, "assignee": "Bob B", "audit": True}
    assert about["lone"]["state"] == "reopened"
    assert review.about(groups[0]) == {"state": "allowed", "verdict": "benign", "assignee": None, "audit": False}
    some = cases_among(store, [a for a in accounts if a.account_id == "dealt-b"], groups)
    assert {key for key in some.known if key[0] == "account"} == {("account", "dealt-b")}


def test_scoring_a_log_makes_no_key_to_draw_by(store: Path) -> None:
    rows = account_queue(open_snapshot(store))
    assert review_among(store, rows, [], allow_days=90, audit=1.0) == Review()
    assert not (store / "key").exists()
    assert audited(open_snapshot(store), 1.0) == set(SENT)
    assert (store / "key").exists()


def test_a_key_that_is_lost_is_not_made_anew(store: Path) -> None:
    add_tombstones(store, ["x"], 1)
    assert audited(open_snapshot(store), 1.0) == set(SENT)
    (store / "key").unlink()
    assert audited(open_snapshot(store), 1.0) == frozenset()
    assert not (store / "key").exists()


def test_the_audit_draws_the_same_accounts_each_time_and_a_larger_share_holds_the_smaller() -> None:
    ids = [f"a{i}" for i in range(20_000)]
    two, five = audit_slice(b"k" * 32, ids, 0.02), audit_slice(b"k" * 32, ids, 0.05)
    assert two < five
    assert audit_slice(b"k" * 32, ids[::-1], 0.02) == two
    assert abs(len(two) - 400) < 4 * 20
    assert len(two & audit_slice(b"x" * 32, ids, 0.02)) < 30
    assert audit_slice(b"k" * 32, ids, 0.0) == frozenset()
    assert len(audit_slice(b"k" * 32, ids, 1.0)) == len(ids)


def test_only_one_below_review_owes_a_look_to_the_audit(store: Path) -> None:
    snapshot = open_snapshot(store)
    on = {a: decision_on(snapshot, "account", a, "benign", seen=None, audit=1.0) for a in ("shop", "lone", "dealt-a")}
    assert {a: d.inclusion for a, d in on.items()} == {"shop": 1.0, "lone": None, "dealt-a": None}
    assert decision_on(snapshot, "account", "shop", "benign", seen=None, audit=0.0).inclusion is None
    assert (on["lone"].level, on["lone"].members) == ("review", ())
    whole = decision_on(snapshot, "campaign", "C-01", "unsure", seen=4, audit=1.0)
    assert (whole.level, whole.members, whole.inclusion, whole.seen) == (
        "high",
        ("dealt-a", "dealt-b", "dealt-c"),
        None,
        4,
    )
    with pytest.raises(NotFoundError, match="no account 'nobody'"):
        decision_on(snapshot, "account", "nobody", "benign", seen=None, audit=0.0)


def test_what_is_new_or_raised_and_open(store: Path) -> None:
    older: Snapshot = open_snapshot(store)
    newer = follow(store, levels={"shop": "review", "chat-2": "none"})
    rows = account_queue(newer)
    assert [r.account_id for r in raised_since(rows, older)] == ["shop"]
    assert raised_since(rows, None) == rows
    add_verdict(store, "account", "shop", "confirmed sweep", **ABOUT)
    assert to_look_at(rows, cases_of(newer), older) == []


# -- the trail ------------------------------------------------


def test_the_trail_lists_the_last_or_all_and_cases_that_are_only_assigned(store: Path) -> None:
    add_verdict(store, "account", "lone", "unsure", **ABOUT)
    soon = datetime.now(UTC) + timedelta(days=3)
    add_verdict(store, "account", "lone", "benign", until=soon, level="review", note="n", **ABOUT)
    add_verdict(store, "account", "gone", "tenant", **ABOUT)
    assign(store, [("account", "shop"), ("account", "lone")], "bob", by=Person("ann"))
    snapshot = open_snapshot(store)
    cases = cases_of(snapshot)
    rows = to_records(decisions_of(snapshot, cases))
    assert all(tuple(row) == KEYS for row in rows)
    assert [(r["subject"], r["verdict"], r["state"], r["assignee"]) for r in rows] == [
        ("gone", "tenant", None, None), ("lone", "benign", "allowed", "bob"), ("shop", None, "open", "bob"),
    ]  # fmt: skip
    assert (rows[1]["note"], rows[1]["ends"]) == ("n", soon.isoformat(timespec="seconds").replace("+00:00", "Z"))
    everything = decisions_of(snapshot, cases, replaced=True)
    assert [(r.subject, r.state) for r in everything] == [
        ("gone", None), ("lone", "allowed"), ("lone", None), ("shop", "open"),
    ]  # fmt: skip
    assert [r.subject for r in everything if r.is_open] == ["shop"]


def test_entries_that_end_soon_stand_by_their_end(store: Path) -> None:
    now = datetime.now(UTC)
    for account, days in (("lone", 30), ("shop", 2), ("chat-1", 10)):
        add_verdict(store, "account", account, "benign", until=now + timedelta(days=days), **ABOUT)
    snapshot = open_snapshot(store)
    rows = decisions_of(snapshot, cases_of(snapshot))
    assert [r.subject for r in allow_list(rows, now, days=14)] == ["shop", "chat-1"]
    assert [r.subject for r in allow_list(rows, now)] == ["shop", "chat-1", "lone"]
    assert [r.subject for r in allow_list(rows, now, days=1)] == []
