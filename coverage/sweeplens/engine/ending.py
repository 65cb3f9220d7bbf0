"""TERM and Ctrl-C end a command in good order: what it started goes first, then it cleans up, then it leaves."""

import signal
import sys
import time
from typing import Never

from sweeplens.engine.children import end_children

TERMINATED, INTERRUPTED = 128 + signal.SIGTERM, 128 + signal.SIGINT
_AGAIN = 5.0  # seconds in which a second TERM is taken for an echo of the first and does not disturb the cleaning up


def end_on_signals() -> None:
    """Let TERM raise `SystemExit` (143), and Ctrl-C `KeyboardInterrupt`, in the main thread, the children ended first.

    A Ctrl-C that this process was started to ignore, as a run in the background is, stays ignored.
    """
    last = [-_AGAIN]

    def terminate(*_: object) -> None:
        if time.monotonic() - last[0] >= _AGAIN:
            last[0] = time.monotonic()
            end_children()
            sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: object) -> Never:
    end_children()
    raise KeyboardInterrupt
