"""Time the steps of a run, and spread work in parts over processes."""

import itertools
import logging
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sweeplens.engine.children import children_ended, follow_parent
from sweeplens.engine.ending import raise_dropped
from sweeplens.engine.progress import Progress, Step

log = logging.getLogger(__name__)
Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass
class Run:
    """The steps of one run: how long each took, reported through `progress`."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Run one step under its name; the time of equal names adds up. A run that should have ended ends here."""
        raise_dropped()
        start = time.perf_counter()
        with self.progress.step(name) as step:
            yield step
        raise_dropped()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        log.info("%s took %.1f s", name, self.seconds[name])


def peak_memory() -> int:
    """Return the largest resident size of this process and its ended children so far, in bytes."""
    scale = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return scale * max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def split(n: int, parts: int) -> list[tuple[int, int]]:
    """Cut range(n) into at most `parts` runs of nearly equal length, as (start, stop)."""
    parts = max(1, min(parts, n))
    bounds = [n * i // parts for i in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(bounds) if b > a]


def map_parts(
    function: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    workers: int,
    prepare: Callable[..., None] | None = None,
    state: tuple[Any, ...] = (),
    done: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Apply `function` to each part, in order of the parts, over `workers` forked processes (1: in this one).

    `prepare(*state)` runs once in each process, so that large state is inherited and never sent. Forking is safe here
    only before this process starts native threads that hold locks; callers pass workers=1 where that may be so.
    """
    if workers <= 1 or len(parts) <= 1:
        if prepare is not None:
            prepare(*state)
        results = []
        for i, part in enumerate(parts):
            results.append(function(part))
            if done is not None:
                done(i + 1, len(parts))
        return results
    context = multiprocessing.get_context("fork")
    begin = (os.getpid(), prepare, state)
    pool = ProcessPoolExecutor(min(workers, len(parts)), mp_context=context, initializer=_begin, initargs=begin)
    with pool, children_ended():
        futures = [pool.submit(function, part) for part in parts]
        results = []
        for i, future in enumerate(futures):
            results.append(future.result())
            if done is not None:
                done(i + 1, len(parts))
        return results


def _begin(parent: int, prepare: Callable[..., None] | None, state: tuple[Any, ...]) -> None:
    """Prepare a process. Its linear algebra gets one thread: more of them in every process only wait for each other."""
    from threadpoolctl import threadpool_limits

    follow_parent(parent)
    threadpool_limits(1)
    if prepare is not None:
        prepare(*state)
