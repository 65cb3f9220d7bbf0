"""The table of the queue: one line a campaign or account, as narrow as 1280 px ask for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report.briefs import brief_account, brief_campaign
from sweeplens.report.columns import dates
from sweeplens.report.facts import LEVELS, CampaignRow
from sweeplens.report.narrowing import Desk
from sweeplens.report.ranking import Ranking, Row
from sweeplens.report.standing import NEW, RAISED
from sweeplens.review.cases import Case
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text
from sweeplens.ui.theme import palette

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_P = "Share of honest accounts that score as high, or of their groups that are as strong; a member's is its own"
_Q = "p after correction for all that was tested: of the rows up to a q of 0.05, about one in twenty is honest"
_GROUP = "Members of a campaign, or the campaign that an account is a member of"
_MARKS = "Whom it is assigned to; new or raised since your last visit; drawn for the audit, whatever its level"
_ROOM = 954  # px of all columns at 1280 px: less scrolls sideways, more is spread out
_CHANGES = {NEW: "new", RAISED: "raised"}
_YEAR = timedelta(days=330)  # a day of the year says less from here on
_NARROWEST = 120  # px of the reasons


def queue(
    ranking: Ranking, desk: Desk, places: NDArray[np.int64], rows: Sequence[Row], cases: Sequence[Case]
) -> tuple["Styler", dict[str, Any]]:
    """Return the table and its columns for the rows of the queue at these places; columns that are empty are hidden."""
    marks = [
        _marks(case.assignee, int(desk.change[p]), bool(desk.audit[p])) for p, case in zip(places, cases, strict=True)
    ]
    table = {
        "level": [words.LEVEL_WORDS[LEVELS[level]] for level in ranking.level[places]],
        "score": ranking.score[places], "p": ranking.p[places], "q": ranking.q[places],
        "id": [one_line(ranking.subject(int(p))[1], 60) for p in places],
        "group": [_group(row) for row in rows],
        "reason": [brief_campaign(row) if isinstance(row, CampaignRow) else brief_account(row) for row in rows],
        "state": [review_words(case) for case in cases], "mark": marks,
        "n_requests": ranking.n_requests[places], "n_prompts": ranking.n_prompts[places],
        "first": dates(ranking.first[places]), "last": dates(ranking.last[places]),
    }  # fmt: skip
    frame = frame_of((), list(table)) if not len(places) else _frame(table)
    style = styled(frame, counts=("n_requests", "n_prompts"), scores=("score",), shorts=("p", "q"))
    return style.apply(_level_styles, subset=["level"]), _columns(table)


def review_words(case: Case) -> str:
    """Return the state of review in a few words: what, until when or why, and by whom."""
    verdict = case.verdict
    if verdict is None:
        return case.state
    who = one_line(verdict.analyst, 40)
    if case.through:
        return f"{case.state} with {one_line(case.through, 20)}, by {who}"
    if case.state == "allowed" and case.ends is not None:
        year = "" if case.ends - verdict.at < _YEAR else f" {case.ends.year}"
        return f"allowed to {case.ends.day} {case.ends:%b}{year} by {who}"
    if case.state == "reopened":
        return f"reopened: {one_line(case.why, 120)}"
    return f"{case.state} by {who}"


def _frame(table: dict[str, Any]) -> Any:  # noqa: ANN401 - a data frame
    import pandas as pd

    return pd.DataFrame(table)


def _group(row: Row) -> str:
    if isinstance(row, CampaignRow):
        return words.counted(len(row.accounts), "account")
    return "" if row.campaign_id is None else f"in {one_line(row.campaign_id, 20)}"


def _marks(assignee: str, change: int, audit: bool) -> str:
    whose = f"for {one_line(assignee, 40)}" if assignee else ""
    return ", ".join(mark for mark in (whose, _CHANGES.get(change, ""), "audit" if audit else "") if mark)


def _columns(table: dict[str, Any]) -> dict[str, Any]:
    """Return the columns; what no row has takes no room, and the reasons have what is left."""
    there = {name: _any(table[name]) for name in ("p", "q", "group", "mark", "first")}
    decided = any(state != "open" for state in table["state"])
    short = _one_year(table["first"], table["last"])
    day = 54 if short else 72
    widths = {
        "level": 64, "score": 50, "p": 58, "q": 52, "id": 108, "group": 76, "state": 98 if decided else 54,
        "mark": 62, "n_requests": 66, "n_prompts": 60, "first": day, "last": day,
    }  # fmt: skip
    shown = {name: width for name, width in widths.items() if there.get("first" if name == "last" else name, True)}
    when = {"width": day, "format": "D MMM" if short else "D MMM YY", "timezone": "UTC"}
    left = max(_NARROWEST, _ROOM - sum(shown.values()))
    made = {
        "level": text("Level", widths["level"]), "score": number("Score", widths["score"]),
        "p": number("p", widths["p"], _P), "q": number("q", widths["q"], _Q), "id": text("Id", widths["id"]),
        "group": text("Group", widths["group"], _GROUP), "reason": text("Strongest reasons", left),
        "state": text("Review", widths["state"]), "mark": text("Marks", widths["mark"], _MARKS),
        "n_requests": number("Requests", widths["n_requests"]),
        "n_prompts": number("Prompts", widths["n_prompts"], "Distinct prompts"),
        "first": st.column_config.DatetimeColumn("First", help="First seen", **when),  # type: ignore[arg-type]
        "last": st.column_config.DatetimeColumn("Last", help="Last seen", **when),  # type: ignore[arg-type]
    }  # fmt: skip
    return {name: column if name in shown or name == "reason" else None for name, column in made.items()}


def _any(values: Any) -> bool:  # noqa: ANN401 - a list of words, or an array with missing values
    if isinstance(values, list):
        return any(values)
    return bool((values == values).any())  # noqa: PLR0124 - neither NaN nor NaT is itself


def _one_year(first: "NDArray[np.datetime64]", last: "NDArray[np.datetime64]") -> bool:
    years = np.concatenate([first, last]).astype("datetime64[Y]")
    return len(np.unique(years[~np.isnat(years)])) <= 1


def _level_styles(column: Any) -> list[str]:  # noqa: ANN401 - a column of a data frame
    p = palette(st.context.theme.type)
    by_word = {
        words.LEVEL_WORDS[level]: f"color: {p.level(level)}; font-weight: {600 if level in {'high', 'review'} else 400}"
        for level in words.LEVELS
    }
    return [by_word[word] for word in column]
