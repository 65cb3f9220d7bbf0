"""The app on the small store, driven without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app

from support.small_store import write_small_store
from sweeplens.store.snapshot import Snapshot, open_snapshot


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ui") / "store"
    write_small_store(folder)
    return folder


@pytest.fixture(scope="session")
def snapshot(store: Path) -> Snapshot:
    return open_snapshot(store)


@pytest.fixture
def open_page(store: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return a function that opens a page by its address and fails where the page does."""
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))

    def open_it(page: str = "", **params: str) -> AppTest:
        app = open_app(store, page, **params)
        assert not app.exception, [e.message for e in app.exception]
        return app

    return open_it
