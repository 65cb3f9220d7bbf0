"""The documentation names every command, every option and every setting, and its examples are valid."""

import json
import re
import shlex
from pathlib import Path

import pytest
import typer

from sweeplens.cli.commands import app
from sweeplens.config import describe_settings
from sweeplens.report.queue import KEYS

DOCS = Path(__file__).parent.parent / "docs"
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SECTIONS = dict(re.findall(r"^### sweeplens (\S+)\n(.*?)(?=^###? |\Z)", CLI, flags=re.M | re.S))
# Every second part between fences is code; its first line names the language, if any.
BLOCKS = [block.partition("\n")[::2] for block in re.split(r"^```", CLI, flags=re.M)[1::2]]
EXAMPLES = [line for language, code in BLOCKS if not language for line in code.splitlines()]


def test_every_command_has_a_section_and_no_other() -> None:
    assert list(SECTIONS) == list(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_of_a_command_is_in_its_section(name: str) -> None:
    flags = {flag for p in COMMANDS[name].params for flag in [*p.opts, *p.secondary_opts] if flag.startswith("--")}
    named = set(re.findall(r"--[a-z][a-z-]*", SECTIONS[name]))
    assert named == flags


@pytest.mark.parametrize("line", [line for line in EXAMPLES if "sweeplens " in line and "sweeplens: " not in line])
def test_examples_parse(line: str) -> None:
    _, _, rest = line.partition("sweeplens ")
    name, *words = shlex.split(rest.split(" < ")[0])
    with COMMANDS[name].make_context(name, words) as context:
        assert context.info_name == name


@pytest.mark.parametrize(("command", "table"), [("score", "accounts"), ("campaigns", "campaigns")])
def test_documented_objects_have_the_keys_of_the_contract(command: str, table: str) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", SECTIONS[command], flags=re.S)
    assert tuple(json.loads(text)) == KEYS[table]


def test_settings_table_is_the_settings() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`|not set) \| (.*) \|$", text, flags=re.M)
    assert rows == describe_settings()


def test_exit_codes_are_documented() -> None:
    assert re.findall(r"^\| (\d+) \|", CLI, flags=re.M) == ["0", "1", "2", "3", "130", "143"]
