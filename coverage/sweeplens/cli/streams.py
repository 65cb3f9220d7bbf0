"""Standard error: progress, warnings, and the line that says what was done."""

import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeplens import __version__
from sweeplens.cli.files import write_file
from sweeplens.engine.ending import end_on_signals
from sweeplens.engine.progress import Progress
from sweeplens.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

_EVERY = 15.0  # seconds between lines about one step where there is no terminal
_lines = {"json": False}  # how this process writes to standard error


def choose_lines(as_json: bool) -> bool:
    """Let every line on standard error be a JSON object from now on, or plain text; return what was chosen."""
    _lines["json"] = as_json
    return as_json


def say(text: str, *, level: str = "info", event: str = "message", **more: Any) -> None:  # noqa: ANN401 - JSON values
    """Write one line to standard error, with everything escaped that a terminal could act on.

    With --log-json it is an object of time, level, event, the facts in `more`, and the text as its message.
    """
    if _lines["json"]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": now, "level": level, "event": event, **more, "message": text})
    else:
        line = f"sweeplens: {'warning: ' if level == 'warning' else ''}{printable(text)}"
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def prepare_process() -> None:
    """Let no character fail to be written, libraries warn through us or not at all, TERM clean up as Ctrl-C does."""
    end_on_signals()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(handlers=[_ToStderr()], level=logging.ERROR, force=True)
    logging.getLogger("sweeplens").setLevel(logging.WARNING)


class _ToStderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        lead = "error: " if record.levelno >= logging.ERROR else ""
        say(lead + record.getMessage(), level=record.levelname.lower())


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Progress]:
    """Give the progress that fits: none, bars on a terminal, or a line now and then."""
    if quiet:
        yield _Quiet()
    elif sys.stderr.isatty() and not _lines["json"]:
        with _bars() as bars:
            yield _Drawn(bars)
    else:
        yield _Lines()


class _Step:
    """A step that shows nothing."""

    def __enter__(self) -> "_Step":
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def update(self, done: int, total: int) -> None:
        """Show nothing."""


class _Quiet:
    """No progress, but what the user should know is said all the same."""

    def step(self, name: str) -> _Step:
        del name
        return _Step()

    def note(self, text: str) -> None:
        say(text, level="warning")


class _Lines(_Quiet):
    """One line when a step is done, and one now and then while it goes on."""

    def step(self, name: str) -> _Step:
        return _LineStep(name)


class _LineStep(_Step):
    def __init__(self, name: str) -> None:
        self._name = name
        self._start = self._said = time.monotonic()

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            took = time.monotonic() - self._start
            say(f"{self._name}: {duration(took)}", event="step", step=self._name, seconds=round(took, 1))

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said < _EVERY or done <= 0:
            return
        self._said = now
        rate = done / (now - self._start)
        eta = (total - done) / rate if total > done else None
        left = "" if eta is None else f" of {total:,}, about {duration(eta)} left"
        text = f"{self._name}: {done:,}{left}" + (f", {rate:,.0f} a second" if rate >= 1 else "")
        say(
            text, event="progress", step=self._name, done=done, total=total or None, rate=round(rate, 2),
            eta_s=None if eta is None else round(eta, 1),
        )  # fmt: skip


class _Drawn(_Quiet):
    """A bar for each step."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars

    def step(self, name: str) -> _Step:
        return _BarStep(self._bars, self._bars.add_task(name, total=None))


class _BarStep(_Step):
    def __init__(self, bars: "Bars", task: Any) -> None:  # noqa: ANN401 - rich's own number type
        self._bars, self._task = bars, task

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, total=total, completed=total)

    def update(self, done: int, total: int) -> None:
        self._bars.update(self._task, completed=done, total=total or None)


def _bars() -> "Bars":
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Done(ProgressColumn):
        def render(self, task: Task) -> Text:
            if task.total in {None, 1}:
                return Text("")
            rate = f"{task.speed:,.0f}/s" if task.speed and task.speed >= 1 else ""
            left = task.time_remaining if not task.finished else None
            wait = "" if left is None else f"{duration(left)} left"
            return Text("  ".join(part for part in (f"{task.completed:,.0f} of {task.total:,.0f}", rate, wait) if part))

    columns = (TextColumn("{task.description:<12}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn(), Done())
    return Progress(*columns, console=make_console(sys.stderr), refresh_per_second=4)


def make_console(stream: Any) -> "Console":  # noqa: ANN401 - any text stream
    """Return a console that takes nothing for markup; its width is the terminal's, 80 columns elsewhere."""
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False)


def duration(seconds: float) -> str:
    """Show a time span: 0.8 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class RunRecord:
    """What one run did: shown as a line at the end, and written to --manifest FILE as JSON."""

    def __init__(self, command: str, *, file: Path | None, quiet: bool) -> None:
        self._start = time.monotonic()
        self.command, self._file, self._quiet = command, file, quiet
        self._facts: dict[str, Any] = {}
        self._more: dict[str, Any] = {"sweeplens": __version__, "command": command}

    def add(self, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Add facts, in the order in which they are shown; None is not shown."""
        self._facts.update(facts)

    def add_detail(self, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Add facts that only the file holds."""
        self._more.update(facts)

    def add_snapshot(self, snapshot_id: str, manifest: Mapping[str, Any]) -> None:
        """Add what a snapshot's manifest says about itself."""
        log, detector = manifest.get("log", {}), manifest.get("detector", {})
        name = f"{detector.get('name', '')} {detector.get('version', '')}".strip()
        self.add(snapshot=snapshot_id, detector=name, rows=log.get("rows"), rejected=log.get("rejected"))

    def finish(self) -> None:
        """Show the line and write the file. Raises `OutputError` when the file cannot be written."""
        self.add(seconds=round(time.monotonic() - self._start, 1))
        if not self._quiet:
            shown = {k: json.dumps(v) if " " in str(v) else v for k, v in self._facts.items() if v is not None}
            say(" ".join(f"{k}={v}" for k, v in shown.items()), event="done", command=self.command, **self._facts)
        if self._file is not None:
            write_file(self._file, (json.dumps(self._more | self._facts, indent=1) + "\n").encode())
