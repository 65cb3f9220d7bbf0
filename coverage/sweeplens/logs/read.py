"""Read logs of any known format as one stream of canonical requests."""

import hashlib
import itertools
import logging
from array import array
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence

from sweeplens.errors import LogError, MapError, RejectsError
from sweeplens.logs.containers import Row, Rows, open_table
from sweeplens.logs.formats import Format, detect_format, find_format, known_formats
from sweeplens.logs.generic import ALIASES
from sweeplens.logs.mapping import FieldMap, parse_map, seen_fields
from sweeplens.logs.redact import redact as redact_text
from sweeplens.logs.redact import redact_repeated
from sweeplens.logs.rows import ReadStats, Reject, Request
from sweeplens.logs.sources import Source, find_sources, open_source, readable
from sweeplens.logs.tables import describe_columns
from sweeplens.logs.turns import NoTurnError, read_turns, to_text
from sweeplens.logs.values import RowError, to_count, to_identifier, to_micros
from sweeplens.text import content_hash

__all__ = ["check_rejects", "known_formats", "parse_map", "read_requests"]

_log = logging.getLogger(__name__)
_SNIFFED_ROWS = 20
_MAP_CHECK_ROWS = 1000
_NEEDED = ("account_id", "prompt")


def read_requests(
    sources: Sequence[str],
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    redact: bool = True,
    stats: ReadStats,
    reject: Callable[[Reject], None],
    prompt_hash: Callable[[str], str] = content_hash,
) -> Iterator[Request]:
    """Read files, folders, globs and ``-`` (standard input) in the given order, each file once.

    One row is held at a time. Beyond that, rows without an id of their own cost 12 to 24 bytes each until the end of
    their file, to tell equal rows apart; they get ids of account, time and `prompt_hash`. `stats` counts all rows,
    rejected ones too; each of those goes to `reject`.

    Raises `LogError` for what cannot be found or read as a log, and `MapError` for a mapping that fits no row: at once
    where that can be seen without reading, else while iterating.
    """
    files = find_sources(sources)
    reader = _Reader(
        find_format(input_format) if input_format else None, FieldMap(mapping or {}), redact, stats, reject, prompt_hash
    )
    return reader.read(files)


def check_rejects(stats: ReadStats, max_rejects: float) -> None:
    """Raise `RejectsError` when no row was left, or more than the share `max_rejects` of all rows was rejected."""
    if stats.rows and not stats.rejected:
        return
    if not stats.rows:
        raise RejectsError("the log holds no rows")
    reason, count = stats.reasons.most_common(1)[0]
    often = f"the commonest reason, {count:,} times: {reason}"
    if stats.rejected >= stats.rows:
        raise RejectsError(f"none of the {stats.rows:,} rows of the log could be used; {often}")
    if stats.rejected > max_rejects * stats.rows:
        share = stats.rejected / stats.rows
        raise RejectsError(
            f"{stats.rejected:,} of {stats.rows:,} rows ({share:.2%}) were rejected, more than --max-rejects "
            f"{max_rejects:g} allows; {often}"
        )


class _Reader:
    def __init__(  # noqa: PLR0917 - the options of `read_requests`
        self,
        forced: Format | None,
        fields: FieldMap,
        redact: bool,
        stats: ReadStats,
        reject: Callable[[Reject], None],
        prompt_hash: Callable[[str], str],
    ) -> None:
        self._forced, self._fields, self._redact, self._hash = forced, fields, redact, prompt_hash
        self._stats, self._reject = stats, reject
        self._seen = ""

    def read(self, files: Sequence[Source]) -> Iterator[Request]:
        before = self._stats.rows
        for file in files:
            yield from self._read_file(file)
        if self._stats.rows == before:
            raise LogError("the log holds no rows: every file is empty")
        self._fields.check_seen(self._seen)

    def _read_file(self, file: Source) -> Iterator[Request]:
        with open_source(file) as opened:
            if not opened.head.removeprefix(BOM_UTF8).strip():
                self._empty(file)
                return
            table = open_table(opened, file)
            rows = _guarded(table.rows, file)
            first = list(itertools.islice(rows, _SNIFFED_ROWS))
            samples = [row for _, row in first if isinstance(row, dict)]
            format_ = self._forced or detect_format(samples)
            if table.columns is not None:
                self._check_columns(table.columns, format_, file)
            if not first:
                self._empty(file)
                return
            self._seen = self._seen or describe_columns(seen_fields(samples))
            self._stats.files += 1
            yield from self._convert(itertools.chain(first, rows), format_, file)

    def _convert(self, rows: Rows, format_: Format, file: Source) -> Iterator[Request]:
        source, ordinals, has_map = file.name, _Ordinals(), bool(self._fields.fields)
        for line, row in rows:
            if isinstance(row, str):
                self._drop(file, line, row)
                continue
            try:
                requests = format_.to_fields(row)
            except RowError as error:
                self._drop(file, line, str(error))
                continue
            mapped = self._fields.lookup(row) if has_map else {}
            for fields in requests:
                try:
                    request = self._request({**fields, **mapped} if mapped else fields, source, ordinals)
                except RowError as error:
                    self._drop(file, line, str(error))
                    continue
                self._stats.rows += 1
                yield request
            if self._fields.looked_up == _MAP_CHECK_ROWS:  # a long log need not be read to its end to see this
                self._fields.check_seen(self._seen, required_only=True)

    def _request(self, fields: Row, source: str, ordinals: "_Ordinals") -> Request:
        account_id = to_identifier(fields.get("account_id"), "account_id")
        if account_id is None:
            raise RowError("no account_id")
        prompt, system_prompt, earlier = _written(fields)
        ts = to_micros(fields.get("ts"))
        request_id = to_identifier(fields.get("request_id"), "request_id")
        optional = {name: to_identifier(fields.get(name), name) for name in _OPTIONAL if name in fields}
        tokens_in = to_count(fields.get("tokens_in"), "tokens_in")
        tokens_out = to_count(fields.get("tokens_out"), "tokens_out")
        if self._redact:  # after all checks, so that only what is kept is counted
            prompt, kinds = redact_text(prompt)
            if kinds:
                self._stats.redactions.update(kinds)
            if system_prompt:
                system_prompt, kinds = redact_repeated(system_prompt)
                self._stats.redactions.update(kinds)
            if earlier:  # not counted: most of them were when they were sent
                earlier = tuple(redact_repeated(text)[0] for text in earlier)
        if request_id is None:
            told = prompt if ts is not None else "\0".join((prompt, system_prompt or "", *earlier)).rstrip("\0")
            request_id = ordinals.request_id(account_id, ts, self._hash(told))
        return Request(
            request_id, account_id, ts, prompt, **optional, system_prompt=system_prompt or None,
            tokens_in=tokens_in, tokens_out=tokens_out, source=source, earlier=earlier,
        )  # fmt: skip

    def _drop(self, file: Source, line: int, reason: str) -> None:
        self._stats.rows += 1
        self._stats.rejected += 1
        self._stats.reasons[reason] += 1
        self._reject(Reject(file.label, line, reason))

    def _empty(self, file: Source) -> None:
        """Refuse an empty file that the user named; among those of a folder, an empty one is a quiet hour."""
        if file.named:
            raise LogError(f"{file.shown} is empty: expected a log with at least one row")
        _log.warning("%s is empty", file.shown)

    def _check_columns(self, columns: Sequence[str], format_: Format, file: Source) -> None:
        if format_.fields_of is None:
            return
        reachable = self._fields.within(columns)
        known = format_.fields_of(columns)
        for field in _NEEDED:
            if field in self._fields.fields:
                if field not in reachable:
                    raise MapError(
                        f"{self._fields.entry(field)} names no column of {file.shown}, "
                        f"whose columns are {describe_columns(columns)}"
                    )
            elif field not in known:
                raise LogError(
                    f"{file.shown} has no column for {field} ({', '.join(ALIASES[field])}) but has "
                    f"{describe_columns(columns)}: name the one to use with --map {field}=COLUMN"
                )


_OPTIONAL = ("session_id", "model", "org_id", "ip", "user_agent")


def _written(fields: Row) -> tuple[str, str | None, tuple[str, ...]]:
    """Return (prompt, system prompt, earlier texts); where no user turn holds text, the system prompt is both."""
    own = to_text(fields.get("system_prompt"), "system_prompt")
    try:
        prompt, system, earlier = read_turns(fields.get("prompt"))
    except NoTurnError:
        if not own:
            raise
        prompt, system, earlier = "", None, ()
    if prompt is None and system is None:
        raise RowError("no prompt")
    if own and system and own != system:
        earlier = (system, *earlier)
    system = own or system
    if not prompt or prompt.isspace():
        prompt = system
    if not prompt or prompt.isspace():
        raise RowError("the prompt is empty")
    return prompt, system, earlier


def _guarded(rows: Rows, file: Source) -> Rows:
    # Only what reading raises is caught here: an error of `reject` or of the caller is not the log's.
    with readable(file):
        yield from rows


class _Ordinals:
    """Ids for the rows of one file that have none: a hash of account, time, prompt and ordinal among equal rows.

    For the ordinals, 64 bits of each distinct row are kept in an open-addressing table, a sixth of what a dict takes.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 << 10))
        self._used = 0
        self._repeats: dict[int, int] = {}

    def request_id(self, account_id: str, ts: int | None, prompt_hash: str) -> str:
        row = f"{account_id}\0{ts}\0{prompt_hash}".encode("utf-8", "surrogatepass")
        key = int.from_bytes(hashlib.sha256(row).digest()[:8], "big") or 1
        ordinal = 0
        if not self._add(key):
            ordinal = self._repeats[key] = self._repeats.get(key, 0) + 1
        return hashlib.sha256(row + b"\0%d" % ordinal).hexdigest()[:32]

    def _add(self, key: int) -> bool:
        """Enter a key; False when it was there."""
        table, mask = self._table, len(self._table) - 1
        place = key & mask
        while entry := table[place]:
            if entry == key:
                return False
            place = (place + 1) & mask
        table[place] = key
        self._used += 1
        if 3 * self._used > 2 * len(table):
            self._grow()
        return True

    def _grow(self) -> None:
        old, self._table, self._used = self._table, array("Q", bytes(16 * len(self._table))), 0
        for key in filter(None, old):
            self._add(key)
