"""verdicts list, add, export and import: what analysts decided, from the command line."""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.answers import open_store
from sweeplens.cli.output import Format, choose_format, quiet_pipe, write_data, write_list
from sweeplens.cli.streams import say
from sweeplens.errors import NotFoundError, StoreError
from sweeplens.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.report.decisions import Decided
    from sweeplens.review.people import Person
    from sweeplens.review.verdicts import Decision, Verdict
    from sweeplens.store.snapshot import Snapshot

_SPAN = re.compile(r"([0-9]{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_NAMED = 5  # verdicts of others that are said one by one


class Kind(StrEnum):
    """What `--kind` takes."""

    account = "account"
    campaign = "campaign"


class State(StrEnum):
    """What `--state` takes."""

    open = "open"
    reopened = "reopened"
    unsure = "unsure"
    confirmed = "confirmed"
    allowed = "allowed"


class Word(StrEnum):
    """The verdicts as a shell takes them."""

    confirmed_sweep = "confirmed-sweep"
    benign = "benign"
    benchmark = "benchmark"
    tenant = "tenant"
    unsure = "unsure"


class Listing(StrEnum):
    """What `--format` takes where verdicts are listed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class Traded(StrEnum):
    """What `--format` takes where verdicts are exported."""

    jsonl = "jsonl"
    csv = "csv"


def read_until(text: str) -> datetime:
    """Read when an entry of the allow-list ends: a time, the end of a date, or a span from now such as 90d."""
    now = datetime.now(UTC)
    span = _SPAN.fullmatch(text)
    if span is not None:
        moment = now + timedelta(hours=int(span[1]) * _HOURS[span[2]])
    else:
        moment = o.read_time(text)
        if re.fullmatch(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text):
            moment = datetime.combine(moment.date(), time(23, 59, 59), UTC)
    if moment <= now:
        raise typer.BadParameter(f"expected a date that is to come, or a span such as 90d, not {text!r}")
    return moment


verdicts = typer.Typer(help="List, leave, export and import what analysts decided.", no_args_is_help=True)


@verdicts.command(name="list")
def list_verdicts(
    *,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only accounts, or only campaigns.")] = None,
    state: Annotated[State | None, typer.Option("--state", help="Only cases that stand so.")] = None,
    analyst: Annotated[str | None, typer.Option("--analyst", metavar="NAME", help="Only verdicts by NAME.")] = None,
    assignee: Annotated[
        str | None, typer.Option("--assignee", metavar="NAME", help="Only cases that NAME is to look at.")
    ] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only cases that wait for an analyst.")] = False,
    all_history: Annotated[
        bool, typer.Option("--all-history", help="Verdicts that later ones have replaced, too.")
    ] = False,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    format_: Annotated[
        Listing | None,
        typer.Option("--format", help="Output format; without it by the ending of --output, else a table."),
    ] = None,
    output: o.Output = None,
    config: o.Config = None,
) -> None:
    """List the last verdict on each account and campaign, the newest first, and how its case stands."""
    from sweeplens.report.cases import cases_of
    from sweeplens.report.decisions import KEYS, decisions_of, to_records

    settings, opened = o.read_settings(config, store=store), open_store(store, snapshot, config)
    rows = decisions_of(opened, cases_of(opened, allow_days=settings.allow_days), replaced=all_history)
    wanted: list[Callable[[Decided], bool]] = [
        lambda r: kind is None or r.kind == kind.value,
        lambda r: state is None or r.state == state.value,
        lambda r: analyst is None or (r.verdict is not None and r.verdict.analyst == analyst),
        lambda r: assignee is None or (r.case is not None and r.case.assignee == assignee),
        lambda r: r.is_open or not only_open,
    ]
    rows = [row for row in rows if all(fits(row) for fits in wanted)]
    chosen = choose_format(None if format_ is None else Format(format_.value), output)
    write_list(KEYS, to_records(rows), chosen, output, lambda console: _draw(console, rows))


@verdicts.command()
def add(
    subject: Annotated[str, typer.Argument(metavar="ID", help="Id of the account or campaign.")],
    verdict: Annotated[Word, typer.Argument(metavar="VERDICT", help=f"One of {', '.join(Word)}.")],
    *,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What ID is, where both have it.")] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever reads it next.")] = "",
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", metavar="DATE|SPAN", parser=read_until, help="End of the allow-list entry: a date, or 90d."
        ),
    ] = None,
    members: Annotated[
        str | None,
        typer.Option(
            "--members", metavar="IDS|FILE", help="Decide these members of the campaign, one by one, and not the whole."
        ),
    ] = None,
    seen: Annotated[
        int | None,
        typer.Option("--seen", min=0, metavar="N", help="Overwrite verdicts of others up to number N: they are read."),
    ] = None,
    assign: Annotated[str | None, typer.Option("--assign", metavar="NAME", help="Who is to look at it.")] = None,
    store: o.Store = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Leave a verdict, in the name of the system's user. Prints its number."""
    from sweeplens.report.cases import decision_on
    from sweeplens.review.assigning import assign as give
    from sweeplens.review.assigning import plain_name
    from sweeplens.review.people import system_person
    from sweeplens.review.verdicts import latest_verdicts

    settings, opened = o.read_settings(config, store=store), open_store(store, None, config)
    word, me = verdict.value.replace("-", " "), system_person()
    subjects = _subjects(opened, subject, kind, members)
    name = None if assign is None else plain_name(assign)
    last = latest_verdicts(settings.store)
    before = [last[s] for s in subjects if s in last]
    theirs = [v for v in before if (v.analyst, v.verified) != (me.name, me.verified)]
    _refuse([v for v in theirs if seen is None or v.id > seen])
    known = {s: last[s].id if s in last else None for s in subjects}
    decisions = [
        decision_on(opened, *s, word, note=note, until=until, seen=known[s], audit=settings.audit) for s in subjects
    ]
    added = _save(opened, decisions, me)
    if name is not None:
        give(settings.store, subjects, name, by=me)
    if not quiet:
        for old in before:
            say(f"overwritten: {_line(old)}")
    with quiet_pipe():
        for new in added:
            typer.echo(str(new.id))


def _save(opened: "Snapshot", decisions: "Sequence[Decision]", by: "Person") -> "list[Verdict]":
    """Add verdicts; shows those that came in between, and raises `StoreError` where there are any."""
    from sweeplens.report.cases import detector_of
    from sweeplens.review.verdicts import VerdictConflictError, add_verdicts

    store, about = opened.folder.parent, {"snapshot_id": opened.snapshot_id, "detector": detector_of(opened)}
    try:
        return add_verdicts(store, decisions, by=by, **about)
    except VerdictConflictError as conflict:
        _refuse(conflict.latest)
        raise


@verdicts.command()
def export(
    *,
    store: o.Store = None,
    format_: Annotated[
        Traded | None, typer.Option("--format", help="Output format; without it by the ending of --output, else jsonl.")
    ] = None,
    output: o.Output = None,
    config: o.Config = None,
) -> None:
    """Write all verdicts with all that is known of them, the oldest first, for import to read back."""
    from sweeplens.review.trade import write_csv, write_jsonl
    from sweeplens.review.verdicts import all_verdicts

    found = all_verdicts(_existing(o.read_settings(config, store=store).store))[::-1]
    by_name = Traded.csv if output is not None and output.suffix.lower() == ".csv" else Traded.jsonl
    write_data(write_csv(found) if (format_ or by_name) is Traded.csv else write_jsonl(found), output)


@verdicts.command(name="import")
def import_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSONL or CSV as export writes it; - for stdin.")],
    *,
    store: o.Store = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Add verdicts from a file, all or none. Names in it count as unverified."""
    from sweeplens.report.sentences import count
    from sweeplens.review.trade import import_verdicts, read_verdicts

    path = _existing(o.read_settings(config, store=store).store)
    done = import_verdicts(path, read_verdicts(_read(file), "of standard input" if file == "-" else file))
    if not quiet:
        more = [
            f"{n:,} {what}"
            for n, what in ((done.repeated, "there already"), (done.erased, "on accounts that were erased"))
            if n
        ]
        say("; ".join([f"{count(done.added, 'verdict')} added", *more]))


def _existing(store: Path) -> Path:
    if not store.is_dir():
        raise StoreError(f"the store {store} does not exist: expected the folder that holds its snapshots")
    return store


def _read(file: str) -> bytes:
    from sweeplens.review.trade import TradeError

    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise TradeError(f"the verdicts {file} cannot be read: {error.strerror}") from None


# -- what a verdict is on ------------------------------------------------


def _subjects(opened: "Snapshot", subject: str, kind: Kind | None, members: str | None) -> list[tuple[str, str]]:
    """Return kind and id of what is decided. Raises `NotFoundError`, and `StoreError` where an id is both."""
    from sweeplens.report.find import find_account, find_campaign

    if members is not None and kind is Kind.account:
        raise typer.BadParameter("--members is for campaigns: an account has none")
    if members is not None:
        row = find_campaign(opened, subject)
        wanted = _members(members)
        strange = sorted(wanted - set(row.accounts))
        if strange:
            raise NotFoundError(
                f"campaign {one_line(subject, 80)!r} has no member {one_line(strange[0], 80)!r}: it has "
                f"{len(row.accounts)}, such as {', '.join(one_line(a, 80) for a in row.accounts[:3])}"
            )
        return [("account", a) for a in row.accounts if a in wanted]
    found = _kinds(opened, subject) if kind is None else {kind.value}
    if len(found) > 1:
        raise StoreError(f"{one_line(subject, 80)!r} is an account and a campaign: say which with --kind")
    only = found.pop() if found else "account"
    find_campaign(opened, subject) if only == "campaign" else find_account(opened, subject)
    return [(only, subject)]


def _kinds(opened: "Snapshot", subject: str) -> set[str]:
    groups = opened.table("campaigns", ["campaign_id"])["campaign_id"].to_pylist()
    accounts = opened.table("accounts", ["account_id"])["account_id"].to_pylist()
    return {kind for kind, ids in (("campaign", groups), ("account", accounts)) if subject in ids}


def _members(text: str) -> frozenset[str]:
    if Path(text).is_file():
        return o.read_accounts(Path(text))
    found = frozenset(name.strip() for name in text.split(",")) - {""}
    if not found:
        raise typer.BadParameter("--members takes ids with commas between, or a file of them")
    return found


# -- what others decided ------------------------------------------------


def _refuse(theirs: "Sequence[Verdict]") -> None:
    """Show verdicts of others that this one would overwrite unread, if any, and raise `StoreError`."""
    if not theirs:
        return
    for verdict in theirs[:_NAMED]:
        say(f"not overwritten: {_line(verdict)}", level="warning")
    whose = "somebody else has" if len(theirs) == 1 else f"others have {len(theirs)} times"
    raise StoreError(
        f"{whose} decided, and nothing is saved: read that first, then add --seen {max(v.id for v in theirs)} to "
        "overwrite it"
    )


def _line(verdict: "Verdict") -> str:
    who = f"{one_line(verdict.analyst, 60)}{'' if verdict.verified else ' (unverified)'}"
    note = f": {one_line(verdict.note, 120)}" if verdict.note else ""
    return (
        f"number {verdict.id}, {verdict.verdict} on {verdict.kind} {one_line(verdict.subject, 80)} by {who}, "
        f"{verdict.at:%Y-%m-%d %H:%M} UTC{note}"
    )


def _draw(console: "Console", rows: "Sequence[Decided]") -> None:
    from sweeplens.cli.tables import add_row, leave_out, make_table, when

    columns = ["number>", "verdict", "id:36", "state", "ends", "by:20", "at", "assignee:20"]
    cells = []
    for row in rows:
        v, case = row.verdict, row.case
        ends, given = (None, "") if case is None else (case.ends, case.assignee)
        of_verdict = ("-", "-", "-") if v is None else (str(v.id), v.verdict, one_line(v.analyst, 20))
        cells.append(
            [
                of_verdict[0], of_verdict[1], one_line(row.subject, 72), row.state or "-",
                when(ends).partition(" ")[0], of_verdict[2], when(None if v is None else v.at).partition(" ")[0],
                one_line(given, 20) or "-",
            ]
        )  # fmt: skip
    if all(line[-1] == "-" for line in cells):
        columns, cells = columns[:-1], [line[:-1] for line in cells]
    leave_out(console, columns, cells, ["ends", "number", "assignee"])
    table = make_table(*columns)
    for line in cells:
        add_row(table, line)
    console.print(table)
