"""Who looks, and what they may do. Without a login it is the user of the operating system, whom nobody has checked."""

from dataclasses import dataclass
from typing import Literal

from sweeplens.review.people import Person, system_person
from sweeplens.ui import data

Role = Literal["viewer", "analyst", "admin"]


@dataclass(frozen=True)
class Visitor:
    """Who looks, in which role."""

    person: Person
    role: Role

    @property
    def name(self) -> str:
        """The name under which verdicts are kept."""
        return self.person.name

    @property
    def verified(self) -> bool:
        """Whether a login has proven the name."""
        return self.person.verified


def visitor() -> Visitor:
    """Return who looks at this page."""
    return Visitor(system_person(), "admin")


def may_write() -> bool:
    """Say whether this visitor may leave verdicts, names and assignments."""
    return visitor().role in {"analyst", "admin"}


def may_export() -> bool:
    """Say whether this visitor may take files away."""
    return data.settings().export
