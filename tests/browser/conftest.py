"""One server and one browser for all tests that drive a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, Visit, chromium, serve
from playwright.sync_api import Browser, expect

from support.fast_store import write_fast_store

expect.set_options(timeout=TIMEOUT)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "store"
    write_fast_store(folder)
    return folder


@pytest.fixture(scope="session")
def app(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("home")
    with serve(store, home / "server.log", home) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(app: App, browser: Browser) -> Iterator[Visit]:
    """Return a fresh tab; afterwards nothing may have gone wrong in it, on the server, or to another machine."""
    written = app.log.stat().st_size
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    context.set_default_timeout(TIMEOUT)
    seen = Visit(context.new_page(), app.url)
    seen.page.on("console", seen.hear)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    local = (app.url, app.url.replace("http", "ws", 1), "data:", "blob:")
    seen.page.on("request", lambda r: None if r.url.startswith(local) else seen.foreign.append(r.url))
    yield seen
    context.close()
    assert not seen.errors
    assert not seen.foreign
    log = app.log.read_text(encoding="utf-8")[written:]
    assert "Traceback" not in log, log
    assert "Error" not in log, log
