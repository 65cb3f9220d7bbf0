"""Processes that a run starts: they end with it, whatever ends it, and a long native call in one can be left."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal that this process gets when the thread that started it is gone


def follow_parent(parent: int) -> None:
    """Tie this process, just started by the process `parent`, to it.

    Ctrl-C is left to the parent, TERM ends this one without cleaning up what is the parent's, and on Linux the kernel
    kills it when its parent is gone, so that a killed job leaves no workers behind.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before the kernel knew
            os._exit(1)


def end_children() -> None:
    """End every process that this one has started through `multiprocessing`, at once; none of them owns anything."""
    for child in multiprocessing.active_children():
        child.kill()


@contextmanager
def children_ended() -> Iterator[None]:
    """End the processes that were started inside where anything is raised there; leaving a pool would wait for them."""
    before = {child.pid for child in multiprocessing.active_children()}
    try:
        yield
    except BaseException:
        for child in multiprocessing.active_children():
            if child.pid not in before:
                child.kill()
        raise


def run_apart(function: Callable[..., Result], *arguments: Any) -> Result:  # noqa: ANN401 - what the function takes
    """Call `function(*arguments)` in a process of its own, and wait for it.

    For native calls that take minutes and hold the interpreter: a signal cannot end them, but it ends this wait, and
    the process with it. What goes in and out is copied. Raises `BrokenProcessPool` where the process ends early.
    """
    with open_pool(1) as pool, children_ended():
        return pool.submit(function, *arguments).result()


def open_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes that follow this one; use it with `children_ended` inside."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=follow_parent, initargs=(os.getpid(),))
