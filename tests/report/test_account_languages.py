"""An account's mix of languages, and whom it is compared with, in words and in each face."""

import json

import pytest

from support.altered import Altered, with_column
from support.small_store import SENT
from sweeplens.report.account import account_evidence
from sweeplens.report.facts import LanguageShare
from sweeplens.report.languages import language_name
from sweeplens.report.narrowing import Fields
from sweeplens.report.paper.make import make_report
from sweeplens.report.sentences import describe_comparison, describe_languages
from sweeplens.signals.measure import PEERS
from sweeplens.store.snapshot import Snapshot

OLD = "this snapshot is of a version that did not look at languages"


@pytest.fixture(scope="module")
def mixed(snapshot: Snapshot) -> Snapshot:
    """The small store with prompts 10-19 in French, 30-37 in Thai, and 38 and 39 in no language that was told."""
    told = ["fr" if 10 <= p < 20 else "th" if 30 <= p < 38 else "und" if p >= 38 else "en" for p in range(40)]
    return Altered(snapshot, {"prompts": with_column(snapshot.table("prompts"), "language", told)}, peers=PEERS)


def shares(snapshot: Snapshot, account: str) -> list[tuple[str, int, float]]:
    return [(s.language, s.n_prompts, s.share) for s in account_evidence(snapshot, account).languages.shares]


def test_a_mix_counts_distinct_prompts_whose_language_is_told(mixed: Snapshot) -> None:
    lone = account_evidence(mixed, "lone").languages
    own = set(SENT["lone"])
    assert shares(mixed, "lone") == [
        ("en", len(own & set(range(10))) + len(own & set(range(20, 30))), pytest.approx(10 / 19)),
        ("fr", len(own & set(range(10, 20))), pytest.approx(5 / 19)),
        ("th", len(own & set(range(30, 38))), pytest.approx(4 / 19)),
    ]
    assert (lone.main, lone.n_untold) == ("en", 1)
    assert lone.text == "Asks in English 52.6 %, French 26.3 %, Thai 21.1 %; 1 prompt too short or mixed to tell"
    assert account_evidence(mixed, "chat-1").languages.main == "th"


def test_an_account_without_a_language_has_no_main_one(mixed: Snapshot) -> None:
    facts = account_evidence(mixed, "=cmd")
    assert (facts.languages.main, facts.languages.shares, facts.languages.n_untold) == (None, (), 1)
    assert facts.languages.text == "Asks in no language that could be told"
    assert facts.peers.text.endswith("in any language: its own prompts are in no language that could be told")


def test_the_queue_is_filtered_by_the_main_language_and_those_without_one(mixed: Snapshot) -> None:
    fields = Fields(mixed)
    accounts = mixed.table("accounts")["account_id"].to_pylist()
    named = {code: {a for a, there in zip(accounts, fields.language(code), strict=True) if there} for code in
             ("en", "fr", "th", "und", "de")}  # fmt: skip
    assert named == {
        "en": {"dealt-a", "dealt-b", "dealt-c", "lone"}, "fr": {"chat-2"}, "th": {"chat-1", "shop"}, "und": {"=cmd"},
        "de": set(),
    }  # fmt: skip
    assert fields.languages == ["en", "th", "fr", "und"]
    for account, word in ((a, w) for w, members in named.items() for a in members):
        assert account_evidence(mixed, account).languages.main == (None if word == "und" else word)


def test_too_few_of_a_language_are_said(mixed: Snapshot) -> None:
    peers = account_evidence(mixed, "shop").peers
    assert (peers.language, peers.n_language) == (None, 1)
    assert peers.text == ("compared with the 5 accounts nearest in volume in any language: only 1 asks mostly in Thai")


def test_the_report_says_both_and_what_weakens_it(mixed: Snapshot) -> None:
    said = json.loads(make_report(mixed, "account", "shop", format="json", by="ada", verified=True))
    assert said["languages"]["main"] == "th"
    assert said["languages"]["shares"][0]["name"] == "Thai"
    assert said["peers"]["text"].endswith("only 1 asks mostly in Thai")
    assert any("mostly in another language" in doubt for doubt in said["doubts"])
    page = make_report(mixed, "account", "shop", by="ada", verified=True).decode()
    assert "<dt>languages</dt><dd>Asks in Thai 80.0 %, English 20.0 %</dd>" in page


@pytest.mark.parametrize(
    ("n", "main", "like", "shared", "n_language", "by_language", "said"),
    [
        (212, "zh", True, True, 212, True, "compared with 212 accounts of like volume that ask mostly in Chinese"),
        (431, "th", True, False, 12, True,
         "compared with 431 accounts of like volume in any language: only 12 ask mostly in Thai"),
        (431, "th", True, False, 0, True,
         "compared with 431 accounts of like volume in any language: no other account asks mostly in Thai"),
        (30, "en", False, True, 3, True, "compared with the 30 accounts nearest in volume that ask mostly in English"),
        (1, "en", True, True, 1, True, "compared with 1 account of like volume that asks mostly in English"),
        (90, "th", True, False, 40, False,
         "compared with 90 accounts of like volume in any language: " + OLD),
        (0, "en", False, False, 0, True, "compared with nobody: there is no other account"),
    ],
)  # fmt: skip
def test_whom_an_account_is_compared_with(
    n: int, main: str, like: bool, shared: bool, n_language: int, by_language: bool, said: str
) -> None:
    assert said == describe_comparison(
        n, main, like=like, shared=shared, n_language=n_language, by_language=by_language
    )


def test_of_many_languages_four_are_named() -> None:
    many = [LanguageShare(code, language_name(code), n, n / 20) for code, n in
            zip(("en", "de", "fr", "es", "th", "vi"), (10, 4, 2, 2, 1, 1), strict=True)]  # fmt: skip
    assert describe_languages(many, 0) == (
        "Asks in English 50.0 %, German 20.0 %, French 10.0 %, Spanish 10.0 %, 2 others 10.0 %"
    )


def test_a_code_that_is_none_is_not_shown() -> None:
    assert language_name("<b>**x**</b>") == "another language"
    assert language_name("nds") == "nds"
