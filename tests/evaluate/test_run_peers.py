"""The script that pools labelled logs into one table."""

import json
import runpy
from pathlib import Path

import pytest

from support.small_store import write_small_store

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "detection" / "peers" / "run_peers.py"
LABELS = """account_id,label,type,campaign_id,corpus
dealt-a,attack,hydra,c-1,lists
dealt-b,attack,hydra,c-1,lists
lone,attack,solo,,mixed bag
chat-1,benign,user,,kitchen
chat-2,benign,named_user,,travel
"""


@pytest.mark.parametrize("by", ["score", "p"])
def test_two_logs_become_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    write_small_store(tmp_path / "store")
    labels = tmp_path / "labels.csv"
    labels.write_text(LABELS, encoding="utf-8")
    log = f"{tmp_path / 'store'}:{labels}"
    table, facts = tmp_path / "peers.md", tmp_path / "peers.json"
    words = [log, log, "--table", str(table), "--json", str(facts), "--bootstrap", "20", "--by", by]
    monkeypatch.setattr("sys.argv", [str(SCRIPT), *words])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    found = json.loads(facts.read_text())["evaluation"]
    assert (found["n_accounts"], found["n_units"], found["campaigns"]["true"]) == (10, 4, 2)
    # The small store has no p-values: nothing is ranked, and every pair is a tie.
    assert found["kinds"][0]["rankings"][0]["auroc"]["value"] == (1.0 if by == "score" else 0.5)
    lines = table.read_text().splitlines()
    assert [line for line in lines if line.startswith("**")] == [
        f"**{kind}**: {n} accounts, 4 benign" for kind, n in (("all attacks", 6), ("solo", 2), ("hydra", 4))
    ]
    assert sum(line.startswith("| Mahalanobis\\* |") for line in lines) == 3
