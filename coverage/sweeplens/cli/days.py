"""The table and the picture of `sweeplens evaluate --by-day`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sweeplens.cli.tables import add_row, bar, count, make_table, share, write_head, write_line
from sweeplens.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.evaluate.days import Attack, ByDay, Yield

_ROWS = 40  # attacks of which the table tells
_WIDEST = 36
_BAR = 40
_MOST_LINES = 15  # of the picture


def draw_days(console: "Console", snapshot_id: str, found: "ByDay") -> None:
    """Print when each attack stood out, the medians, and how the share that had stood out grew with the days."""
    between = f"{_date(found.first)} to {_date(found.last)}"
    write_line(console, f"Snapshot {snapshot_id}, judged at the end of each day from {between} (UTC).")
    if found.absent:
        write_line(console, f"Left out, as no request of theirs has a time: {count(found.absent, console)} attacks.")
    for name, them in (("campaigns", found.campaigns), ("lone sweeps", found.lone)):
        if them.n:
            write_line(console, _sum_up(name, them))
    honest, flagged = (count(n, console) for n in (found.honest, found.honest_flagged))
    write_line(console, f"Of {honest} benign accounts {flagged} were flagged on some day.")
    _draw_attacks(console, found)
    _draw_growth(console, found.attacks)


def _sum_up(name: str, them: "Yield") -> str:
    seen = f"{them.seen} of {them.n} {name} were seen"
    if them.days is None or them.requests is None or them.share is None:
        return f"{seen}: half of them or more never, so there is no median."
    return (
        f"{seen}; the median one on day {them.days:g}, after {them.requests:,.0f} requests, {share(them.share)} of all "
        "that it sent."
    )


def _draw_attacks(console: "Console", found: "ByDay") -> None:
    if not found.attacks:
        return
    console.print()
    table = make_table(f"attack:{_WIDEST}", "accounts>", "first request", "seen on day>", "requests by then>", "of>")
    for a in found.attacks[:_ROWS]:
        day, by_then = "-" if a.days is None else str(a.days), "-" if a.requests is None else count(a.requests, console)
        name, accounts, sent = one_line(a.name, _WIDEST), count(a.accounts, console), count(a.sent, console)
        add_row(table, [name, accounts, _date(a.first), day, by_then, sent])
    console.print(table)
    if len(found.attacks) > _ROWS:
        write_line(console, f"{len(found.attacks) - _ROWS} more attacks with --format json")


def _draw_growth(console: "Console", attacks: "Sequence[Attack]") -> None:
    """Draw the share of attacks that had stood out by the n-th day of each."""
    days = sorted({a.days for a in attacks if a.days is not None})
    if not days:
        return
    write_head(console, "Attacks seen by their n-th day")
    table = make_table("day>", "seen>", "")
    for day in days[:_MOST_LINES]:
        part = sum(a.days is not None and a.days <= day for a in attacks) / len(attacks)
        add_row(table, [str(day), share(part), bar(part, _BAR, console)])
    console.print(table)


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")
