"""What the files of a store hold, decoded: each reader yields (where, str | bytes | rows [n, dim]) pairs."""

import gzip
import io
import json
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

# What the readers raise for a file that is not of its format.
FORMAT_ERRORS = (
    OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile, sqlite3.Error, zstandard.ZstdError,
)  # fmt: skip


def find_reader(data: bytes, suffix: str) -> Any:
    """Return the reader of a file by its first bytes, or else by its suffix; None for a format that is not known."""
    for magic, reader in (
        (b"PAR1", _read_parquet), (b"\x93NUMPY", _read_array), (b"SQLite format 3\0", _read_sqlite),
        (b"\x1f\x8b", _read_gzip), (b"\x28\xb5\x2f\xfd", _read_zstd), (b"PK\x03\x04", _read_zip),
    ):  # fmt: skip
        if data.startswith(magic):
            return reader
    return {".faiss": _read_index, ".json": _read_json, ".jsonl": _read_lines, ".ndjson": _read_lines}.get(suffix)


def _read_parquet(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del data
    plain = pq.ParquetFile(path)
    schema = plain.schema
    names = [schema.column(i).path for i in range(len(schema)) if schema.column(i).physical_type == "BYTE_ARRAY"]
    # Read as a dictionary, a column shows also the entries that no row uses any more.
    with pq.ParquetFile(path, read_dictionary=names) as file:
        for key, value in (file.metadata.metadata or {}).items():
            yield f"metadata {key.decode()}", value.decode("utf-8", "replace")
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            for name, column in zip(table.column_names, table.columns, strict=True):
                for chunk in column.chunks:
                    yield from _arrow(f"column {name}, row group {group}", chunk)
    plain.close()


def _arrow(where: str, array: pa.Array) -> Iterator[tuple[str, Any]]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _arrow(f"{where}, dictionary", array.dictionary)
    elif pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            yield from _arrow(f"{where}.{kind.field(i).name}", array.field(i))
    elif pa.types.is_map(kind):
        yield from _arrow(f"{where} keys", array.keys)
        yield from _arrow(f"{where} items", array.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _arrow(where, array.values)
        if pa.types.is_floating(kind.value_type):
            yield from _lists(where, array)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield where, "\n".join(value for value in array.to_pylist() if value is not None)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        for value in array.to_pylist():
            if value is not None:
                yield where, value
    elif pa.types.is_integer(kind):
        yield where, array.drop_null().to_numpy(zero_copy_only=False).tobytes()


def _lists(where: str, array: pa.Array) -> Iterator[tuple[str, Any]]:
    by_length: dict[int, list[Any]] = {}
    for value in array.to_pylist():
        if value and None not in value:
            by_length.setdefault(len(value), []).append(value)
    for rows in by_length.values():
        yield where, np.array(rows)


def _read_array(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del path
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = read_header(stream)
    if not shape or fortran:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    else:  # as many rows as there are: a file that was cut short holds the first ones
        row = kind.itemsize * int(np.prod(shape[1:]))
        n = min(shape[0], (len(data) - stream.tell()) // row if row else 0)
        array = np.frombuffer(data, kind, n * int(np.prod(shape[1:])), stream.tell()).reshape(n, *shape[1:])
    yield from _numpy("array", array)


def _numpy(where: str, array: np.ndarray) -> Iterator[tuple[str, Any]]:
    if array.dtype.names:
        for name in array.dtype.names:
            yield from _numpy(f"{where} {name}", array[name])
    elif array.dtype.kind == "U":
        yield where, "\n".join(array.ravel().tolist())
    elif array.dtype.kind == "f" and array.ndim >= 1:
        yield where, array.reshape(-1, array.shape[-1])
    else:
        yield where, array.tobytes()


def _read_index(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del data
    index = faiss.read_index(str(path))
    yield "index", _reconstruct(index)
    inner = faiss.try_extract_index_ivf(index)
    if inner is not None:
        yield "centres of the index", _reconstruct(faiss.downcast_index(inner.quantizer))


def _reconstruct(index: Any) -> np.ndarray:
    if index.ntotal == 0:
        return np.empty((0, index.d), np.float32)
    inner = faiss.downcast_index(index.index) if hasattr(index, "id_map") else index
    if hasattr(inner, "make_direct_map"):
        inner.make_direct_map()
    return inner.reconstruct_n(0, int(inner.ntotal))


def _read_json(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del path
    yield from _json_text(data.decode("utf-8", "replace"))


def _read_lines(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del path
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        for where, value in _json_text(line):
            yield f"line {number}, {where}", value


def _json_text(text: str) -> Iterator[tuple[str, Any]]:
    try:
        whole = json.loads(text)
    except ValueError:
        yield "text", text
        return
    strings: list[str] = []
    numbers: list[int] = []
    arrays: dict[int, list[list[float]]] = {}
    _walk(whole, strings, numbers, arrays)
    yield "json", "\n".join(strings)
    yield "json numbers", b"".join((n % 2**64).to_bytes(8, "little") for n in numbers)
    for rows in arrays.values():
        yield "json array", np.array(rows)


def _walk(value: Any, strings: list[str], numbers: list[int], arrays: dict[int, list[list[float]]]) -> None:
    if isinstance(value, str):
        strings.append(value)
    elif isinstance(value, int):
        numbers.append(value)
    elif isinstance(value, dict):
        strings.extend(value)
        for item in value.values():
            _walk(item, strings, numbers, arrays)
    elif isinstance(value, list):
        if value and all(isinstance(item, float) for item in value):
            arrays.setdefault(len(value), []).append(value)
        for item in value:
            _walk(item, strings, numbers, arrays)


def _read_sqlite(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del data
    with tempfile.TemporaryDirectory() as folder:  # a copy, so that looking changes nothing, its journal included
        for beside in path.parent.glob(path.name + "*"):
            shutil.copy(beside, folder)
        connection = sqlite3.connect(Path(folder) / path.name)
        try:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                quoted = table.replace('"', '""')
                for row in connection.execute(f'SELECT * FROM "{quoted}"'):
                    for value in row:
                        yield from _cell(f"table {table}", value)
        finally:
            connection.close()


def _cell(where: str, value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str | bytes):
        yield where, value
    elif isinstance(value, int):
        yield where, (value % 2**64).to_bytes(8, "little")


def _read_gzip(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del path
    yield from _unpacked("gzip", gzip.decompress(data))


def _read_zstd(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del path
    yield from _unpacked("zstd", zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read())


def _read_zip(path: Path, data: bytes) -> Iterator[tuple[str, Any]]:
    del path
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for name in packed.namelist():
            yield from _unpacked(name, packed.read(name))


def _unpacked(where: str, data: bytes) -> Iterator[tuple[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unpacked"
        path.write_bytes(data)
        reader = find_reader(data, "")
        if reader is not None:
            yield from ((f"{where}, {inner}", value) for inner, value in reader(path, data))
    yield where, data
    yield where, data.decode("utf-8", "replace")
