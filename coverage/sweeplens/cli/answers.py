"""What the commands that read a store have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sweeplens.cli.options import FailOn, read_settings
from sweeplens.cli.output import Format, choose_format, write_queue
from sweeplens.cli.streams import RunRecord, say
from sweeplens.errors import NotFoundError, StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.report.cases import Review, Row
    from sweeplens.store.snapshot import Snapshot

    Draw = Callable[[Console, list[Any], Review], None]

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
    queue: "Callable[[Snapshot, Review], list[Any]]",
    draw: "Draw",
    *,
    note: "Callable[[Snapshot], str] | None" = None,
) -> None:
    """Print a queue of accounts or campaigns (`name`) that a snapshot holds; exits with 3 where --fail-on is met.

    `note` gives a sentence about what the queue leaves out, empty for none.
    """
    from sweeplens.report.cases import review_of

    record = RunRecord(command, file=ask.manifest, quiet=ask.quiet)
    settings = read_settings(ask.config, store=ask.store)
    opened = open_store(ask.store, ask.snapshot, ask.config)
    check_since(opened.folder.parent, ask)
    review = review_of(opened, allow_days=settings.allow_days, audit=settings.audit)
    facts = write_rows(name, queue(opened, review), review, choose_base(opened, ask), ask, draw)
    if note is not None and not ask.quiet and (text := note(opened)):
        say(text)
    record.add_snapshot(opened.snapshot_id, opened.manifest)
    record.add_detail(**facts)
    record.finish()
    leave(facts)


def write_rows(  # noqa: PLR0917 - what an answer is made of
    name: str, rows: list[Any], review: "Review", base: "Snapshot | None", ask: Ask, draw: "Draw"
) -> dict[str, int]:
    """Write the rows that --max-q lets through, and how they stand, in the format that was asked for.

    Returns facts for the manifest: how many rows there are, with --fail-on how many of them count for it, and as `exit`
    3 where any does, whatever --top cuts off.
    """
    from sweeplens.report.queue import to_records

    rows = rows if ask.max_q is None else _let_through(rows, ask.max_q)
    chosen = choose_format(ask.format, ask.output)
    shown = rows[: _rows_shown(chosen, ask.top)]
    write_queue(name, to_records(shown, review), chosen, ask.output, lambda console: draw(console, shown, review))
    if len(shown) < len(rows) and ask.top is None and not ask.quiet:
        say(f"{len(shown)} of {len(rows):,} {name} shown: --top 0 shows all")
    if ask.fail_on is None:
        return {"exit": 0, name: len(rows)}
    found = counts_for_fail_on(rows, ask.fail_on.value, review, base)
    if not ask.quiet:
        since = "" if base is None else f", and new or raised since {base.snapshot_id}"
        say(f"{len(found):,} of {len(rows):,} {name} are at {ask.fail_on.value} or above, open{since}")
    return {"exit": FOUND if found else 0, name: len(rows), "counted": len(found)}


def counts_for_fail_on(rows: "list[Row]", least: str, review: "Review", base: "Snapshot | None") -> "list[Row]":
    """Return the rows that make --fail-on end with 3.

    They are at that level or above, wait for an analyst, which those on the allow-list do not, and are new or at a
    higher level since `base`; without a base those that are old count, too.
    """
    from sweeplens.report.cases import to_look_at
    from sweeplens.report.facts import LEVELS

    high = [row for row in rows if LEVELS.index(row.level) >= LEVELS.index(least)]
    return to_look_at(high, review.cases, base)


def choose_base(opened: "Snapshot", ask: Ask) -> "Snapshot | None":
    """Return the snapshot that --fail-on compares one that is read with: --since-snapshot, else its parent, if any.

    A parent that is gone or damaged is warned of, and is none.
    """
    from sweeplens.store.snapshot import open_snapshot

    store, parent = opened.folder.parent, opened.manifest.get("parent")
    if ask.fail_on is None:
        return None
    if ask.since_snapshot is not None:
        return open_snapshot(store, ask.since_snapshot)
    if parent is None:
        return None
    try:
        return open_snapshot(store, parent)
    except (NotFoundError, StoreError) as error:
        say(f"--fail-on counts old rows, too, as there is nothing to compare with: {error}", level="warning")
        return None


def check_since(store: Path, ask: Ask) -> None:
    """Raise `NotFoundError` where --since-snapshot names none of the store's snapshots."""
    from sweeplens.store.snapshot import open_snapshot

    if ask.since_snapshot is not None:
        open_snapshot(store, ask.since_snapshot).close()


def leave(facts: Mapping[str, int]) -> None:
    """Exit with 3 where --fail-on was met."""
    if facts["exit"]:
        raise typer.Exit(facts["exit"])


def _let_through(rows: list[Any], most: float) -> list[Any]:
    """Keep the rows whose q is at most this; rows without one are not let through."""
    if rows and all(row.q_value is None for row in rows):
        say("no row has a q value, so that --max-q lets none through: the build had no reference", level="warning")
    return [row for row in rows if row.q_value is not None and row.q_value <= most]


def _rows_shown(chosen: Format, top: int | None) -> int | None:
    if top is None:
        return _TABLE_ROWS if chosen is Format.table else None
    return top or None
