"""Hidden prompts never leave the server, on no page and in no hover; one that is asked for does, and that is noted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, serve, settle
from playwright.sync_api import Browser, Page, WebSocket, expect

from sweeplens.review.looks import all_looks
from sweeplens.store.snapshot import open_snapshot
from sweeplens.ui.links import PAGES

pytestmark = pytest.mark.browser

ROW = 31  # px of a row of a table
VIEWS = [
    *("" if page == "queue" else page for page in PAGES), "account?account=lone", "campaign?campaign=C-01",
    "map?account=lone", "map?cluster=0", "map?like=3", "clusters?cluster=0", "compare?accounts=lone&accounts=dealt-a",
]  # fmt: skip


@pytest.fixture(scope="module")
def hiding(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("hiding")
    with serve(store, home / "server.log", home, hide_prompts="true") as running:
        yield running


class Tap:
    """Everything that the server sends to a page: what comes over its websocket and in answers to its requests."""

    def __init__(self, page: Page) -> None:
        self.received = bytearray()
        page.on("websocket", self._listen)
        page.on("response", lambda answer: self._keep(answer.body()) if "/_stcore/" in answer.url else None)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._keep)

    def _keep(self, data: str | bytes) -> None:
        self.received += data.encode() if isinstance(data, str) else data


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


def texts(store: Path) -> list[str]:
    return [t for t in open_snapshot(store).table("prompts")["text"].to_pylist() if len(t) >= 12]


@pytest.mark.parametrize("view", VIEWS)
def test_no_page_sends_the_text_of_a_prompt(page: Page, hiding: App, store: Path, view: str) -> None:
    tap = Tap(page)
    page.goto(f"{hiding.url}/{view}")
    settle(page)
    page.wait_for_timeout(300)
    assert len(tap.received) > 1000
    assert [t for t in texts(store) if t.encode() in tap.received] == []


def test_the_same_page_sends_texts_where_prompts_are_not_hidden(page: Page, app: App, store: Path) -> None:
    tap = Tap(page)
    page.goto(f"{app.url}/account?account=lone")
    settle(page)
    assert [t for t in texts(store) if t.encode() in tap.received]


def test_a_search_by_meaning_sends_no_text(page: Page, hiding: App, store: Path) -> None:
    tap = Tap(page)
    page.goto(f"{hiding.url}/map")
    settle(page)
    search = page.get_by_label("Find prompts by meaning")
    search.fill("solve an integral")
    search.press("Enter")
    expect(page.get_by_text("nearest to what you looked for")).to_be_visible()
    settle(page)
    assert [t for t in texts(store) if t.encode() in tap.received] == []


def test_one_prompt_is_sent_when_it_is_asked_for_and_that_is_noted(page: Page, hiding: App, store: Path) -> None:
    page.goto(f"{hiding.url}/account?account=lone")
    settle(page)
    assert page.get_by_label("Search in these prompts").is_disabled()
    listed = page.get_by_test_id("stDataFrame").first
    listed.scroll_into_view_if_needed()
    listed.click(position={"x": 120, "y": ROW + ROW // 2})
    show = page.get_by_role("button", name="Show this prompt; it is noted who read it")
    expect(show).to_be_visible()
    assert page.get_by_test_id("stCode").count() == 0
    before = len(all_looks(store))
    show.click()
    expect(page.get_by_test_id("stCode")).to_be_visible()
    shown = page.get_by_test_id("stCode").inner_text().strip()
    looks = all_looks(store)
    assert len(looks) == before + 1
    kept = open_snapshot(store).table("prompts")["text"].to_pylist()
    assert kept[looks[0].prompt_id].strip() == shown
