"""The program as a process: start-up, signals, pipes, the terminal."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "sweeplens"]
HEAVY = ("torch", "faiss", "umap", "hdbscan", "pandas", "streamlit", "numpy", "pyarrow", "sklearn", "transformers")


def run(store: Path, *words: str, stdout: int = subprocess.PIPE, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SWEEPLENS_STORE": str(store), **env}
    return subprocess.run(
        [*RUN, *words], check=False, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, timeout=60
    )


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["--version"], []])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules))))\n"
        f"sys.argv = ['sweeplens', *{words!r}]\n"
        "from sweeplens.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "LOADED []"
    assert done.returncode in {0, 2}


def test_a_reader_that_goes_away_is_no_error(store: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = run(store, "score", "-q", "--format", "jsonl", "--fail-on", "high", stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (3, "")


def test_full_disk_on_standard_output_is_one_sentence(store: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(store, "score", "-q", stdout=full.fileno())
    assert (done.returncode, done.stderr) == (
        1,
        "sweeplens: standard output cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_with_their_codes(store: Path, number: int, code: int) -> None:
    # Reading standard input is a place where it waits; the line on standard error says that it has come so far.
    program = (
        "import sys\n"
        "from sweeplens.cli import commands\n"
        "class Slow:\n"
        "    def read(self): print('waiting', file=sys.stderr, flush=True); return sys.__stdin__.read()\n"
        "sys.stdin = Slow()\n"
        "sys.argv = ['sweeplens', 'search', '-']\n"
        "commands.main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A run in the background is born with Ctrl-C ignored, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs here
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting\n"
        process.send_signal(number)
        assert process.wait(30) == code
        assert "Traceback" not in process.stderr.read()


def test_streams_that_hold_no_unicode_get_ascii(store: Path) -> None:
    done = run(store, "account", "lone", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "#" in done.stdout


def on_terminal(store: Path, *words: str, **env: str) -> str:
    """Run with standard output on a terminal of 100 columns and return what it shows."""
    master, slave = pty.openpty()
    environment = {**os.environ, "SWEEPLENS_STORE": str(store), "TERM": "xterm-256color", "COLUMNS": "100", **env}
    with subprocess.Popen([*RUN, *words], stdout=slave, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(slave)
        shown = b""
        while select.select([master], [], [], 60)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        process.wait(30)
    os.close(master)
    return shown.decode()


def test_colours_on_a_terminal_unless_no_color(store: Path) -> None:
    assert "\x1b[1;31mhigh" in on_terminal(store, "score", NO_COLOR="")
    assert "\x1b[1;31m" not in on_terminal(store, "score", NO_COLOR="1")


def test_hostile_prompt_on_a_terminal_is_escaped(store: Path) -> None:
    shown = on_terminal(store, "cluster", "0", NO_COLOR="1")
    assert "\\x1b[31mred" in shown
    assert "\x1b[31m" not in shown


def test_parquet_is_not_for_a_terminal(store: Path) -> None:
    assert on_terminal(store, "score", "--format", "parquet") == ""


def test_app_says_when_its_port_is_taken(store: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(store, "app", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"sweeplens: port {port} of 127.0.0.1 is in use: choose another with --port\n"
