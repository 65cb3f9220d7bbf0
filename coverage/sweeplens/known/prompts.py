"""Read the prompts of a set: whatever holds requests, without an account, and plain text with one prompt a line."""

import itertools
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader

from sweeplens.errors import LogError, MapError, RejectsError
from sweeplens.logs.containers import INVALID_UTF8, MAX_LINE, TOO_LONG, Row, Rows, open_table
from sweeplens.logs.formats import Format, detect_format, find_format
from sweeplens.logs.generic import ALIASES
from sweeplens.logs.mapping import FieldMap, seen_fields
from sweeplens.logs.redact import redact
from sweeplens.logs.rows import ReadStats
from sweeplens.logs.sources import Source, find_sources, open_source, readable
from sweeplens.logs.tables import describe_columns
from sweeplens.logs.turns import to_turns
from sweeplens.logs.values import RowError, clean

TEXT = "text"
"""The input format of plain text; files whose names end in .txt need not be told."""

_TEXT_ENDINGS = (".txt", ".txt.gz", ".txt.zst", ".txt.zstd")
_SNIFFED_ROWS = 20
_FIELD = "prompt"


def read_prompts(
    sources: Sequence[str],
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    stats: ReadStats,
) -> Iterator[str]:
    """Read the prompts of files, folders, globs and ``-``, redacted as those of a log are; `stats` counts the rows.

    `mapping` may name the field ``prompt`` only. Raises `LogError` for what cannot be found or read, `MapError` for a
    mapping that fits no row, `RejectsError` where no row holds a prompt.
    """
    others = sorted(set(mapping or {}) - {_FIELD})
    if others:
        raise MapError(f"a prompt set holds prompts only: expected --map {_FIELD}=PATH, but it names {others[0]}")
    forced = find_format(input_format) if input_format not in {None, TEXT} else None
    reader = _Reader(forced, FieldMap(mapping or {}), stats, as_text=input_format == TEXT)
    return reader.read(find_sources(sources))


class _Reader:
    def __init__(self, forced: Format | None, fields: FieldMap, stats: ReadStats, *, as_text: bool) -> None:
        self._forced, self._fields, self._stats, self._as_text = forced, fields, stats, as_text
        self._seen = ""

    def read(self, files: Sequence[Source]) -> Iterator[str]:
        for file in files:
            for prompt in self._read_file(file):
                changed, kinds = redact(prompt)
                self._stats.redactions.update(kinds)
                yield changed
        stats = self._stats
        if stats.rejected == stats.rows:
            self._explain_nothing()

    def _read_file(self, file: Source) -> Iterator[str]:
        with open_source(file) as opened:
            if not opened.head.removeprefix(BOM_UTF8).strip():
                if file.named:
                    raise LogError(f"{file.shown} is empty: expected at least one prompt")
                return
            self._stats.files += 1
            if self._as_text or file.name.lower().endswith(_TEXT_ENDINGS):
                _check_text(opened.head, file)
                yield from self._usable(_guarded(_read_lines(opened.stream), file), None)
                return
            table = open_table(opened, file)
            rows = _guarded(table.rows, file)
            first = list(itertools.islice(rows, _SNIFFED_ROWS))
            samples = [row for _, row in first if isinstance(row, dict)]
            format_ = self._forced or detect_format(samples)
            if table.columns is not None:
                self._check_columns(table.columns, format_, file)
            self._seen = self._seen or describe_columns(seen_fields(samples))
            yield from self._usable(itertools.chain(first, rows), format_)

    def _usable(self, rows: Rows, format_: Format | None) -> Iterator[str]:
        """Yield the prompts of rows; a row of a text file is its prompt already."""
        for _, row in rows:
            if isinstance(row, str):
                self._drop(row)
                continue
            try:
                values = [row[_FIELD]] if format_ is None else self._values(row, format_)
            except RowError as error:
                self._drop(str(error))
                continue
            for value in values:
                try:
                    prompt = _to_prompt(value)
                except RowError as error:
                    self._drop(str(error))
                    continue
                self._stats.rows += 1
                yield prompt

    def _drop(self, reason: str) -> None:
        self._stats.rows += 1
        self._stats.rejected += 1
        self._stats.reasons[reason] += 1

    def _values(self, row: Row, format_: Format) -> list[object]:
        if self._fields.fields:
            return [self._fields.lookup(row)[_FIELD]]
        return [fields.get(_FIELD) for fields in format_.to_fields(row)]

    def _check_columns(self, columns: Sequence[str], format_: Format, file: Source) -> None:
        names = describe_columns(columns)
        if self._fields.fields:
            if _FIELD not in self._fields.within(columns):
                raise MapError(
                    f"{self._fields.entry(_FIELD)} names no column of {file.shown}, whose columns are {names}"
                )
        elif format_.fields_of is not None and _FIELD not in format_.fields_of(columns):
            raise LogError(
                f"{file.shown} has no column for {_FIELD} ({', '.join(ALIASES[_FIELD])}) but has {names}: "
                f"name the one to use with --map {_FIELD}=COLUMN"
            )

    def _explain_nothing(self) -> None:
        """Raise the error for a set of which nothing could be used."""
        self._fields.check_seen(self._seen)
        if not self._stats.rows:
            raise RejectsError("the prompt set is empty: expected at least one prompt")
        reason, count = self._stats.reasons.most_common(1)[0]
        fields = f"; the first rows have {self._seen}, and --map prompt=FIELD chooses one" if self._seen else ""
        rows = f"none of the {self._stats.rows:,} rows of the prompt set could be used"
        raise RejectsError(f"{rows}; the commonest reason, {count:,} times: {reason}{fields}")


def _to_prompt(value: object) -> str:
    prompt = to_turns(value)[0]
    if not prompt or prompt.isspace():
        raise RowError("no prompt")
    return prompt


def _guarded(rows: Rows, file: Source) -> Rows:
    with readable(file):
        yield from rows


def _check_text(head: bytes, file: Source) -> None:
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in head:
        raise LogError(f"{file.shown} is encoded in UTF-16 or is binary: expected UTF-8 text with one prompt a line")


def _read_lines(stream: BufferedReader) -> Rows:
    """Read one prompt from each line that is not blank."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield number, TOO_LONG
            continue
        try:
            text = clean((line.removeprefix(BOM_UTF8) if number == 1 else line).decode("utf-8").strip())
        except UnicodeDecodeError:
            yield number, INVALID_UTF8
            continue
        if text:
            yield number, {_FIELD: text}
