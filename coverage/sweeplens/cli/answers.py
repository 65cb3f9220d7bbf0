"""What the commands that read a store have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from sweeplens.cli.options import FailOn, read_settings
from sweeplens.cli.output import Format, choose_format, write_queue
from sweeplens.cli.streams import RunRecord, say

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.store.snapshot import Snapshot

Row = TypeVar("Row")
FOUND = 3  # exit code of --fail-on
_TABLE_ROWS = 50  # rows of a table where --top says nothing


@dataclass(frozen=True)
class Ask:
    """The options of a command that prints a queue."""

    store: Path | None
    snapshot: str | None
    format: Format | None
    output: Path | None
    top: int | None
    max_q: float | None
    fail_on: FailOn | None
    config: Path | None
    manifest: Path | None
    quiet: bool
    since_snapshot: str | None = None


def open_store(store: Path | None, snapshot: str | None, config: Path | None) -> "Snapshot":
    """Open the snapshot that the options name."""
    from sweeplens.store.snapshot import open_snapshot

    return open_snapshot(read_settings(config, store=store).store, snapshot)


def answer_queue(
    command: str,
    name: str,
    ask: Ask,
    queue: "Callable[[Snapshot], list[Any]]",
    draw: "Callable[[Console, list[Any]], None]",
) -> None:
    """Print a queue of accounts or campaigns (`name`) that a snapshot holds; exits with 3 where --fail-on is met."""
    record = RunRecord(command, file=ask.manifest, quiet=ask.quiet)
    opened = open_store(ask.store, ask.snapshot, ask.config)
    check_since(opened.folder.parent, ask)
    facts = write_rows(name, queue(opened), opened, ask, draw)
    record.add_snapshot(opened.snapshot_id, opened.manifest)
    record.add_detail(**facts)
    record.finish()
    leave(facts)


def write_rows(
    name: str, rows: list[Any], opened: "Snapshot", ask: Ask, draw: "Callable[[Console, list[Any]], None]"
) -> dict[str, int]:
    """Write the rows that --max-q lets through, in the format that was asked for.

    Returns facts for the manifest: how many rows there are, and as `exit` 3 where --fail-on is met by one of them,
    whatever --top cuts off.
    """
    from sweeplens.report.facts import LEVELS
    from sweeplens.report.queue import to_records

    rows = rows if ask.max_q is None else _let_through(rows, ask.max_q)
    chosen = choose_format(ask.format, ask.output)
    shown = rows[: _rows_shown(chosen, ask.top)]
    write_queue(name, to_records(shown), chosen, ask.output, lambda console: draw(console, shown))
    if len(shown) < len(rows) and ask.top is None and not ask.quiet:
        say(f"{len(shown)} of {len(rows):,} {name} shown: --top 0 shows all")
    least = LEVELS.index(ask.fail_on.value) if ask.fail_on is not None else len(LEVELS)
    met = [row for row in rows if LEVELS.index(row.level) >= least]
    found = bool(counts_for_fail_on(met, opened, ask.since_snapshot))
    return {"exit": FOUND if found else 0, name: len(rows)}


def check_since(store: Path, ask: Ask) -> None:
    """Raise `NotFoundError` where --since-snapshot names none of the store's snapshots."""
    from sweeplens.store.snapshot import open_snapshot

    if ask.since_snapshot is not None:
        open_snapshot(store, ask.since_snapshot).close()


def leave(facts: Mapping[str, int]) -> None:
    """Exit with 3 where --fail-on was met."""
    if facts["exit"]:
        raise typer.Exit(facts["exit"])


def counts_for_fail_on(rows: list[Row], opened: "Snapshot", since: str | None) -> list[Row]:
    """Return those rows, of the level of --fail-on or above, that make it end with 3: all of them.

    Once verdicts are kept for each snapshot, these are the rows that are open, not on the allow-list, and new or raised
    since the snapshot `since`, or since the parent of `opened` where it is None.
    """
    del opened, since
    return rows


def _let_through(rows: list[Any], most: float) -> list[Any]:
    """Keep the rows whose q is at most this; rows without one are not let through."""
    if rows and all(row.q_value is None for row in rows):
        say("no row has a q value, so that --max-q lets none through: the build had no reference", level="warning")
    return [row for row in rows if row.q_value is not None and row.q_value <= most]


def _rows_shown(chosen: Format, top: int | None) -> int | None:
    if top is None:
        return _TABLE_ROWS if chosen is Format.table else None
    return top or None
