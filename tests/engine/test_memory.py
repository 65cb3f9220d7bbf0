"""A run that takes too much memory ends with one sentence, its children first, and one that does not is left alone."""

import os
import signal
import subprocess
import sys
import time

import pytest

from sweeplens.engine import memory
from sweeplens.engine.memory import MemoryLimitError, memory_used, show_size, watch_memory, workers_within

MIB = 1 << 20


def watched(limit, **more):
    said = []
    return watch_memory(limit, **{"step": lambda: "map", "workers": 4, "last_words": said.append, **more})


def hold_for_a_while(size):
    held = bytearray(b"x" * size)
    time.sleep(20)
    return len(held)


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(memory, "_EVERY", 0.02)


def test_the_main_thread_raises_over_the_limit():
    limit = memory_used() + 60 * MIB
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(MemoryLimitError) as refused, watched(limit):
        hold_for_a_while(600 * MIB)  # what else the process holds may shrink meanwhile
    said = str(refused.value)
    assert said.startswith("the run used ")
    assert f" in the step map, more than the memory limit of {show_size(limit)}: " in said
    assert said.endswith("give it fewer workers (--workers 2) or a smaller --window")
    assert signal.getsignal(signal.SIGUSR1) is before


def test_under_the_limit_nothing_happens():
    with watched(memory_used() * 2):
        time.sleep(0.2)
        done = True
    assert done
    with watched(None):
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_far_below_the_limit_no_look_is_thorough(monkeypatch):
    looks = []
    monkeypatch.setattr(memory, "_private", lambda proc, pid: looks.append(pid) or 0)
    with watched(1 << 50):
        time.sleep(0.2)
    assert looks == []
    assert memory_used(enough=0) == 0
    assert os.getpid() in looks


def test_processes_below_this_one_count():
    code = "held = bytearray(b'x' * (150 << 20)); print('held', flush=True); input()"
    before = memory_used()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        assert memory_used() - before > 140 * MIB
        child.kill()


def test_a_file_that_is_mapped_does_not_count(tmp_path):
    import mmap

    (tmp_path / "big").write_bytes(bytes(64 * MIB))
    before = memory_used()
    with (tmp_path / "big").open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped.read().count(0) == 64 * MIB
        assert memory_used() - before < 32 * MIB
        assert memory_used(enough=1 << 50) > 64 * MIB  # the quick look takes it for more


def test_without_proc_the_limit_is_refused(tmp_path):
    needs = r"--memory-limit needs a Linux that tells .*smaps_rollup"
    with pytest.raises(MemoryLimitError, match=needs), watched(1 << 40, proc=tmp_path):
        pass


def test_a_native_call_that_does_not_end_has_its_last_words(tmp_path):
    # The handler that raises never runs here, as if the main thread were deep in a library.
    code = (
        "import signal, sys, time\n"
        "from sweeplens.engine import memory\n"
        "memory._EVERY, memory._PATIENCE = 0.02, 0.3\n"
        "with memory.watch_memory(1 << 20, step=lambda: 'map', workers=1, last_words=sys.stderr.write):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "in the step map, more than the memory limit of 1.0 MiB: give it more memory" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("limit", "workers", "fit"),
    [(None, 64, 64), (1 << 28, 64, 1), (2 << 30, 8, 2), (64 << 30, 8, 8), (4 << 30, 1, 1)],
)
def test_workers_that_fit(limit, workers, fit):
    assert workers_within(limit, workers) == fit


def test_sizes_for_people():
    assert [show_size(n) for n in (6 << 30, 3 << 29, 512 * MIB, 900)] == ["6.0 GiB", "1.5 GiB", "512.0 MiB", "0.9 KiB"]
