"""`sweeplens score`: the accounts of a snapshot, or those of a new log beside them, ranked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweeplens.cli import options as o
from sweeplens.cli.answers import Ask, answer_queue, check_since, leave, write_rows
from sweeplens.cli.output import Format, choose_format, write_queue
from sweeplens.cli.streams import say

if TYPE_CHECKING:
    from sweeplens.config import Settings
    from sweeplens.engine.progress import Progress
    from sweeplens.pipeline.score import Scored
    from sweeplens.report.cases import Review
    from sweeplens.report.facts import AccountRow, CampaignRow
    from sweeplens.store.snapshot import Snapshot


@dataclass(frozen=True)
class _Log:
    """A log to score, and which of its requests count."""

    sources: Sequence[str]
    input_format: str | None
    mapping: Mapping[str, str]
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class _More:
    """What is asked for beside the queue: only the accounts in a file, and the campaigns."""

    accounts: Path | None
    campaigns: Path | None

    def read(self) -> frozenset[str] | None:
        """Return the ids of the accounts that are asked for; None for all."""
        return None if self.accounts is None else o.read_accounts(self.accounts)


def score(
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOG", help="Files, folders, globs, or - for stdin; without them, a snapshot is read."),
    ] = None,
    *,
    store: o.Store = None,
    snapshot: o.SnapshotId = None,
    format_: o.FormatName = None,
    output: o.Output = None,
    campaigns_output: o.CampaignsOutput = None,
    top: o.Top = None,
    max_q: o.MaxQ = None,
    accounts: o.AccountsFile = None,
    fail_on: o.FailOnLevel = None,
    since_snapshot: o.SinceSnapshot = None,
    input_format: o.InputFormat = None,
    mapping: o.Map = None,
    since: o.Since = None,
    until: o.Until = None,
    window: o.Window = None,
    redact: o.Redact = None,
    max_rejects: o.MaxRejects = None,
    workers: o.Workers = None,
    memory_limit: o.MemoryLimit = None,
    models: o.Models = None,
    config: o.Config = None,
    manifest: o.Manifest = None,
    log_json: o.LogJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Rank accounts, those to look at first on top: a snapshot's, or those of a log beside them."""
    del log_json  # its option has acted already
    ask = Ask(store, snapshot, format_, output, top, max_q, fail_on, config, manifest, quiet, since_snapshot)
    more = _More(accounts, campaigns_output)
    if output is not None and output == campaigns_output:
        raise typer.BadParameter("--output and --campaigns-output must be two files")
    flags = {
        "--input-format": input_format, "--map": mapping, "--since": since, "--until": until, "--window": window,
        "--redact": redact, "--max-rejects": max_rejects, "--workers": workers, "--memory-limit": memory_limit,
        "--models": models,
    }  # fmt: skip
    _check_usage(logs, snapshot, flags)
    if not logs:
        _score_snapshot(ask, more)
        return
    if since is not None and until is not None and since >= until:
        raise typer.BadParameter("--since must be before --until")
    log = _Log(logs, input_format, o.read_map(mapping), since, until)
    settings = o.read_settings(
        config, store=store, window=window, redact=redact, max_rejects=max_rejects, workers=workers,
        memory_limit=memory_limit, models=models,
    )  # fmt: skip
    _score_log(log, settings, ask, more)


def _check_usage(logs: Sequence[str] | None, snapshot: str | None, flags: Mapping[str, object]) -> None:
    if logs and snapshot is not None:
        raise typer.BadParameter("--snapshot is for score without a log: a log is scored against the current snapshot")
    idle = [flag for flag, value in flags.items() if value is not None]
    if not logs and idle:
        raise typer.BadParameter(f"{idle[0]} needs a log: without one, score reads the snapshot as it is")


def _score_snapshot(ask: Ask, more: _More) -> None:
    from sweeplens.cli.tables import draw_accounts
    from sweeplens.report.queue import account_queue, campaign_queue

    wanted = more.read()

    def queue(opened: "Snapshot", review: "Review") -> "list[AccountRow]":
        rows = account_queue(opened)
        if wanted is not None:
            rows = [row for row in rows if row.account_id in wanted]
            _count_missing(wanted, rows, more.accounts, "the snapshot")
        if more.campaigns is not None:
            _write_campaigns(campaign_queue(opened), review, more.campaigns)
        return rows

    answer_queue("score", "accounts", ask, queue, draw_accounts)


def _score_log(log: _Log, settings: "Settings", ask: Ask, more: _More) -> None:
    from sweeplens.cli.building import run_job
    from sweeplens.store.snapshot import open_snapshot

    wanted = more.read()
    check_since(settings.store, ask)
    facts: dict[str, int] = {}

    def work(progress: "Progress", settings: "Settings") -> "Scored":
        from sweeplens.pipeline import score as judge

        return judge(
            log.sources, settings, input_format=log.input_format, mapping=log.mapping, since=log.since,
            until=log.until, accounts=wanted, progress=progress,
        )  # fmt: skip

    def answer(result: "Scored") -> Mapping[str, Any]:
        from sweeplens.cli.tables import draw_accounts
        from sweeplens.report.cases import review_among
        from sweeplens.report.queue import account_rows, campaign_rows

        rows, groups = account_rows(result.accounts), campaign_rows(result.campaigns, include_all=True)
        review = review_among(settings.store, rows, groups, allow_days=settings.allow_days, audit=settings.audit)
        if wanted is not None:
            _count_missing(wanted, rows, more.accounts, "the log or the snapshot")
        if more.campaigns is not None:
            _write_campaigns([g for g in groups if g.label == "sweep"], review, more.campaigns)
        base = result.snapshot
        if ask.since_snapshot is not None:
            base = open_snapshot(settings.store, ask.since_snapshot)
        facts.update(write_rows("accounts", rows, review, base, ask, draw_accounts))
        return facts

    run_job("score", work, settings, summarise=_summarise, answer=answer, manifest=ask.manifest, quiet=ask.quiet)
    leave(facts)


def _summarise(result: "Scored") -> list[str]:
    """Say what was read, what was left out, and what was found, a sentence each."""
    from sweeplens.cli.building import say_found, say_left, say_rejects
    from sweeplens.report.sentences import count

    about = result.summary
    return [
        f"{count(about['rows'], 'row')} read; with what the snapshot has, {count(about['requests'], 'request')}",
        *say_left(result.left),
        *say_rejects(result.stats),
        say_found(about),
    ]


def _count_missing(wanted: frozenset[str], rows: "Sequence[AccountRow]", file: Path | None, where: str) -> None:
    missing = len(wanted) - len(rows)
    if missing:
        said = "has" if missing == 1 else "have"
        say(f"{missing:,} of the {len(wanted):,} accounts in {file} {said} no request in {where}", level="warning")


def _write_campaigns(rows: "Sequence[CampaignRow]", review: "Review", output: Path) -> None:
    """Write the campaigns as the command of that name does: JSONL, unless the file's ending names another format."""
    from sweeplens.report.queue import to_records

    chosen = choose_format(None, output)
    kind = Format.jsonl if chosen is Format.table else chosen
    write_queue("campaigns", to_records(rows, review), kind, output, lambda _: None)
