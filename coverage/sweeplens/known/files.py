"""The file of a known set: one Parquet table of hashes, with its format and the SHA-256 of its content beside it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from sweeplens.errors import SchemaError, StoreError
from sweeplens.known.sketch import Sketch
from sweeplens.store.schema import PARQUET

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Changes whenever the same prompts would give other hashes, or the table other columns."""
SUFFIX = ".parquet"
_ABOUT = b"sweeplens.known"


@dataclass(frozen=True)
class KnownInfo:
    """One line of the list of known sets. `added` is a time in UTC, as ISO 8601."""

    name: str
    prompts: int
    bytes: int
    added: str


def write_sketch(stream: IO[bytes], sketch: Sketch, added: str) -> None:
    """Write one known set."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shingles = pa.LargeListArray.from_arrays(
        pa.array(sketch.bounds, pa.int64()), pa.array(sketch.shingles, pa.uint64())
    )
    about = {"format": FORMAT, "prompts": len(sketch), "added": added, "sha256": _content_hash(sketch)}
    schema = pa.schema(
        [pa.field("tokens", pa.int32(), nullable=False), pa.field("shingles", shingles.type, nullable=False)],
        metadata={_ABOUT: json.dumps(about).encode()},
    )
    table = pa.Table.from_arrays([pa.array(sketch.tokens, pa.int32()), shingles], schema=schema)
    pq.write_table(table, stream, use_dictionary=False, **PARQUET)


def read_info(path: Path) -> KnownInfo:
    """Read what a known set says about itself; raises `StoreError` if it is damaged, `SchemaError` if it is newer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = _read_about(path, pq.read_schema(path))
        return KnownInfo(path.stem, about["prompts"], path.stat().st_size, about["added"])
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None


def read_sketch(path: Path) -> Sketch:
    """Read a known set whole and check its hash. Raises as `read_info` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        about = _read_about(path, table.schema)
        lists = table.column("shingles").combine_chunks()
        sketch = Sketch(
            table.column("tokens").to_numpy().astype(np.int32, copy=False),
            lists.flatten().to_numpy(),
            lists.offsets.to_numpy().astype(np.int64) - lists.offsets[0].as_py(),
        )
    except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None
    if _content_hash(sketch) != about["sha256"]:
        raise _damaged(path, "its SHA-256 is not the one that it was written with")
    return sketch


def _read_about(path: Path, schema: "pa.Schema") -> dict[str, Any]:
    try:
        about = json.loads((schema.metadata or {})[_ABOUT])
        version = about["format"]
        whole = isinstance(version, int) and isinstance(about["prompts"], int) and isinstance(about["added"], str)
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise _damaged(path, "it does not say what it is")
    if version > FORMAT:
        raise SchemaError(
            f"the known set {path.stem} has format {version}, but this SweepLens reads formats up to {FORMAT}: "
            "upgrade SweepLens"
        )
    checked: dict[str, Any] = about
    return checked


def _content_hash(sketch: Sketch) -> str:
    digest = hashlib.sha256()
    for values, kind in ((sketch.tokens, "<i4"), (sketch.bounds, "<i8"), (sketch.shingles, "<u8")):
        digest.update(f"{len(values)} {kind} ".encode())
        digest.update(np.ascontiguousarray(values, kind).tobytes())
    return digest.hexdigest()


def _unreadable(path: Path, error: Exception) -> StoreError:
    if isinstance(error, OSError) and error.errno is not None:
        return StoreError(f"the known set {path.stem} cannot be read: {error.strerror}")
    return _damaged(path, "it is not a whole Parquet file of a known set")


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(f"the known set {path.stem} is damaged, as {why}: add it again with --replace, or remove it")
