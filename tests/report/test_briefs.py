"""The strongest reasons in the few words that a list has room for."""

from dataclasses import replace

from sweeplens.report.briefs import brief_account, brief_campaign, brief_reason
from sweeplens.report.facts import Reason
from sweeplens.report.languages import language_name
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.store.snapshot import Snapshot


def reason(signal: str, weight: float | None, text: str) -> Reason:
    return Reason(signal, None, None, weight, text)


def test_the_two_strongest_reasons_stand_in_one_line(snapshot: Snapshot) -> None:
    row = replace(
        account_queue(snapshot)[0],
        reasons=(
            reason("campaign", 9.0, "asks like 2 other accounts, which together score 0.93"),
            reason("pack", 1.3, "its prompts are long or say things twice (each alone compresses to 72 %)"),
            reason("runs", 0.4, "never mind"),
            reason("repeats", 3.0, "sends its median prompt twice; peers once"),
        ),
    )
    assert brief_account(row) == "Sends its median prompt twice · Its prompts are long or say things twice"
    assert brief_account(replace(row, reasons=row.reasons[:1])) == "Asks like 2 other accounts"


def test_without_reasons_it_says_why(snapshot: Snapshot) -> None:
    unjudged = account_queue(snapshot)[-1]
    assert brief_account(unjudged) == "Too few prompts to be judged alone"
    assert brief_account(replace(unjudged, score=0.1)) == ""


def test_a_reason_cannot_bring_control_characters_or_run_on() -> None:
    assert brief_reason(reason("x", 1.0, "a\x1b[31m\nb")) == "A\\x1b[31m b"
    assert len(brief_reason(reason("x", 1.0, "word " * 200))) <= 121


def test_what_speaks_for_a_campaign_comes_from_its_evidence(snapshot: Snapshot) -> None:
    (group,) = campaign_queue(snapshot)
    assert brief_campaign(group) == "Together 15 cells"
    more = {"union_cells": 1200, "largest_member_cells": 97, "union_score": 0.891}
    assert brief_campaign(replace(group, evidence=more)) == (
        "Together 1\u2009200 cells, the widest alone 97 cells, scored as one 0.89"
    )
    assert brief_campaign(replace(group, evidence={"union_cells": "many"})) == ""


def test_languages_have_names() -> None:
    assert [language_name(code) for code in ("en", "und", "xx")] == ["English", "undetermined", "xx"]
