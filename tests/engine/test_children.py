"""What a run starts ends with it: with an error, with a signal, and with a kill that nothing can be done about."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeplens.engine.children import run_apart
from sweeplens.engine.steps import map_parts

SCRIPT = """
import os, sys, time
from sweeplens.engine.ending import end_on_signals
from sweeplens.engine.children import run_apart
from sweeplens.engine.steps import map_parts
from support.slow_work import wait_long

if __name__ == "__main__":
    end_on_signals()
    try:
        if sys.argv[1] == "apart":
            run_apart(wait_long, sys.argv[2])
        else:
            map_parts(wait_long, [sys.argv[2]] * 2, workers=2)
    finally:
        open(sys.argv[3], "w").write("cleaned up")
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)
    return True


@pytest.fixture
def started(tmp_path):
    """Return a function that starts a run with children and waits until they are at work."""
    (tmp_path / "job.py").write_text(SCRIPT)
    (tmp_path / "pids").mkdir()
    running = []

    def start(kind):
        words = [sys.executable, str(tmp_path / "job.py"), kind, str(tmp_path / "pids"), str(tmp_path / "end")]
        path = f"{Path(__file__).parents[1]}:{os.environ.get('PYTHONPATH', '')}"
        process = subprocess.Popen(
            words, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )  # fmt: skip
        running.append(process)
        want = 1 if kind == "apart" else 2
        wait_for(lambda: len(list((tmp_path / "pids").iterdir())) == want or process.poll() is not None)
        return process, [int(p.name) for p in (tmp_path / "pids").iterdir()]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kind", ["apart", "parts"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_signal_ends_the_children_and_then_cleans_up(started, tmp_path, kind, number, code):
    process, children = started(kind)
    assert all(alive(pid) for pid in children)
    begin = time.monotonic()
    process.send_signal(number)
    assert process.wait(20) == code
    assert time.monotonic() - begin < 10  # the children would go on for a minute
    assert (tmp_path / "end").read_text() == "cleaned up"
    assert not any(alive(pid) for pid in children)


@pytest.mark.parametrize("kind", ["apart", "parts"])
def test_a_kill_leaves_no_children_behind(started, tmp_path, kind):
    process, children = started(kind)
    process.kill()
    process.wait(20)
    assert wait_for(lambda: not any(alive(pid) for pid in children), 10)
    assert not (tmp_path / "end").exists()


def test_a_second_term_does_not_disturb_the_cleaning_up(tmp_path):
    code = (
        "import os, signal, sys, time\n"
        "from sweeplens.engine.ending import end_on_signals\n"
        "end_on_signals()\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)\n"
        "finally:\n"
        "    os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.1)\n"
        "    print('cleaned up', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "cleaned up\n", "")


DROPPED = """
import signal, sys, threading, time
from sweeplens.engine.ending import end_on_signals
from sweeplens.engine.progress import Silent
from sweeplens.engine.steps import Run

class Holder:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

end_on_signals()
try:
    if sys.argv[1] == "finaliser":
        holder = Holder()
        del holder  # Python drops what is raised in there
        time.sleep(30)
    else:
        with Run(Silent()).step("map"):
            try:
                signal.raise_signal(signal.SIGTERM)
            except:
                pass  # a library that catches everything
    print("went on", flush=True)
finally:
    print("cleaned up", flush=True)
"""


@pytest.mark.parametrize("how", ["finaliser", "library"])
def test_a_term_that_is_dropped_on_its_way_up_comes_again(how):
    done = subprocess.run(
        [sys.executable, "-c", DROPPED, how], capture_output=True, text=True, timeout=20, check=False
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (143, "cleaned up\n", "")


def test_a_call_in_a_process_of_its_own_gives_its_result_or_its_error():
    assert run_apart(max, [3, 5, 4]) == 5
    with pytest.raises(ValueError, match="empty"):
        run_apart(max, [])
    assert map_parts(len, ["ab", "c"], workers=2) == [2, 1]
