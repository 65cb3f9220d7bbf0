"""Where crash tests work: in memory where the system has a folder for that, as nothing here outlives the test."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from crash_actions import ACTIONS

HERE, TESTS = Path(__file__).parent, Path(__file__).parents[2]
MEMORY = Path("/dev/shm")
NEEDED = 256 << 20  # bytes


@contextmanager
def quick_folder(slow):
    """Make a folder on a file system that syncs fast; without one, `slow` is that folder."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > NEEDED):
        yield slow
        return
    folder = Path(tempfile.mkdtemp(prefix="sweeplens-crash-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="package")
def reports(tmp_path_factory):
    """Run the driver in a process of its own, once for each action, and give the reports by mode."""

    @cache
    def run(action, *modes):
        with quick_folder(tmp_path_factory.mktemp("crash")) as folder:
            done = subprocess.run(
                [sys.executable, HERE / "crash_driver.py", action, folder, *modes],
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE), str(TESTS)])},
                capture_output=True, text=True, timeout=900, check=False,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(params=[action.name for action in ACTIONS], scope="package")
def report(request, reports):
    """The reports of each action in turn."""
    return reports(request.param, "kill", "fail", "power")
