"""The scanner finds what is planted, of each kind in each place, and nothing where nothing is."""

import base64
import gzip
import html
import json
import sqlite3
import urllib.parse

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from support.scan import Scanner, plain_hashes, scan
from sweeplens.embed import VectorCache
from sweeplens.text import content_hash

TEXT = 'Wie geht „Grüße“\nan Zoë mit <b>Käse</b>, "bitte" & Tee \U0001f9c0?'
OTHER = "Name three stones that are found beside the river"
HASH = content_hash(TEXT)
RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(6, 16)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
VECTOR = ROWS[4:5]
SCANNER = Scanner(texts=[TEXT], hashes=[HASH], vectors=VECTOR)


def kinds(root):
    return {trace.kind for trace in SCANNER.scan(root)}


def test_a_folder_without_any_of_it_has_no_traces(tmp_path):
    pq.write_table(pa.table({"text": [OTHER] * 5, "hash": [content_hash(OTHER)] * 5}), tmp_path / "a.parquet")
    np.save(tmp_path / "a.npy", ROWS[:4].astype(np.float16))
    (tmp_path / "a.json").write_text(json.dumps({"text": OTHER, "n": [1, 2.5]}))
    (tmp_path / "noise").write_bytes(RNG.bytes(1 << 20))
    (tmp_path / "empty").write_bytes(b"")
    assert SCANNER.scan(tmp_path) == []


def parquet_places():
    noise, words = [OTHER] * 3, pa.array(["one", "two"])
    left_over = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), pa.array(["one", "two", TEXT]))
    return {
        "plain": pa.array([*noise, TEXT]),
        "binary": pa.array([TEXT.encode(), b"", None]),
        "dictionary": pa.array([*noise, TEXT]).dictionary_encode(),
        "an entry that no row uses": left_over,
        "list": pa.array([[], noise, [OTHER, TEXT]]),
        "struct in a list": pa.array([[{"a": 1, "b": OTHER}], [{"a": 2, "b": TEXT}]]),
        "list of dictionaries": pa.ListArray.from_arrays([0, 1, 3], pa.array([OTHER, TEXT, OTHER]).dictionary_encode()),
        "map": pa.array([[("k", TEXT)]], pa.map_(pa.string(), pa.string())),
        "large string": pa.array([TEXT], pa.large_string()),
        "part of it": pa.array([TEXT[3:17], *words.to_pylist()]),
    }


@pytest.mark.parametrize("place", list(parquet_places()))
def test_a_text_in_parquet_is_found(tmp_path, place):
    table = pa.table({"before": pa.nulls(len(parquet_places()[place])), "c": parquet_places()[place]})
    pq.write_table(table, tmp_path / "x.parquet", compression="zstd", write_statistics=False)
    traces = SCANNER.scan(tmp_path)
    assert [(t.file, t.kind, t.needle) for t in traces if t.where.startswith("column c")] == [
        ("x.parquet", "text", TEXT)
    ]


def test_a_text_in_the_last_row_group_in_statistics_or_metadata_is_found(tmp_path):
    pq.write_table(pa.table({"c": [OTHER] * 9 + [TEXT]}), tmp_path / "x.parquet", row_group_size=2)
    assert any("row group 4" in t.where for t in SCANNER.scan(tmp_path))
    assert any(t.where == "raw bytes" for t in SCANNER.scan(tmp_path))  # the footer's least and greatest values
    table = pa.table({"c": [1]}).replace_schema_metadata({"note": TEXT})
    (tmp_path / "x.parquet").unlink()
    pq.write_table(table, tmp_path / "y.parquet")
    assert any("note" in t.where for t in SCANNER.scan(tmp_path))


@pytest.mark.parametrize("form", ["hex", "upper", "half", "raw", "words", "number"])
def test_a_hash_in_parquet_is_found(tmp_path, form):
    raw = bytes.fromhex(HASH)
    column = {
        "hex": pa.array([content_hash(OTHER), HASH]),
        "upper": pa.array([HASH.upper()]),
        "half": pa.array([f"id:{HASH[:16]}"]),
        "raw": pa.array([raw], pa.binary(16)),
        "words": pa.array(np.frombuffer(raw, ">u8").astype(np.uint64)),
        "number": pa.array([int.from_bytes(raw[:8], "little", signed=True)]),
    }[form]
    pq.write_table(pa.table({"c": column}), tmp_path / "x.parquet", compression="zstd", write_statistics=False)
    assert {(t.kind, t.needle) for t in SCANNER.scan(tmp_path)} == {("hash", HASH)}


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 16), pa.large_list(pa.float32())])
def test_a_vector_in_parquet_is_found(tmp_path, kind):
    if "large" in str(kind):
        kind = pa.list_(pa.float32())
    rows = [(1.7 * row).tolist() for row in ROWS]
    pq.write_table(pa.table({"c": pa.array(rows, kind)}), tmp_path / "x.parquet", compression="zstd")
    assert kinds(tmp_path) == {"vector"}


@pytest.mark.parametrize("escape", ["plain", "ascii", "html", "percent", "base64", "spaces", "case", "decomposed"])
def test_a_text_in_json_is_found_however_it_is_escaped(tmp_path, escape):
    text = {
        "html": html.escape(TEXT), "percent": urllib.parse.quote(TEXT), "spaces": TEXT.replace(" ", " \n\t "),
        "base64": base64.b64encode(TEXT.encode()).decode(), "case": TEXT.upper(),
        "decomposed": TEXT.replace("ü", "u\u0308").replace("ë", "e\u0308").replace("ä", "a\u0308"),
    }.get(escape, TEXT)  # fmt: skip
    whole = {"a": [{"b": OTHER}, {"c": ["x", text]}], "n": 5}
    (tmp_path / "manifest.json").write_text(json.dumps(whole, ensure_ascii=escape == "ascii"), encoding="utf-8")
    assert kinds(tmp_path) == {"text"}


def test_a_text_a_hash_and_a_vector_in_lines_of_json_are_found_broken_lines_too(tmp_path):
    lines = [{"a": OTHER}, {TEXT: 1}, {"h": HASH}, {"v": [2.0 * x for x in VECTOR[0].tolist()]}]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"broken": ' + json.dumps(TEXT))
    traces = SCANNER.scan(tmp_path)
    assert {t.where.split(",")[0] for t in traces if t.where.startswith("line")} == {
        "line 2",
        "line 3",
        "line 4",
        "line 5",
    }
    assert {t.kind for t in traces} == {"text", "hash", "vector"}


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8"])
def test_a_vector_in_an_array_is_found(tmp_path, kind):
    np.save(tmp_path / "vectors-0001.npy", (3 * ROWS).astype(kind))
    assert kinds(tmp_path) == {"vector"}


def test_hashes_vectors_and_texts_in_structured_arrays_are_found(tmp_path):
    row = np.dtype([("key", "<u8"), ("vector", "<f2", (16,)), ("name", "<U80")])
    rows = np.zeros(3, row)
    np.save(tmp_path / "a.npy", rows)
    assert kinds(tmp_path) == set()
    rows["key"][1] = int(HASH[:16], 16)
    rows["vector"][2] = VECTOR[0]
    rows["name"][0] = TEXT
    np.save(tmp_path / "a.npy", rows)
    assert kinds(tmp_path) == {"hash", "vector", "text"}


@pytest.mark.parametrize("kind", ["Flat", "IDMap,Flat", "IVF2,Flat", "HNSW4", "SQ8", "IVF2,SQ8", "IVF2,SQfp16"])
def test_a_vector_in_an_index_is_found(tmp_path, kind):
    rows = np.concatenate([ROWS, RNG.normal(size=(300, 16)).astype(np.float32)])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = faiss.index_factory(16, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add_with_ids(rows, np.arange(len(rows)) + 7) if "IDMap" in kind else index.add(rows)
    faiss.write_index(index, str(tmp_path / "index-0001.faiss"))
    assert ("index", "vector", "0") in {t[1:] for t in SCANNER.scan(tmp_path)}


def test_a_vector_that_is_a_centre_of_an_index_is_found(tmp_path):
    centres = faiss.IndexFlatIP(16)
    centres.add(ROWS)
    index = faiss.IndexIVFFlat(centres, 16, 6, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True
    faiss.write_index(index, str(tmp_path / "index.faiss"))
    assert "centres of the index" in {t.where for t in SCANNER.scan(tmp_path)}


def test_what_lies_in_the_cache_is_found_and_in_what_a_killed_process_left(tmp_path):
    cache = VectorCache(tmp_path / ".cache", "ab" * 32, 16)
    cache.put([content_hash(OTHER)], ROWS[:1].astype(np.float16))
    assert kinds(tmp_path) == set()
    cache.put([HASH, content_hash(OTHER)], ROWS[[4, 3]].astype(np.float16))
    assert kinds(tmp_path) == {"hash", "vector"}
    segment = max(cache.folder.glob("*.npy"), key=lambda path: path.stat().st_size)
    (cache.folder / ".part-dead").write_bytes(segment.read_bytes()[:-5])
    segment.unlink()
    assert {(t.file.split("/")[-1], t.kind) for t in SCANNER.scan(tmp_path)} == {
        (".part-dead", "hash"),
        (".part-dead", "vector"),
    }


def test_what_lies_in_a_database_is_found_in_rows_in_deleted_rows_and_in_the_journal(tmp_path):
    path = tmp_path / "review.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT, data BLOB, big INTEGER)")
        connection.execute("INSERT INTO notes VALUES (1, ?, NULL, 0)", (OTHER,))
    connection.close()
    assert kinds(tmp_path) == set()
    with sqlite3.connect(path) as connection:
        key = int.from_bytes(bytes.fromhex(HASH[:16]), "big", signed=True)
        connection.execute("INSERT INTO notes VALUES (2, ?, NULL, ?)", (TEXT, key))
        connection.execute("INSERT INTO notes VALUES (3, '', ?, 0)", (VECTOR.astype(np.float16).tobytes(),))
    connection.close()
    assert {t.where for t in SCANNER.scan(tmp_path)} == {"table notes", "raw bytes"}
    assert kinds(tmp_path) == {"text", "hash", "vector"}
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM notes WHERE id > 1")
    connection.close()
    assert {(t.where, t.kind) for t in SCANNER.scan(tmp_path)} >= {("raw bytes", "text")}
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE notes (note TEXT)")
    connection.execute("INSERT INTO notes VALUES (?)", (TEXT,))
    connection.commit()
    found = {(t.file, t.where) for t in SCANNER.scan(tmp_path)}
    connection.close()
    assert {("review.sqlite-wal", "raw bytes"), ("review.sqlite", "table notes")} <= found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("offset", [0, 1, 5])
def test_a_text_in_any_other_file_is_found(tmp_path, encoding, offset):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".hidden").write_bytes(b"\xff" * offset + TEXT[8:].encode(encoding) + RNG.bytes(99))
    assert {t.file for t in SCANNER.scan(tmp_path)} == {"sub/.hidden"}
    assert kinds(tmp_path) == {"text"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_hash_in_any_other_file_is_found_in_hex_and_raw(tmp_path, encoding):
    raw = bytes.fromhex(HASH)
    for number, data in enumerate([f"x{HASH.upper()}y".encode(encoding), b"abc" + raw, raw[::-1], raw[8:] + b"."]):
        (tmp_path / str(number)).write_bytes(data)
    assert {t.file for t in SCANNER.scan(tmp_path)} == {"0", "1", "2", "3"}
    assert kinds(tmp_path) == {"hash"}


def test_what_is_packed_is_found(tmp_path):
    pq.write_table(pa.table({"c": [TEXT]}), tmp_path / "x", compression="zstd", write_statistics=False)
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").unlink()
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "b.zst").write_bytes(zstandard.compress(TEXT.encode()))
    (tmp_path / "c.gz").write_bytes(gzip.compress(whole))
    np.savez_compressed(tmp_path / "d.npz", rows=ROWS)
    assert {(t.file, t.kind) for t in SCANNER.scan(tmp_path)} == {
        ("a.gz", "text"), ("b.zst", "text"), ("c.gz", "text"), ("d.npz", "vector"),
    }  # fmt: skip


def test_a_name_of_a_file_counts_and_what_is_allowed_does_not(tmp_path):
    (tmp_path / f"{HASH}.npy").write_bytes(b"")
    (tmp_path / "name three stones that").write_text("and: three stones that are FOUND beside")
    assert kinds(tmp_path) == {"hash"}
    assert {t.where for t in scan(tmp_path, texts=[OTHER])} == {"name of the file", "raw bytes", "text"}
    assert scan(tmp_path, texts=[OTHER], allowed=[OTHER]) == []


def test_a_short_text_is_found_whole_and_one_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "a").write_text("the account acct-0042, and acct-0043x")
    assert {t.needle for t in scan(tmp_path, texts=["acct-0042", "acct-0044"])} == {"acct-0042"}
    with pytest.raises(ValueError, match="at least 8 bytes"):
        scan(tmp_path, texts=["short"])


def test_plain_hashes_hold_the_content_hash():
    assert plain_hashes([TEXT])[0].startswith(HASH)


@pytest.mark.parametrize("name", ["x.parquet", "x.faiss", "x.gz", "x.sqlite"])
def test_a_file_that_cannot_be_decoded_is_reported(tmp_path, name):
    magic = {"x.parquet": b"PAR1", "x.faiss": b"IxFI", "x.gz": b"\x1f\x8b\x08", "x.sqlite": b"SQLite format 3\0"}[name]
    (tmp_path / name).write_bytes(magic + b"cut short")
    assert [(t.file, t.kind) for t in SCANNER.scan(tmp_path)] == [(name, "unreadable")]
