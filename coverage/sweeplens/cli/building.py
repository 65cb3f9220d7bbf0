"""Jobs: work that takes a while, with progress, a memory limit and a summary; the build is one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sweeplens.cli.streams import RunRecord, say, show_progress
from sweeplens.engine.memory import watch_memory, workers_within
from sweeplens.engine.progress import Followed, Progress
from sweeplens.report.sentences import count, percent
from sweeplens.store.schema import REJECTS

if TYPE_CHECKING:
    from sweeplens.config import Settings
    from sweeplens.pipeline import BuildResult
    from sweeplens.store.snapshot import Snapshot


class Finished(Protocol):
    """What a job gives: the numbers of its closing line, and how long each step took."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Facts that JSON can hold, those of `SHOWN` among them where they apply."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds by step."""


Result = TypeVar("Result", bound=Finished)
SHOWN = ("snapshot", "detector", "rows", "rejected")  # facts of the closing line; the others are for --manifest


def run_job(
    command: str,
    work: Callable[[Progress, "Settings"], Result],
    settings: "Settings",
    *,
    summarise: Callable[[Result], Iterable[str]] | None = None,
    manifest: Path | None = None,
    quiet: bool = False,
) -> Result:
    """Do `work`, which reports to the progress that it gets, within the memory limit; say what came of it.

    The settings that it gets are `settings` with as many workers as are likely to fit into the limit, where nobody
    chose their number. `summarise` gives sentences for people, and the closing line and `manifest` get the result's
    summary. Raises `MemoryLimitError` and what `work` raises.
    """
    record = RunRecord(command, file=manifest, quiet=quiet)
    fit = workers_within(settings.memory_bytes, settings.threads)
    if settings.workers == 0 and fit < settings.threads:
        if not quiet:
            say(f"{fit} of {count(settings.threads, 'worker')}, so that the memory limit holds")
        settings = replace(settings, workers=fit)
    with show_progress(quiet=quiet) as shown:
        progress = Followed(shown)
        with watch_memory(
            settings.memory_bytes,
            step=lambda: progress.current,
            workers=settings.threads,
            last_words=lambda text: say(text, level="error", event="failed"),
        ):
            result = work(progress, settings)
    if summarise is not None and not quiet:
        for sentence in summarise(result):
            say(sentence, event="summary")
    record.add(**{key: result.summary.get(key) for key in SHOWN})
    record.add_detail(steps={k: round(v, 2) for k, v in result.seconds.items()})
    record.add_detail(**{k: v for k, v in result.summary.items() if k not in SHOWN})
    record.finish()
    return result


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

    def work(progress: Progress, settings: "Settings") -> "BuildResult":
        from sweeplens.pipeline import build

        return build(logs, settings, input_format=input_format, mapping=dict(mapping or {}), progress=progress)

    return run_job("build", work, settings, summarise=summarise_build, manifest=manifest, quiet=quiet).snapshot


def summarise_build(result: "BuildResult") -> list[str]:
    """Say what was read, what was left out, and what was found, a sentence each."""
    about, stats = result.summary, result.stats
    whose = f"{count(about['requests'], 'request')} of {count(about['accounts'], 'account')}"
    asked = f"{count(about['prompts'], 'distinct prompt')}, {about['prompts_from_cache']:,} of them embedded before"
    said = [f"{whose}, {asked}"]
    if stats.rejected:
        why = "; ".join(f"{n:,} {reason}" for reason, n in stats.reasons.most_common(3))
        said.append(f"{count(stats.rejected, 'row')} rejected, listed in {result.snapshot.folder / REJECTS}: {why}")
    if stats.redactions:
        said.append("redacted: " + ", ".join(f"{n:,} {kind}" for kind, n in stats.redactions.most_common()))
    said.append(f"{count(about['clusters'], 'cluster')}, {percent(about['noise_share'])} of the prompts in none")
    levels = ", ".join(f"{about['levels'][k]:,} {k}" for k in ("high", "review", "watch", "none", "insufficient"))
    return [*said, f"accounts: {levels}; {count(about['campaigns'], 'campaign')}"]
