"""`sweeplens encoders`: which encoders there are, what each reads, and how long it would take here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweeplens.cli import options as o
from sweeplens.cli.output import choose_format, write_list
from sweeplens.cli.streams import say, show_progress

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.config import Settings
    from sweeplens.embed.inventory import Standing

KINDS = {
    "name": "string", "reads": "string", "dim": "int32", "megabytes": "int32", "prompts_per_second": "double",
    "measured": "bool", "prompts": "int64", "seconds": "double", "takes": "string", "loads": "bool",
    "problem": "string", "auto": "bool",
}  # fmt: skip
_TEXTS = 600
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class _Row:
    """An encoder, how long it takes for that many prompts, and whether it is what `auto` means for the store."""

    of: "Standing"
    prompts: int
    auto: bool

    @property
    def seconds(self) -> float | None:
        return None if self.of.per_second is None else self.prompts / self.of.per_second


def encoders(
    *,
    prompts: Annotated[
        int, typer.Option("--prompts", min=1, metavar="N", help="Number of prompts to say for how long they take.")
    ] = 100_000,
    measure: Annotated[
        bool, typer.Option("--measure", help="Encode some hundred synthetic prompts with each, to know how fast it is.")
    ] = False,
    store: o.Store = None,
    format_: o.FormatName = None,
    output: o.Output = None,
    workers: o.Workers = None,
    models: o.Models = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """List the encoders: what each reads, how fast it is here, and which one suits the store."""
    settings = o.read_settings(config, store=store, workers=workers, models=models)
    rows, kept = _take_stock(settings, prompts, measure=measure, quiet=quiet)
    chosen = choose_format(format_, output)
    records = [_record(row) for row in rows]
    kinds = list(KINDS.values())
    write_list(list(KINDS), records, chosen, output, lambda console: _draw(console, rows, kept), kinds)


def about_time(seconds: float) -> str:
    """Say a span of time in words, as roughly as it is known: about 12 minutes."""
    from sweeplens.report.sentences import count

    if seconds < 45:
        return "under a minute"
    size, unit = (_MINUTE, "minute") if seconds < 1.5 * _HOUR else (_HOUR, "hour")
    if seconds >= 1.5 * _DAY:
        size, unit = _DAY, "day"
    return f"about {count(max(1, round(seconds / size)), unit)}"


def _take_stock(settings: "Settings", prompts: int, *, measure: bool, quiet: bool) -> tuple[list[_Row], str | None]:
    from sweeplens.embed import inventory
    from sweeplens.embed.encoder import known_name
    from sweeplens.pipeline.encoders import store_encoder

    told = store_encoder(settings.store)
    kept = None if told is None else known_name(told)
    found = inventory.take_stock(settings.models, settings.threads, told)
    if measure:
        texts = inventory.demo_texts(_TEXTS)
        with show_progress(quiet=quiet) as progress:
            for i, standing in enumerate(found):
                with progress.step(f"measure {standing.name}"):
                    found[i] = inventory.measure(standing, settings.models, settings.threads, texts)
    if not quiet:
        for standing in found:
            if standing.problem is not None:
                say(f"{standing.name} cannot be loaded: {standing.problem}", level="warning")
    return [_Row(each, prompts, each.name == kept) for each in found], kept


def _record(row: _Row) -> dict[str, Any]:
    of, seconds = row.of, row.seconds
    return {
        "name": of.name,
        "reads": of.reads,
        "dim": of.dim,
        "megabytes": of.megabytes,
        "prompts_per_second": None if of.per_second is None else round(of.per_second, 1),
        "measured": of.measured,
        "prompts": row.prompts,
        "seconds": None if seconds is None else round(seconds, 1),
        "takes": None if seconds is None else about_time(seconds),
        "loads": of.problem is None,
        "problem": of.problem,
        "auto": row.auto,
    }


def _draw(console: "Console", rows: Sequence[_Row], kept: str | None) -> None:
    from sweeplens.cli.tables import add_row, count, make_table

    n = count(rows[0].prompts, console)
    table = make_table("", "encoder:20", "reads:20", "dim>", "MB>", "prompts/s>", f"{n} prompts:18", "here")
    for row in rows:
        of = row.of
        rate = "-" if of.per_second is None else ("" if of.measured else "~") + count(round(of.per_second), console)
        cells = [
            "*" if row.auto else "", of.name, of.reads, str(of.dim or "-"), str(of.megabytes or "-"), rate,
            "-" if row.seconds is None else about_time(row.seconds), "yes" if of.problem is None else "no",
        ]  # fmt: skip
        add_row(table, cells)
    console.print(table)
    if any(not row.of.measured and row.of.per_second for row in rows):
        console.print("~ is typical of two quiet cores and not measured here; --measure tells.", markup=False)
    if kept is None:
        console.print("--encoder auto: the first build chooses by the languages of the log.", markup=False)
    else:
        console.print("* is what --encoder auto means here: the encoder that the store was built with.", markup=False)
