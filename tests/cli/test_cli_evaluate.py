"""evaluate: a snapshot against labels."""

import json
from pathlib import Path

import pytest

from support.small_store import write_small_store
from sweeplens.review import add_verdict

LABELS = """account_id,label,type,campaign_id,corpus
dealt-a,attack,hydra,c-1,sorted lists
dealt-b,attack,hydra,c-1,sorted lists
dealt-c,attack,hydra,c-1,sorted lists
lone,attack,solo,,mixed bag
chat-1,benign,user,,kitchen
chat-2,benign,named_user,,travel
=cmd,dual,benchmark,,quiz
gone,benign,named_user,,kitchen
"""


@pytest.fixture
def labels(tmp_path: Path) -> str:
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    return "labels.csv"


def test_json_holds_every_figure(cli, labels: str) -> None:
    code, out, err = cli("evaluate", "--labels", labels, "--bootstrap", "50", "--format", "json")
    assert code == 0
    fact = json.loads(out)
    found = fact["evaluation"]
    assert fact["detector"] == {"name": "handmade", "version": 1}
    assert found["by_label"] == {"attack": 4, "benign": 3, "dual": 1}
    assert (found["absent"], found["unlabelled"]) == (1, 1)  # gone; shop
    kinds = {kind["name"]: kind for kind in found["kinds"]}
    assert list(kinds) == ["attack", "solo", "hydra"]
    ours, *peers = kinds["attack"]["rankings"]
    assert ours["detector"] == "sweeplens"
    assert ours["auroc"]["value"] == 1.0
    names = ["volume", "Mahalanobis", "Mahalanobis*", "CAP", "MMD", "PRADA", "SEAT", "Vendi"]
    assert [p["detector"] for p in peers] == names
    # 10, 10, 9 and 20 requests against 13 and 12; "gone" sent nothing. lone is above all, the rest above "gone".
    assert peers[0]["auroc"]["value"] == pytest.approx((3 * 1 + 3) / 12)
    flags = found["flagged"]
    assert (flags["caught"], flags["false"], flags["dual_flagged"], flags["recall"]["value"]) == (4, 0, 0, 1.0)
    groups = found["campaigns"]
    assert (groups["true"], groups["found"], groups["false"], groups["jaccard"]) == (1, 1, 0, {"c-1": 1.0})
    assert [(c["name"], c["n_attack"], c["n_benign"]) for c in found["languages"]] == [("en", 4, 2), ("und", 0, 1)]
    assert "peers" in err


def test_table_says_it_in_eighty_columns(cli, labels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = cli("evaluate", "--labels", labels, "--bootstrap", "50")
    lines = out.splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    said = " ".join(out.split())
    assert "8 labelled accounts (4 attack, 3 benign, 1 dual)" in said
    assert "Not in the snapshot: 1 of them" in said
    assert [line.split(":")[0] for line in lines if line.endswith("benign")] == ["all attacks", "solo", "hydra"]
    assert sum(line.startswith("Mahalanobis* ") for line in lines) == 3
    assert any(line.startswith("found (Jaccard 0.5 or more)  1 of 1") for line in lines)
    assert any(line.startswith("false alarms") and "0 of 3 benign" in line for line in lines)


def test_peers_and_intervals_can_be_left_out(cli, labels: str) -> None:
    _, out, err = cli("evaluate", "--labels", labels, "--no-peers", "--bootstrap", "0", "-o", "found.json")
    assert (out, err) == ("", "")
    found = json.loads(Path("found.json").read_text())["evaluation"]
    assert [r["detector"] for r in found["kinds"][0]["rankings"]] == ["sweeplens"]
    assert found["kinds"][0]["rankings"][0]["auroc"] == {"value": 1.0, "low": None, "high": None}
    assert found["kinds"][0]["best_peer"] is None


def test_the_same_seed_gives_the_same_answer(cli, labels: str) -> None:
    first, again = (cli("evaluate", "--labels", labels, "--format", "json", "--seed", "3").out for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account_id,label\nlone,evil\n", "must have a label of attack, benign, dual, but it has 'evil'"),
        ("account_id,label\nsomebody,benign\n", "none of the 1 labelled accounts is among the 8 of snapshot"),
    ],
)
def test_bad_labels_are_one_sentence(cli, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(text)
    code, out, err = cli("evaluate", "--labels", "bad.csv")
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_labels_are_needed(cli) -> None:
    assert cli("evaluate").code == 2
    code, _, err = cli("evaluate", "--labels", "none.csv")
    assert (code, len(err.splitlines())) == (1, 1)


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    store = tmp_path / "reviewed"
    snapshot = write_small_store(store)
    about = {"snapshot_id": snapshot.snapshot_id, "detector": "d"}
    members = ("dealt-a", "dealt-b", "dealt-c")
    add_verdict(store, "campaign", "C-01", "confirmed sweep", members=members, **about)
    add_verdict(store, "account", "chat-1", "benign", inclusion=1.0, **about)
    add_verdict(store, "account", "shop", "unsure", **about)
    return store


def test_verdicts_take_the_place_of_labels(cli, reviewed: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("audit = 1.0\n", encoding="utf-8")
    words = ["evaluate", "--verdicts", "--store", str(reviewed), "--config", "s.toml"]
    fact = json.loads(cli(*words, "--format", "json").out)
    review = fact["review"]
    assert (review["flagged"], review["by_label"]) == (4, {"attack": 3, "benign": 0, "dual": 0})
    assert (review["audit"]["below"], review["audit"]["reviewed"], review["audit"]["missed"]["value"]) == (4, 1, 0.0)
    assert (fact["ranking"]["n_attack"], fact["ranking"]["n_benign"]) == (3, 1)
    assert fact["ranking"]["rankings"][0]["auroc"]["value"] == 1.0
    code, out, _ = cli(*words)
    said = " ".join(out.split())
    assert code == 0
    assert "3 of 4 flagged accounts and 1 of 1 campaigns have a verdict" in said
    assert "1 of 4 audited accounts reviewed, none a sweep: at most 75 % of the 4 accounts below review" in said
    assert max(map(len, out.splitlines())) <= 100


def test_without_a_verdict_it_says_that_nothing_is_known(cli, tmp_path: Path) -> None:
    write_small_store(tmp_path / "bare")
    code, out, _ = cli("evaluate", "--verdicts", "--store", str(tmp_path / "bare"))
    assert code == 0
    assert "nothing is known" in " ".join(out.split())


@pytest.mark.parametrize("words", [[], ["--verdicts", "--labels", "x.csv"]])
def test_it_takes_either_labels_or_verdicts(cli, words: list[str]) -> None:
    assert cli("evaluate", *words).code == 2


def test_by_day_says_when_each_attack_was_seen(cli, labels: str) -> None:
    code, out, err = cli("evaluate", "--labels", labels, "--by-day", "--format", "json")
    assert code == 0
    found = json.loads(out)["by_day"]
    assert {a["name"]: a["is_campaign"] for a in found["attacks"]} == {"c-1": True, "lone": False}
    assert (found["campaigns"]["n"], found["lone"]["n"], found["honest"], found["absent"]) == (1, 1, 2, 0)
    assert all(a["days"] is None or 0 < a["requests"] <= a["sent"] for a in found["attacks"])
    assert "days" in err
    code, out, _ = cli("evaluate", "--labels", labels, "--by-day")
    said = " ".join(out.split())
    assert code == 0
    assert "judged at the end of each day from" in said
    assert "1 campaigns" in said
    assert "Of 2 benign accounts" in said


def test_by_day_needs_labels(cli) -> None:
    code, _, err = cli("evaluate", "--verdicts", "--by-day")
    assert code == 2
    assert "--by-day needs --labels FILE" in " ".join(err.split())
