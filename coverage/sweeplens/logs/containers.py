"""Tell from its first bytes how a file holds its rows (JSON, CSV, Parquet), and read JSON one row at a time.

A row that cannot be read comes as the reason, so that reading goes on.
"""

import codecs
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

from sweeplens.errors import LogError
from sweeplens.logs.sources import Opened, Source

Row = dict[str, object]
Rows = Iterator[tuple[int, Row | str]]
"""(line or row number counted from 1, the row or the reason why there is none)."""

MAX_LINE = 1 << 24
_CHUNK = 1 << 16
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x1b\x08")

INVALID_UTF8 = "not valid UTF-8"
INVALID_JSON = "not valid JSON"
NOT_AN_OBJECT = "not a JSON object"
TOO_LONG = f"longer than {MAX_LINE >> 20} MiB"


@dataclass(frozen=True)
class Table:
    """The rows of one file, and its column names when the file states them once for all rows."""

    rows: Rows
    columns: list[str] | None = None


def open_table(opened: Opened, source: Source) -> Table:
    """Recognise the container of an opened file that is not empty; raises `LogError` when it is none of those known."""
    head, stream = opened.head, opened.stream
    if head.startswith(b"PAR1"):
        from sweeplens.logs.tables import read_parquet

        return read_parquet(opened, source)
    if head.startswith(codecs.BOM_UTF8):
        head = head[3:]
        stream.read(3)
    _check_text(head, source)
    start = head.lstrip()[:1]
    if start == b"[":
        return Table(read_documents(stream, source))
    if start == b"{" and head.split(b"\n", 1)[0].strip() == b"{":  # objects printed over several lines
        return Table(read_documents(stream, source))
    if start == b"{" or _some_line_is_json(head):
        return Table(read_lines(stream))
    from sweeplens.logs.tables import find_header, read_csv

    header = find_header(head)
    if header is None:
        raise LogError(f"{source.shown} is not a log: expected JSON, CSV with a header line, or Parquet")
    return read_csv(stream, source, header)


def _check_text(head: bytes, source: Source) -> None:
    if head.startswith(_UTF16) or head.count(0) > len(head) // 5:
        raise LogError(f"{source.shown} is encoded in UTF-16 or is binary: expected UTF-8")
    # A character that the end of the head cuts in two is no error.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in head)
    if controls + text.count("\ufffd") > len(head) // 10:
        raise LogError(
            f"{source.shown} is binary: expected JSON, CSV or Parquet, plain or packed with gzip or Zstandard"
        )


def _some_line_is_json(head: bytes) -> bool:
    """Say whether the head is JSON lines whose first line is broken, as when a log was cut in the middle of a line."""
    return any(
        line.startswith(b"{") and isinstance(row := _parse(line), dict) and bool(row)
        for line in head.split(b"\n")[:100]
    )


def _parse(line: bytes) -> Row | str:
    try:
        # json.loads would let unpaired surrogates through when it is given bytes.
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return INVALID_UTF8
    except (ValueError, RecursionError):
        return INVALID_JSON
    return row if isinstance(row, dict) else NOT_AN_OBJECT


def read_lines(stream: io.BufferedReader) -> Rows:
    """Read one JSON object from each line; a line over 16 MiB is passed over without being held."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(_CHUNK)
            yield number, TOO_LONG
            continue
        row = _parse(line)
        if row is not INVALID_JSON or not line.isspace():
            yield number, row


def read_documents(stream: io.BufferedReader, source: Source) -> Rows:
    """Read the objects of a JSON array, or objects one after another that may take several lines each.

    Where such a file breaks off or is not JSON there is no next row to go on with, so that raises `LogError`.
    """
    text = _Text(stream, source)
    if text.skip(" \t\r\n") == "[":
        text.take(1)
        closing = "]"
    else:
        closing = ""
    while (char := text.skip(" \t\r\n,")) != closing:
        if not char:
            raise LogError(f"{source.shown} breaks off in the middle of its JSON array: the log is incomplete")
        line = text.line
        value = text.value()
        yield line, value if isinstance(value, dict) else NOT_AN_OBJECT


class _Text:
    """A window over a stream of UTF-8 text that JSON values are taken from."""

    def __init__(self, stream: io.BufferedReader, source: Source) -> None:
        self._stream, self._source = stream, source
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text, self._at, self._ended = "", 0, False
        self.line = 1

    def skip(self, chars: str) -> str:
        """Pass over `chars` and return the character that follows, or nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in chars:
                self.take(1)
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._grow(_CHUNK)

    def take(self, size: int) -> None:
        self.line += self._text.count("\n", self._at, self._at + size)
        self._at += size

    def value(self) -> object:
        """Return the next JSON value."""
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                end = len(self._text)
                if self._ended:
                    raise LogError(f"{self._source.shown} is not valid JSON from line {self.line} on") from None
            if end < len(self._text) or self._ended:
                self.take(end - self._at)
                return value
            size = len(self._text) - self._at
            if size > MAX_LINE:
                raise LogError(
                    f"{self._source.shown} is not valid JSON from line {self.line} on, or holds a value {TOO_LONG}"
                )
            self._grow(max(size, _CHUNK))  # doubling, so that a long value is not parsed over and over

    def _grow(self, size: int) -> None:
        data = self._stream.read(size)
        self._ended = len(data) < size
        try:
            more = self._utf8.decode(data, self._ended)
        except UnicodeDecodeError:
            raise LogError(f"{self._source.shown} is not valid UTF-8") from None
        self._text, self._at = self._text[self._at :] + more, 0
