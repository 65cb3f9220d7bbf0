"""known: what the three commands print, and one sentence where they cannot."""

import io
import json
import re
from pathlib import Path

import pytest
import typer

from sweeplens.cli.known import known
from sweeplens.known import load_known

PROMPTS = (
    "Why does a kettle sing before the water in it begins to boil?",
    "Name the three longest rivers that flow into the Black Sea.",
    "Write a polite note to a neighbour whose dog barks at night.",
)
DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.fixture
def run(cli, tmp_path: Path):
    """Return a function that runs a command of `known` on a store of its own."""
    (tmp_path / "set.txt").write_text("\n".join([*PROMPTS, "hi", PROMPTS[0].upper()]), encoding="utf-8")

    def run_known(*words: str):
        return cli("known", *words, "--store", str(tmp_path / "new"))

    return run_known


def test_add_prints_the_name_and_tells_the_rest_on_stderr(run, tmp_path: Path) -> None:
    code, out, err = run("add", "questions", "set.txt")
    assert (code, out) == (0, "questions\n")
    said = "3 distinct prompts of 1 file known as questions; left out: 1 too short, 1 the same as another"
    assert err.splitlines()[-1] == f"sweeplens: {said}"
    assert load_known(tmp_path / "new").match([PROMPTS[1]]).tolist() == [0]


def test_quiet_says_nothing(run) -> None:
    assert run("add", "questions", "set.txt", "--quiet") == (0, "questions\n", "")
    assert run("remove", "questions", "-q") == (0, "", "")


def test_map_max_rejects_and_standard_input(run, monkeypatch, tmp_path: Path) -> None:
    rows = [{"q": {"text": text}} for text in PROMPTS] + [{"q": {"text": ""}}]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, err = run("add", "questions", "set.jsonl", "--map", "prompt=q.text", "-q")
    assert code == 1
    assert "1 of 4 rows (25.00%) were rejected, more than --max-rejects 0.01 allows" in err
    code, _, err = run("add", "questions", "set.jsonl", "--map", "prompt=q.text", "--max-rejects", "0.5")
    assert code == 0
    assert "left out: 1 in rows that could not be used" in err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(PROMPTS).encode())))
    assert run("add", "again", "-", "--input-format", "text").code == 0
    assert [row["prompts"] for row in json.loads(run("list", "--format", "json").out)] == [3, 3]


def test_list_shows_a_line_for_each_set(run, tmp_path: Path) -> None:
    assert json.loads(run("list", "--format", "json").out) == []
    for name in ("riddles", "exam-questions"):
        run("add", name, "set.txt")
    code, out, err = run("list")
    assert (code, err) == (0, "")
    head, _, *lines = out.splitlines()
    assert head.split() == ["name", "prompts", "MB", "added"]
    assert [line.split()[:3] for line in lines] == [["exam-questions", "3", "0.0"], ["riddles", "3", "0.0"]]
    assert run("list", "--output", "known.json").out == ""
    (first, _) = json.loads((tmp_path / "known.json").read_text())
    assert list(first) == ["name", "prompts", "bytes", "added"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["added"])


def test_a_damaged_set_is_a_warning_in_the_list_and_can_be_removed_or_replaced(run, caplog, tmp_path: Path) -> None:
    run("add", "questions", "set.txt")
    (tmp_path / "new" / "known" / "questions.parquet").write_bytes(b"no table")
    code, out, _ = run("list", "--format", "json")
    assert (code, json.loads(out)) == (0, [])
    assert "the known set questions is damaged" in caplog.text
    assert run("add", "questions", "set.txt", "--replace").code == 0
    assert run("remove", "questions") == (0, "", "sweeplens: the known set questions is removed\n")


BAD = {
    "missing": (["add", "q", "gone.txt"], 1, "the log gone.txt does not exist"),
    "empty": (["add", "q", "empty.txt"], 1, "empty.txt is empty"),
    "short": (["add", "q", "short.txt"], 1, "expected some of 5 words or more"),
    "name": (["add", "Q q", "set.txt"], 1, "the name of a known set must be"),
    "taken": (["add", "taken", "set.txt"], 1, "--replace puts the new one in its place"),
    "no such set": (["remove", "gone"], 1, "has no known set gone: `sweeplens known list` lists them"),
    "another field": (["add", "q", "set.txt", "--map", "ts=time"], 1, "expected --map prompt=PATH"),
    "bad map": (["add", "q", "set.txt", "--map", "prompt"], 2, "is not of the form field=path"),
    "no file": (["add", "q"], 2, "Missing argument"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_what_cannot_be_done_is_one_sentence(run, tmp_path: Path, kind: str) -> None:
    words, want, said = BAD[kind]
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "short.txt").write_text("hi\nand now?\n")
    assert run("add", "taken", "set.txt").code == 0
    code, out, err = run(*words, *(["-q"] if want == 1 else []))
    assert (code, out) == (want, "")
    assert said in " ".join(err.split())
    assert want == 2 or (err.startswith("sweeplens: ") and err.count("\n") == 1)


def test_every_option_is_documented_with_its_commands() -> None:
    (section,) = re.findall(r"^### Options of the known commands\n(.*?)(?=^## |\Z)", DOCS, flags=re.M | re.S)
    commands = typer.main.get_command(known).commands  # type: ignore[attr-defined]
    documented: dict[str, set[str]] = {name: set() for name in commands}
    for options, of in re.findall(r"^\| (`-.*?) \| (.*?) \|", section, flags=re.M):
        for name in commands if of == "all" else re.findall(r"`(\w+)`", of):
            documented[name] |= set(re.findall(r"--[a-z][a-z-]*", options))
    flags = {
        name: {flag for p in command.params for flag in p.opts if flag.startswith("--")}
        for name, command in commands.items()
    }
    assert documented == flags
    assert list(flags) == ["add", "list", "remove"]


@pytest.mark.parametrize("line", re.findall(r"^sweeplens known (.*)$", DOCS, flags=re.M))
def test_documented_examples_parse(line: str) -> None:
    name, *words = line.split()
    with typer.main.get_command(known).commands[name].make_context(name, words) as context:  # type: ignore[attr-defined]
        assert context.info_name == name
