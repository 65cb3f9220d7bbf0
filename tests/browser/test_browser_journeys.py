"""What an analyst does in a day, on the demo's store: from the queue to a verdict and back, with others at work beside.

`SWEEPLENS_JOURNEY_STORE=folder` walks the same ways through another store, of which a copy is used.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, Visit, serve, settle
from playwright.sync_api import Browser, Locator, Page, expect

from sweeplens.config import Settings
from sweeplens.demo import write_demo
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.review import history
from sweeplens.review.people import Person
from sweeplens.store.prune import use
from sweeplens.store.snapshot import open_snapshot, read_current
from sweeplens.ui.links import address

pytestmark = pytest.mark.browser

ROW = 31  # px of a row of a table


@dataclass(frozen=True)
class Desk:
    """A store with two snapshots, the app on it, and what to look at there."""

    store: Path
    app: App
    campaign: str
    member: str
    alone: str
    older: str
    newer: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("journey")
    store = folder / "store"
    given = os.environ.get("SWEEPLENS_JOURNEY_STORE")
    if given:
        shutil.copytree(given, store, ignore=shutil.ignore_patterns(".cache", "review.sqlite*"))
    else:
        _build(folder, store)
    newer, _ = read_current(store)
    older = str(open_snapshot(store).manifest["parent"])
    snapshot = open_snapshot(store)
    campaign = campaign_queue(snapshot)[0]
    alone = next(row for row in account_queue(snapshot) if row.campaign_id is None and row.n_prompts >= 20)
    with serve(store, folder / "server.log", folder) as app:
        yield Desk(store, app, campaign.campaign_id, campaign.accounts[0], alone.account_id, older, newer)
        log = app.log.read_text(encoding="utf-8")
        assert "Traceback" not in log, log
        assert "Error" not in log, log


def _build(folder: Path, store: Path) -> None:
    """Build the first days of the demo's log and update with the rest."""
    from sweeplens.pipeline import build, update

    log, _ = write_demo(folder / "log")
    with gzip.open(log, "rt", encoding="utf-8") as stream:
        cut = stream.read().splitlines()  # they stand in the order of their times
    first, rest = folder / "first.jsonl", folder / "rest.jsonl"
    first.write_text("\n".join(cut[: len(cut) * 4 // 5]) + "\n", encoding="utf-8")
    rest.write_text("\n".join(cut[len(cut) * 4 // 5 :]) + "\n", encoding="utf-8")
    settings = Settings(store=store, encoder="fast", workers=2)
    build([str(first)], settings)
    update([str(rest)], settings)


Open = Callable[[], Visit]


@pytest.fixture
def new_tab(desk: Desk, browser: Browser) -> Iterator[Open]:
    """Return a function that opens a browser of its own; afterwards nothing may have gone wrong in any."""
    opened, contexts = [], []

    def open_it() -> Visit:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
        context.set_default_timeout(TIMEOUT)
        visit = Visit(context.new_page(), desk.app.url)
        visit.page.on("console", visit.hear)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        local = (desk.app.url, desk.app.url.replace("http", "ws", 1), "data:", "blob:")
        visit.page.on("request", lambda r: None if r.url.startswith(local) else visit.foreign.append(r.url))
        contexts.append(context)
        opened.append(visit)
        return visit

    yield open_it
    for context in contexts:
        context.close()
    assert [visit.errors for visit in opened if visit.errors] == []
    assert [visit.foreign for visit in opened if visit.foreign] == []


def table(page: Page, nth: int = 0) -> Locator:
    return page.get_by_test_id("stDataFrame").nth(nth)


def click_row(page: Page, row: int, x: int, nth: int = 0) -> None:
    """Click into a row of a table, which is drawn on a canvas."""
    grid = table(page, nth)
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def decide(page: Page, verdict: str, note: str) -> None:
    """Choose a verdict and save it."""
    page.get_by_label("Verdict", exact=True).first.click()
    page.get_by_role("option", name=verdict).click()
    page.get_by_label("Note").first.fill(note)
    page.get_by_label("Note").first.press("Tab")
    settle(page)
    page.get_by_role("button", name="Save").first.click()
    settle(page)


def test_from_the_queue_to_an_account_to_its_campaign_to_a_verdict_and_back(desk: Desk, new_tab: Open) -> None:
    page = new_tab().open(address("queue", show="accounts", id=desk.member))
    click_row(page, 0, x=290)
    page.wait_for_url(re.compile(r"/account\?account="))
    settle(page)
    page.get_by_role("button", name=f"Campaign {desk.campaign}").click()
    page.wait_for_url(re.compile(rf"/campaign\?campaign={desk.campaign}$"))
    settle(page)
    decide(page, "Confirmed sweep", "dealt out over its members")
    expect(page.get_by_text("The verdict is saved.")).to_be_visible()
    (kept,) = history(desk.store, "campaign", desk.campaign)
    assert (kept.verdict, kept.note, kept.snapshot_id) == (
        "confirmed sweep",
        "dealt out over its members",
        desk.newer,
    )
    assert desk.member in kept.members
    page.go_back()
    page.wait_for_url(re.compile(r"/account\?account="))
    settle(page)
    expect(page.get_by_text(f"Confirmed sweep with its campaign {desk.campaign}")).to_be_visible()
    page.go_back()
    page.wait_for_url(re.compile(r"show=accounts"))
    settle(page)
    expect(page.get_by_label("Id contains").or_(page.get_by_text(desk.member)).first).to_be_attached()
    assert desk.member in page.url


def test_two_analysts_at_once_lose_nothing(desk: Desk, new_tab: Open) -> None:
    view = address("account", account=desk.alone)
    ann, bob = new_tab().open(view), new_tab().open(view)
    decide(ann, "Benign", "a partner")
    expect(ann.get_by_text("The verdict is saved.")).to_be_visible()
    decide(bob, "Confirmed sweep", "bob's reason")
    expect(bob.get_by_text("Not saved")).to_be_visible()
    expect(bob.get_by_text(re.compile(r"benign until .* by "))).to_be_visible()
    assert [v.verdict for v in history(desk.store, "account", desk.alone)] == ["benign"]
    bob.get_by_role("button", name="Save mine as the last word").click()
    settle(bob)
    expect(bob.get_by_text("The verdict is saved.")).to_be_visible()
    assert [v.verdict for v in history(desk.store, "account", desk.alone)] == ["confirmed sweep", "benign"]
    ann.reload()
    settle(ann)
    expect(ann.get_by_text("Confirmed sweep, by")).to_be_visible()


def test_a_reload_midway_gives_the_same_view(desk: Desk, new_tab: Open) -> None:
    page = new_tab().open("")
    page.get_by_test_id("stButtonGroup").get_by_text("accounts", exact=True).first.click()
    page.wait_for_url(re.compile(r"show=accounts"))
    settle(page)
    before = page.get_by_test_id("stText").first.inner_text()
    page.reload()
    settle(page)
    assert page.get_by_test_id("stText").first.inner_text() == before
    click_row(page, 0, x=290)
    page.wait_for_url(re.compile(r"/account\?account="))
    settle(page)
    name = page.get_by_role("heading", level=4).first.inner_text()
    page.reload()
    settle(page)
    assert page.get_by_role("heading", level=4).first.inner_text() == name


def test_a_report_is_taken_away_and_opens(desk: Desk, new_tab: Open, tmp_path: Path) -> None:
    page = new_tab().open(address("campaign", campaign=desk.campaign))
    page.get_by_role("button", name="Report").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML, to read or print").click()
    download.value.save_as(tmp_path / "report.html")
    opened = page.context.new_page()
    opened.goto(f"file://{tmp_path / 'report.html'}")
    expect(opened.locator("body")).to_contain_text(desk.campaign)
    expect(opened.locator("body")).to_contain_text(desk.newer)
    assert opened.locator("svg").count() >= 3
    opened.close()


def draw_around(page: Page) -> None:
    """Draw a lasso around the middle of the map."""
    chart = page.get_by_test_id("stPlotlyChart").first
    chart.hover()
    chart.locator('[data-title="Lasso Select"]').click()
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    corners = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


def test_a_lasso_on_the_map_is_listed_and_taken_away(desk: Desk, new_tab: Open) -> None:
    page = new_tab().open("map")
    draw_around(page)
    expect(page.get_by_text(re.compile(r"[\d\u2009]+ prompts selected"))).to_be_visible()
    settle(page)
    said = page.get_by_text(re.compile(r"[\d\u2009]+ prompts selected")).first.inner_text()
    n = int("".join(c for c in said.split(" prompt")[0] if c.isdigit()))
    assert n > 10
    page.get_by_role("button", name=re.compile("Export|Take away|File")).first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("JSON")).first.click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text(encoding="utf-8").splitlines()]
    assert len(rows) == n


def test_a_search_and_a_comparison(desk: Desk, new_tab: Open) -> None:
    page = new_tab().open("map")
    search = page.get_by_label("Find prompts by meaning")
    search.fill("write a function in python")
    search.press("Enter")
    expect(page.get_by_text("nearest to what you looked for").first).to_be_visible()
    assert "python" not in page.url
    page = new_tab().open(address("compare", accounts=[desk.alone, desk.member]))
    for account in (desk.alone, desk.member):
        expect(page.get_by_text(account).first).to_be_visible()
    assert page.get_by_test_id("stPlotlyChart").count() >= 4


def test_a_store_replaced_under_the_app_is_taken_up_at_the_next_click(desk: Desk, new_tab: Open) -> None:
    page = new_tab().open("")
    expect(page.get_by_text(desk.newer).first).to_be_visible()
    use(desk.store, desk.older)
    try:
        page.get_by_role("link", name="Clusters").click()
        page.wait_for_url(re.compile("/clusters"))
        settle(page)
        expect(page.get_by_text(desk.older).first).to_be_visible()
        page.goto(f"{desk.app.url}/{address('account', account='not-there')}")
        settle(page)
        expect(page.get_by_text("This cannot be shown")).to_be_visible()
    finally:
        use(desk.store, desk.newer)
    page.get_by_role("link", name="Queue").click()
    settle(page)
    expect(page.get_by_text(desk.newer).first).to_be_visible()


def test_a_verdict_of_the_command_line_is_in_the_app_at_the_next_click(desk: Desk, new_tab: Open) -> None:
    from sweeplens.review import add_verdict

    page = new_tab().open("")
    about = {"snapshot_id": desk.newer, "detector": "by hand", "by": Person("night shift")}
    add_verdict(desk.store, "account", desk.member, "unsure", note="from elsewhere", **about)
    page.goto(f"{desk.app.url}/{address('account', account=desk.member)}")
    settle(page)
    expect(page.get_by_text("Unsure, by night shift (unverified)")).to_be_visible()
