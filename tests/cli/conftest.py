"""Run the command line in this process, against one small store."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support.small_store import write_small_store
from sweeplens.cli import commands


class Result(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "store"
    write_small_store(folder)
    return folder


@pytest.fixture
def cli(store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Return a function that runs one command and gives (exit code, standard output, standard error)."""
    monkeypatch.setattr(commands, "prepare_process", lambda: None)
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Result:
        monkeypatch.setattr("sys.argv", ["sweeplens", *words])
        try:
            commands.main()
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        assert code is None or isinstance(code, int)
        return Result(code or 0, out, err)

    return run
