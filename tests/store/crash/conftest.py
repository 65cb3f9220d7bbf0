"""Where crash tests work: in memory where the system has a folder for that, as nothing here outlives the test."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")
NEEDED = 256 << 20  # bytes


@pytest.fixture
def workplace(tmp_path):
    """A folder on a file system that syncs fast."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > NEEDED):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="sweeplens-crash-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def drive(workplace):
    """Run the driver in a process of its own and return its report."""

    def run(*arguments):
        driver = HERE / "crash_driver.py"
        mode, action, *flaw = arguments
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
        }
        done = subprocess.run(
            [sys.executable, driver, mode, action, workplace, *flaw],
            env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
