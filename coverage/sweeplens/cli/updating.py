"""`sweeplens update`: a new log on top of the current snapshot."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.output import quiet_pipe

if TYPE_CHECKING:
    from sweeplens.config import Settings
    from sweeplens.engine.progress import Progress
    from sweeplens.pipeline.writing import BuildResult


def update(
    logs: Annotated[list[str], typer.Argument(metavar="LOG", help="Files, folders, globs, or - for stdin.")],
    *,
    store: o.Store = None,
    input_format: o.InputFormat = None,
    mapping: o.Map = None,
    redact: o.Redact = None,
    max_rejects: o.MaxRejects = None,
    workers: o.Workers = None,
    seed: o.Seed = None,
    neighbours: o.Neighbours = None,
    min_cluster: o.MinCluster = None,
    taxonomy: o.Taxonomy = None,
    remap: o.Remap = None,
    window: o.Window = None,
    memory_limit: o.MemoryLimit = None,
    models: o.Models = None,
    config: o.Config = None,
    manifest: o.Manifest = None,
    log_json: o.LogJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Put a log on top of the current snapshot, as a new one. Prints the new snapshot's id."""
    del log_json  # its option has acted already
    fields = o.read_map(mapping)
    settings = o.read_settings(
        config, store=store, redact=redact, max_rejects=max_rejects, workers=workers, seed=seed, neighbours=neighbours,
        min_cluster=min_cluster, taxonomy=taxonomy, remap=remap, window=window, memory_limit=memory_limit,
        models=models,
    )  # fmt: skip
    from sweeplens.cli.building import run_job

    def work(progress: "Progress", settings: "Settings") -> "BuildResult":
        from sweeplens.pipeline import update as go_on
        from sweeplens.store.snapshot import open_snapshot

        open_snapshot(settings.store).close()  # where there is none to go on from, no store is made either
        return go_on(logs, settings, input_format=input_format, mapping=fields, progress=progress)

    result = run_job("update", work, settings, summarise=summarise_update, manifest=manifest, quiet=quiet)
    with quiet_pipe():
        typer.echo(result.snapshot.snapshot_id)


def summarise_update(result: "BuildResult") -> list[str]:
    """Say what there is now, what was new, what was left out, and what became of the map, a sentence each."""
    from sweeplens.cli.building import say_found, say_left, say_map, say_rejects, say_whose
    from sweeplens.report.sentences import count
    from sweeplens.store.schema import REJECTS

    about = result.summary
    cached = f" ({about['prompts_from_cache']:,} embedded before)" if about["prompts_from_cache"] else ""
    asked = f"{count(about['prompts'], 'distinct prompt')}, {about['new_prompts']:,} of them new{cached}"
    # Only a map that was laid out anew is aligned with the one before.
    laid_out = "the map was laid out anew" if "align" in result.seconds else "the map is as it was"
    return [
        f"{say_whose(about)}, {asked}",
        *say_left(result.left, always=True),
        *say_rejects(result.stats, result.snapshot.folder / REJECTS),
        f"{say_map(result)}; {laid_out}",
        say_found(about),
    ]
