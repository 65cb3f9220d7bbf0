"""One small store for all tests of the reports."""

from collections.abc import Iterator

import pytest

from support.small_store import write_small_store
from sweeplens.store.snapshot import Snapshot


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    return write_small_store(tmp_path_factory.mktemp("report") / "store")
