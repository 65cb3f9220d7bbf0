"""Standard output and --output: records and pages in the formats that `--format` names."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeplens.cli.files import OutputError, write_file

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    Draw = Callable[[Console], None]

Record = Mapping[str, Any]


class Format(StrEnum):
    """What `--format` takes."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


class Page(StrEnum):
    """What `--format` takes where one thing is shown."""

    table = "table"
    json = "json"


def choose_format(chosen: Format | None, output: Path | None) -> Format:
    """Return the format that was asked for, else the one that the file's name ends with, else a table."""
    if chosen is not None:
        return chosen
    suffix = "" if output is None else output.suffix.lstrip(".").lower()
    return Format(suffix) if suffix in set(Format) else Format.table


def write_queue(name: str, records: Sequence[Record], chosen: Format, output: Path | None, draw: "Draw") -> None:
    """Write the records of `score` (accounts) or `campaigns`, to standard output where `output` is None.

    `draw` prints them as a table for people. Raises `OutputError`.
    """
    if chosen is Format.parquet:
        _refuse_terminal(output)
    if chosen is Format.table:
        write_drawing(draw, output)
    else:
        write_data(_encode(name, records, chosen), output)


def write_list(  # noqa: PLR0917 - as `write_queue`
    keys: Sequence[str],
    records: Sequence[Record],
    chosen: Format,
    output: Path | None,
    draw: "Draw",
    kinds: Sequence[str] = (),
) -> None:
    """Write records of these keys as `write_queue` does; as Parquet only where `kinds` names the types of the keys."""
    if chosen is Format.parquet and not kinds:
        raise OutputError("this list is written as a table, JSON, JSONL or CSV, but not as Parquet")
    if chosen is Format.table:
        write_drawing(draw, output)
    elif chosen is Format.parquet:
        import pyarrow as pa

        _refuse_terminal(output)
        fields = zip(keys, map(pa.type_for_alias, kinds), strict=True)
        write_data(_table_bytes(pa.Table.from_pylist(list(records), pa.schema(list(fields)))), output)
    else:
        write_data(_to_text(keys, records, chosen), output)


def write_page(fact: object, chosen: Page | None, output: Path | None, draw: "Draw") -> None:
    """Write what is known about one thing, as a page for people or as JSON."""
    if chosen is None:
        chosen = Page.json if output is not None and output.suffix.lower() == ".json" else Page.table
    if chosen is Page.table:
        write_drawing(draw, output)
        return
    from sweeplens.report.plain import to_plain

    write_data(_to_json(to_plain(fact)), output)


def write_drawing(draw: "Draw", output: Path | None) -> None:
    """Print for people: as wide as the terminal, 80 columns elsewhere."""
    from sweeplens.cli.streams import make_console

    if output is None:
        with quiet_pipe():
            draw(make_console(sys.stdout))
        return
    text = io.StringIO()
    draw(make_console(text))
    write_file(output, text.getvalue().encode())


def write_data(data: bytes, output: Path | None) -> None:
    """Write bytes to a file, whole or not at all, or to standard output. Raises `OutputError`."""
    if output is not None:
        write_file(output, data)
        return
    with quiet_pipe():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextmanager
def quiet_pipe() -> Iterator[None]:
    """Let a reader of standard output go away early: `| head` is no error, and what follows is not written.

    Raises `OutputError` for anything else that stands in the way, such as a full disk.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    except OSError as error:
        _discard_stdout()
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None


def _discard_stdout() -> None:
    # What is left in the buffer would fail again when the interpreter flushes it at exit.
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _refuse_terminal(output: Path | None) -> None:
    if output is None and sys.stdout.isatty():
        raise OutputError("Parquet is not for a terminal: name a file with --output, or send standard output to one")


def _encode(name: str, records: Sequence[Record], chosen: Format) -> bytes:
    if chosen is Format.parquet:
        return _to_parquet(name, records)
    from sweeplens.report.queue import KEYS

    return _to_text(KEYS[name], records, chosen)


def _to_text(keys: Sequence[str], records: Sequence[Record], chosen: Format) -> bytes:
    from sweeplens.report.records import to_csv, to_jsonl

    if chosen is Format.csv:
        return to_csv(keys, records)
    return to_jsonl(records) if chosen is Format.jsonl else _to_json(records)


def _to_json(value: object) -> bytes:
    # In ASCII: text from a log may hold characters that a terminal acts on.
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _to_parquet(name: str, records: Sequence[Record]) -> bytes:
    import pyarrow as pa

    from sweeplens.report.queue import KEYS
    from sweeplens.store.schema import schemas

    kept = schemas()[name]
    stands = {
        "audit": pa.field("audit", pa.bool_(), nullable=False),
        "state": pa.field("state", pa.string(), nullable=False),
    }
    more = {key: stands.get(key, pa.field(key, pa.string())) for key in KEYS[name] if key not in kept.names}
    schema = pa.schema([more.get(key) or kept.field(key) for key in KEYS[name]])
    rows = [{k: json.dumps(v) if isinstance(v, dict) else v for k, v in record.items()} for record in records]
    return _table_bytes(pa.Table.from_pylist(rows, schema))


def _table_bytes(table: "pa.Table") -> bytes:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
