"""Build a snapshot and say what came of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sweeplens.cli.streams import RunRecord, say, show_progress
from sweeplens.report.sentences import count, percent
from sweeplens.store.schema import REJECTS

if TYPE_CHECKING:
    from sweeplens.config import Settings
    from sweeplens.pipeline import BuildResult
    from sweeplens.store.snapshot import Snapshot


def run_build(
    logs: Sequence[str],
    settings: "Settings",
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    manifest: Path | None = None,
    quiet: bool,
) -> "Snapshot":
    """Build, with progress and a summary on standard error."""
    record = RunRecord("build", file=manifest, quiet=quiet)
    with show_progress(quiet=quiet) as progress:
        from sweeplens.pipeline import build

        result = build(logs, settings, input_format=input_format, mapping=dict(mapping or {}), progress=progress)
    if not quiet:
        _summarise(result)
    about = result.summary
    record.add(**{key: about[key] for key in ("snapshot", "detector", "rows", "rejected")})
    record.add_detail(steps={k: round(v, 2) for k, v in result.seconds.items()})
    record.add_detail(**{k: v for k, v in about.items() if k not in {"snapshot", "detector", "rows", "rejected"}})
    record.finish()
    return result.snapshot


def _summarise(result: "BuildResult") -> None:
    about, stats = result.summary, result.stats
    say(
        f"{count(about['requests'], 'request')} of {count(about['accounts'], 'account')}, "
        f"{count(about['prompts'], 'distinct prompt')}, {about['prompts_from_cache']:,} of them embedded before"
    )
    if stats.rejected:
        why = "; ".join(f"{n:,} {reason}" for reason, n in stats.reasons.most_common(3))
        say(f"{count(stats.rejected, 'row')} rejected, listed in {result.snapshot.folder / REJECTS}: {why}")
    if stats.redactions:
        say("redacted: " + ", ".join(f"{n:,} {kind}" for kind, n in stats.redactions.most_common()))
    say(f"{count(about['clusters'], 'cluster')}, {percent(about['noise_share'])} of the prompts in none")
    levels = ", ".join(f"{about['levels'][k]:,} {k}" for k in ("high", "review", "watch", "none", "insufficient"))
    say(f"accounts: {levels}; {count(about['campaigns'], 'campaign')}")
