"""Pages about a snapshot that keeps no text: words stand where a text would be."""

import json
from pathlib import Path

import numpy as np
import pytest

from support.altered import publish, without_text
from support.small_store import write_small_store


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("bare") / "store"
    publish(store, without_text(write_small_store(store)))
    return store


def test_account_and_cluster_pages(cli, bare: Path) -> None:
    for words in (("account", "lone"), ("cluster", "1")):
        code, out, err = cli(*words, "--store", str(bare))
        assert (code, err) == (0, "")
        assert out.count("(text not shown)") == 10
        assert "Translate sentence" not in out
    assert "Exemplars" not in out
    assert "\nterms" not in out
    assert json.loads(cli("cluster", "1", "--store", str(bare), "--format", "json").out)["prompts"][0]["text"] is None


def test_search_says_ids_accounts_and_clusters(cli, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = np.zeros(16, np.float32)
    wanted[3] = 1.0
    monkeypatch.setattr("sweeplens.pipeline.encode_query", lambda *_: wanted)
    code, out, _ = cli("search", "soup", "--store", str(bare), "--k", "3")
    assert code == 0
    rows = out.splitlines()[2:]
    assert len(rows) == 3
    for row in rows:
        assert "(text not shown)" in row
        assert "soup, recipe" in row
        assert 30 <= int(row.split()[1]) < 38
    hits = json.loads(cli("search", "soup", "--store", str(bare), "--format", "json", "--k", "2").out)
    assert [h["text"] for h in hits] == [None, None]
    assert all(h["accounts"] for h in hits)
