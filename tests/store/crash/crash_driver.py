"""Run an action on a store again and again, each time cut off at another call: killed, failing, or without power.

crash_driver.py ACTION FOLDER MODE... prints what came of it as JSON; a mode is kill, fail, power, or a flaw that is
planted. It is a process of its own, so that it has few threads and little memory when it forks: each of its workers
forks once for each point, and checks what is left.
"""

import errno
import gc
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from crash_actions import ACTIONS, Action
from crash_checks import Expected, copy_store, discard, expect, find_problems, signature
from crash_journal import Call, die_at, fail_at, record
from crash_power import Disk, Tree

from sweeplens.embed import static
from sweeplens.errors import SweepLensError
from sweeplens.store.lock import BUILDING, DELETING
from sweeplens.store.schema import MANIFEST

WORKERS = 2
SECONDS = 60  # a forked process that takes longer hangs
SUBSETS = 4  # random parts of what was not synced, for each call
ALL = "SWEEPLENS_CRASH_ALL"  # set: nothing is left out to save time
Report = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """An action, the store that it begins on, what to expect, and the recorded calls of an undisturbed run."""

    action: Action
    folder: Path
    base: Path
    expected: Expected
    calls: list[Call]
    seen: set[str] = field(default_factory=set)  # stores that were checked


def kill_everywhere(trial: Trial) -> Report:
    """Kill the action before and after every change, each time on a fresh copy of its store, and check what is left.

    Of an action that is `long` the kills after a change in a temporary folder are left out, but for the manifest's: the
    store is then as it is before the next change, since the recorded changes are all there are.
    """
    action, calls = trial.action, trial.calls

    def part(points: Sequence[int], place: Path) -> Report:
        problems = []
        for point in points:
            store = copy_store(trial.base, place / "store")
            status = _fork(partial(die_at, point, store, action.run))
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                found = _check(store, trial, finish=True)
            else:
                found = [f"the process was not killed there: its status is {status}"]
            problems += [f"{action.name}, point {point}, {calls[point]}: {text}" for text in found]
            discard(store)
        return {"points": len(points), "states": len(trial.seen), "problems": problems}

    points = [
        i
        for i, call in enumerate(calls)
        if call.when == "before" or call.path.endswith(MANIFEST) or not _is_spared(call, action)
    ]
    ops = Counter(call.op for call in calls if call.when == "after")
    return _together(part, points, trial) | {"ops": ops, "left_out": len(calls) - len(points)}


def fail_everywhere(trial: Trial) -> Report:
    """Let each change in turn fail as on a full disk: the action says so in a sentence, or succeeds all the same.

    Of an action that is `long`, of the changes in a temporary folder the writes alone fail: those come from many
    libraries, while all files there are made, synced and removed by the same lines.
    """
    action, calls = trial.action, trial.calls

    def part(points: Sequence[int], place: Path) -> Report:
        problems = []
        for point in points:
            store = copy_store(trial.base, place / "store")
            _fork(partial(_write_what_failure_says, place / "said", point, store, action))
            said = (place / "said").read_text()
            found = [said] if said else []
            found += _check(store, trial, finish=True)
            problems += [f"{action.name}, {calls[point]} fails: {text}" for text in found]
            discard(store)
            (place / "said").unlink()
        return {"points": len(points), "states": len(trial.seen), "problems": problems}

    before = [i for i, call in enumerate(calls) if call.when == "before"]
    points = [i for i in before if calls[i].op == "write" or not _is_spared(calls[i], action)]
    return _together(part, points, trial) | {"left_out": len(before) - len(points)}


def _write_what_failure_says(file: Path, point: int, store: Path, action: Action) -> None:
    file.write_text(_what_failure_says(point, store, action), encoding="utf-8")


def _is_spared(call: Call, action: Action) -> bool:
    """Say whether a long action changes only what is in one of its temporary folders, which no reader looks into."""
    inside = call.path.startswith((BUILDING, DELETING)) and "/" in call.path
    return inside and action.long and ALL not in os.environ


def _what_failure_says(point: int, store: Path, action: Action) -> str:
    """Return what is wrong with what the action raises when that call fails; nothing where all is well."""
    try:
        fail_at(point, store, action.run)
    except SweepLensError as error:
        if "\n" in str(error) or os.strerror(errno.ENOSPC) not in str(error):
            return f"the error is no sentence on a full disk: {error}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its point
        return f"the error is no SweepLensError: {type(error).__name__}: {error}"
    return ""


def cut_power(trial: Trial, flaw: Callable[[Call], bool] | None = None) -> Report:
    """Replay the action up to every change and drop what was not synced; `flaw` tells which calls are left out."""
    calls = [call for call in trial.calls if call.when == "after" and not (flaw and flaw(call))]
    states = list(_power_states(trial.base, calls))

    def part(points: Sequence[int], place: Path) -> Report:
        problems = []
        for point in points:
            where, tree, worst = states[point]
            tree.write(place / "store")
            last = where.startswith("at the end")
            found = _check(place / "store", trial, finish=worst and flaw is None, done=last)
            problems += [f"{trial.action.name}, {where}: {text}" for text in found]
            discard(place / "store")
        return {"points": len(points), "states": len(trial.seen), "problems": problems}

    return _together(part, range(len(states)), trial) | {"calls": len(calls)}


def _power_states(base: Path, calls: Sequence[Call]) -> Iterator[tuple[str, Tree, bool]]:
    """Give (when and what was lost, the store, whether it is the worst case) once for each different store."""
    disk, rng, seen = Disk(base), random.Random(0), set()
    for i in range(len(calls) + 1):
        where = f"after call {i} of {len(calls)}, {calls[i - 1]}" if i else "before the first call"
        if i == len(calls):
            where = f"at the end, {where}"
        for number, (lost, tree) in enumerate(disk.losses(rng, SUBSETS)):
            if tree not in seen or i == len(calls):
                seen.add(tree)
                yield f"{where}, without {lost}", tree, number == 0
        if i < len(calls):
            disk.do(calls[i])


def _prepare(action: Action, folder: Path) -> Trial:
    base = folder / "base"
    action.prepare(base)
    expected = expect(base, folder / "whole", action.run)
    copy = copy_store(base, folder / "recorded")
    # In a process that is gone afterwards, as one is that lost its power: its number is in temporary names.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        calls = pool.submit(record, copy, action.run).result()
    _check_recorded(base, copy, calls)
    gc.collect()
    gc.freeze()
    return Trial(action, folder, base, expected, calls)


def _check_recorded(base: Path, copy: Path, calls: Sequence[Call]) -> None:
    """The calls that were told are all there were: repeated, they give the same store."""
    disk = Disk(base)
    for call in calls:
        if call.when == "after":
            disk.do(call)
    told, found = (d.whole().without_locks() for d in (disk, Disk(copy)))
    assert told == found, "a change of the store was not told to the hook"


def _check(store: Path, trial: Trial, *, finish: bool, done: bool = False) -> list[str]:
    """Check a store, unless one of the same names and bytes was checked, and that the action still succeeds on it."""
    action = trial.action
    state = f"{signature(store, trial.expected)} {finish} {done}"
    if state in trial.seen:
        return []
    trial.seen.add(state)
    problems = _find_problems(store, trial, done=done, clean=False)
    if finish and not problems:
        signal.alarm(SECONDS)
        try:
            action.run(store)
            if action.settle is not None:
                action.settle(store)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its point
            return [f"the next run fails with {type(error).__name__}: {error}"]
        finally:
            signal.alarm(0)
        problems = [f"after the next run {text}" for text in _find_problems(store, trial, done=True, clean=True)]
    return problems


def _find_problems(store: Path, trial: Trial, *, done: bool, clean: bool) -> list[str]:
    problems = find_problems(store, trial.expected, done=done, clean=clean)
    more = trial.action.find_problems
    return problems if more is None else problems + more(store, done)


def _fork(work: Callable[[], object]) -> int:
    """Do the work in a forked process and return its status; that it ends is no matter of how the work ends."""
    process = os.fork()
    if process == 0:
        gc.disable()
        signal.alarm(SECONDS)
        try:
            work()
        finally:
            os._exit(3)
    return os.waitpid(process, 0)[1]


def _together(part: Callable[[Sequence[int], Path], Report], points: Sequence[int], trial: Trial) -> Report:
    """Do the points in parts, each in a process of its own, and add up what they report."""
    start = time.perf_counter()
    processes = []
    for worker in range(WORKERS):
        place = Path(tempfile.mkdtemp(prefix=f"worker-{worker}-", dir=trial.folder))
        process = os.fork()
        if process == 0:
            code = 1
            try:
                mine = points[len(points) * worker // WORKERS : len(points) * (worker + 1) // WORKERS]
                (place / "report.json").write_text(json.dumps(part(mine, place)))
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                sys.stderr.flush()
                os._exit(code)
        processes.append((process, place))
    whole: Report = {"points": 0, "states": 0, "problems": []}
    for process, place in processes:
        if os.waitpid(process, 0)[1]:
            whole["problems"] += [f"{place.name} failed"]
            continue
        for key, value in json.loads((place / "report.json").read_text()).items():
            whole[key] += value
    return whole | {"seconds": round(time.perf_counter() - start, 1)}


def main(name: str, folder: str, *modes: str) -> None:
    """Print the reports of an action, by mode."""
    static.load_fast = cache(static.load_fast)  # the real encoder, read once for all the runs of this process
    trial = _prepare(next(a for a in ACTIONS if a.name == name), Path(folder))
    do = {"kill": kill_everywhere, "fail": fail_everywhere, "power": cut_power}
    do |= {name: partial(cut_power, flaw=flaw) for name, flaw in FLAWS.items()}
    sys.stdout.write(json.dumps({mode: do[mode](trial) for mode in modes}) + "\n")


# Planted errors: syncs that are left out. Every one must be found.
FLAWS: dict[str, Callable[[Call], bool]] = {
    "no file is synced": lambda call: call.op == "fsync",
    "no folder is synced": lambda call: call.op == "fsync_folder",
    "the manifest is not synced": lambda call: call.op == "fsync" and call.path.endswith("manifest.json"),
    "a table is not synced": lambda call: call.op == "fsync" and call.path.endswith("prompts.parquet"),
    "CURRENT is not synced": lambda call: call.op == "fsync" and "/" not in call.path,
    "the snapshot's folder is not synced": lambda call: call.op == "fsync_folder" and call.path != ".",
    "the store's folder is not synced": lambda call: call.op == "fsync_folder" and call.path == ".",
}

if __name__ == "__main__":
    main(*sys.argv[1:])
