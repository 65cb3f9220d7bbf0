"""`sweeplens snapshots`, `verify`, `use` and `prune`: what the store holds, and whether it is sound."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.output import quiet_pipe, write_page
from sweeplens.cli.streams import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from sweeplens.config import Settings
    from sweeplens.store.verify import Finding

_DAMAGED = 1


def snapshots(
    store: o.Store = None, format_: o.PageFormat = None, output: o.Output = None, config: o.Config = None
) -> None:
    """List the snapshots, oldest first, the current one marked."""
    from sweeplens.cli.tables import draw_snapshots
    from sweeplens.store.snapshot import list_snapshots

    rows = list_snapshots(o.read_settings(config, store=store).store)
    write_page(rows, format_, output, lambda console: draw_snapshots(console, rows))


def verify(
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte and decode every table, too.")] = False,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", metavar="ID", help="Snapshot to check; without it the current one.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Check every snapshot of the store.")] = False,
    store: o.Store = None,
    format_: o.PageFormat = None,
    output: o.Output = None,
    config: o.Config = None,
) -> None:
    """Look for damage, and name each damaged file. Exits with 1 where there is any."""
    if every and snapshot is not None:
        raise typer.BadParameter("verify takes either --snapshot ID or --all")
    from sweeplens.store.verify import verify as check

    findings = check(o.read_settings(config, store=store).store, snapshot, every=every, deep=deep)
    what = "every snapshot" if every else f"snapshot {snapshot}" if snapshot else "the current snapshot"
    write_page(findings, format_, output, lambda console: _draw(console, findings, what, deep=deep))
    if findings:
        raise typer.Exit(_DAMAGED)


def use(
    snapshot: Annotated[str, typer.Argument(metavar="ID", help="The snapshot to be read from now on.")],
    *,
    store: o.Store = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Make an older snapshot the current one, or a newer one again. Prints its id."""
    from sweeplens.store.prune import use as swap

    opened = swap(o.read_settings(config, store=store).store, snapshot)
    if not quiet:
        say(f"the current snapshot is {opened.snapshot_id}, made at {opened.manifest.get('created', '?')}")
    with quiet_pipe():
        typer.echo(opened.snapshot_id)


def prune(
    *,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, metavar="N", help="Number of snapshots to keep, the newest.")
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="First write the current snapshot anew, each table as one file.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    store: o.Store = None,
    workers: o.Workers = None,
    models: o.Models = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Remove old snapshots, but never the current one or one that is being read. Prints the ids."""
    if keep is None and not compact:
        raise typer.BadParameter("prune takes --keep N, --compact, or both")
    if compact and dry_run:
        raise typer.BadParameter("--dry-run says what --keep would remove, and goes without --compact")
    settings = o.read_settings(config, store=store, workers=workers, models=models)
    if compact:
        _compact(settings, quiet=quiet)
    if keep is None:
        return
    from sweeplens.report.sentences import count
    from sweeplens.store.prune import prune as remove

    done = remove(settings.store, keep, dry_run=dry_run)
    for snapshot_id, why in done.kept:
        say(f"snapshot {snapshot_id} was left: {why}", level="warning")
    if not quiet:
        would = "would be " if dry_run else ""
        say(f"{count(len(done.removed), 'snapshot')} {would}removed, {done.freed / 1e6:,.1f} MB {would}freed")
    with quiet_pipe():
        for snapshot_id in done.removed:
            typer.echo(snapshot_id)


def _compact(settings: "Settings", *, quiet: bool) -> None:
    from sweeplens.cli.building import run_job
    from sweeplens.pipeline import compact

    run_job("prune", lambda progress, fit: compact(fit, progress=progress), settings, quiet=quiet)


def _draw(console: "Console", findings: "Sequence[Finding]", what: str, *, deep: bool) -> None:
    from sweeplens.cli.tables import add_row, make_table

    if not findings:
        seen = "every byte and table was read" if deep else "manifests and sizes were read; --deep reads every byte"
        console.print(f"no damage was found in {what}: {seen}", soft_wrap=True, highlight=False)
        return
    table = make_table("snapshot", "file:40", "what is wrong:60")
    for finding in findings:
        add_row(table, [finding.snapshot_id, finding.file, finding.problem])
    console.print(table)
