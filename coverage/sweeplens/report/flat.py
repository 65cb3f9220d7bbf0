"""Rows of a snapshot's tables as a warehouse takes them: plain types, in CSV flat ones, and without text on demand."""

import json
from typing import TYPE_CHECKING, Any

from sweeplens.text import csv_cell, printable

if TYPE_CHECKING:
    import pyarrow as pa

LEFT_OUT = "(text left out)"  # in the place of a text that cannot be null
_TEXTS = {"prompts": ("text",), "requests": ("system_prompt",)}  # nullable columns that hold what was asked


def plain_schema(schema: "pa.Schema") -> "pa.Schema":
    """Return the same columns with words in place of codes for words, and without what only Arrow reads."""
    import pyarrow as pa

    def plain(kind: "pa.DataType") -> "pa.DataType":
        return kind.value_type if pa.types.is_dictionary(kind) else kind

    return pa.schema([pa.field(f.name, plain(f.type)) for f in schema])


def leave_out_text(name: str, batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """Return rows of the table `name` with all that is or quotes a prompt or system prompt taken out, same columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {f.name: batch[f.name] for f in batch.schema}
    for column in _TEXTS.get(name, ()):
        if column in columns:
            columns[column] = pa.nulls(batch.num_rows, columns[column].type)
    if name == "clusters":
        columns["name"] = columns["capability"]
        columns["terms"] = pa.array([[]] * batch.num_rows, columns["terms"].type)
    elif name == "links":
        spoken = pc.equal(columns["kind"], "system_prompt")
        columns["value"] = pc.if_else(spoken, LEFT_OUT, columns["value"])
    elif name == "campaigns":
        texts = [_without_texts(text) for text in columns["evidence"].to_pylist()]
        columns["evidence"] = pa.array(texts, columns["evidence"].type)
    return pa.RecordBatch.from_arrays([columns[f.name] for f in batch.schema], schema=batch.schema)


def _without_texts(evidence: str) -> str:
    known: dict[str, Any] = json.loads(evidence)
    for link in known.get("links", []):
        if link.get("kind") == "system_prompt":
            link["value"] = LEFT_OUT
    return json.dumps(known)


def flatten(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """Return the same rows with columns that CSV can hold.

    Texts are as in all CSV that SweepLens writes: control characters escaped, and an apostrophe before what a
    spreadsheet would take for a formula. Lists and structs are JSON text, times ISO 8601 in UTC.
    """
    import pyarrow as pa

    columns = [_flat(batch[f.name]) for f in batch.schema]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _flat(values: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(values.type):
        return pc.strftime(values.cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_nested(values.type):
        return pa.array([None if v is None else json.dumps(v) for v in values.to_pylist()], pa.string())
    if pa.types.is_string(values.type):
        return pa.array([None if v is None else csv_cell(printable(v)) for v in values.to_pylist()], pa.string())
    return values
