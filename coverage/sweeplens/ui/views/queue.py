"""Queue: campaigns and accounts in one ranked list."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report.narrowing import Desk, narrow
from sweeplens.report.ranking import Ranking, rows_at
from sweeplens.review.cases import OPEN_STATES, STATES
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.queueing import choice, files, filters, saved
from sweeplens.ui.reads import queue as reads
from sweeplens.ui.tables import queue as queue_table

if TYPE_CHECKING:
    from sweeplens.report.cases import Subject
    from sweeplens.report.facts import Overview
    from sweeplens.report.standing import Earlier
    from sweeplens.ui.reads.queue import News

_SHOWN = 1000  # rows of the table; who needs more narrows the filters
_OPEN = [STATES.index(state) for state in OPEN_STATES]


def show() -> None:
    """Draw the page."""
    snapshot = data.current()
    seen, before = data.overview(snapshot), reads.parent(snapshot)
    ranking, news = reads.ranked(snapshot), reads.news(snapshot)
    parts.heading("Queue", None, headline(ranking, reads.desk(snapshot, news.change)))
    _numbers(seen, before)
    if not len(ranking):
        parts.nothing("This snapshot holds no accounts.", "Build one from a log with requests: sweeplens build LOG")
        return
    _list()


def headline(ranking: Ranking, desk: Desk) -> str:
    """Say how many rows at review or high wait for an analyst."""
    waiting = ranking.flagged & np.isin(desk.state, _OPEN)
    groups, accounts = int((waiting & ranking.grouped).sum()), int((waiting & ~ranking.grouped).sum())
    if not groups + accounts:
        flagged = int(ranking.flagged.sum())
        return (
            f"Nothing at review or high is open: {words.count(flagged)} decided." if flagged else "Nothing is flagged."
        )
    named = f"{words.counted(groups, 'campaign')}, {words.counted(accounts, 'account')}"
    return f"{words.count(groups + accounts)} open at review or high: {named}."


def _numbers(seen: "Overview", before: "Earlier | None") -> None:
    old = None if before is None else before.seen
    since = "" if old is None else f"since {_since(seen.created, old.created)}"
    numbers: tuple[tuple[str, Callable[[Overview], int], str], ...] = (
        ("Accounts", lambda o: o.n_accounts, "Accounts in the log."),
        ("Flagged", lambda o: o.n_flagged, "Accounts at review or high, alone or by their campaign."),
        ("Campaigns", lambda o: o.n_campaigns, "Groups of accounts that resemble one sweep."),
        ("Requests", lambda o: o.n_requests, f"Requests in the log, {words.period(seen.first_ts, seen.last_ts)}."),
    )
    columns = st.columns(5)
    for column, (label, of, about) in zip(columns, numbers, strict=False):
        change = None if old is None else _signed(of(seen) - of(old))
        column.metric(
            label, words.count(of(seen)), change, help=about, delta_color="off", delta_arrow="off",
            delta_description=since if change else None,
        )  # fmt: skip
    later = None
    if old is not None and old.created is not None and seen.created is not None:
        later = words.age((seen.created - old.created) / timedelta(days=1))
    columns[4].metric(
        "Snapshot age", words.age(data.age_of(seen, datetime.now(UTC))), later, delta_color="off", delta_arrow="off",
        delta_description="after the last one" if later else None,
        help="Time since this snapshot was built.",
    )  # fmt: skip


def _signed(change: int) -> str:
    return "±0" if not change else f"{'+' if change > 0 else '−'}{words.count(abs(change))}"


def _since(now: datetime | None, then: datetime | None) -> str:
    """Return the day of the snapshot before, and its hour where both were built on one day."""
    if then is None:
        return "the one before"
    if now is not None and now.date() == then.date():
        return f"{then:%H:%M} UTC"
    return f"{then.day} {then:%b}" if now is None or now.year == then.year else words.day(then)


@parts.fragment
def _list() -> None:
    """Draw the filters and what matches them; a filter draws this part alone again."""
    snapshot = data.current()
    ranking, news = reads.ranked(snapshot), reads.news(snapshot)
    desk, fields = reads.desk(snapshot, news.change), reads.fields(snapshot)
    filters.recall()
    *row, views = st.columns([1.75, 2, 2, 2, 1.15, 1], vertical_alignment="center")
    filters.draw_row(row)
    with views:
        saved.draw(snapshot)
    filters.draw_more(snapshot, fields)
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with line:
        filters.draw_only(news)
    filters.keep()
    places = narrow(snapshot, ranking, desk, fields, filters.wanted())
    shown = places[:_SHOWN]
    subjects = [ranking.subject(int(place)) for place in shown]
    opened = None
    if len(places):
        rows = rows_at(snapshot, ranking, shown)
        cases = data.cases(snapshot)
        frame, columns = queue_table.queue(ranking, desk, shown, rows, [cases.of(*s) for s in subjects])
        opened = choice.table(frame, columns, subjects)
    else:
        parts.nothing("Nothing in the queue matches these filters.", "Take one of the filters back.")
        st.button("Take all filters back", key="queue-clear", on_click=filters.put, args=({},))
    with line:
        files.draw(snapshot, ranking, places)
        if st.button("Open the first", key="queue-first", shortcut="O", disabled=not subjects):
            opened = subjects[0]
        choice.draw(snapshot, choice.ticked_among(subjects))
        said = (choice.said(), _counted(ranking, desk, places, news), _ticked_elsewhere(subjects))
        st.caption(" · ".join(filter(None, said)), width="stretch")
    if opened is not None:
        kind, subject = opened
        links.go_to(kind, **{kind: subject})


def _ticked_elsewhere(subjects: list["Subject"]) -> str:
    n = choice.ticked_elsewhere(subjects)
    return f"{words.counted(n, 'ticked row')} {'is' if n == 1 else 'are'} not in this list" if n else ""


def _counted(ranking: Ranking, desk: Desk, places: NDArray[np.int64], news: "News") -> str:
    """Say how much matches, how much of it is shown, and what is new among it."""
    groups = int(ranking.grouped[places].sum())
    kinds = ((groups, "campaign"), (len(places) - groups, "account"))
    named = ", ".join(words.counted(n, noun) for n, noun in kinds if n) or "nothing"
    said = [named if len(places) == len(ranking) else f"{named} of {words.count(len(ranking))} rows"]
    if len(places) > _SHOWN:
        said.append(f"the first {words.count(_SHOWN)} are shown")
    fresh = int((desk.change[places] > 0).sum())
    if news.since:
        said.append(f"{words.count(fresh) if fresh else 'none'} new or raised {news.since}")
    if news.gone:
        said.append(news.gone)
    return " · ".join(said)
