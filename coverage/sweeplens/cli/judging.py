"""`sweeplens calibrate` and `sweeplens train`: a store's own reference for p, and its own detector."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweeplens.cli import options as o
from sweeplens.cli.answers import open_store
from sweeplens.cli.files import write_file
from sweeplens.cli.output import quiet_pipe, write_page
from sweeplens.cli.streams import say, show_progress
from sweeplens.text import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.config import Settings
    from sweeplens.detect.calibration import Reference
    from sweeplens.pipeline.calibrate import Calibrated
    from sweeplens.pipeline.train import Given, Training
    from sweeplens.store.snapshot import Snapshot

_FACTORS_SHOWN = 8
_NEXT = "it counts from the next build on"
_BACK = "the next build takes the one that ships"


def calibrate(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[LOG]...", help="More logs, as a shell makes of --benign *.jsonl.gz.")
    ] = None,
    *,
    benign: Annotated[
        list[str] | None,
        typer.Option("--benign", metavar="LOG", help="Log of honest accounts alone: file, folder, glob. Repeatable."),
    ] = None,
    corpora: Annotated[
        int, typer.Option("--corpora", min=1, metavar="N", help="Number of independent sources that it comes from.")
    ] = 1,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to the reference that ships.")] = False,
    store: o.Store = None,
    encoder: o.Encoder = None,
    input_format: o.InputFormat = None,
    mapping: o.Map = None,
    max_rejects: o.MaxRejects = None,
    workers: o.Workers = None,
    models: o.Models = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Score a log of honest accounts, and take p values from them. Prints the file that holds the reference."""
    logs = [*(benign or []), *(more or [])]
    if remove == bool(benign) or (remove and logs):
        raise typer.BadParameter("calibrate takes either --benign LOG or --remove")
    fields = o.read_map(mapping)
    settings = o.read_settings(
        config, store=store, encoder=encoder, max_rejects=max_rejects, workers=workers, models=models
    )
    if remove:
        _remove_calibration(settings, quiet=quiet)
        return
    with show_progress(quiet=quiet) as progress:
        from sweeplens.pipeline.calibrate import calibrate as run

        done = run(logs, settings, corpora=corpora, input_format=input_format, mapping=fields, progress=progress)
    if not quiet:
        _say_calibrated(done)
    with quiet_pipe():
        typer.echo(str(done.path))


def train(
    *,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="CSV: account_id, label[, campaign_id, corpus].")
    ] = None,
    from_verdicts: Annotated[
        bool, typer.Option("--from-verdicts", help="Train on the verdicts that the store holds.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Take the new detector even where it is no better.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to FILE; the store stays as it is.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to the detector that ships.")] = False,
    store: o.Store = None,
    format_: o.PageFormat = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Fit the detector to labels of the current snapshot's accounts, and say what is gained."""
    if (labels is not None) + from_verdicts + remove != 1:
        raise typer.BadParameter("train takes one of --labels FILE, --from-verdicts and --remove")
    settings = o.read_settings(config, store=store)
    if remove:
        _remove_detector(settings, quiet=quiet)
        return
    from sweeplens.pipeline.train import check_replaced, fit_labels

    opened = open_store(store, None, config)
    given = _read_given(labels, settings, opened)
    with show_progress(quiet=quiet) as progress, progress.step("train"):
        training = fit_labels(opened, given)
    write_page(
        _facts(opened.snapshot_id, training), format_, None, lambda console: draw_training(console, training, given)
    )
    if output is not None:
        write_file(output, training.file)
        if not quiet:
            say(f"{_name(training)} is written to {output}; the store is as it was")
        return
    if not force:
        check_replaced(settings.store, training)
    _keep(settings.store, training, quiet=quiet)


def draw_training(console: "Console", training: "Training", given: "Given") -> None:
    """Print what a detector was trained on, and how it judges accounts that were left out."""
    from sweeplens.cli.tables import add_row, count, make_table

    n, trained = training.counts, training.trained
    _print(
        console,
        f"{count(n['attack'], console)} attacks and {count(n['benign'], console)} benign accounts from "
        f"{count(training.n_groups, console)} {training.unit}, labelled by {one_line(given.source, 60)}.",
    )
    rest = {"dual": "are dual", "too little": "have too little for a score", "absent": "are not in the snapshot"}
    left = ", ".join(f"{count(n[key], console)} {why}" for key, why in rest.items() if n[key])
    if left:
        _print(console, f"Left out: {left}.")
    _print(console, "")
    table = make_table("accounts left out in turn", "log loss>", "AUROC>")
    for name, quality in ((training.parent, trained.before), (_name(training), trained.after)):
        add_row(table, [name, f"{quality.log_loss:.4f}", f"{quality.auroc:.4f}"])
    console.print(table)
    gain = trained.before.log_loss - trained.after.log_loss
    _print(
        console, f"gain {gain:+.4f}, give or take {trained.error:.4f}; strength of the pull {trained.fit.strength:g}"
    )
    changed = [f"{key} x {factor:.2f}" for key, factor in training.factors[:_FACTORS_SHOWN] if round(factor, 2) != 1]
    _print(
        console, f"changed most: {', '.join(changed)}" if changed else "no signal counts for more or less than before"
    )


def _name(training: "Training") -> str:
    return f"{training.detector.name} {training.detector.version}"


def _facts(snapshot_id: str, training: "Training") -> dict[str, Any]:
    trained, reference = training.trained, training.reference
    return {
        "snapshot_id": snapshot_id,
        "encoder": training.encoder,
        "parent": training.parent,
        "version": training.detector.version,
        "counts": dict(training.counts),
        "unit": training.unit,
        "groups": training.n_groups,
        "before": {"log_loss": trained.before.log_loss, "auroc": trained.before.auroc},
        "after": {"log_loss": trained.after.log_loss, "auroc": trained.after.auroc},
        "error": trained.error,
        "better": trained.better,
        "strength": trained.fit.strength,
        "base": trained.fit.base,
        "factors": dict(training.factors),
        "reference": None if reference is None else len(reference),
    }


def _read_given(labels: Path | None, settings: "Settings", opened: "Snapshot") -> "Given":
    from sweeplens.pipeline.train import labels_of_file, labels_of_verdicts

    return labels_of_verdicts(settings.store, opened) if labels is None else labels_of_file(labels)


def _keep(store: Path, training: "Training", *, quiet: bool) -> None:
    from sweeplens.pipeline.calibrate import keep_reference
    from sweeplens.pipeline.train import keep_detector

    path = keep_detector(store, training)
    if training.reference is not None:
        keep_reference(store, training.reference)
    if quiet:
        return
    say(f"{_name(training)} is now the detector of this store, {path}; {_NEXT}")
    if training.reference is None:
        say("there is no p value, and so no level above watch, until `sweeplens calibrate` makes a reference for it")
    else:
        say(f"p values come from {len(training.reference):,} benign accounts of the labels, each left out in turn")
        _say_reach(training.reference)


def _say_calibrated(done: "Calibrated") -> None:
    reference = done.reference
    few = f"; {done.without:,} more have too little for one" if done.without else ""
    say(f"{len(reference):,} honest accounts with a score by {reference.detector}{few}")
    _say_reach(reference)
    say(f"the reference is {done.path}; {_NEXT}")


def _say_reach(reference: "Reference") -> None:
    """Say how low p can go, and which levels can be reached."""
    from sweeplens.detect.calibration import HIGH, REVIEW
    from sweeplens.detect.detector import chance

    for name, p in (("review", REVIEW), ("high", HIGH)):
        cut = reference.cutoff(p)
        if math.isinf(cut):
            need = math.ceil(1 / p) - 1
            say(f"{name}, p of at most {p:g}, is out of reach: p cannot go below {reference.least_p:.2g}, "
                f"and {need} accounts are needed")  # fmt: skip
        else:
            say(f"{name}, p of at most {p:g}: above a score of {chance(cut):.2f}")
    if reference.slope:
        more = "more" if reference.slope > 0 else "less"
        say(f"these scores are for an account of middling volume: larger honest ones score {more}, which p allows for")


def _remove_calibration(settings: "Settings", *, quiet: bool) -> None:
    from sweeplens.pipeline.calibrate import remove_calibration

    removed = remove_calibration(settings.store)
    if not quiet:
        say(f"the store's own reference is removed; {_BACK}" if removed else "the store has no reference of its own")


def _remove_detector(settings: "Settings", *, quiet: bool) -> None:
    from sweeplens.pipeline.train import remove_detector

    removed = remove_detector(settings.store)
    if not quiet:
        say(f"the store's own detector is removed; {_BACK}" if removed else "the store has no detector of its own")


def _print(console: "Console", text: str) -> None:
    console.print(printable(text))
