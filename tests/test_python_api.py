"""The names at the top of the package, and the documented example, run on a synthetic log."""

import ast
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sweeplens
from sweeplens.demo.log import make_demo
from sweeplens.store.schema import schemas

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "nightly.py"
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_import_is_cheap_and_the_names_come_when_asked_for():
    code = (
        "import sys, sweeplens\n"
        "heavy = {'numpy', 'pyarrow', 'torch', 'faiss', 'umap', 'sklearn', 'sweeplens.pipeline', 'sweeplens.config'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from sweeplens.config import Settings\n"
        "assert sweeplens.Settings is Settings\n"
        "from sweeplens import open_snapshot\n"
        "assert open_snapshot.__module__ == 'sweeplens.store.snapshot'\n"
        "print(*dir(sweeplens))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert set(sweeplens.__all__) <= set(done.stdout.split())


def test_at_most_six_names_and_every_one_is_there_and_documented():
    names = [name for name in sweeplens.__all__ if name != "__version__"]
    assert len(names) <= 6
    assert all(callable(getattr(sweeplens, name)) for name in names)
    assert re.findall(r"^\| `sweeplens\.(\w+)", PAGE, flags=re.M) == [
        "build", "update", "score", "open_snapshot", "Settings", "SweepLensError",
    ]  # fmt: skip
    assert sorted(names) == sorted(re.findall(r"^\| `sweeplens\.(\w+)", PAGE, flags=re.M))
    with pytest.raises(AttributeError, match="has no attribute 'rebuild'"):
        _ = sweeplens.rebuild


def test_the_page_shows_the_example_as_it_is():
    (shown,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.M | re.S)
    assert shown == EXAMPLE.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(shown))


def test_a_path_may_be_text():
    assert sweeplens.Settings(store="some/where").store == Path("some/where")
    assert sweeplens.Settings(taxonomy="t.toml").taxonomy == Path("t.toml")


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Four weeks of the demo as two logs: three weeks, then the last one."""
    folder = tmp_path_factory.mktemp("nights")
    requests = make_demo().requests
    cut = sorted(row["ts"] for row in requests)[3 * len(requests) // 4]
    for name, part in (
        ("first", [r for r in requests if r["ts"] < cut]), ("second", [r for r in requests if r["ts"] >= cut]),
    ):  # fmt: skip
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    return folder


def test_the_example_runs(nights):
    example = runpy.run_path(str(EXAMPLE))
    settings = sweeplens.Settings(store=nights / "store", encoder="fast", window="42d", workers=2)
    new = example["take_night"](str(nights / "first.jsonl"), settings)
    first = sweeplens.open_snapshot(settings.store)
    accounts = first.table("accounts")
    assert isinstance(accounts, pa.Table)
    flagged = {row["account_id"] for row in accounts.to_pylist() if row["level"] in {"review", "high"}}
    assert flagged
    assert set(new["account_id"].to_pylist()) == flagged
    assert new["score"].to_pylist() == sorted(new["score"].to_pylist(), reverse=True)

    before = sorted(path.name for path in settings.store.iterdir())
    seen = example["look_at"](str(nights / "second.jsonl"), settings)
    assert seen.schema.names == schemas()["accounts"].names
    assert sorted(path.name for path in settings.store.iterdir()) == before

    again = example["take_night"](str(nights / "second.jsonl"), settings)
    second = sweeplens.open_snapshot(settings.store)
    assert second.manifest["parent"] == first.snapshot_id
    assert set(again["account_id"].to_pylist()).isdisjoint(flagged)
    pq.write_table(again, nights / "found.parquet")
    assert pq.read_table(nights / "found.parquet").num_rows == len(again)
