"""Verdicts as files: written with everything that is known of them, and read back into this store or another."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from sweeplens.errors import StoreError, SweepLensError
from sweeplens.review.database import write_review
from sweeplens.review.tables import verdicts
from sweeplens.review.verdicts import Verdict, check, keep
from sweeplens.store.tombstones import Tombstones, load_tombstones
from sweeplens.text import one_line, printable

FIELDS = tuple(f.name for f in fields(Verdict))
_NEEDED = ("kind", "subject", "verdict", "analyst", "at")
_AHEAD = timedelta(minutes=5)  # by which another machine's clock may run ahead of ours
_GUARDED = re.compile(r"'*[=+\-@\t\r]")  # what a spreadsheet takes for a formula, and the same disarmed
_SHOWN = 40  # characters of a value that a message repeats


class TradeError(SweepLensError):
    """A file of verdicts cannot be read, or holds something else."""


@dataclass(frozen=True)
class Imported:
    """What became of the verdicts of a file: added, there before, or on accounts that were erased from the store."""

    added: int
    repeated: int
    erased: int


def write_jsonl(found: Iterable[Verdict]) -> bytes:
    """Return verdicts as JSONL in ASCII, an object each."""
    return "".join(json.dumps(plain(verdict)) + "\n" for verdict in found).encode()


def write_csv(found: Iterable[Verdict]) -> bytes:
    """Return verdicts as CSV.

    Of texts, one with control characters is a JSON string, and one that a spreadsheet would take for a formula has an
    apostrophe in front; `read_verdicts` undoes both. Members are a JSON list.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for verdict in found:
        writer.writerow([_cell(value) for value in plain(verdict).values()])
    return text.getvalue().encode("utf-8", "backslashreplace")


def plain(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as values that JSON can hold, times in UTC."""
    values = {name: getattr(verdict, name) for name in FIELDS}
    times = {name: _moment(values[name]) for name in ("at", "until")}
    return {**values, **times, "members": list(verdict.members)}


def read_verdicts(data: bytes, name: str) -> list[Verdict]:
    """Read JSONL or CSV as `write_jsonl` and `write_csv` make it; `name` is how messages call the file.

    A name in a file proves nothing, so that no verdict comes back as verified. Kind, subject, verdict, analyst and time
    are needed. Raises `TradeError`, which names the line, for anything else.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TradeError(f"the verdicts {name} must be text in UTF-8, but they are not") from None
    rows = _read_objects(text, name) if text.lstrip().startswith("{") else _read_rows(text, name)
    latest = datetime.now(UTC) + _AHEAD
    return [_read_verdict(row, f"line {line} of the verdicts {name}", latest) for line, row in rows]


def import_verdicts(store: Path, found: Sequence[Verdict]) -> Imported:
    """Add verdicts that were left elsewhere, all or none, with their own time, snapshot and detector.

    One of the same kind, subject, verdict, analyst and time is there already, and is skipped; so is one on an account
    that was erased from this store after it, and such accounts leave the members. Raises `StoreError` where the store
    cannot be written, or cannot tell whom it has erased.
    """
    gone, added, repeated, erased = load_tombstones(store), 0, 0, 0
    with write_review(store) as connection:
        known = _known(connection)
        for verdict in sorted(found, key=lambda v: (v.at, v.id)):
            kept = _without_erased(verdict, gone)
            if kept is None:
                erased += 1
            elif _same(kept) in known:
                repeated += 1
            else:
                known.add(_same(kept))
                keep(connection, kept)
                added += 1
    return Imported(added, repeated, erased)


def _known(connection: Connection) -> set[tuple[object, ...]]:
    c = verdicts.c
    rows = connection.execute(select(c.kind, c.subject, c.verdict, c.analyst, c.at))
    return {tuple(row) for row in rows}


def _same(verdict: Verdict) -> tuple[object, ...]:
    return verdict.kind, verdict.subject, verdict.verdict, verdict.analyst, verdict.at


def _without_erased(verdict: Verdict, gone: Tombstones) -> Verdict | None:
    at = round(verdict.at.timestamp() * 1e6)
    if verdict.kind == "account" and gone.forgets(verdict.subject, at):
        return None
    return replace(verdict, members=tuple(m for m in verdict.members if not gone.forgets(m, at)))


# -- lines ------------------------------------------------


def _read_objects(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise TradeError(f"line {number} of the verdicts {name} must be a JSON object, but it is {_shown(line)}")
        yield number, row


def _read_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not set(_NEEDED) <= set(header):
            raise TradeError(
                f"line 1 of the verdicts {name} must be a header with {', '.join(_NEEDED)}, or a JSON object, but it "
                f"is {_shown(','.join(header))}"
            )
        if len(set(header)) < len(header):
            raise TradeError(f"line 1 of the verdicts {name} must name each column once, but one is there twice")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise TradeError(
                    f"line {reader.line_num} of the verdicts {name} must have {len(header)} fields as the header has, "
                    f"but it has {len(row)}"
                )
            yield reader.line_num, {key: _value(key, cell) for key, cell in zip(header, row, strict=True) if cell}
    except csv.Error as error:
        raise TradeError(f"line {reader.line_num} of the verdicts {name} must be CSV, but {error}") from None


def _read_verdict(row: Mapping[str, Any], where: str, latest: datetime) -> Verdict:
    """Return the verdict that one line holds. Raises `TradeError`."""
    unknown = [key for key in row if key not in FIELDS]
    if unknown:
        raise TradeError(f"{where} must have no other fields than {', '.join(FIELDS)}, but has {_shown(unknown[0])}")
    missing = [key for key in _NEEDED if row.get(key) is None or row[key] == ""]
    if missing:
        raise TradeError(f"{where} must have a value for {missing[0]}, but has none")
    at = _time(row["at"], "at", where)
    if at > latest:
        raise TradeError(f"{where} must have a time in `at` that is past, but has {_shown(row['at'])}")
    until = row.get("until")
    verdict = Verdict(
        id=0,
        kind=_text(row, "kind", where),
        subject=_text(row, "subject", where),
        verdict=_text(row, "verdict", where),
        note=_text(row, "note", where).strip(),
        analyst=_text(row, "analyst", where),
        verified=False,
        at=at,
        snapshot_id=_text(row, "snapshot_id", where) or "unknown",
        detector=_text(row, "detector", where) or "unknown",
        inclusion=_chance(row.get("inclusion"), where),
        until=None if until is None else _time(until, "until", where),
        level=_text(row, "level", where) or None,
        members=_members(row.get("members"), where),
    )
    try:
        check(verdict)
    except StoreError as error:
        raise TradeError(f"{where}: {error}") from None
    return verdict


# -- values ------------------------------------------------


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _cell(value: object) -> object:
    """Return a value as a cell; a text so that `_uncell` gives it back, and that nothing acts on it."""
    if isinstance(value, list):
        return json.dumps(value) if value else ""
    if not isinstance(value, str):
        return value
    if printable(value, keep_newlines=True) != value or value.startswith('"'):
        return json.dumps(value)
    return f"'{value}" if _GUARDED.match(value) else value


def _value(key: str, cell: str) -> Any:  # noqa: ANN401 - JSON is of any type
    readers: Mapping[str, Callable[[str], Any]] = {"inclusion": float, "members": json.loads, "id": str}
    try:
        return readers.get(key, _uncell)(cell)
    except ValueError:
        return cell  # what the line cannot be read as is said with the line


def _uncell(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        try:
            text = json.loads(cell)
        except ValueError:
            return cell
        return text if isinstance(text, str) else cell
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not _is_text(value):
        raise TradeError(f"{where} must have text for {key}, but has {_shown(value)}")
    return str(value)


def _is_text(value: object) -> bool:
    """Tell whether a value is text that can be stored: JSON can hold half a character."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _time(value: object, key: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type] # any other is said below
    except (TypeError, ValueError):
        raise TradeError(
            f"{where} must have a time for {key} such as 2026-03-01T09:30:00Z, but has {_shown(value)}"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _chance(value: object, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TradeError(f"{where} must have a number for inclusion, but has {_shown(value)}")
    return float(value)


def _members(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(member and _is_text(member) for member in value):
        raise TradeError(f'{where} must have a list of ids for members such as ["a", "b"], but has {_shown(value)}')
    return tuple(value)


def _shown(value: object) -> str:
    return repr(one_line(value if isinstance(value, str) else json.dumps(value), _SHOWN))
