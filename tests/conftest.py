"""Settings that every test runs under: no model hub is ever asked."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# Machines differ in speed: no example is too slow to be right.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# Folders whose tests share what takes minutes to make.
TOGETHER = {"browser", "crash"}


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Keep tests that share fixtures in one process where several run: those of a module, and those of some folders."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder in TOGETHER else str(item.path)))
