"""known add, list and remove: the public prompt sets that a store knows."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.output import quiet_pipe, write_page
from sweeplens.cli.streams import say, show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from sweeplens.known import KnownInfo
    from sweeplens.known.sets import Added

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the set: a-z, 0-9, dot, dash and underscore.")]

known = typer.Typer(
    help="Keep sketches of public prompt sets, to tell a benchmark run from a sweep.", no_args_is_help=True
)


@known.command()
def add(
    name: Name,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files, folders, globs, or - for stdin; .txt holds one prompt a line."),
    ],
    *,
    store: o.Store = None,
    input_format: Annotated[
        str | None,
        typer.Option("--input-format", metavar="NAME", help="Format of the files, text for one prompt a line."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=PATH", help="Where the prompt is: prompt=question.text."),
    ] = None,
    max_rejects: o.MaxRejects = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a set of that name.")] = False,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Sketch a set of prompts and keep it under a name, without its text. Prints the name."""
    fields = o.read_map(mapping)
    settings = o.read_settings(config, store=store, max_rejects=max_rejects)
    with show_progress(quiet=quiet) as progress, progress.step("sketch") as step:
        from sweeplens.known import add_known

        added = add_known(
            settings.store, name, files, input_format=input_format, mapping=fields, max_rejects=settings.max_rejects,
            replace=replace, progress=step.update,
        )  # fmt: skip
    if not quiet:
        _summarise(added)
    with quiet_pipe():
        typer.echo(added.info.name)


@known.command(name="list")
def list_sets(
    *, store: o.Store = None, format_: o.PageFormat = None, output: o.Output = None, config: o.Config = None
) -> None:
    """List the known sets, with how many prompts each has and when it was added."""
    from sweeplens.known import list_known

    rows = list_known(o.read_settings(config, store=store).store)
    write_page(rows, format_, output, lambda console: _draw(console, rows))


@known.command()
def remove(name: Name, *, store: o.Store = None, config: o.Config = None, quiet: o.Quiet = False) -> None:
    """Remove a known set."""
    from sweeplens.known import remove_known

    remove_known(o.read_settings(config, store=store).store, name)
    if not quiet:
        say(f"the known set {name} is removed")


def _summarise(added: "Added") -> None:
    from sweeplens.report.sentences import count

    left = {
        "too short": added.too_short,
        "the same as another": added.repeated,
        "in rows that could not be used": added.stats.rejected,
    }
    out = ", ".join(f"{n:,} {why}" for why, n in left.items() if n)
    whence = f"{count(added.info.prompts, 'distinct prompt')} of {count(added.stats.files, 'file')}"
    say(f"{whence} known as {added.info.name}" + (f"; left out: {out}" if out else ""))


def _draw(console: "Console", rows: "Sequence[KnownInfo]") -> None:
    from sweeplens.cli.tables import add_row, count, make_table

    table = make_table("name:40", "prompts>", "MB>", "added")
    for row in rows:
        day = row.added.replace("T", " ")[:16]
        add_row(table, [row.name, count(row.prompts, console), f"{row.bytes / 1e6:.1f}", day])
    console.print(table)
