"""The queue in a real Chromium: filters, views, ticks and decisions, keys, and what is taken away."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, Visit, serve, settle
from playwright.sync_api import Browser, Locator, Page, expect

from support.risen_store import write_risen_store
from sweeplens.review.desk import saved_views
from sweeplens.review.people import system_person
from sweeplens.review.verdicts import latest_verdicts

pytestmark = pytest.mark.browser

ROW = 31  # px of a row of the table
TICK = 15  # px from the left, where the boxes are


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("queue") / "store"
    write_risen_store(store)
    return store


@pytest.fixture(scope="module")
def running(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("queue-home")
    with serve(desk, home / "server.log", home) as app:
        yield app


@pytest.fixture
def page(running: App, browser: Browser) -> Iterator[Page]:
    """Return the queue in a fresh tab; afterwards nothing may have gone wrong in it."""
    written = running.log.stat().st_size
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(TIMEOUT)
    seen = Visit(context.new_page(), running.url)
    seen.page.on("console", seen.hear)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    yield seen.open("")
    context.close()
    assert not seen.errors
    log = running.log.read_text(encoding="utf-8")[written:]
    assert "Traceback" not in log, log
    assert "Stack" not in log, log


def table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def click(page: Page, row: int, x: int = 420) -> None:
    """Click into a row of the table, which is drawn on a canvas."""
    table(page).click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def search(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search", exact=True)


def counted(page: Page, start: str) -> None:
    """Wait until the line above the table begins so."""
    expect(page.get_by_text(re.compile(f"^{start}"))).to_be_visible()
    settle(page)


def test_filters_stand_in_the_address_and_are_kept_while_one_is_away(page: Page) -> None:
    page.get_by_text("accounts", exact=True).click()
    page.wait_for_url(re.compile(r"\?show=accounts$"))
    page.get_by_role("button", name="More filters").click()
    page.get_by_role("combobox", name="Asks most about").click()
    page.get_by_role("option", name="Coding").click()
    page.wait_for_url(re.compile(r"about=Coding"))
    search(page).type("dealt")  # answers while one types
    counted(page, "2 accounts of 9 rows")
    assert "dealt" not in page.url
    click(page, 1)
    page.wait_for_url(re.compile(r"/account\?account=dealt-b$"))
    settle(page)
    page.go_back()
    counted(page, "2 accounts of 9 rows")
    expect(search(page)).to_have_value("dealt")
    page.get_by_role("link", name="Snapshots").click()
    page.wait_for_url(re.compile("snapshots"))
    settle(page)
    page.get_by_role("link", name="Queue").click()
    counted(page, "2 accounts of 9 rows")
    page.wait_for_url(re.compile(r"about=Coding"))
    page.reload()
    counted(page, "2 accounts of 9 rows")
    expect(search(page)).to_have_value("")


def test_ticked_rows_are_decided_at_once_and_say_so(page: Page, desk: Path) -> None:
    expect(page.get_by_text("5 open at review or high: 1 campaign, 4 accounts.")).to_be_visible()
    click(page, 4, TICK)
    expect(page.get_by_role("button", name="Decide on 1")).to_be_visible()
    settle(page)
    click(page, 6, TICK)
    page.get_by_role("button", name="Decide on 2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("2 cases chosen")).to_be_visible()
    dialog.get_by_role("combobox", name="Verdict").click()
    page.get_by_role("option", name="Confirmed sweep").click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("^2 verdicts saved"))).to_be_visible()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("4 open at review or high: 1 campaign, 3 accounts.")).to_be_visible()
    expect(page.get_by_role("button", name="Decide", exact=True)).to_be_disabled()
    found = {subject: v.verdict for (_, subject), v in latest_verdicts(desk).items()}
    assert found == {"lone": "confirmed sweep", "chat-1": "confirmed sweep"}


def test_filters_are_kept_as_a_view_and_taken_up_again(page: Page, desk: Path) -> None:
    page.get_by_text("new", exact=True).click()
    page.wait_for_url(re.compile(r"only=new"))
    counted(page, "1 campaign, 3 accounts of 9 rows")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Keep these filters as").fill("Morning")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Kept.", exact=True)).to_be_visible()
    assert [view.name for view in saved_views(desk, system_person())] == ["Morning"]
    page.get_by_role("button", name="Everything").click()
    counted(page, "1 campaign, 8 accounts")
    page.get_by_role("button", name="Morning").click()
    counted(page, "1 campaign, 3 accounts of 9 rows")
    assert "only=new" in page.url
    page.get_by_role("button", name="Open at review or high").click()
    page.wait_for_url(re.compile(r"level=high&level=review"))
    page.keyboard.press("Escape")
    click(page, 0, TICK)  # a run later, no filter has come back
    expect(page.get_by_role("button", name="Decide on 1")).to_be_visible()
    assert "only" not in page.url


def test_a_key_opens_the_first_and_letters_in_a_field_do_not(page: Page) -> None:
    search(page).type("lo")
    counted(page, "1 account of 9 rows")
    assert "account=" not in page.url
    search(page).blur()
    page.keyboard.press("o")
    page.wait_for_url(re.compile(r"/account\?account=lone$"))


def test_the_list_is_taken_away_as_the_command_line_writes_it(page: Page, desk: Path) -> None:
    page.get_by_role("button", name="Export").click()
    for name, kind in (("score", "CSV"), ("campaigns", "JSON lines")):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).nth(0 if name == "score" else 1).click()
        file = Path(download.value.path()).read_bytes()
        form = "csv" if kind == "CSV" else "jsonl"
        told = [sys.executable, "-m", "sweeplens", name, "--store", str(desk), "--format", form, "--quiet"]
        said = subprocess.run(told, capture_output=True, check=True)
        assert file == said.stdout


def test_twelve_rows_stand_on_a_small_screen_and_a_filter_does_not_scroll(page: Page) -> None:
    top = table(page).bounding_box()
    assert top is not None
    assert top["y"] + ROW * 13 <= 800
    page.set_viewport_size({"width": 1280, "height": 400})
    main = page.get_by_test_id("stMain")
    main.evaluate("m => m.scrollTo(0, 120)")
    before = main.evaluate("m => m.scrollTop")
    assert before > 50
    page.get_by_text("accounts", exact=True).click()
    page.wait_for_url(re.compile(r"show=accounts"))
    counted(page, "8 accounts of 9 rows")
    assert abs(main.evaluate("m => m.scrollTop") - before) < 40
