"""`sweeplens report`: the evidence on one account or campaign as a file that stands alone."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.answers import open_store
from sweeplens.cli.files import OutputError
from sweeplens.cli.output import write_data
from sweeplens.cli.streams import RunRecord

if TYPE_CHECKING:
    from sweeplens.report.paper.make import Kind
    from sweeplens.store.snapshot import Snapshot


class ReportFormat(StrEnum):
    """What `--format` takes here."""

    html = "html"
    json = "json"


class Subject(StrEnum):
    """What `--kind` takes."""

    account = "account"
    campaign = "campaign"


def report(
    subject: Annotated[str, typer.Argument(metavar="ID", help="Id of an account or a campaign.")],
    *,
    kind: Annotated[
        Subject | None, typer.Option("--kind", help="What the ID is of; without it, found from the ID.")
    ] = None,
    format_: Annotated[
        ReportFormat | None,
        typer.Option("--format", help="Output format; without it by the ending of --output, else html."),
    ] = None,
    output: o.Output = None,
    redact: Annotated[
        bool, typer.Option("--redact/--no-redact", help="Replace keys, addresses, card and phone numbers in texts.")
    ] = True,
    prompts: o.Prompts = 20,
    no_prompts: Annotated[
        bool, typer.Option("--no-prompts", help="Leave out all that is, quotes or derives from a prompt.")
    ] = False,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Write the evidence on one account or campaign into one file: HTML that prints well, or JSON."""
    chosen = _choose_format(format_, output)
    if chosen is ReportFormat.html and output is None and sys.stdout.isatty():
        raise OutputError("a page is not for a terminal: name a file with --output, or send standard output to one")
    record = RunRecord("report", file=None, quiet=quiet)
    opened = open_store(store, snapshot, config)
    from sweeplens.report.paper import make_report
    from sweeplens.report.releases import load_releases
    from sweeplens.review.people import system_person

    person, settings = system_person(), o.read_settings(config, store=store)
    data = make_report(
        opened, _find_kind(opened, subject, kind), subject, format=chosen.value, redact=redact, prompts=prompts,
        text=not no_prompts, by=person.name, verified=person.verified,
        allow_days=settings.allow_days,
        releases=() if settings.releases is None else load_releases(settings.releases),
    )  # fmt: skip
    write_data(data, output)
    record.add_snapshot(opened.snapshot_id, opened.manifest)
    record.finish()


def _choose_format(chosen: ReportFormat | None, output: Path | None) -> ReportFormat:
    if chosen is not None:
        return chosen
    return ReportFormat.json if output is not None and output.suffix.lower() == ".json" else ReportFormat.html


def _find_kind(opened: "Snapshot", subject: str, kind: Subject | None) -> "Kind":
    """Return what the id is of; an id that an account and a campaign share is wrong usage without --kind."""
    if kind is not None:
        return kind.value
    from sweeplens.report.paper import find_kinds

    found = find_kinds(opened, subject)
    if len(found) > 1:
        raise typer.BadParameter("an account and a campaign have this id: say which with --kind", param_hint="ID")
    return found[0]
