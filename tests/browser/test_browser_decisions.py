"""The page of decisions in a real Chromium: from a verdict to its case and back, and away with the trail."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, Visit, serve, settle
from playwright.sync_api import Browser, expect

from support.small_store import write_small_store
from sweeplens.review import add_verdict
from sweeplens.review.people import Person
from sweeplens.review.trade import read_verdicts

pytestmark = pytest.mark.browser
ABOUT = {"snapshot_id": "20260302-090000-00000000", "detector": "handmade 1"}
ANN = Person("ann@example.com", verified=True)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("desk") / "store"
    write_small_store(store)
    soon = datetime.now(UTC) + timedelta(days=3)
    add_verdict(store, "account", "lone", "benign", by=ANN, until=soon, level="review", note="=1+1", **ABOUT)
    add_verdict(store, "campaign", "C-01", "tenant", by=ANN, members=("dealt-a", "x"), level="high", **ABOUT)
    return store


@pytest.fixture(scope="module")
def server(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("desk-home")
    with serve(desk, home / "server.log", home) as running:
        yield running


@pytest.fixture
def tab(server: App, browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(TIMEOUT)
    seen = Visit(context.new_page(), server.url)
    seen.page.on("console", seen.hear)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    yield seen
    context.close()
    assert not seen.errors
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_a_verdict_leads_to_its_case_and_back_to_the_filters(tab: Visit) -> None:
    page = tab.open("decisions?kind=campaigns")
    expect(page.get_by_text("2 verdicts by 1 analyst; 1 case is open again.")).to_be_visible()
    trail = page.get_by_test_id("stDataFrame").last
    trail.scroll_into_view_if_needed()
    trail.click(position={"x": 420, "y": 46})
    page.wait_for_url(re.compile(r"/campaign\?campaign=C-01$"))
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile(r"/decisions\?kind=campaigns$"))
    settle(page)
    expect(page.get_by_text("1 of 1 allow-list entry ends within 14 days")).to_be_visible()


def test_what_another_leaves_is_there_at_the_next_look_and_the_trail_can_be_taken_away(tab: Visit, desk: Path) -> None:
    page = tab.open("decisions")
    add_verdict(desk, "account", "shop", "unsure", by=Person("bob"), **ABOUT)
    page.reload()
    settle(page)
    expect(page.get_by_text("3 verdicts by 2 analysts; 1 case is open again.")).to_be_visible()
    for label, name in (("Save as CSV", "verdicts.csv"), ("Save as JSONL", "verdicts.jsonl")):
        with page.expect_download() as coming:
            page.get_by_role("button", name=label).click()
        assert coming.value.suggested_filename == name
        found = read_verdicts(Path(coming.value.path()).read_bytes(), name)
        assert [(v.subject, v.note) for v in found] == [("lone", "=1+1"), ("C-01", ""), ("shop", "")]
