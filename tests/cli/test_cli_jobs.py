"""What a scheduler relies on: lines that a machine reads, a limit on memory, an end in good order on TERM."""

import ast
import configparser
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer
import yaml

from sweeplens.cli import streams
from sweeplens.cli.building import run_job
from sweeplens.cli.commands import app
from sweeplens.config import Settings

ROOT = Path(__file__).parents[2]
JOBS = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
WORDS = ("rivers", "engines", "music", "law", "bread", "stars")
SECRET = "the green suitcase"
# Words of a small vocabulary in ever new orders: enough distinct prompts to keep a build busy for a while.
BUSY = [{"account_id": f"a{i % 40}", "prompt": f"{SECRET}: {WORDS[i % 6]} {i * 7919 % 5003}, {WORDS[i // 6 % 6]} {i}"}
        for i in range(6000)]  # fmt: skip


def write_log(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(streams._lines, "json", False)


def lines(err: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in err.splitlines()]
    for line in found:
        assert list(line)[:3] == ["time", "level", "event"]
        assert list(line)[-1] == "message"
        assert str(line["time"]).endswith("Z")
        assert line["level"] in {"info", "warning", "error"}
    return found


def test_with_log_json_every_line_is_an_object(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_EVERY", 0.0)
    write_log(tmp_path / "log.jsonl", [*BUSY[:200], {"account_id": "a1"}])
    code, _, err = cli(
        "build", "log.jsonl", "--store", "new", "--encoder", "fast", "--workers", "1", "--max-rejects", "0.1",
        "--log-json",
    )  # fmt: skip
    assert code == 0
    assert SECRET not in err
    found = lines(err)
    steps = [line for line in found if line["event"] == "step"]
    assert {"read", "encode", "map", "write"} <= {line["step"] for line in steps}
    assert all(line["seconds"] >= 0 for line in steps)
    progress = [line for line in found if line["event"] == "progress"]
    assert progress
    assert all({"step", "done", "total", "rate", "eta_s"} <= set(line) for line in progress)
    assert any("1 row rejected" in line["message"] for line in found if line["event"] == "summary")
    last = found[-1]
    assert (last["event"], last["command"], last["rows"], last["rejected"]) == ("done", "build", 201, 1)
    assert last["message"].startswith(f"snapshot={last['snapshot']} detector=")


def test_rate_and_time_left_follow_from_what_is_done(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    now = iter([100.0, 110.0, 130.0, 135.0])
    monkeypatch.setattr(streams.time, "monotonic", lambda: next(now))
    streams.choose_lines(True)
    with streams.show_progress(quiet=False) as progress, progress.step("encode") as step:
        step.update(50, 400)  # too soon for a line
        step.update(300, 400)
    first, last = lines(capsys.readouterr().err)
    assert {k: first[k] for k in ("event", "step", "done", "total", "rate", "eta_s")} == {
        "event": "progress", "step": "encode", "done": 300, "total": 400, "rate": 10.0, "eta_s": 10.0,
    }  # fmt: skip
    assert first["message"] == "encode: 300 of 400, about 10 s left, 10 a second"
    assert (last["event"], last["seconds"], last["message"]) == ("step", 35.0, "encode: 35 s")


def test_errors_and_warnings_are_objects_too(cli, capsys) -> None:
    code, out, err = cli("build", "none.jsonl", "--store", "new", "--log-json")
    assert (code, out) == (1, "")
    (line,) = lines(err)
    assert (line["level"], line["event"]) == ("error", "failed")
    assert "none.jsonl" in line["message"]
    with streams.show_progress(quiet=True) as progress:
        progress.note("mind \x1b[31mthis")
    (line,) = lines(capsys.readouterr().err)
    assert (line["level"], line["event"], line["message"]) == ("warning", "message", "mind \x1b[31mthis")


def test_warnings_say_so_in_plain_lines(capsys) -> None:
    with streams.show_progress(quiet=True) as progress:
        progress.note("mind this")
    assert capsys.readouterr().err == "sweeplens: warning: mind this\n"


@dataclass(frozen=True)
class Done:
    summary: dict[str, object]
    seconds: dict[str, float] = field(default_factory=lambda: {"read": 1.234})


def test_a_job_of_any_kind_has_a_summary_a_closing_line_and_a_manifest(tmp_path: Path, capsys) -> None:
    seen = []

    def work(progress, settings):
        seen.append(settings.workers)
        with progress.step("read"):
            return Done({"snapshot": "S", "detector": "default 2", "rows": 5, "rejected": 0, "erased": 2})

    def run(quiet: bool):
        return run_job(
            "forget", work, Settings(workers=3), summarise=lambda result: [f"{result.summary['erased']} erased"],
            manifest=tmp_path / "m.json", quiet=quiet,
        )  # fmt: skip

    assert run(False).summary["erased"] == 2
    *_, said, closing = capsys.readouterr().err.splitlines()
    assert said == "sweeplens: 2 erased"
    assert closing.startswith('sweeplens: snapshot=S detector="default 2" rows=5 rejected=0 seconds=')
    about = json.loads((tmp_path / "m.json").read_text())
    assert (about["command"], about["erased"], about["steps"]) == ("forget", 2, {"read": 1.23})
    run(True)
    assert capsys.readouterr().err == ""
    assert seen == [3, 3]


def test_workers_are_as_many_as_fit_where_nobody_chose(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    seen = []

    def work(progress, settings):
        seen.append(settings.threads)
        return Done({})

    for settings in (Settings(memory_limit="3GiB"), Settings(memory_limit="3GiB", workers=8), Settings()):
        run_job("build", work, settings)
    assert seen == [4, 8, 8]
    assert "4 of 8 workers, so that the memory limit holds" in capsys.readouterr().err


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", ""), **more}


def leftovers(store: Path) -> list[str]:
    return [p.name for p in store.iterdir() if p.name.startswith(".building") or p.name.startswith(".writing")]


def test_a_build_over_its_memory_limit_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", BUSY[:500])
    done = subprocess.run(
        [sys.executable, "-m", "sweeplens", "build", str(log), "--store", "new", "--encoder", "fast", "--quiet",
         "--workers", "2", "--memory-limit", "60MB"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sweeplens: the run used ")
    assert "more than the memory limit of 57.2 MiB: give it fewer workers (--workers 1) or a smaller" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new" / "CURRENT").exists()
    assert not (tmp_path / "new").exists() or leftovers(tmp_path / "new") == []


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found


@pytest.mark.parametrize("moment", ["encode", "cells"])
def test_term_ends_a_build_with_all_its_processes_and_leaves_nothing(tmp_path: Path, moment: str) -> None:
    log = write_log(tmp_path / "log.jsonl", BUSY)
    with subprocess.Popen(
        [sys.executable, "-m", "sweeplens", "build", str(log), "--store", "new", "--encoder", "fast", "--workers", "2"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith(f"sweeplens: {moment}"):
            assert line, process.returncode
        time.sleep(0.5)  # the step after this one has begun
        below = children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
        assert "Traceback" not in process.stderr.read()
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert not (tmp_path / "new" / "CURRENT").exists()
    assert leftovers(tmp_path / "new") == []
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in below)


def commands_of(page: str) -> list[list[str]]:
    """Return the sweeplens commands between the fences of a page, without what the shell takes for itself."""
    found = []
    for block in re.findall(r"^```\w*\n(.*?)^```", page, flags=re.M | re.S):
        for line in re.findall(r"(?<![\w/.:-])sweeplens ([a-z]+ .*)", block):
            words = re.split(r"\s(?:\|\||2>>|</)|\",?\)?$", line)[0]
            found.append(shlex.split(words.replace("{{ ds }}", "DAY").replace("$day", "DAY")))
    return found


def test_the_commands_of_the_jobs_page_are_commands() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = commands_of(JOBS)
    assert {words[0] for words in found} == {"update", "score", "prune", "verify", "export"}
    for name, *words in found:
        with commands[name].make_context(name, words) as context:
            assert context.info_name == name


def test_the_examples_of_the_jobs_page_are_well_formed() -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", JOBS, flags=re.M | re.S)
    kinds = [kind for kind, _ in blocks]
    assert kinds == ["json", "sh", "ini", "ini", "python", "yaml"]
    for kind, text in blocks:
        if kind == "json":
            assert {"time", "level", "event", "step", "done", "total", "rate", "eta_s", "message"} == set(
                json.loads(text)
            )
        elif kind == "python":
            assert "BashOperator" in {
                alias.name for n in ast.walk(ast.parse(text)) for alias in getattr(n, "names", [])
            }
        elif kind == "sh":
            assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
        elif kind == "ini":
            parsed = configparser.ConfigParser(interpolation=None)
            parsed.optionxform = str
            parsed.read_string(text)
            assert parsed.sections()
        else:
            pod = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            asked, allowed = re.findall(r"--memory-limit (\d+)GiB|memory: (\d+)Gi \}.*--memory-limit", text)
            assert int(asked[0]) < int(allowed[1])
            assert {v["name"] for v in pod["volumes"]} == {m["name"] for m in container["volumeMounts"]}
            assert container["args"][0].startswith("exec sweeplens update ")


def test_the_exit_codes_of_the_jobs_page_are_those_of_the_command_line() -> None:
    pages = [JOBS, (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")]
    jobs, cli = [re.findall(r"^\| (\d+) \|", page, flags=re.M) for page in pages]
    assert set(jobs) - set(cli) == {"137"}
    assert set(cli) <= set(jobs)
