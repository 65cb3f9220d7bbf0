"""Start the app: Streamlit with the settings in its environment, on this computer alone unless there is a login."""

import errno
import ipaddress
import os
import socket
import sys
import tomllib
from dataclasses import fields
from importlib import resources
from pathlib import Path

from sweeplens.cli.streams import say
from sweeplens.config import ENV_PREFIX, Settings
from sweeplens.errors import SweepLensError
from sweeplens.store.snapshot import open_snapshot


class LaunchError(SweepLensError):
    """The app cannot be started."""


def launch(settings: Settings, address: str, port: int, *, browser: bool) -> None:
    """Replace this process by the app; it reads its settings from the environment.

    Raises `StoreError` where there is nothing to show, `LaunchError` where the port is taken, and where others could
    reach the app though it has no login.
    """
    open_snapshot(settings.store).close()
    _check_address(address)
    _check_port(address, port)
    from sweeplens.ui.theme import streamlit_flags

    page = resources.files("sweeplens.ui").joinpath("main.py")
    flags = [
        *(flag for flag in streamlit_flags() if not flag.startswith("--server.address=")),
        f"--server.address={address}", f"--server.port={port}", f"--server.headless={str(not browser).lower()}",
    ]  # fmt: skip
    shown = f"[{address}]" if ":" in address else address
    say(f"the app runs at http://{shown}:{port} until Ctrl-C")
    sys.stdout.flush()
    environment = os.environ | environment_of(settings)
    os.execve(sys.executable, [sys.executable, "-m", "streamlit", "run", str(page), *flags], environment)  # noqa: S606


def environment_of(settings: Settings) -> dict[str, str]:
    """Return all settings as the environment variables that say the same, paths in full."""
    given = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return {
        ENV_PREFIX + name.upper(): str(value.resolve() if isinstance(value, Path) else value)
        for name, value in given.items()
        if value is not None
    }


def _check_address(address: str) -> None:
    """Refuse an address that others can reach, where Streamlit's login is not set up or cannot work."""
    try:
        local = address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise LaunchError(f"--address must be an IP address or localhost, but it is {address!r}") from None
    if local:
        return
    places = [Path.home() / ".streamlit" / "secrets.toml", Path(".streamlit") / "secrets.toml"]
    if not any(_has_login(place) for place in places):
        raise LaunchError(
            f"the app would be open to everybody who reaches {address}: set up a login in .streamlit/secrets.toml "
            "(section auth), or leave --address out"
        )


def _has_login(place: Path) -> bool:
    try:
        with place.open("rb") as stream:
            return "auth" in tomllib.load(stream)
    except FileNotFoundError:
        return False
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LaunchError(f"the file {place} cannot be read: {type(error).__name__}") from None


def _check_port(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise LaunchError(f"port {port} of {address} {why}: choose another with --port") from None
