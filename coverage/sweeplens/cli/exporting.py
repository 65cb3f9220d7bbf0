"""`sweeplens export`: a snapshot as one folder for a warehouse."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.answers import open_store
from sweeplens.cli.output import quiet_pipe

if TYPE_CHECKING:
    from sweeplens.config import Settings
    from sweeplens.engine.progress import Progress
    from sweeplens.report.export import Exported


class FolderFormat(StrEnum):
    """What `--format` takes here."""

    parquet = "parquet"
    csv = "csv"


def export(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="New or empty folder to write.")],
    format_: Annotated[FolderFormat, typer.Option("--format", help="Format of the files.")] = FolderFormat.parquet,
    tables: Annotated[
        str | None, typer.Option("--tables", metavar="NAMES", help="Only these tables, with commas between; else all.")
    ] = None,
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave out all that is or quotes a prompt.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export in that folder.")] = False,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    config: o.Config = None,
    manifest: o.Manifest = None,
    log_json: o.LogJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a snapshot's tables into one folder of Parquet or CSV. Prints the folder."""
    del log_json  # its option has acted already
    from sweeplens.cli.building import run_job

    names = None if tables is None else [name.strip() for name in tables.split(",") if name.strip()]
    opened = open_store(store, snapshot, config)

    def work(progress: "Progress", settings: "Settings") -> "Exported":
        del settings
        from sweeplens.report.export import export_snapshot

        return export_snapshot(
            opened, output, kind=format_.value, tables=names, text=not no_text, overwrite=overwrite, progress=progress
        )

    run_job("export", work, o.read_settings(config, store=store), manifest=manifest, quiet=quiet)
    with quiet_pipe():
        typer.echo(str(output))
