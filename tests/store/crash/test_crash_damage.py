"""One byte that flips anywhere in a store is named by `verify --deep`, and no parser of native code sees the file."""

import json

import faiss
import numpy as np
import pyarrow.parquet as pq
import pytest
from crash_checks import copy_store

from support.small_store import write_small_store
from sweeplens.errors import StoreError
from sweeplens.store.schema import MANIFEST
from sweeplens.store.snapshot import CURRENT, open_snapshot
from sweeplens.store.verify import verify

PARSERS = (
    (pq, "read_table"), (pq, "ParquetFile"), (pq, "read_metadata"), (pq, "read_schema"), (faiss, "read_index"),
    (faiss, "deserialize_index"), (faiss, "read_index_binary"), (np, "load"), (np, "fromfile"),
    (np.lib.format, "read_array"), (np.lib.format, "open_memmap"), (json, "loads"), (json, "load"),
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store, and the names of all the files of its snapshot and CURRENT."""
    store = tmp_path_factory.mktemp("whole") / "store"
    snapshot = write_small_store(store)
    names = [CURRENT, *sorted(f"{snapshot.snapshot_id}/{p.name}" for p in snapshot.folder.iterdir())]
    snapshot.close()
    return store, names


def recorded(parser, parsed):
    """Return the parser, made to keep what it was given."""

    class Recorded(parser if isinstance(parser, type) else object):
        def __init__(self, file, *more, **options):
            parsed.append(str(file))
            super().__init__(file, *more, **options)

    def record(file, *more, **options):
        parsed.append(str(file))
        return parser(file, *more, **options)

    return Recorded if isinstance(parser, type) else record


@pytest.fixture
def recorded_parsers(monkeypatch):
    """What the parsers were given, as text, since the test began."""
    parsed = []
    for module, name in PARSERS:
        monkeypatch.setattr(module, name, recorded(getattr(module, name), parsed))
    return parsed


def flip(path, where):
    data = bytearray(path.read_bytes())
    data[{"first": 0, "middle": len(data) // 2, "last": -1}[where]] ^= 1
    path.write_bytes(data)


def read_everything(store):
    """Read all that a snapshot holds; return the refusals, by what was asked for."""
    refused = {}

    def attempt(what, read):
        try:
            read()
        except StoreError as error:
            refused[what] = str(error)

    snapshot = open_snapshot(store)
    for name in snapshot.manifest["tables"]:
        attempt(name, lambda name=name: snapshot.table(name))
    attempt("vectors", lambda: snapshot.vectors[:1])
    attempt("cells", lambda: snapshot.cells)
    attempt("index", lambda: snapshot.index.search(np.zeros((1, 16), np.float32), 1))
    for name in snapshot.manifest.get("arrays", {}):
        attempt(name, lambda name=name: snapshot.array(name))
    snapshot.close()
    return refused


@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_every_flipped_byte_is_named_and_never_parsed(whole, tmp_path, recorded_parsers, where):
    store, names = whole
    parsed = recorded_parsers
    refusals = {}
    for number, name in enumerate(names):
        copy = copy_store(store, tmp_path / f"{number}")
        if not (copy / name).stat().st_size:
            continue
        flip(copy / name, where)
        found = [str(problem) for problem in verify(copy, deep=True)]
        assert any(name.rpartition("/")[2] in text for text in found), (name, found)
        parsed.clear()
        try:
            refusals[name] = read_everything(copy)
        except StoreError as error:
            refusals[name] = {"the whole": str(error)}
            assert parsed == [], name
        assert str(copy / name) not in parsed
    for name, refused in refusals.items():
        file = name.rpartition("/")[2]
        if file == "rejects.jsonl":
            continue  # read by nothing but people
        assert len(refused) == 1, (name, refused)
        assert file in " ".join(refused.values()) or file in {CURRENT, MANIFEST}, (name, refused)
        assert all("damaged" in text and "\n" not in text for text in refused.values()), refused


def test_a_whole_store_is_parsed_and_the_record_shows_it(whole, recorded_parsers):
    store, names = whole
    assert verify(store, every=True, deep=True) == []
    recorded_parsers.clear()
    assert read_everything(store) == {}
    for name in names:
        if name.endswith((".parquet", ".npy", ".faiss")):
            assert str(store / name) in recorded_parsers
