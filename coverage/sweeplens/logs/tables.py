"""Rows of CSV and Parquet files."""

import contextlib
import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sweeplens.errors import LogError
from sweeplens.logs.containers import INVALID_UTF8, MAX_LINE, TOO_LONG, Row, Rows, Table
from sweeplens.logs.sources import Opened, Source
from sweeplens.logs.values import Micros
from sweeplens.text import printable

_DELIMITERS = ",\t;|"
_NAME = re.compile(r"[^\W\d][\w.:/()\[\] -]{0,59}")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_BATCH_ROWS = 1024
_MICROS_PER = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file."""

    delimiter: str
    columns: list[str]


def find_header(head: bytes) -> Header | None:
    """Take the first line as column names, by the delimiter that gives the most; None when they look like no names."""
    text = head.decode("utf-8", "replace")
    best: Header | None = None
    for delimiter in _DELIMITERS:
        try:
            columns = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            continue
        if len(columns) > (len(best.columns) if best else 1):
            best = Header(delimiter, [name.strip() for name in columns])
    if best is None or 2 * sum(map(_is_name, best.columns)) <= len(best.columns):
        return None
    return best


def _is_name(column: str) -> bool:
    return _NAME.fullmatch(column) is not None and len(column.split()) <= 3


def describe_columns(columns: Sequence[str], limit: int = 30) -> str:
    """Return column or field names for a message; what looks like no name is only counted, as it may be content."""
    names = [printable(column) for column in columns if _is_name(column)][:limit]
    others = len(columns) - len(names)
    if others:
        names.append(f"{others} other{'s' if others > 1 else ''}")
    return ", ".join(names)


def read_csv(stream: io.BufferedReader, source: Source, header: Header) -> Table:
    """Read CSV after RFC 4180; cells may hold newlines. The first of two columns with one name counts."""
    lines = _Lines(stream, source)
    if csv.field_size_limit() < MAX_LINE:
        csv.field_size_limit(MAX_LINE)
    reader = csv.reader(lines, delimiter=header.delimiter)
    columns = header.columns
    places = {name: place for place, name in reversed(list(enumerate(columns)))}

    def rows() -> Rows:
        next(reader)
        lines.damaged = False
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                where = f"{source.shown} cannot be read from line {number} on"
                raise LogError(f"{where}: a quote is never closed, or a field is {TOO_LONG}") from None
            if lines.ended:
                raise LogError(
                    f"{source.shown} ends inside a quoted field that began at line {number}: the log is incomplete"
                )
            if lines.damaged:
                lines.damaged = False
                yield number, INVALID_UTF8
            elif len(cells) == len(columns):
                yield number, {name: cells[place] for name, place in places.items()}
            elif cells:
                yield number, "not as many fields as the header has"

    return Table(rows(), columns)


class _Lines(Iterator[str]):
    """The lines of a CSV file as the csv module wants them."""

    def __init__(self, stream: io.BufferedReader, source: Source) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
        self._source = source
        self._number = 0
        self.ended = False
        """The csv module asked for a line after the last."""
        self.damaged = False
        """A line since this was last cleared was not valid UTF-8."""

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE + 1)
        self._number += 1
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) > MAX_LINE:
            raise LogError(
                f"{self._source.shown} holds a line of more than {MAX_LINE >> 20} MiB at line {self._number}"
            )
        if not line.isascii() and _ESCAPED_BYTE.search(line):
            self.damaged = True
        return line


def read_parquet(opened: Opened, source: Source) -> Table:
    """Read a Parquet file in batches; one that cannot be seeked is copied to an unnamed temporary file first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stack = contextlib.ExitStack()
    try:
        if opened.path is not None:
            file = stack.enter_context(pq.ParquetFile(opened.path, pre_buffer=False))
        else:
            spool = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
            shutil.copyfileobj(opened.stream, spool)
            spool.seek(0)
            file = stack.enter_context(pq.ParquetFile(spool, pre_buffer=False))
        columns = list(file.schema_arrow.names)
    except (pa.ArrowException, OSError):
        stack.close()
        raise LogError(f"{source.shown} is not a whole Parquet file: the log is incomplete or damaged") from None

    def rows() -> Rows:
        number = 0
        with stack:
            try:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                    for row in _batch_rows(batch, columns):
                        number += 1
                        yield number, row
            except (pa.ArrowException, OSError):
                raise LogError(
                    f"{source.shown} cannot be read after row {number}: the Parquet file is damaged"
                ) from None

    return Table(rows(), columns)


def _batch_rows(batch: Any, columns: list[str]) -> Iterator[Row | str]:  # noqa: ANN401 - a pyarrow RecordBatch
    try:
        yield from _plain_rows(batch, columns)
    except (UnicodeDecodeError, OverflowError):
        for place in range(batch.num_rows):
            try:
                yield from _plain_rows(batch.slice(place, 1), columns)
            except UnicodeDecodeError:
                yield INVALID_UTF8
            except OverflowError:
                yield "a time that cannot be represented"


def _plain_rows(batch: Any, columns: list[str]) -> list[Row]:  # noqa: ANN401 - a pyarrow RecordBatch
    values = [_plain_column(column) for column in batch.columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _plain_column(column: Any) -> list[Any]:  # noqa: ANN401 - a pyarrow Array
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        # As plain numbers: Python's datetime holds neither nanoseconds nor the years after 9999.
        numbers = column.cast(pa.int64()).to_pylist()
        if kind.unit == "ns":
            return [None if n is None else Micros(n // 1000) for n in numbers]
        return [None if n is None else Micros(n * _MICROS_PER[kind.unit]) for n in numbers]
    values = column.to_pylist()
    if pa.types.is_decimal(kind):
        return [int(v) if isinstance(v, Decimal) and v % 1 == 0 else v for v in values]
    return list(values)
