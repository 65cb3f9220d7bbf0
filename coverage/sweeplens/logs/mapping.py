"""--map: which path in a row a canonical field is taken from, when the log has its own names."""

from collections.abc import Mapping, Sequence

from sweeplens.errors import MapError
from sweeplens.logs.rows import FIELDS
from sweeplens.logs.values import parse_json
from sweeplens.text import printable

_ABSENT = object()
_REQUIRED = frozenset({"account_id", "prompt"})


def parse_map(entries: Sequence[str]) -> dict[str, str]:
    """Parse entries such as ``account_id=user.id``; raises `MapError` for another form or an unknown field."""
    mapping: dict[str, str] = {}
    for entry in entries:
        field, equals, path = (part.strip() for part in entry.partition("="))
        if not equals or not field or not path:
            raise MapError(f"--map {printable(entry)} is not of the form field=path, such as account_id=user.id")
        if field in mapping:
            raise MapError(f"--map names {printable(field)} twice")
        mapping[field] = path
    check_fields(mapping)
    return mapping


def check_fields(mapping: Mapping[str, str]) -> None:
    """Raise `MapError` for a field that no request has."""
    for field in mapping:
        if field not in FIELDS:
            raise MapError(
                f"--map names the field {printable(field)}, which no request has: expected one of {', '.join(FIELDS)}"
            )


class FieldMap:
    """Looks up the mapped fields of rows, and remembers which were ever there."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        check_fields(mapping)
        self._mapping = dict(mapping)
        self._paths = [(field, path.split(".")) for field, path in mapping.items()]
        self._unseen = set(mapping)
        self.looked_up = 0
        """How many rows were looked at."""

    @property
    def fields(self) -> frozenset[str]:
        """The fields that are mapped."""
        return frozenset(self._mapping)

    def lookup(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the mapped fields of a row; one whose path the row does not have is None."""
        self.looked_up += 1
        found: dict[str, object] = {}
        for field, path in self._paths:
            value = _find(row, path)
            if value is _ABSENT:
                value = None
            else:
                self._unseen.discard(field)
            found[field] = value
        return found

    def within(self, columns: Sequence[str]) -> frozenset[str]:
        """Return the mapped fields that a table with these columns may have."""
        row = dict.fromkeys(columns)
        return frozenset(
            field
            for field, path in self._paths
            if any(".".join(path[:size]) in row for size in range(len(path), 0, -1))
        )

    def entry(self, field: str) -> str:
        """Return the entry of a field as it was given."""
        return f"--map {field}={printable(self._mapping[field])}"

    def check_seen(self, seen: str, *, required_only: bool = False) -> None:
        """Raise `MapError` for a field whose path no row had; `seen` lists the fields that rows do have."""
        for field in self._mapping:
            if field in self._unseen and (not required_only or field in _REQUIRED):
                raise MapError(
                    f"{self.entry(field)} names a field that no row has; the first rows have {seen or 'none'}"
                )


def _find(value: object, path: Sequence[str]) -> object:
    """Follow a path; a key that holds dots itself goes before the steps it looks like. JSON kept as text is opened."""
    if not path:
        return value
    if isinstance(value, str) and value[:1] in {"{", "["}:
        value = parse_json(value)
    if isinstance(value, list):
        try:
            return _find(value[int(path[0])], path[1:])
        except (ValueError, IndexError):
            return _ABSENT
    if isinstance(value, Mapping):
        for size in range(len(path), 0, -1):
            key = path[0] if size == 1 else ".".join(path[:size])
            if key in value:
                found = _find(value[key], path[size:])
                if found is not _ABSENT:
                    return found
    return _ABSENT


def seen_fields(rows: Sequence[Mapping[str, object]], limit: int = 30) -> list[str]:
    """Return the paths of the values in rows, two levels deep, in order of first appearance."""
    found: dict[str, None] = {}
    for row in rows:
        for key, value in row.items():
            if isinstance(value, Mapping) and value:
                found.update(dict.fromkeys(f"{key}.{inner}" for inner in value))
            else:
                found[key] = None
            if len(found) >= limit:
                return list(found)[:limit]
    return list(found)
