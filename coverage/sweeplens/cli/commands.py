"""The commands. Each reads its options, calls the library, and prints."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens import __version__
from sweeplens.cli import options as o
from sweeplens.cli.answers import Ask, answer_queue, open_store
from sweeplens.cli.diffing import diff
from sweeplens.cli.encoders import encoders
from sweeplens.cli.evaluate import evaluate
from sweeplens.cli.exporting import export
from sweeplens.cli.forgetting import forget
from sweeplens.cli.judging import calibrate, train
from sweeplens.cli.known import known
from sweeplens.cli.output import quiet_pipe, write_page
from sweeplens.cli.reporting import report
from sweeplens.cli.scoring import score
from sweeplens.cli.storing import prune, snapshots, use, verify
from sweeplens.cli.streams import prepare_process, say
from sweeplens.cli.updating import update
from sweeplens.cli.verdicts import verdicts
from sweeplens.errors import SweepLensError

if TYPE_CHECKING:
    from sweeplens.report.cases import Review
    from sweeplens.report.facts import CampaignRow
    from sweeplens.store.snapshot import Snapshot

FAILED, INTERRUPTED = 1, 130

app = typer.Typer(
    name="sweeplens",
    help="Find the accounts, and groups of accounts, that copy a language model by asking it systematically.",
    epilog="Exit codes: 0 done, 1 failed with one sentence, 2 wrong usage, 3 --fail-on met, 130 Ctrl-C, 143 TERM.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(verdicts, name="verdicts")
app.add_typer(known, name="known")


def main() -> None:
    """Run the command line; every handled error becomes one sentence and an exit code here."""
    prepare_process()
    try:
        app(prog_name="sweeplens")
    except SweepLensError as error:
        say(str(error), level="error", event="failed")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        say(f"the system refused to go on: {error.strerror or error}{where}", level="error", event="failed")
        sys.exit(FAILED)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sweeplens {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


@app.command()
def demo(
    *,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", metavar="DIR", help="Store of the demo alone; without it the folder demo in your store."
        ),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build even where nothing has changed since.")] = False,
    encoder: o.Encoder = None,
    workers: o.Workers = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Build a synthetic log and show the finds beside the truth. Needs no network."""
    from sweeplens.cli.demo import run_demo

    settings = o.read_settings(config, encoder=encoder, workers=workers)
    run_demo(settings, store or settings.store / "demo", rebuild=rebuild, quiet=quiet)


@app.command()
def build(
    logs: Annotated[list[str], typer.Argument(metavar="LOG", help="Files, folders, globs, or - for stdin.")],
    *,
    store: o.Store = None,
    input_format: o.InputFormat = None,
    mapping: o.Map = None,
    encoder: o.Encoder = None,
    redact: o.Redact = None,
    max_rejects: o.MaxRejects = None,
    workers: o.Workers = None,
    seed: o.Seed = None,
    cells: o.Cells = None,
    neighbours: o.Neighbours = None,
    min_cluster: o.MinCluster = None,
    taxonomy: o.Taxonomy = None,
    window: o.Window = None,
    text: o.NoText = None,
    memory_limit: o.MemoryLimit = None,
    models: o.Models = None,
    config: o.Config = None,
    manifest: o.Manifest = None,
    log_json: o.LogJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Read a log into a new snapshot, and make it the current one. Prints the snapshot's id."""
    del log_json  # its option has acted already
    fields = o.read_map(mapping)
    settings = o.read_settings(
        config, store=store, encoder=encoder, redact=redact, max_rejects=max_rejects, workers=workers, seed=seed,
        cells=cells, neighbours=neighbours, min_cluster=min_cluster, taxonomy=taxonomy, window=window, text=text,
        memory_limit=memory_limit, models=models,
    )  # fmt: skip
    from sweeplens.cli.building import run_build

    built = run_build(logs, settings, input_format=input_format, mapping=fields, manifest=manifest, quiet=quiet)
    with quiet_pipe():
        typer.echo(built.snapshot_id)


app.command()(update)
app.command()(score)


@app.command()
def campaigns(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Groups of every label, not only sweeps.")] = False,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    format_: o.FormatName = None,
    output: o.Output = None,
    top: o.Top = None,
    max_q: o.MaxQ = None,
    fail_on: o.FailOnLevel = None,
    since_snapshot: o.SinceSnapshot = None,
    config: o.Config = None,
    manifest: o.Manifest = None,
    quiet: o.Quiet = False,
) -> None:
    """Rank the groups of accounts that act as one."""
    from sweeplens.cli.tables import draw_campaigns
    from sweeplens.report.queue import campaign_queue, describe_other_groups

    def queue(opened: "Snapshot", review: "Review") -> "list[CampaignRow]":
        del review
        return campaign_queue(opened, include_all=everything)

    ask = Ask(store, snapshot, format_, output, top, max_q, fail_on, config, manifest, quiet, since_snapshot)
    note = None if everything else describe_other_groups
    answer_queue("campaigns", "campaigns", ask, queue, draw_campaigns, note=note)


@app.command()
def account(
    account_id: Annotated[str, typer.Argument(metavar="ID", help="The account's id.")],
    *,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    prompts: o.Prompts = 10,
    format_: o.PageFormat = None,
    output: o.Output = None,
    config: o.Config = None,
) -> None:
    """Show everything about one account. Why it scores so, its coverage, its time, its company, its prompts."""
    from sweeplens.cli.pages import draw_account
    from sweeplens.report.account import account_evidence

    facts = account_evidence(open_store(store, snapshot, config), account_id, max_prompts=prompts)
    write_page(facts, format_, output, lambda console: draw_account(console, facts, prompts))


@app.command()
def cluster(
    cluster_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="The cluster's number; without it all clusters are listed.")
    ] = None,
    *,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    prompts: o.Prompts = 10,
    format_: o.PageFormat = None,
    output: o.Output = None,
    config: o.Config = None,
) -> None:
    """Show one cluster of the map; without an ID, list them all."""
    from sweeplens.cli.pages import draw_cluster
    from sweeplens.cli.tables import draw_clusters
    from sweeplens.report.cluster import cluster_evidence, cluster_table

    opened = open_store(store, snapshot, config)
    if cluster_id is None:
        rows = cluster_table(opened)
        write_page(rows, format_, output, lambda console: draw_clusters(console, rows))
        return
    facts = cluster_evidence(opened, cluster_id, max_prompts=prompts)
    write_page(facts, format_, output, lambda console: draw_cluster(console, facts, prompts))


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for; - reads it from standard input.")],
    *,
    k: Annotated[int, typer.Option("--k", min=1, max=1000, metavar="N", help="Number of prompts to find.")] = 20,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    format_: o.PageFormat = None,
    output: o.Output = None,
    workers: o.Workers = None,
    models: o.Models = None,
    config: o.Config = None,
) -> None:
    """Find the prompts nearest in meaning to a text, and who sent them."""
    from sweeplens.cli.tables import draw_hits
    from sweeplens.report.search import search as find

    wanted = (sys.stdin.read() if text == "-" else text).strip()
    if not wanted:
        raise typer.BadParameter("the text to look for is empty")
    settings = o.read_settings(config, store=store, workers=workers, models=models)
    opened = open_store(store, snapshot, config)
    from sweeplens.pipeline import encode_query

    hits = find(opened, encode_query(opened, wanted, settings), k)
    write_page(hits, format_, output, lambda console: draw_hits(console, hits))


app.command()(snapshots)
app.command()(verify)
app.command()(use)
app.command()(prune)
app.command()(forget)
app.command()(diff)
app.command()(export)
app.command()(report)
app.command()(evaluate)
app.command()(calibrate)
app.command()(train)
app.command()(encoders)


@app.command(name="app")
def run_app(
    store: o.Store = None,
    address: Annotated[
        str, typer.Option("--address", metavar="IP", help="Address to serve; one that others reach needs a login.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, metavar="N", help="Port at that address.")] = 8501,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = False,
    config: o.Config = None,
) -> None:
    """Start the app, on this computer alone unless it has a login, until Ctrl-C."""
    from sweeplens.cli.launch import launch

    launch(o.read_settings(config, store=store), address, port, browser=browser)
