"""Jobs: work that takes a while, with progress, a memory limit and a summary; builds and updates are such."""

from collections import Counter
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
    from sweeplens.logs.rows import ReadStats
    from sweeplens.pipeline.intake import Left
    from sweeplens.pipeline.writing import BuildResult
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
    answer: Callable[[Result], Mapping[str, Any]] | None = None,
    manifest: Path | None = None,
    quiet: bool = False,
) -> Result:
    """Do `work`, which reports to the progress that it gets, within the memory limit; say what came of it.

    The settings that it gets are `settings` with as many workers as are likely to fit into the limit, where nobody
    chose their number. `summarise` gives sentences for people; `answer` then writes the output and gives facts for
    `manifest` alone. The closing line and `manifest` get the result's summary. Raises `MemoryLimitError` and what
    `work` raises.
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
    more = {} if answer is None else answer(result)
    record.add(**{key: result.summary.get(key) for key in SHOWN})
    record.add_detail(steps={k: round(v, 2) for k, v in result.seconds.items()})
    record.add_detail(**{k: v for k, v in result.summary.items() if k not in SHOWN} | dict(more))
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
    about = result.summary
    asked = f"{count(about['prompts'], 'distinct prompt')}, {about['prompts_from_cache']:,} of them embedded before"
    return [
        f"{say_whose(about)}, {asked}",
        *say_left(result.left),
        *say_rejects(result.stats, result.snapshot.folder / REJECTS),
        say_map(result),
        say_found(about),
    ]


def say_whose(about: Mapping[str, Any]) -> str:
    """Say how many requests and accounts there are."""
    return f"{count(about['requests'], 'request')} of {count(about['accounts'], 'account')}"


def say_left(left: "Left", *, always: bool = False) -> list[str]:
    """Say how many requests do not count, by why; nothing where there are none, unless `always` is set."""
    why = (
        (left.repeated, "there already"),
        (left.outdated, "older than the window"),
        (left.unwanted, "outside --since and --until"),
        (left.forgotten, "of erased accounts"),
    )
    parts = [f"{n:,} {reason}" for n, reason in why if n or (always and reason == why[0][1])]
    return [f"requests left out: {', '.join(parts)}"] if parts else []


def say_rejects(stats: "ReadStats", file: Path | None = None) -> list[str]:
    """Say how many rows could not be used, and what was redacted; `file` lists the rows."""
    said = []
    if stats.rejected:
        why = "; ".join(f"{n:,} {reason}" for reason, n in stats.reasons.most_common(3))
        where = "" if file is None else f", listed in {file}"
        said.append(f"{count(stats.rejected, 'row')} rejected{where}: {why}")
    if stats.redactions:
        said.append("redacted: " + ", ".join(f"{n:,} {kind}" for kind, n in stats.redactions.most_common()))
    return said


def say_map(result: "BuildResult") -> str:
    """Say how many clusters there are, and what became of those of the snapshot before."""
    about, snapshot = result.summary, result.snapshot
    said = f"{count(about['clusters'], 'cluster')}, {percent(about['noise_share'])} of the prompts in none"
    if snapshot.manifest.get("parent") is None:
        return said
    table = snapshot.table("lineage", ["kind", "event"]).to_pylist()
    events = Counter(row["event"] for row in table if row["kind"] == "cluster")
    changes = ", ".join(f"{events[event]:,} {event}" for event in ("born", "split", "merged", "died") if events[event])
    return f"{said}; {changes or 'all kept'}"


def say_found(about: Mapping[str, Any]) -> str:
    """Say how many accounts have which level, and how many campaigns there are."""
    levels = ", ".join(f"{about['levels'][k]:,} {k}" for k in ("high", "review", "watch", "none", "insufficient"))
    return f"accounts: {levels}; {count(about['campaigns'], 'campaign')}"
