"""Files that are written whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path

from sweeplens.errors import SweepLensError


class OutputError(SweepLensError):
    """The output cannot be written, or not in that format."""


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old or the new, never half; a device or pipe is written directly."""
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            path.write_bytes(data)
            return
        target = path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(_mode(target))
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)  # there is nothing left of that name once it has become the target
    except OSError as error:
        raise OutputError(f"the output {path} cannot be written: {error.strerror}") from None


def _mode(target: Path) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
