"""Clusters, coverage and snapshots in a real Chromium: by address, by clicks, and what one analyst names for all."""

import re

import pytest
from app_server import App, settle
from playwright.sync_api import Browser, Page, expect

from conftest import Visit
from sweeplens.store.snapshot import list_snapshots

pytestmark = pytest.mark.browser

ROW = 31  # px of a row of a table


def click_row(page: Page, row: int, nth: int = 0, x: int = 120) -> None:
    grid = page.get_by_test_id("stDataFrame").nth(nth)
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def click_mark(page: Page, chart: int, mark: int) -> None:
    """Click a mark of a chart that is drawn as SVG."""
    found = page.get_by_test_id("stPlotlyChart").nth(chart)
    found.scroll_into_view_if_needed()
    box = found.locator(".scatterlayer path.point").nth(mark).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_into_the_picture_of_coverage_opens_the_account(visit: Visit) -> None:
    page = visit.open("coverage?rows=all&capability=Coding&order=alike")
    expect(page.get_by_test_id("stText").first).to_contain_text("A typical flagged account asks about 3 of 3")
    page = visit.open("coverage")
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    click_mark(page, 0, 4 + 4 * 3 + 1)  # four columns; after the row of all prompts, the fourth account
    page.wait_for_url(re.compile(r"/account\?account=lone$"))
    expect(page.get_by_role("heading", name="Account lone")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Coverage")).to_be_visible()


def test_a_circle_of_the_map_of_clusters_opens_it(visit: Visit) -> None:
    page = visit.open("clusters?order=flagged")
    click_mark(page, 0, 3)  # the smallest cluster is drawn last
    page.wait_for_url(re.compile(r"/clusters\?.*cluster=3"))
    settle(page)
    expect(page.get_by_role("heading", name="Cluster 3")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(3)
    page.get_by_role("button", name="Its capability").click()
    page.wait_for_url(re.compile(r"capability=Unassigned"))
    expect(page.get_by_role("heading", name="Clusters")).to_be_visible()


def give_name(page: Page, name: str) -> None:
    page.get_by_role("button", name="Name and pin").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Keep").click()


def test_a_name_is_seen_in_another_browser_and_taken_back(visit: Visit, browser: Browser, app: App) -> None:
    page = visit.open("clusters?cluster=2")
    expect(page.get_by_text("nobody has given it another")).to_be_visible()
    give_name(page, "<b>Sums</b> ![x](http://example.com/x.png)")
    expect(page.get_by_role("heading", name="Cluster 2 <b>Sums</b> ![x](http://example.com/x.png)")).to_be_visible()
    other = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    other.goto(f"{app.url}/clusters?cluster=2")
    expect(other.get_by_role("heading", name="Cluster 2 <b>Sums</b>")).to_be_visible()
    give_name(other, "")
    expect(other.get_by_role("heading", name="Cluster 2 integral, solve")).to_be_visible()
    other.context.close()
    page = visit.open("clusters?cluster=2")
    expect(page.get_by_role("heading", name="Cluster 2 integral, solve")).to_be_visible()
    expect(page.get_by_text("What it was called")).to_be_visible()


def test_two_snapshots_stand_against_each_other_by_address(visit: Visit, store: object) -> None:
    ids = [row.snapshot_id for row in list_snapshots(store)]  # type: ignore[arg-type] # a path
    page = visit.open("snapshots")
    expect(page.get_by_test_id("stText").first).to_contain_text(f"The store holds {len(ids)} snapshots")
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(4)
    page = visit.open(f"snapshots?before={ids[1]}&after={ids[0]}")
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(4)
    click_row(page, 1)  # the older one, which was made from none
    page.wait_for_url(re.compile(rf"before={ids[0]}&after={ids[1]}"))
    page = visit.open("snapshots?before=20200101-000000-00000000")
    expect(page.get_by_text("it may have been pruned")).to_be_visible()
    page.get_by_role("button", name="Compare the current one with the one before it").click()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(4)
