"""`sweeplens evaluate`: a snapshot against labels, beside the published detectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.answers import open_store
from sweeplens.cli.output import Page, write_page
from sweeplens.cli.streams import show_progress
from sweeplens.cli.tables import add_row, count, make_table, share, write_head, write_line
from sweeplens.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.config import Settings
    from sweeplens.evaluate.bootstrap import Figure
    from sweeplens.evaluate.evaluate import Comparison, Evaluation, Flags
    from sweeplens.evaluate.labels import Label
    from sweeplens.evaluate.measures import Floats
    from sweeplens.evaluate.sample import Sample
    from sweeplens.evaluate.verdicts import Reviewed
    from sweeplens.store.snapshot import Snapshot

_MOST_LANGUAGES = 12
_WIDEST_TYPE = 24


def evaluate(
    *,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="CSV: account_id, label[, type, campaign_id, corpus, n]."),
    ] = None,
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="Hold it against the verdicts in the store, and say what is missed.")
    ] = False,
    days: Annotated[
        bool, typer.Option("--by-day", help="Replay the snapshot day by day: when each attack was first seen.")
    ] = False,
    peers: Annotated[
        bool, typer.Option("--peers/--no-peers", help="Score the published detectors too, with the same labels.")
    ] = True,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, max=100_000, metavar="N", help="Draws behind an interval; 0: none.")
    ] = 1000,
    seed: o.Seed = None,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    format_: o.PageFormat = None,
    output: o.Output = None,
    config: o.Config = None,
    quiet: o.Quiet = False,
) -> None:
    """Hold scores, levels and campaigns of a snapshot against labels, beside the published detectors."""
    if (labels is not None) == verdicts:
        raise typer.BadParameter("evaluate takes one of --labels FILE and --verdicts")
    if days and labels is None:
        raise typer.BadParameter("--by-day needs --labels FILE: verdicts say nothing of attacks that were missed")
    from sweeplens.evaluate.evaluate import evaluate as measure
    from sweeplens.evaluate.labels import read_labels
    from sweeplens.evaluate.sample import take_sample

    settings = o.read_settings(config, store=store, seed=seed)
    if labels is None:
        _on_verdicts(open_store(store, snapshot, config), settings, bootstrap, format_, output)
        return
    known = read_labels(labels)
    opened = open_store(store, snapshot, config)
    if days:
        _by_day(opened, known, settings, format_, output, quiet=quiet)
        return
    sample = take_sample(opened, known)
    others = _score_peers(opened, sample, settings.seed, quiet=quiet) if peers else {}
    found = measure(sample, others, n_draws=bootstrap, seed=settings.seed)
    made_by = opened.manifest.get("detector", {})
    fact = {"snapshot_id": opened.snapshot_id, "detector": made_by, "evaluation": found}
    write_page(fact, format_, output, lambda console: draw_evaluation(console, opened.snapshot_id, found))


def _by_day(
    opened: "Snapshot", known: "Sequence[Label]", settings: "Settings", format_: Page | None, output: Path | None,
    *, quiet: bool,
) -> None:  # fmt: skip
    from sweeplens.cli.days import draw_days
    from sweeplens.evaluate.days import by_day
    from sweeplens.pipeline.history import read_history
    from sweeplens.pipeline.replay import replay, request_times

    history = read_history(opened)
    with show_progress(quiet=quiet) as progress, progress.step("days") as step:
        found = by_day(known, request_times(history), replay(history, settings, step.update))
    fact = {"snapshot_id": opened.snapshot_id, "detector": opened.manifest.get("detector", {}), "by_day": found}
    write_page(fact, format_, output, lambda console: draw_days(console, opened.snapshot_id, found))


def _on_verdicts(
    opened: "Snapshot", settings: "Settings", bootstrap: int, format_: Page | None, output: Path | None
) -> None:
    from sweeplens.evaluate.evaluate import evaluate as measure
    from sweeplens.evaluate.sample import take_sample
    from sweeplens.evaluate.verdicts import judge_verdicts, verdict_labels
    from sweeplens.report.columns import columns_of

    review, (labels, _) = judge_verdicts(opened, settings.audit), verdict_labels(settings.store, opened)
    known = columns_of(opened).position
    there = {label.label for label in labels if label.account_id in known}
    ranking = None
    if {"attack", "benign"} <= there:
        ranking = measure(take_sample(opened, labels), {}, n_draws=bootstrap, seed=settings.seed).kinds[0]
    fact = {
        "snapshot_id": opened.snapshot_id, "detector": opened.manifest.get("detector", {}), "review": review,
        "ranking": ranking,
    }  # fmt: skip
    write_page(fact, format_, output, lambda console: draw_reviewed(console, opened.snapshot_id, review, ranking))


def draw_reviewed(console: "Console", snapshot_id: str, found: "Reviewed", ranking: "Comparison | None") -> None:
    """Print what the verdicts come to, and what the audit lets expect."""
    from sweeplens.evaluate.verdicts import describe_audit

    n = found.by_label
    decided = sum(n.values())
    write_line(
        console,
        f"Snapshot {snapshot_id}: {count(decided, console)} of {count(found.flagged, console)} flagged accounts and "
        f"{count(found.decided, console)} of {count(found.campaigns, console)} campaigns have a verdict.",
    )
    write_line(console, describe_audit(found.audit))
    write_head(console, "By the verdicts")
    table = make_table("", "", "share")
    table.show_header = False
    sure = n["attack"] + n["benign"]
    missed = found.audit.missed
    between = "" if missed.low is None or missed.high is None else f"{missed.low:,.0f} to {missed.high:,.0f}"
    rows = [
        ("precision of flags", f"{n['attack']} sweeps of {sure}", _share(found.precision)),
        ("benchmark runs flagged", f"{n['dual']}", ""),
        ("campaigns confirmed", f"{found.confirmed} of {found.decided}", ""),
        ("sweeps below review, known", f"{found.known}", ""),
        ("sweeps below review, estimated", "-" if missed.value is None else f"{missed.value:,.0f}", between),
        ("sweeps that are flagged", f"{n['attack']} confirmed", _share(found.recall)),
    ]
    for row in rows:
        add_row(table, row)
    console.print(table)
    if ranking is not None:
        _draw_kind(console, ranking)
        write_line(
            console, "Accounts with a verdict are mostly those that scored high: these figures are of them alone."
        )


def _score_peers(opened: "Snapshot", sample: "Sample", seed: int, *, quiet: bool) -> "dict[str, Floats]":
    from sweeplens.evaluate.rivals import score_peers
    from sweeplens.evaluate.sample import take_traffic

    with show_progress(quiet=quiet) as progress, progress.step("peers") as step:
        return score_peers(sample, take_traffic(opened, sample), seed=seed, progress=step.update)


def draw_evaluation(console: "Console", snapshot_id: str, found: "Evaluation") -> None:
    """Print everything that was measured."""
    counts = ", ".join(f"{count(n, console)} {label}" for label, n in found.by_label.items())
    write_line(console, f"Snapshot {snapshot_id}: {count(found.n_accounts, console)} labelled accounts ({counts}).")
    write_line(
        console,
        f"Not in the snapshot: {count(found.absent, console)} of them, which count as the lowest score. "
        f"Without a label: {count(found.unlabelled, console)} of the snapshot's accounts, which are left out.",
    )
    if found.n_draws:
        what = f"{count(found.n_units, console)} whole {found.unit}"
        write_line(console, f"Intervals hold 95 % of {count(found.n_draws, console)} draws of {what}.")
    for kind in found.kinds:
        _draw_kind(console, kind)
    starred = any(ranking.detector.endswith("*") for kind in found.kinds for ranking in kind.rankings)
    if starred:
        write_line(console, "")
        write_line(
            console, "* given benign accounts of the scored account's own corpus too, which an operator cannot have"
        )
    _draw_languages(console, found.languages)
    _draw_flags(console, found.flagged)
    _draw_campaigns(console, found)


def _draw_kind(console: "Console", kind: "Comparison") -> None:
    name = "all attacks" if kind.name == "attack" else one_line(kind.name, _WIDEST_TYPE)
    write_head(console, f"{name}: {count(kind.n_attack, console)} accounts, {count(kind.n_benign, console)} benign")
    table = make_table("", "AUROC", "same volume", "named users", "TPR at 1 %", "TPR at 5 %")
    for r in kind.rankings:
        figures = (r.auroc, r.same_volume, r.named_users, r.tpr_at_1, r.tpr_at_5)
        add_row(table, [r.detector, *map(_number, figures)])
    console.print(table)
    if kind.best_peer is not None and kind.lead.value is not None:
        between = "" if kind.lead.low is None else f" ({kind.lead.low:+.2f} to {kind.lead.high:+.2f})"
        write_line(console, f"same volume: {kind.lead.value:+.2f}{between} against the best peer, {kind.best_peer}")


def _draw_languages(console: "Console", languages: "Sequence[Comparison]") -> None:
    both = [c for c in languages if c.n_attack and c.n_benign]
    write_head(console, "Main language of an account, attacks and benign accounts of the same one")
    table = make_table("language", "attack>", "benign>", "AUROC", "same volume", "TPR at 1 %", "TPR at 5 %")
    for c in both[:_MOST_LANGUAGES]:
        r = c.rankings[0]
        figures = (r.auroc, r.same_volume, r.tpr_at_1, r.tpr_at_5)
        add_row(table, [c.name, count(c.n_attack, console), count(c.n_benign, console), *map(_number, figures)])
    if both:
        console.print(table)
    rest = [c.name for c in languages if c not in both]
    if rest:
        write_line(console, f"on one side only: {', '.join(rest)}")
    if len(both) > _MOST_LANGUAGES:
        write_line(console, f"{len(both) - _MOST_LANGUAGES} more languages with --format json")


def _draw_flags(console: "Console", flags: "Flags") -> None:
    write_head(console, "Flagged for review or high")
    table = make_table("", "accounts", "share", ":40")
    false = ", ".join(
        f"{one_line(kind, _WIDEST_TYPE) or 'no type'} {n} of {flags.benign_by_type[kind]}"
        for kind, n in flags.false_by_type.items()
    )
    flagged = flags.caught + flags.false
    rows = [
        ("recall", f"{flags.caught} of {flags.attacks} attacks", flags.recall, ""),
        ("precision", f"{flags.caught} of {flagged} flagged", flags.precision, ""),
        ("false alarms", f"{flags.false} of {flags.benign} benign", flags.false_alarm_rate, false),
        ("dual", f"{flags.dual_flagged} of {flags.dual}", flags.dual_share, ""),
    ]
    for name, accounts, figure, more in rows:
        add_row(table, [name, accounts, _share(figure), more])
    console.print(table)
    top = share(flags.precision_at_attacks)
    write_line(console, f"{top} of the {count(flags.attacks, console)} accounts at the top are attacks")


def _draw_campaigns(console: "Console", found: "Evaluation") -> None:
    c = found.campaigns
    write_head(console, "Campaigns")
    table = make_table("", "", "")
    rows = [
        ("found (Jaccard 0.5 or more)", f"{c.found} of {c.true}", _share(c.found_share)),
        ("false groups", f"{c.false} of {c.reported} reported", _share(c.false_share)),
        ("mean Jaccard", "", _number(c.mean_jaccard)),
        ("mean recall of members", "", _number(c.mean_recall)),
        ("precision of pairs", "", _number(c.pair_precision)),
        ("recall of pairs", "", _number(c.pair_recall)),
    ]
    table.show_header = False
    for row in rows:
        add_row(table, row)
    console.print(table)


def _number(figure: "Figure") -> str:
    """Show .97 .94-.99: a number and its interval; a dash where there is none."""
    if figure.value is None:
        return "-"
    value = f"{figure.value:.2f}".removeprefix("0") if figure.value < 0.995 else "1.0"
    between = "" if figure.low is None or figure.high is None else f" {_short(figure.low)}-{_short(figure.high)}"
    return value + between


def _short(value: float) -> str:
    text = f"{value:.2f}"
    return {"0.00": "0", "1.00": "1"}.get(text, text.removeprefix("0"))


def _share(figure: "Figure") -> str:
    if figure.value is None:
        return "-"
    between = "" if figure.low is None or figure.high is None else f" ({share(figure.low)} to {share(figure.high)})"
    return f"{share(figure.value)}{between}"
