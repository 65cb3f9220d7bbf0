"""`sweeplens forget`: erase accounts, and say what went and what still holds them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.output import quiet_pipe
from sweeplens.cli.streams import say
from sweeplens.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeplens.config import Settings
    from sweeplens.engine.progress import Progress
    from sweeplens.pipeline.forget import Forgotten

_DECLINED = 1


def forget(
    accounts: Annotated[
        list[str] | None, typer.Argument(metavar="[ACCOUNT]...", help="Ids of the accounts to erase.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--accounts", metavar="FILE", help="Erase those in FILE, too, one id a line.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Remove older snapshots that hold them, too; there is no way back.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: o.Store = None,
    workers: o.Workers = None,
    memory_limit: o.MemoryLimit = None,
    models: o.Models = None,
    config: o.Config = None,
    manifest: o.Manifest = None,
    log_json: o.LogJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Erase accounts. A new snapshot without what only they sent, cache and verdicts too. Prints its id."""
    del log_json  # its option has acted already
    wanted = list(dict.fromkeys([*(accounts or []), *(_read_ids(file) if file else [])]))
    if not wanted:
        raise typer.BadParameter("forget needs the id of an account, or --accounts FILE with some")
    settings = o.read_settings(config, store=store, workers=workers, memory_limit=memory_limit, models=models)
    if not yes and not _confirm(settings, wanted, everywhere=everywhere):
        say("nothing was forgotten")
        raise typer.Exit(_DECLINED)
    from sweeplens.cli.building import run_job

    def work(progress: "Progress", settings: "Settings") -> "Forgotten":
        from sweeplens.pipeline import forget as erase

        return erase(wanted, settings, everywhere=everywhere, progress=progress)

    done = run_job("forget", work, settings, summarise=summarise_forgotten, manifest=manifest, quiet=quiet)
    _warn(done)
    with quiet_pipe():
        typer.echo(done.result.snapshot.snapshot_id)


def summarise_forgotten(done: "Forgotten") -> list[str]:
    """Say what went, a sentence each."""
    from sweeplens.report.sentences import count

    asked = f"{count(done.requests, 'request')} and {count(done.prompts, 'prompt')} that nobody else sent"
    kept = f"{count(done.cached, 'vector')} in the cache and {count(done.verdicts, 'verdict')}"
    said = [f"forgotten: {asked}, with {kept}"]
    if done.pruned is not None and done.pruned.removed:
        n = len(done.pruned.removed)
        said.append(f"{count(n, 'older snapshot')} that held them {'is' if n == 1 else 'are'} removed")
    return said


def _warn(done: "Forgotten") -> None:
    """Name the snapshots that still hold the accounts, and say why."""
    why = dict(done.pruned.kept) if done.pruned is not None else {}
    for snapshot_id in done.holding:
        reason = f": {why[snapshot_id]}" if snapshot_id in why else ""
        say(f"snapshot {snapshot_id} still holds what was forgotten{reason}", level="warning", event="holding")
    if done.holding:
        say("`sweeplens forget --everywhere` with the same ids removes what still holds them", level="warning")


def _confirm(settings: "Settings", wanted: "Sequence[str]", *, everywhere: bool) -> bool:
    """Say what would go and ask; raises `NotFoundError` where no snapshot and no tombstone has any of the accounts."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("forget asks before it erases, but there is no terminal to ask on: give --yes")
    from sweeplens.report.sentences import count
    from sweeplens.store.snapshot import open_snapshot
    from sweeplens.store.tombstones import load_tombstones

    with open_snapshot(settings.store) as snapshot:
        table = snapshot.table("accounts", ["account_id", "n_requests"])
        requests = dict(zip(table["account_id"].to_pylist(), table["n_requests"].to_pylist(), strict=True))
        name = snapshot.snapshot_id
    erased = load_tombstones(settings.store)
    unknown = [w for w in wanted if w not in requests and erased.erased_at(w) is None]
    if unknown:
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        raise NotFoundError(f"snapshot {name} has no account {unknown[0]!r}{more}: nothing was forgotten")
    n = sum(requests.get(w, 0) for w in wanted)
    older = ", and remove older snapshots that hold them" if everywhere else ""
    say(f"this will erase {count(len(wanted), 'account')} with {count(n, 'request')} from snapshot {name}{older}")
    return typer.confirm("Erase for good?", err=True)


def _read_ids(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise NotFoundError(f"the file of accounts {file} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"the file of accounts {file} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip()]
