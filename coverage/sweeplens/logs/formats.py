"""The formats of logs that are known: what tells each apart, and how its rows become canonical fields.

A format is one module of this room and one entry here. How a file holds its rows (JSON lines, CSV, Parquet, packed or
not) is none of its business.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sweeplens.errors import LogError
from sweeplens.logs import generic
from sweeplens.text import printable

Row = Mapping[str, object]


@dataclass(frozen=True)
class Format:
    """One log format.

    `sniff` says from 0 to 1 how sure it is that rows are of this format. `to_fields` turns a row into the requests it
    holds, each a mapping of canonical field names to values as they come (text, numbers, content parts, messages); it
    raises `RowError` for a row that it cannot use, and returns nothing for one that is no request. `fields_of` says
    which canonical fields a table with such columns can give; without it a table is not checked beforehand.
    """

    name: str
    about: str
    sniff: Callable[[Sequence[Row]], float]
    to_fields: Callable[[Row], list[dict[str, object]]]
    fields_of: Callable[[Sequence[str]], frozenset[str]] | None = None


FORMATS: tuple[Format, ...] = (
    Format("generic", "One request a row, under the canonical field names or common other names.", generic.sniff,
           generic.to_fields, generic.fields_of),
)  # fmt: skip


def find_format(name: str) -> Format:
    """Return the format of that name; raises `LogError` that lists the known ones."""
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise LogError(f"the input format {printable(name)!r} is not known: expected {', '.join(f.name for f in FORMATS)}")


def detect_format(rows: Sequence[Row]) -> Format:
    """Return the format that is surest of the first rows; the earlier of two that are equally sure."""
    return max(FORMATS, key=lambda candidate: candidate.sniff(rows))


def known_formats() -> list[tuple[str, str]]:
    """Return (name, what it is) of each format, for help texts."""
    return [(candidate.name, candidate.about) for candidate in FORMATS]
