"""Who decides: a name, and whether it was proven."""

import getpass
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody who reviews; `verified` says that a login has proven the name, which an operating system's has not."""

    name: str
    verified: bool = False


def system_person() -> Person:
    """Return the user of the operating system, whom nobody has checked."""
    try:
        return Person(getpass.getuser())
    except (OSError, KeyError):  # a container's user id without a name
        return Person(f"uid {os.getuid()}")
