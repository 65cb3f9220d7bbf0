"""The records of `score` and `campaigns` as files, the same from the command line and from the app."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sweeplens.text import csv_cell, printable

Record = Mapping[str, Any]


def to_jsonl(records: Sequence[Record]) -> bytes:
    """Return one JSON object a line, in ASCII: text from a log may hold characters that a terminal acts on."""
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records).encode()


def to_csv(keys: Sequence[str], records: Sequence[Record]) -> bytes:
    """Return a table of these keys with a head; a cell that a spreadsheet would run begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(keys)
    for record in records:
        writer.writerow([_cell(record[key]) for key in keys])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = "; ".join(str(item["text"]) if isinstance(item, Mapping) else str(item) for item in value)
    elif isinstance(value, Mapping):
        value = json.dumps(value)
    return csv_cell(printable(value)) if isinstance(value, str) else value
