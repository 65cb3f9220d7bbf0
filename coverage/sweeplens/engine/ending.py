"""TERM and Ctrl-C end a command in good order: what it started goes first, then it cleans up, then it leaves.

An error that a signal's handler raises comes up wherever the main thread happens to be. Inside a finaliser or a
callback Python drops it, and libraries that compile run many of those: what is raised here is raised again then.
"""

import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Never

from sweeplens.engine.children import end_children

TERMINATED = 128 + signal.SIGTERM
_AGAIN = 5.0  # seconds in which a second TERM is taken for an echo of the first and does not disturb the cleaning up
_SOON = 0.02  # seconds after which what was dropped is raised again, when the finaliser is likely to be over
_wanted: list[BaseException] = []  # what is on its way up; the last one counts


def end_on_signals() -> None:
    """Let TERM raise `SystemExit` (143), and Ctrl-C `KeyboardInterrupt`, in the main thread, the children ended first.

    A Ctrl-C that this process was started to ignore, as a run in the background is, stays ignored.
    """
    last = [-_AGAIN]

    def terminate(*_: object) -> None:
        if time.monotonic() - last[0] >= _AGAIN:
            last[0] = time.monotonic()
            end_children()
            raise_surely(SystemExit(TERMINATED))

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: object) -> Never:
    end_children()
    raise_surely(KeyboardInterrupt())


def raise_surely(error: BaseException) -> Never:
    """Raise `error` from a signal's handler, and see to it that it is raised again where it is dropped.

    Takes SIGALRM and the hook for errors that cannot be raised, for good: the process is about to end.
    """
    _wanted.append(error)
    if not isinstance(sys.unraisablehook, _Hook):
        sys.unraisablehook = _Hook(sys.unraisablehook)
        signal.signal(signal.SIGALRM, _raise_wanted)
    raise error


def raise_dropped() -> None:
    """Raise again what a handler raised and somebody caught that should not have; nothing where there is no such."""
    if _wanted:
        raise _wanted[-1]


def forget_raised(error: BaseException | None) -> None:
    """Take it that `error` has arrived where it is handled."""
    _wanted[:] = [one for one in _wanted if one is not error]


def _raise_wanted(*_: object) -> None:
    raise_dropped()


class _Hook:
    def __init__(self, before: Callable[[Any], Any]) -> None:
        self._before = before

    def __call__(self, dropped: Any) -> None:  # noqa: ANN401 - the type is Python's own, and private
        if any(dropped.exc_value is error for error in _wanted):
            signal.setitimer(signal.ITIMER_REAL, _SOON)
        else:
            self._before(dropped)
