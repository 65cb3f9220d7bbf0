"""demo: a queue with the truth beside it, in a store of its own, built once."""

import json
import re
from pathlib import Path

from sweeplens.store.snapshot import list_snapshots


def test_demo_shows_the_truth_and_is_built_once(cli, tmp_path: Path) -> None:
    words = ("demo", "--store", str(tmp_path / "own"), "--encoder", "fast", "--workers", "2")
    code, out, err = cli(*words)
    assert code == 0, err
    queue, kinds, campaigns = re.split(r"\nFlagged .*:\n|\nCampaigns, .*:\n", out)
    assert len(re.findall(r"acct_\w{10}", queue)) == 40
    counts = re.findall(r"^\S.*?  +(attack|benign|dual)  +(\d+)  +(\d+)$", kinds, flags=re.M)
    assert {label for label, _, _ in counts} == {"attack", "benign", "dual"}
    assert sum(int(total) for _, _, total in counts) == 249
    assert [name for name in ("campaign-1", "campaign-2") if name not in campaigns] == []
    said = re.findall(r"^C-\d\d: \d+ accounts ask as if they drew from one pool: ", campaigns, flags=re.M)
    assert len(said) == 2
    assert f"sweeplens app --store {tmp_path / 'own'}" in out
    # The second time nothing is built, and the same is shown.
    code, again, err = cli(*words)
    assert (code, again) == (0, out)
    assert "built before from the same log" in err
    assert len(list_snapshots(tmp_path / "own")) == 1


def test_demo_leaves_the_users_store_alone(cli, store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = sorted(p.name for p in store.iterdir())
    code, _, err = cli("demo", "--store", str(tmp_path / "file" / "demo"))
    assert code == 1
    assert "cannot be written" in err
    assert sorted(p.name for p in store.iterdir()) == before
    assert json.loads(cli("snapshots", "--format", "json").out)[0]["current"] is True
