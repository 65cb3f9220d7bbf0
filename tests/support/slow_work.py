"""Work for processes of tests that takes longer than any of them waits."""

import os
import time
from pathlib import Path


def wait_long(folder: str) -> None:
    """Leave the process's number in the folder, then go on for a minute."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)
