"""The tables of a snapshot: their columns, and how they are written so that equal input gives equal bytes."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    Columns = Mapping[str, pa.DataType]

SCHEMA_VERSION = 2
TABLES = (
    "requests", "prompts", "texts", "use", "membership", "clusters", "capabilities",
    "accounts", "signals", "curves", "links", "campaigns", "lineage",
)  # fmt: skip
# The Arrow schema in the footer keeps dictionary columns as they are when they are read again.
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "store_schema": True}
VECTORS, CELLS, INDEX = "vectors", "cells", "index"  # what is no table, by the names that the manifest has
REJECTS, MANIFEST = "rejects.jsonl", "manifest.json"


@cache
def schemas() -> "dict[str, pa.Schema]":
    """Return the Arrow schema of each table; a question mark in the design is a nullable column here."""
    import pyarrow as pa

    text, i32, u32, u64, f32, f64 = pa.string(), pa.int32(), pa.uint32(), pa.uint64(), pa.float32(), pa.float64()
    when, word = pa.timestamp("us", "UTC"), pa.dictionary(pa.int32(), pa.string())
    reason = pa.struct([("signal", text), ("value", f64), ("peer_percentile", f64), ("weight", f64), ("text", text)])

    def schema(
        required: Mapping[str, "pa.DataType"], optional: Mapping[str, "pa.DataType"] | None = None
    ) -> "pa.Schema":
        fields = [pa.field(k, v, nullable=False) for k, v in required.items()]
        return pa.schema(fields + [pa.field(k, v) for k, v in (optional or {}).items()])

    return {
        "requests": schema(
            {"request_id": text, "account_id": word, "prompt_id": i32},
            {"ts": when, "session_id": text, "model": word, "org_id": word, "ip": word, "user_agent": word,
             "system_prompt": word, "tokens_in": i32, "tokens_out": i32, "source": word, "request_key": u64},
        ),
        "prompts": schema({"prompt_id": i32, "prompt_hash": text, "n_chars": i32, "language": text}, {"text": text}),
        "texts": schema(
            {"prompt_id": i32, "log_length": f32, "word_length": f32, "capitals": f32, "digits": f32,
             "beyond_ascii": f32, "code_marks": f32, "line_breaks": f32, "distinct_words": f32, "pack": f32,
             "packed": i32, "first_word": u32},
            {"leaning": f32},
        ),
        "use": schema({"prompt_id": i32, "n_requests": i32, "n_accounts": i32}),
        "membership": schema({"prompt_id": i32, "cell": i32, "cluster": i32, "kind": text, "probability": f32,
                              "x": f32, "y": f32}, {"capability": word}),
        "clusters": schema({"cluster_id": i32, "name": text, "terms": pa.list_(text), "exemplars": pa.list_(i32),
                            "capability": text, "capability_score": f32, "n_prompts": i32, "n_core": i32,
                            "n_placed": i32, "n_requests": i32, "n_accounts": i32, "x": f32, "y": f32}),
        "capabilities": schema({"capability": text, "name": text, "n_prompts": i32, "n_requests": i32,
                                "n_accounts": i32}),
        "accounts": schema(
            {"account_id": text, "n_requests": i32, "n_prompts": i32, "level": text, "level_from": text,
             "reasons": pa.list_(reason)},
            {"first_ts": when, "last_ts": when, "score": f64, "p_value": f64, "q_value": f64, "campaign_id": text},
        ),
        "signals": schema({"account_id": word, "signal": word}, {"value": f64, "peer_percentile": f64}),
        "curves": schema({"account_id": word, "n": i32, "cells": i32}),
        "links": schema({"account_id": text, "kind": text, "value": text, "n_accounts": i32, "weight": f64}),
        "campaigns": schema(
            {"campaign_id": text, "label": text, "accounts": pa.list_(text), "n_requests": i32, "n_prompts": i32,
             "score": f64, "level": text, "evidence": text},
            {"p_value": f64, "q_value": f64},
        ),
        "lineage": schema({"kind": text, "id": text, "event": text, "parents": pa.list_(text), "n_before": i32,
                           "n_after": i32, "n_shared": i32}),
    }  # fmt: skip


def make_table(name: str, columns: Mapping[str, object]) -> "pa.Table":
    """Build the table `name` from columns (sequences or numpy arrays); a nullable column that is left out is null."""
    import pyarrow as pa

    arrays = []
    schema = schemas()[name]
    length = len(next(iter(columns.values())))  # type: ignore[arg-type] # every column is sized
    for field in schema:
        if field.name in columns:
            arrays.append(_array(columns[field.name], field.type))
        elif field.nullable:
            arrays.append(pa.nulls(length, field.type))
        else:
            raise KeyError(f"table {name} needs the column {field.name}")
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: object, kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def fit_table(name: str, table: "pa.Table", columns: Sequence[str] | None = None) -> "pa.Table":
    """Give a table that an earlier version wrote the columns of today: others go, a nullable one that lacks is null.

    `columns` are those that are wanted; raises `KeyError` for one that the table cannot have.
    """
    import pyarrow as pa

    schema = schemas()[name]
    wanted = pa.schema([schema.field(c) for c in (schema.names if columns is None else columns)])
    if table.schema.equals(wanted):
        return table
    arrays = []
    for field in wanted:
        if field.name in table.column_names:
            arrays.append(table[field.name].cast(field.type))
        elif field.nullable:
            arrays.append(pa.chunked_array([pa.nulls(len(table), field.type)]))
        else:
            raise KeyError(f"table {name} lacks the column {field.name}")
    return pa.Table.from_arrays(arrays, schema=wanted)


def write_table(target: Path | IO[bytes], table: "pa.Table") -> None:
    """Write Parquet whose bytes depend on nothing but the table."""
    import pyarrow.parquet as pq

    pq.write_table(table, target, row_group_size=1 << 18, **PARQUET)


def empty_columns(name: str) -> dict[str, list[object]]:
    """Return an empty list for each column of the table."""
    return {f.name: [] for f in schemas()[name]}
