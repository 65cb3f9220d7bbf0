"""Start the app: Streamlit on this computer alone, with the store in its environment."""

import errno
import os
import socket
import sys
from importlib import resources

from sweeplens.cli.streams import say
from sweeplens.config import ENV_PREFIX, Settings
from sweeplens.errors import SweepLensError
from sweeplens.store.snapshot import open_snapshot

_HOST = "127.0.0.1"


class LaunchError(SweepLensError):
    """The app cannot be started."""


def launch(settings: Settings, port: int, *, browser: bool) -> None:
    """Replace this process by the app; it reads its store and encoder from the environment.

    Raises `StoreError` where there is nothing to show and `LaunchError` where the port is taken.
    """
    open_snapshot(settings.store)
    _check_port(port)
    from sweeplens.ui.theme import streamlit_flags

    given = {"STORE": settings.store.resolve(), "MODELS": settings.models.resolve(), "WORKERS": settings.workers}
    environment = os.environ | {ENV_PREFIX + name: str(value) for name, value in given.items()}
    page = resources.files("sweeplens.ui").joinpath("main.py")
    flags = [*streamlit_flags(), f"--server.port={port}", f"--server.headless={str(not browser).lower()}"]
    say(f"the app runs at http://{_HOST}:{port} until Ctrl-C")
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "streamlit", "run", str(page), *flags], environment)  # noqa: S606


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise LaunchError(f"port {port} of {_HOST} {why}: choose another with --port") from None
