"""A limit on the memory of a run and its processes, watched from a thread; Linux tells what they use."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeplens.engine.children import end_children
from sweeplens.engine.ending import forget_raised, raise_surely
from sweeplens.errors import SweepLensError

PROC = Path("/proc")
_EVERY = 0.5  # seconds between two looks
_NEAR = 0.8  # share of the limit from which on a look is thorough; below it nothing is done
_PATIENCE = 20.0  # seconds that a native call may go on over the limit before the process ends where it stands
_SIGNAL = signal.SIGUSR1
# What a run holds, and what each worker adds: a forked one its part of a table, a spawned one the libraries that it
# loads. A build of 20,000 prompts with the fast encoder took 0.4 to 0.7 GiB and 0.15 to 0.25 GiB for each worker.
_BASE, _WORKER = 1 << 30, 512 << 20
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class MemoryLimitError(SweepLensError):
    """The run used more memory than it may, or cannot be watched."""


def workers_within(limit: int | None, workers: int) -> int:
    """Return how many of `workers` are likely to fit into `limit` bytes: at least one, all without a limit."""
    return workers if limit is None else max(1, min(workers, (limit - _BASE) // _WORKER))


@contextmanager
def watch_memory(
    limit: int | None, *, step: Callable[[], str], workers: int, last_words: Callable[[str], None], proc: Path = PROC
) -> Iterator[None]:
    """Raise `MemoryLimitError` in the main thread, which must be this one, when the run uses more than `limit` bytes.

    What counts is the memory of this process and all below it that cannot be given back, with pages that they share
    counted once; files that are mapped do not count. `step()` names what is running. The children are ended first.
    Where the main thread is in a native call and does not come back from it within 20 s, `last_words` gets the
    sentence and the process ends there, with exit code 1. Does nothing without a limit. Raises `MemoryLimitError`
    where /proc does not tell what a process uses.
    """
    if limit is None:
        yield
        return
    for need in (proc / "self" / "smaps_rollup", proc / "self" / "task" / str(os.getpid()) / "children"):
        if not need.is_file():
            raise MemoryLimitError(f"--memory-limit needs a Linux that tells {need}, and there is none: leave it out")
    watch = _Watch(limit, step, workers, last_words, proc)
    before = signal.signal(_SIGNAL, watch.on_signal)
    thread = threading.Thread(target=watch.run, name="memory-limit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watch.end()
        thread.join()
        signal.signal(_SIGNAL, before)


class _Watch:
    def __init__(
        self, limit: int, step: Callable[[], str], workers: int, last_words: Callable[[str], None], proc: Path
    ) -> None:
        self.done = threading.Event()
        self._limit, self._step, self._workers, self._last_words = limit, step, workers, last_words
        self._proc = proc
        self._says = ""
        self._error: MemoryLimitError | None = None

    def end(self) -> None:
        """Take it that the run is over, and the error has arrived where it has been raised."""
        self.done.set()
        forget_raised(self._error)

    def run(self) -> None:
        """Look now and then until `done` is set; once over the limit, see to it that the run ends."""
        while not self.done.wait(_EVERY):
            used = memory_used(self._proc, enough=int(_NEAR * self._limit))
            if used > self._limit:
                self._says = self._sentence(used)
                self._stop()
                return

    def _stop(self) -> None:
        end_children()
        main = threading.main_thread().ident
        if main is not None and not self.done.is_set():
            signal.pthread_kill(main, _SIGNAL)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if self.done.wait(_EVERY):
                return
        if memory_used(self._proc, enough=self._limit) > self._limit:
            self._last_words(self._says)
            end_children()
            os._exit(1)

    def on_signal(self, *_: object) -> None:
        """Raise the error; the interpreter calls this in the main thread."""
        self._error = MemoryLimitError(self._says)
        raise_surely(self._error)

    def _sentence(self, used: int) -> str:
        fewer = f"fewer workers (--workers {max(1, self._workers // 2)})" if self._workers > 1 else "more memory"
        name = self._step()
        where = f" in the step {name}" if name else ""
        return (
            f"the run used {show_size(used)}{where}, more than the memory limit of {show_size(self._limit)}: "
            f"give it {fewer} or a smaller --window"
        )


def memory_used(proc: Path = PROC, *, enough: int = 0) -> int:
    """Return the bytes that this process and all below it hold and cannot give back, shared pages counted once.

    Where a quick look, which counts too much, finds no more than `enough`, that is returned. What has ended meanwhile
    counts 0.
    """
    pids = _tree(proc, os.getpid())
    quick = sum(_resident(proc, pid) for pid in pids)
    return quick if quick <= enough else sum(_private(proc, pid) for pid in pids)


def show_size(size: int) -> str:
    """Show a number of bytes: 6.0 GiB, 512.0 MiB."""
    factor, unit = next((pair for pair in _UNITS if size >= pair[0]), _UNITS[-1])
    return f"{size / factor:.1f} {unit}"


def _tree(proc: Path, pid: int) -> list[int]:
    found = [pid]
    for one in found:  # grows while it is gone through
        try:
            for task in (proc / str(one) / "task").iterdir():
                found += [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
        except OSError:  # it has ended
            continue
    return found


def _resident(proc: Path, pid: int) -> int:
    try:
        pages = int((proc / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _private(proc: Path, pid: int) -> int:
    try:
        text = (proc / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    sizes = {line.partition(":")[0]: line.split() for line in text.splitlines()[1:]}
    names = ("Pss_Anon", "Pss_Shmem") if "Pss_Anon" in sizes else ("Pss",)  # kernels before 5.4 do not tell them apart
    return 1024 * sum(int(sizes[name][1]) for name in names if name in sizes)
