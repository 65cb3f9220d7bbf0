"""Run an action on a store again and again, each time cut off at another call: killed, failing, or without power.

crash_driver.py kill|fail|power ACTION FOLDER prints what came of it as JSON. It is a process of its own, so that
it has few threads and little memory when it forks: each of its workers forks once for each point, and checks what is
left.
"""

import errno
import gc
import json
import multiprocessing
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

from crash_actions import ACTIONS, Action
from crash_checks import Expected, copy_store, discard, expect, find_problems, signature
from crash_journal import Call, die_at, fail_at, record
from crash_power import Disk, Tree

from sweeplens.embed import static
from sweeplens.errors import SweepLensError

WORKERS = 2
SECONDS = 60  # a forked process that takes longer hangs
SUBSETS = 4  # random parts of what was not synced, for each call
Report = dict[str, Any]


def kill_everywhere(action: Action, folder: Path) -> Report:
    """Kill the action before and after every change, each time on a fresh copy of its store, and check what is left."""
    base, expected, calls = _prepare(action, folder)

    def part(points: Sequence[int], place: Path) -> Report:
        seen: set[str] = set()
        problems = []
        for point in points:
            store = copy_store(base, place / "store")
            status = _fork(partial(die_at, point, store, action.run))
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                found = _check(store, expected, action, seen, finish=True)
            else:
                found = [f"the process was not killed there: its status is {status}"]
            problems += [f"{action.name}, point {point}, {calls[point]}: {text}" for text in found]
            discard(store)
        return {"points": len(points), "states": len(seen), "problems": problems}

    points = range(len(calls))
    return _together(part, points, folder) | {"ops": Counter(call.op for call in calls if call.when == "after")}


def fail_everywhere(action: Action, folder: Path) -> Report:
    """Let each change in turn fail as on a full disk: the action says so in a sentence, or succeeds all the same."""
    base, expected, calls = _prepare(action, folder)

    def part(points: Sequence[int], place: Path) -> Report:
        seen: set[str] = set()
        problems = []
        for point in points:
            store = copy_store(base, place / "store")
            _fork(partial(_write_what_failure_says, place / "said", point, store, action))
            said = (place / "said").read_text()
            found = [said] if said else []
            found += _check(store, expected, action, seen, finish=True)
            problems += [f"{action.name}, {calls[point]} fails: {text}" for text in found]
            discard(store)
            (place / "said").unlink()
        return {"points": len(points), "states": len(seen), "problems": problems}

    before = [i for i, call in enumerate(calls) if call.when == "before"]
    return _together(part, before, folder)


def _write_what_failure_says(file: Path, point: int, store: Path, action: Action) -> None:
    file.write_text(_what_failure_says(point, store, action), encoding="utf-8")


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


def cut_power(action: Action, folder: Path, flaw: Callable[[Call], bool] | None = None) -> Report:
    """Replay the action up to every change and drop what was not synced; `flaw` tells which calls are left out."""
    base, expected, calls = _prepare(action, folder)
    calls = [call for call in calls if call.when == "after" and not (flaw and flaw(call))]
    states = list(_power_states(base, calls))

    def part(points: Sequence[int], place: Path) -> Report:
        seen: set[str] = set()
        problems = []
        for point in points:
            where, tree, worst = states[point]
            tree.write(place / "store")
            last = where.startswith("at the end")
            found = _check(place / "store", expected, action, seen, finish=worst, done=last)
            problems += [f"{action.name}, {where}: {text}" for text in found]
            discard(place / "store")
        return {"points": len(points), "states": len(seen), "problems": problems}

    return _together(part, range(len(states)), folder) | {"calls": len(calls)}


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


def _prepare(action: Action, folder: Path) -> tuple[Path, Expected, list[Call]]:
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
    return base, expected, calls


def _check_recorded(base: Path, copy: Path, calls: Sequence[Call]) -> None:
    """The calls that were told are all there were: repeated, they give the same store."""
    disk = Disk(base)
    for call in calls:
        if call.when == "after":
            disk.do(call)
    told, found = (d.whole().without_locks() for d in (disk, Disk(copy)))
    assert told == found, "a change of the store was not told to the hook"


def _check(
    store: Path, expected: Expected, action: Action, seen: set[str], *, finish: bool, done: bool = False
) -> list[str]:
    """Check a store, unless one of the same names and bytes was checked, and that the action still succeeds on it."""
    state = f"{signature(store)} {finish} {done}"
    if state in seen:
        return []
    seen.add(state)
    problems = _find_problems(store, expected, action, done=done, clean=False)
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
        problems = [
            f"after the next run {text}" for text in _find_problems(store, expected, action, done=True, clean=True)
        ]
    return problems


def _find_problems(store: Path, expected: Expected, action: Action, *, done: bool, clean: bool) -> list[str]:
    problems = find_problems(store, expected, done=done, clean=clean)
    return problems if action.find_problems is None else problems + action.find_problems(store, done)


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


def _together(part: Callable[[Sequence[int], Path], Report], points: Sequence[int], folder: Path) -> Report:
    """Do the points in parts, each in a process of its own, and add up what they report."""
    start = time.perf_counter()
    processes = []
    for worker in range(WORKERS):
        place = folder / f"worker-{worker}"
        place.mkdir()
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


def main(mode: str, name: str, folder: str, flaw: str = "") -> None:
    """Print the report of one mode and action."""
    static.load_static = cache(static.load_static)  # the real encoder, read once for all the runs of this process
    action = next(a for a in ACTIONS if a.name == name)
    if mode == "kill":
        report = kill_everywhere(action, Path(folder))
    elif mode == "fail":
        report = fail_everywhere(action, Path(folder))
    else:
        report = cut_power(action, Path(folder), FLAWS[flaw] if flaw else None)
    sys.stdout.write(json.dumps(report) + "\n")


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
