"""calibrate and train, and --max-q of score and campaigns."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest

from support.judged_store import write_judged_store
from support.labelled_store import Labelled, write_labelled_store
from sweeplens.detect.calibration import FILE as CALIBRATION
from sweeplens.detect.calibration import make_reference, write_reference
from sweeplens.detect.detector import load_detector
from sweeplens.detect.training import FILE as DETECTOR


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    return write_labelled_store(tmp_path_factory.mktemp("labelled") / "store")


@pytest.fixture
def labels(made: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Labels of the store that commands run on from here, which has no detector of its own."""
    store = made.snapshot.folder.parent
    for name in (CALIBRATION, DETECTOR):
        (store / name).unlink(missing_ok=True)
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = [(name, "attack" if a else "benign") for name, a in zip(made.accounts, made.attack, strict=True)]
        csv.writer(stream).writerows([("account_id", "label"), *rows])
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    return "labels.csv"


# -- train ------------------------------------------------


def test_train_says_what_is_gained_and_keeps_it(cli, made: Labelled, labels: str) -> None:
    code, out, err = cli("train", "--labels", labels)
    store = made.snapshot.folder.parent
    version = json.loads((store / DETECTOR).read_text())["version"]
    assert code == 0
    assert "attacks and" in out
    assert "Left out: 2 have too little for a score." in out
    assert version in out
    assert "changed most: " in out
    assert f"{version} is now the detector of this store" in err
    assert "counts from the next build on" in err
    assert "p values come from" in err
    assert "high, p of at most 0.001, is out of reach" in err
    assert json.loads((store / CALIBRATION).read_text())["detector"].endswith(version)
    _, _, err = cli("train", "--remove")
    assert "own detector is removed" in err
    assert not (store / DETECTOR).exists()
    assert not (store / CALIBRATION).exists()
    assert "no detector of its own" in cli("train", "--remove").err


def test_train_in_json_and_to_a_file_leaves_the_store_alone(cli, made: Labelled, labels: str) -> None:
    code, out, err = cli("train", "--labels", labels, "--format", "json", "-o", "own.json")
    fact = json.loads(out)
    assert code == 0
    assert fact["better"] is True
    assert fact["after"]["log_loss"] < fact["before"]["log_loss"]
    assert set(fact["factors"]) == set(load_detector("fast").shapes)
    assert json.loads(Path("own.json").read_text())["version"] == fact["version"]
    assert "the store is as it was" in err
    assert not (made.snapshot.folder.parent / DETECTOR).exists()


def test_train_shows_the_comparison_and_refuses_what_is_no_better(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_labelled_store(tmp_path / "same", 300, differs=False)
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path / "same"))
    rows = [f"{name},{'attack' if a else 'benign'}" for name, a in zip(made.accounts, made.attack, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["account_id,label", *rows]), encoding="utf-8")
    code, out, err = cli("train", "--labels", "labels.csv")
    assert code == 1
    assert "log loss" in out
    assert err.splitlines()[-1].startswith("sweeplens: the new detector is no better than the default one")
    assert not (tmp_path / "same" / DETECTOR).exists()
    code, _, err = cli("train", "--labels", "labels.csv", "--force", "--quiet")
    assert (code, err) == (0, "")
    assert (tmp_path / "same" / DETECTOR).exists()


def test_train_on_verdicts_needs_some(cli, labels: str) -> None:
    code, out, err = cli("train", "--from-verdicts")
    assert (code, out) == (1, "")
    assert "has no verdict that says attack or benign" in err


@pytest.mark.parametrize(
    "words", [[], ["--labels", "a.csv", "--from-verdicts"], ["--labels", "a.csv", "--remove"], ["--format", "csv"]]
)
def test_train_takes_one_source(cli, words: list[str]) -> None:
    assert cli("train", *words).code == 2


# -- calibrate ------------------------------------------------


def test_calibrate_takes_one_source(cli) -> None:
    assert cli("calibrate").code == 2
    assert cli("calibrate", "x.jsonl").code == 2
    assert cli("calibrate", "--remove", "--benign", "x.jsonl").code == 2
    assert cli("calibrate", "--remove", "x.jsonl").code == 2
    assert cli("calibrate", "--benign", "x.jsonl", "--corpora", "0").code == 2


def test_calibrate_needs_two_hundred_accounts(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path / "own"))
    for name, accounts in (("a.jsonl", "ab"), ("b.jsonl", "cd")):
        rows = [{"account_id": a, "prompt": f"Question {a} {i} about trains"} for a in accounts for i in range(12)]
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, out, err = cli("calibrate", "--benign", "a.jsonl", "b.jsonl", "--encoder", "fast", "--quiet")
    assert (code, out) == (1, "")
    assert "needs 200 or more benign accounts with a score, but the log has" in err.splitlines()[-1]
    assert " of 4: " in err.splitlines()[-1]


def test_calibrate_remove_says_whether_there_was_one(cli, labels: str, made: Labelled) -> None:
    path = made.snapshot.folder.parent / CALIBRATION
    assert "no reference of its own" in cli("calibrate", "--remove").err
    ref = make_reference(
        pa.array([0.5]).to_numpy(), pa.array([12]).to_numpy(), corpora=1, source="x", encoder="fast",
        detector=load_detector("fast"),
    )  # fmt: skip
    path.write_bytes(write_reference(ref, "2026-03-02"))
    assert cli("calibrate", "--remove").err == (
        "sweeplens: the store's own reference is removed; the next build takes the one that ships\n"
    )
    assert not path.exists()


# -- --max-q ------------------------------------------------


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small store, its accounts and groups with p and q."""
    store = tmp_path / "judged"
    write_judged_store(store)
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    return store


def test_max_q_keeps_only_rows_with_a_q_that_low(cli, judged: Path) -> None:
    def ids(*words: str) -> list[str]:
        key = "account_id" if words[0] == "score" else "campaign_id"
        return [json.loads(line)[key] for line in cli(*words, "--format", "jsonl").out.splitlines()]

    assert ids("score", "--max-q", "0.05") == ["dealt-a", "lone"]
    assert ids("score", "--max-q", "0.004") == ["lone"]
    assert ids("score", "--max-q", "0") == []
    assert len(ids("score", "--max-q", "1")) == 4  # those without a q are never let through
    assert ids("campaigns", "--max-q", "0.05") == ["C-01"]
    assert ids("campaigns", "--all", "--max-q", "1") == ["C-01", "K-02"]


def test_max_q_counts_for_fail_on(cli, judged: Path) -> None:
    assert cli("score", "--fail-on", "high").code == 3
    assert cli("score", "--max-q", "0.01", "--fail-on", "high").code == 0
    assert cli("score", "--max-q", "0.01", "--fail-on", "review").code == 3


def test_the_tables_show_p_and_q_where_there_are_any(cli, judged: Path) -> None:
    lines = cli("score").out.splitlines()
    assert lines[0].split()[:5] == ["level", "score", "p", "q", "account"]
    assert [line.split()[2] for line in lines[2:]] == ["0.006", "0.08", "-", "0.0008", "-", "0.7", "-", "-"]
    assert [line.split()[3] for line in lines[2:]] == ["0.03", "0.2", "-", "0.004", "-", "1", "-", "-"]
    groups = cli("campaigns").out.splitlines()
    assert groups[0].split()[:4] == ["level", "score", "p", "q"]
    assert groups[2].split()[2:4] == ["0.002", "0.01"]
    assert max(map(len, [*lines, *groups])) <= 100


def test_the_page_of_an_account_says_what_its_p_is_and_what_its_kin_and_campaign_add(cli, judged: Path) -> None:
    flat = " ".join(cli("account", "dealt-a").out.split())
    assert (
        "p 0.006: of honest accounts, 0.6 % or fewer score as high as it does without its campaign "
        "(q 0.03 after correction for all that was tested)"
    ) in flat
    assert "the 3 accounts that ask most like it score 0.90 - +1.75" in flat
    assert "asks like 2 other accounts, which together score 0.93 - +2.00" in flat
    few = " ".join(cli("account", "dealt-c").out.split())
    assert "of honest accounts" not in few
    assert "that ask most like it score 0.90" in few
    assert "Too few prompts for any signal" not in few


def test_without_any_q_none_is_let_through_and_that_is_said(cli) -> None:
    code, out, err = cli("score", "--max-q", "0.05", "--format", "jsonl", "--quiet")
    assert (code, out) == (0, "")
    assert "no row has a q value" in err
    assert cli("score", "--max-q", "1.5").code == 2
