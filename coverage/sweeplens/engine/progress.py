"""What a long run tells about itself while it goes on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Step(Protocol):
    """One step that is running."""

    def update(self, done: int, total: int) -> None:
        """Say how much of the step is done; `total` is 0 while it is unknown."""


class Progress(Protocol):
    """Where a run reports to; the command line draws it, the library's default keeps silent."""

    def step(self, name: str) -> AbstractContextManager[Step]:
        """Begin the step of that name; leaving the context ends it."""

    def note(self, text: str) -> None:
        """Say one sentence that the user should read, such as a warning."""


class Silent:
    """Progress that nobody sees."""

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Do nothing around the step."""
        del name
        yield self

    def update(self, done: int, total: int) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


class Followed:
    """Passes everything on to another progress, and knows the name of the step that runs, `current`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._names: list[str] = []

    @property
    def current(self) -> str:
        """The step that runs, the innermost of several; empty between steps."""
        return self._names[-1] if self._names else ""

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Begin the step of that name, inside any that runs."""
        self._names.append(name)
        try:
            with self._progress.step(name) as step:
                yield step
        finally:
            self._names.pop()

    def note(self, text: str) -> None:
        """Pass the sentence on."""
        self._progress.note(text)
