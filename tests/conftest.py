"""Settings that every test runs under: no model hub is ever asked."""

import os
from pathlib import PurePosixPath

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# Machines differ in speed: no example is too slow to be right.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# Folders whose tests share what takes minutes to make.
TOGETHER = {"browser", "crash"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep tests that share fixtures in one process where several run: those of a module, and those of some folders."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = PurePosixPath(nodeid.partition("::")[0])
            return path.parent.name if path.parent.name in TOGETHER else str(path)

    return Together(config, log)
