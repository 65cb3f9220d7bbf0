"""build: what it prints when it works, and one sentence with the right code when it cannot."""

import ctypes
import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = [{"account_id": f"a{i % 6}", "prompt": f"Tell me fact number {i} about {word}"} for i in range(120)
        for word in (["rivers", "engines", "music", "law"][i % 4],)]  # fmt: skip


def jsonl(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def build(cli, tmp_path: Path):
    """Return a function that builds what it is given into a store of its own with the quick encoder."""

    def run(*words: str):
        return cli("build", "--store", str(tmp_path / "new"), "--encoder", "fast", "--workers", "1", *words)

    return run


def test_build_prints_the_snapshot_and_tells_the_rest_on_stderr(build, cli, tmp_path: Path) -> None:
    rows = [*ROWS, {"account_id": "a0", "prompt": "Write to someone@example.com"}]
    (tmp_path / "log.jsonl").write_bytes(jsonl(rows) + b"not json\n")
    code, out, err = build("log.jsonl", "--max-rejects", "0.1", "--manifest", "m.json")
    assert code == 0, err
    (snapshot,) = out.split()
    about = json.loads((tmp_path / "m.json").read_text())
    assert (about["snapshot"], about["command"], about["rows"], about["rejected"]) == (snapshot, "build", 122, 1)
    assert set(about["steps"]) >= {"read", "encode", "map"}
    assert "121 requests of 6 accounts" in err
    assert f"1 row rejected, listed in {tmp_path / 'new' / snapshot / 'rejects.jsonl'}" in err
    assert "redacted: 1 " in err
    assert f"snapshot={snapshot}" in err.splitlines()[-1]
    ranked = cli("score", "--store", str(tmp_path / "new"), "--format", "jsonl").out
    assert len(ranked.splitlines()) == 6
    hits = cli("search", "how do engines work", "--k", "3", "--store", str(tmp_path / "new"), "--format", "json").out
    assert "engines" in json.loads(hits)[0]["text"]


@pytest.mark.parametrize("rows", [ROWS[:1] * 3, ROWS[:3], [{**row, "account_id": "one"} for row in ROWS]])
def test_tiny_logs_build(build, cli, tmp_path: Path, rows: list[dict[str, object]]) -> None:
    (tmp_path / "log.jsonl").write_bytes(jsonl(rows))
    code, _, err = build("log.jsonl")
    assert code == 0, err
    store = ("--store", str(tmp_path / "new"))
    accounts = sorted({str(row["account_id"]) for row in rows})
    ranked = cli("score", *store, "--format", "jsonl").out.splitlines()
    assert sorted(json.loads(line)["account_id"] for line in ranked) == accounts
    for words in (["campaigns", "--all"], ["account", accounts[0]], ["cluster"], ["snapshots"], ["search", "a river"]):
        assert cli(*words, *store).code == 0, words


BAD = {
    "missing": (None, "log.jsonl", "log.jsonl"),
    "empty": (b"", "log.jsonl", "is empty"),
    "truncated": (gzip.compress(jsonl(ROWS), mtime=0)[:-200], "log.jsonl.gz", "log.jsonl.gz"),
    "junk": (bytes(range(256)) * 40, "log.jsonl", "log.jsonl"),
    "no account": (b"who,prompt\nu1,hello there\n", "log.csv", "who, prompt"),
    "all rejected": (jsonl([{"account_id": "", "prompt": ""}] * 5), "log.jsonl", "5"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_bad_logs_are_one_sentence_and_leave_no_store_behind(build, tmp_path: Path, kind: str) -> None:
    data, name, said = BAD[kind]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, out, err = build(name, "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith("sweeplens: ")
    assert said in err
    assert err.count("\n") == 1
    left = [p.name for p in (tmp_path / "new").iterdir()] if (tmp_path / "new").exists() else []
    assert [name for name in left if not name.startswith(".lock")] == []


def test_a_folder_without_logs_a_map_to_nothing_and_an_unknown_encoder(build, cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "log.jsonl").write_bytes(jsonl(ROWS))
    for words, said in (
        (["empty"], "empty"),
        (["log.jsonl", "--map", "account_id=user.id"], "user.id"),
        (["log.jsonl", "--encoder", "no-such-model"], "no-such-model"),
        (["log.jsonl", "--input-format", "xml"], "xml"),
    ):
        code, out, err = build(*words, "--quiet")
        assert (code, out) == (1, ""), words
        assert said in err
        assert err.count("\n") == 1, err


def _obey_modes() -> None:
    """Give up root's right to write anywhere (CAP_DAC_OVERRIDE), for those who run the tests as root."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def test_a_store_that_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(jsonl(ROWS))
    (tmp_path / "new").mkdir(mode=0o555)
    done = subprocess.run(
        [sys.executable, "-m", "sweeplens", "build", "log.jsonl", "--store", "new", "--quiet"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, preexec_fn=_obey_modes,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "sweeplens: the store new cannot be written: Permission denied\n"


def test_a_snapshot_of_a_newer_version(cli, tmp_path: Path) -> None:
    from support.small_store import write_small_store

    snapshot = write_small_store(tmp_path / "new")
    path = snapshot.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    # An id ends in the first digits of its manifest's hash.
    name = snapshot.snapshot_id[:-8] + hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    snapshot.folder.rename(tmp_path / "new" / name)
    code, _, err = cli("score", "--store", str(tmp_path / "new"), "--snapshot", name)
    assert code == 1
    assert "has schema version 99, but this SweepLens reads versions up to 2: upgrade SweepLens" in err
