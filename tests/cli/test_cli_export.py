"""export: a folder that holds what the snapshot holds, appears whole or not at all, and overwrites nothing else."""

import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sweeplens.report import export as exporting
from sweeplens.report.export import export_snapshot
from sweeplens.report.flat import LEFT_OUT, flatten, leave_out_text, plain_schema
from sweeplens.store.snapshot import open_snapshot


@pytest.fixture
def opened(store: Path):
    return open_snapshot(store)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_parquet_holds_the_tables_and_a_manifest_of_them(cli, opened, tmp_path: Path) -> None:
    code, out, err = cli("export", "--output", "out", "--manifest", "run.json")
    assert (code, out) == (0, "out\n")
    assert f"snapshot={opened.snapshot_id}" in err.splitlines()[-1]
    about = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (about["snapshot"], about["format"], about["text"]) == (opened.snapshot_id, "parquet", "kept")
    assert about["detector"] == opened.manifest["detector"]
    assert list(about["tables"]) == list(opened.manifest["tables"])
    assert names(tmp_path / "out") == sorted([*(f"{name}.parquet" for name in about["tables"]), "manifest.json"])
    for name, entry in about["tables"].items():
        path = tmp_path / "out" / entry["file"]
        written, held = pq.read_table(path), opened.table(name)
        assert written.to_pylist() == held.to_pylist()
        assert written.schema.names == plain_schema(held.schema).names
        assert (entry["rows"], entry["bytes"]) == (len(held), path.stat().st_size)
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["command"], run["tables"]) == ("export", len(about["tables"]))
    assert run["rows"] == sum(entry["rows"] for entry in about["tables"].values())


def test_csv_is_flat_and_guarded(cli, opened, tmp_path: Path) -> None:
    assert cli("export", "-o", "out", "--format", "csv", "--tables", "accounts,prompts,links", "-q").code == 0
    assert names(tmp_path / "out") == ["accounts.csv", "links.csv", "manifest.json", "prompts.csv"]
    with (tmp_path / "out" / "accounts.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    held = opened.table("accounts").to_pylist()
    assert [row["account_id"] for row in rows] == [
        "'=cmd" if r["account_id"] == "=cmd" else r["account_id"] for r in held
    ]
    for row, want in zip(rows, held, strict=True):
        assert json.loads(row["reasons"]) == want["reasons"]
        assert row["score"] == ("" if want["score"] is None else str(want["score"]))
        assert (row["first_ts"] == "") is (want["first_ts"] is None)
    times = [row["first_ts"] for row in rows if row["first_ts"]]
    assert times
    assert all(time.endswith("Z") and time[10] == "T" for time in times)
    with (tmp_path / "out" / "prompts.csv").open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    assert all(not text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in texts)
    assert all(text.isprintable() for text in texts)
    assert any("\\x1b[31mred" in text for text in texts)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\ta", "\ra"])
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    batch = pa.RecordBatch.from_pydict({"a": [text, None], "n": [-1, 2], "many": [[text], None]})
    flat = flatten(batch).to_pydict()
    assert flat["a"][0][0] in "'\\"
    assert flat["n"] == [-1, 2]
    assert json.loads(flat["many"][0]) == [text]
    assert flat["a"][1] is flat["many"][1] is None


def whole(folder: Path) -> bytes:
    return b"\n".join(str(pq.read_table(p).to_pylist()).encode() for p in sorted(folder.glob("*.parquet")))


def test_without_text_there_is_none(cli, opened, tmp_path: Path) -> None:
    assert cli("export", "-o", "full", "-q").code == 0
    assert cli("export", "-o", "bare", "-q", "--no-text").code == 0
    texts = [text for text in opened.table("prompts")["text"].to_pylist() if len(text) > 8]
    full, bare = whole(tmp_path / "full"), whole(tmp_path / "bare")
    assert all(repr(text).strip("'\"").encode() in full for text in texts)
    assert not any(repr(text).strip("'\"").encode() in bare for text in texts)
    terms = [term for row in opened.table("clusters")["terms"].to_pylist() for term in row]
    assert terms
    assert pq.read_table(tmp_path / "bare" / "clusters.parquet")["terms"].to_pylist() == [[]] * 4
    assert names(tmp_path / "full") == names(tmp_path / "bare")
    assert json.loads((tmp_path / "bare" / "manifest.json").read_text())["text"] == "none"


def test_system_prompts_are_text_too() -> None:
    secret = "You are the assistant of a bank."
    links = [{"kind": "system_prompt", "value": secret}, {"kind": "ip", "value": "192.0.2.7"}]
    batches = {
        "requests": pa.RecordBatch.from_pydict({"account_id": ["a"], "system_prompt": [secret]}),
        "links": pa.RecordBatch.from_pylist(links),
        "campaigns": pa.RecordBatch.from_pydict({"campaign_id": ["C-1"], "evidence": [json.dumps({"links": links})]}),
    }
    for name, batch in batches.items():
        assert secret in str(batch.to_pylist())
        bare = leave_out_text(name, batch)
        assert secret not in str(bare.to_pylist())
        assert bare.schema == batch.schema
    assert leave_out_text("links", batches["links"])["value"].to_pylist() == [LEFT_OUT, "192.0.2.7"]


class Parts:
    """A snapshot of one table in parts, without a store around it."""

    snapshot_id = "20260101-000000-00000000"

    def __init__(self, folder: Path, parts: list[pa.Table]) -> None:
        self.folder = folder
        self.checked: list[str] = []
        files = [f"requests-{i:04}.parquet" for i in range(len(parts))]
        for file, part in zip(files, parts, strict=True):
            pq.write_table(part, folder / file)
        self.manifest = {"schema": 2, "tables": {"requests": files}, "detector": {"name": "default", "version": 1}}

    def check_file(self, name: str) -> None:
        self.checked.append(name)


def word_table(words: list[str | None]) -> pa.Table:
    return pa.table({"request_id": [f"r{w}" for w in words], "account_id": pa.array(words).dictionary_encode()})


def test_parts_are_checked_and_passed_through_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_ROWS", 2)
    (tmp_path / "in").mkdir()
    parts = Parts(tmp_path / "in", [word_table(["a", "b", None, "a", "c"]), word_table([]), word_table(["z", "a"])])
    done = export_snapshot(parts, tmp_path / "out")
    assert parts.checked == parts.manifest["tables"]["requests"]
    with pq.ParquetFile(tmp_path / "out" / "requests.parquet") as file:
        assert file.num_row_groups == 4
        assert file.read()["account_id"].to_pylist() == ["a", "b", None, "a", "c", "z", "a"]
        assert file.schema_arrow.field("account_id").type == pa.string()
    assert (done.summary["rows"], done.summary["detector"]) == (7, "default 1")


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_table_without_rows_keeps_its_columns(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    export_snapshot(Parts(tmp_path / "in", [word_table([])]), tmp_path / "out", kind=kind)
    path = tmp_path / "out" / f"requests.{kind}"
    found = pq.read_schema(path).names if kind == "parquet" else next(csv.reader([path.read_text()]))
    assert found == ["request_id", "account_id"]


def test_only_an_export_is_replaced_and_only_when_told(cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert cli("export", "-o", "empty", "-q", "--tables", "accounts").code == 0
    code, _, err = cli("export", "-o", "empty", "-q")
    assert code == 1
    assert err.endswith("holds an export already: name another one, or replace it: --overwrite\n")
    assert cli("export", "-o", "empty", "-q", "--overwrite", "--tables", "links", "--format", "csv").code == 0
    assert names(tmp_path / "empty") == ["links.csv", "manifest.json"]
    (tmp_path / "empty" / "mine.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text('{"kind": "something"}')
    (tmp_path / "file").write_text("a file")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    for name in ("empty", "other"):
        code, _, err = cli("export", "-o", name, "-q", "--overwrite")
        assert (code, "holds something else than an export" in err) == (1, True)
    for name in ("file", "link"):
        code, _, err = cli("export", "-o", name, "-q", "--overwrite")
        assert (code, "must be a folder" in err) == (1, True)
    assert (tmp_path / "empty" / "mine.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "link", "other"]


def test_an_unknown_table_is_named(cli, tmp_path: Path) -> None:
    code, _, err = cli("export", "-o", "out", "-q", "--tables", "accounts,people")
    assert (code, err.count("\n")) == (1, 1)
    assert "has no table 'people': it has requests, prompts" in err
    assert cli("export", "-o", "out", "-q", "--tables", ",").code == 1
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_the_earlier_one(opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_snapshot(opened, tmp_path / "out", tables=["accounts"])

    def full(path: Path) -> str:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(exporting, "file_hash", full)
    with pytest.raises(exporting.ExportError, match="cannot be written: No space left on device"):
        export_snapshot(opened, tmp_path / "out", overwrite=True)
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["accounts.parquet", "manifest.json"]


def test_what_a_killed_export_left_goes_and_what_a_living_one_writes_stays(opened, tmp_path: Path) -> None:
    dead, living = tmp_path / ".out.exporting-dead", tmp_path / ".out.exporting-living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / "part").write_text("x")
    with exporting._held(living) as alone:
        assert alone
        export_snapshot(opened, tmp_path / "out", tables=["accounts"])
    assert names(tmp_path) == [".out.exporting-living", "out"]
    assert (living / "part").exists()
