"""diff: two snapshots by id or by word, as text and as JSON."""

import json
from pathlib import Path

import pytest

from support.altered import Altered, publish, renumbered, with_column
from support.small_store import write_small_store
from sweeplens.report.difference import difference
from sweeplens.report.plain import to_plain
from sweeplens.store.snapshot import Snapshot, open_snapshot

IDS = {0: 0, 1: 1, 2: 77, 3: 3}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Snapshot, Snapshot]:
    """A store of two: the later one has other scores, and one cluster of another id."""
    store = tmp_path_factory.mktemp("diff") / "store"
    first = write_small_store(store)
    accounts = first.table("accounts")
    shop = accounts["account_id"].to_pylist().index("shop")
    scores, levels = accounts["score"].to_pylist(), accounts["level"].to_pylist()
    scores[shop], levels[shop] = 0.99, "high"
    raised = with_column(with_column(accounts, "score", scores), "level", levels)
    names = with_column(first.table("clusters"), "name", ["lists <b>\x1b[31m", "translate", "integral", "soup"])
    base = Altered(first, {"accounts": raised, "clusters": names})
    later = Altered(renumbered(base, IDS), {}, parent=first.snapshot_id)  # type: ignore[arg-type]
    return store, first, publish(store, later)


def test_current_is_compared_with_its_parent(cli, two) -> None:
    store, first, second = two
    code, out, err = cli("diff", "--store", str(store), "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == to_plain(difference(first, second))
    facts = json.loads(out)
    assert (facts["before"]["snapshot_id"], facts["after"]["snapshot_id"]) == (first.snapshot_id, second.snapshot_id)
    assert [a["account_id"] for a in facts["accounts"]["moved"]] == ["shop"]


@pytest.mark.parametrize("words", [("{a}", "{b}"), ("parent", "{b}"), ("{a}", "current"), ("parent",), ("{a}",)])
def test_snapshots_are_named_by_id_or_word(cli, two, words) -> None:
    store, first, second = two
    named = [word.format(a=first.snapshot_id, b=second.snapshot_id) for word in words]
    assert cli("diff", *named, "--store", str(store)) == cli("diff", "--store", str(store))


def test_the_other_way_round(cli, two) -> None:
    store, first, second = two
    for words in (("current", "parent"), (second.snapshot_id, first.snapshot_id)):
        facts = json.loads(cli("diff", *words, "--store", str(store), "--format", "json").out)
        assert facts["after"]["snapshot_id"] == first.snapshot_id
        assert facts["accounts"]["moved"][0]["change"] == pytest.approx(0.05 - 0.99)


def test_the_page_says_what_changed(cli, two) -> None:
    store, first, second = two
    code, out, _ = cli("diff", "--store", str(store))
    assert code == 0
    assert first.snapshot_id in out
    assert second.snapshot_id in out
    flat = " ".join(out.split())
    assert "0 born, 4 kept, 0 split, 0 merged, 0 died" in flat
    assert "8 in both, 0 new, 0 gone, 1 at a higher level, 0 at a lower one" in flat
    assert "2 kept their members, label and level" in flat
    (row,) = [line.split() for line in out.splitlines() if line.startswith("shop")]
    assert row == ["shop", "0.99", "0.05", "+0.94", "none", ">", "high", "10", "10"]
    assert "\x1b" not in out


def test_the_page_shows_births_deaths_and_members(cli, two, tmp_path: Path) -> None:
    store, first, _ = two
    labels = [c if c != 3 else -1 for c in first.table("membership")["cluster"].to_pylist()]
    prompts = with_column(first.table("prompts"), "prompt_hash", [f"other {i}" for i in range(40)])
    groups = first.table("campaigns")
    later = Altered(first, {
        "membership": with_column(first.table("membership"), "cluster", labels),
        "clusters": with_column(first.table("clusters"), "name", ["<b>\x1b[31m", "t", "i", "s"]).slice(0, 3),
        "campaigns": with_column(groups, "accounts", [["dealt-a", "dealt-b", "lone"], ["shop", "=cmd"]]),
        "prompts": prompts,
    }, text="none")  # fmt: skip
    last = publish(store, later)
    code, out, _ = cli("diff", first.snapshot_id, last.snapshot_id, "--store", str(store), "--top", "2")
    assert code == 0
    assert "Only one of the two keeps the text of prompts" in out
    assert "\x1b" not in out
    assert "\\x1b[31m" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert any(line.startswith("born 0 <b>") for line in lines)
    assert sum(line.startswith("died") for line in lines) == 2
    assert "kept C-01 sweep high 3 1: lone 1: dealt-c" in lines
    assert "Groups of accounts that changed (2 of 3)" in lines
    target = tmp_path / "diff.json"
    cli("diff", first.snapshot_id, last.snapshot_id, "--store", str(store), "-o", str(target), "--top", "0")
    assert json.loads(target.read_text())["clusters"]["by_event"]["died"] == 4


def test_without_a_parent_there_is_nothing_to_compare_with(cli, store: Path) -> None:
    only = open_snapshot(store).snapshot_id
    code, out, err = cli("diff")
    assert (code, out) == (1, "")
    assert f"snapshot {only} has no parent: name the snapshot to compare it with" in " ".join(err.split())
    assert cli("diff", "current", "current").code == 0


def test_wrong_words(cli, two) -> None:
    store = str(two[0])
    assert cli("diff", "parent", "parent", "--store", store).code == 2
    code, _, err = cli("diff", "nothing", "--store", store)
    assert code == 1
    assert "nothing" in err
