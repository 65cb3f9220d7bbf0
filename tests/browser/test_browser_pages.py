"""The app in a real Chromium: every page by its address, and the way through them."""

import io
import re

import pytest
from app_server import settle
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from conftest import Visit

pytestmark = pytest.mark.browser

ROW = 31  # px of a row of a table

PAGES = {
    "": ("5 open at review or high: 1 campaign, 4 accounts.", 0),
    "account": ("8 accounts, 4 of them at review or high.", 0),
    "account?account=lone": ("Scores like a sweep: 0.97", 6),
    "campaign": ("2 groups of accounts, 1 of which resembles one sweep.", 0),
    "campaign?campaign=C-01": ("3 accounts that resemble one sweep dealt out over many", 5),
    "map": ("40 distinct prompts in 4 clusters", 1),
    "map?account=lone": ("40 distinct prompts in 4 clusters", 1),
    "clusters": ("4 clusters hold 95 % of 40 distinct prompts", 1),
    "clusters?cluster=0": ("10 prompts of 5 accounts on coding", 3),
}


def table(page: Page, nth: int = 0) -> Locator:
    return page.get_by_test_id("stDataFrame").nth(nth)


def click_row(page: Page, row: int, nth: int = 0, x: int = 120) -> None:
    """Click into a row of a table, which is drawn on a canvas."""
    grid = table(page, nth)
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def drawn_share(chart: Locator) -> float:
    """Return the share of a chart's pixels that are not its ground."""
    chart.scroll_into_view_if_needed()
    picture = Image.open(io.BytesIO(chart.screenshot())).convert("RGB")
    colours = picture.getcolors(picture.width * picture.height)
    return 1 - max(n for n, _ in colours) / (picture.width * picture.height)


@pytest.mark.parametrize(("address", "expected"), PAGES.items(), ids=[a or "queue" for a in PAGES])
def test_each_page_opens_by_its_address_with_its_headline_and_charts(
    visit: Visit, address: str, expected: tuple[str, int]
) -> None:
    page = visit.open(address)
    headline, charts = expected
    expect(page.get_by_test_id("stText").first).to_contain_text(headline)
    found = page.get_by_test_id("stPlotlyChart")
    expect(found).to_have_count(charts)
    for chart in found.all():
        assert drawn_share(chart) > 0.002
    if "=" not in address and address != "map":
        assert drawn_share(table(page)) > 0.02


def test_from_the_queue_to_a_campaign_to_a_member_and_back(visit: Visit) -> None:
    page = visit.open("")
    click_row(page, 0)
    page.wait_for_url(re.compile(r"/campaign\?campaign=C-01$"))
    settle(page)
    click_row(page, 1, x=200)
    page.wait_for_url(re.compile(r"/account\?account=dealt-b$"))
    settle(page)
    expect(page.get_by_role("heading", name="Account dealt-b")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Campaign C-01")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    settle(page)
    click_row(page, 4)
    expect(page.get_by_role("heading", name="Account lone")).to_be_visible()


def test_filters_stand_in_the_address_and_survive_a_reload(visit: Visit) -> None:
    page = visit.open("")
    page.get_by_role("radio", name="accounts", exact=True).or_(
        page.get_by_test_id("stButtonGroup").get_by_text("accounts", exact=True)
    ).first.click()
    page.wait_for_url(re.compile(r"show=accounts"))
    page.reload()
    settle(page)
    click_row(page, 0)
    page.wait_for_url(re.compile(r"/account\?account=dealt-a$"))
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile(r"/\?show=accounts$"))
    settle(page)
    click_row(page, 1)
    expect(page).to_have_url(re.compile(r"/account\?account=dealt-b$"))


def draw_around(page: Page, tool: str) -> None:
    """Draw around the cluster at the right of the map."""
    chart = page.get_by_test_id("stPlotlyChart")
    chart.hover()
    chart.locator(f'[data-title="{tool}"]').click()
    box = chart.locator(".nsewdrag").first.bounding_box()
    corners = [(0.55, 0.25), (0.99, 0.25), (0.99, 0.75), (0.55, 0.75)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    if tool == "Box Select":
        places = [places[0], places[2]]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()


@pytest.mark.parametrize("tool", ["Lasso Select", "Box Select"])
def test_drawing_around_points_of_the_map_lists_prompts_and_accounts(visit: Visit, tool: str) -> None:
    page = visit.open("map")
    draw_around(page, tool)
    expect(page.get_by_text("11 prompts selected")).to_be_visible()
    settle(page)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)
    expect(page.get_by_role("link", name="python, function")).to_be_visible()


def test_a_search_by_meaning_lights_and_lists_what_is_near(visit: Visit) -> None:
    page = visit.open("map")
    search = page.get_by_label("Find prompts by meaning")
    search.fill("solve an integral")
    search.press("Enter")
    expect(page.get_by_text("nearest to what you looked for")).to_be_visible()
    settle(page)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)
    assert "integral" not in page.url


def test_a_filter_keeps_the_selection_of_the_map(visit: Visit) -> None:
    page = visit.open("map")
    draw_around(page, "Box Select")
    expect(page.get_by_text("11 prompts selected")).to_be_visible()
    page.get_by_text("level", exact=True).click()
    page.wait_for_url(re.compile(r"colour=level"))
    settle(page)
    expect(page.get_by_text("11 prompts selected")).to_be_visible()


def test_a_hostile_prompt_is_shown_as_text(visit: Visit) -> None:
    page = visit.open("account?account=dealt-b")
    search = page.get_by_label("Search in these prompts")
    search.fill("script")
    search.press("Enter")
    expect(page.get_by_text("1 of 10 distinct prompts.")).to_be_visible()
    settle(page)
    click_row(page, 0, nth=0)
    code = page.get_by_test_id("stCode")
    expect(code).to_contain_text("<script>alert(1)</script>")
    expect(code).to_contain_text(r"\x1b")


def test_an_account_whose_id_is_hostile_has_its_page(visit: Visit) -> None:
    page = visit.open("account?account=%3Dcmd")
    expect(page.get_by_role("heading", name="Account =cmd")).to_be_visible()
    page = visit.open("account?account=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%5Ba%5D(https%3A%2F%2Fexample.com)")
    expect(page.get_by_text("This cannot be shown")).to_be_visible()
    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()


def ground_of_chart(page: Page) -> int:
    """Return how light the corner of a chart is, 0 to 255."""
    chart = page.get_by_test_id("stPlotlyChart").nth(2)
    return max(Image.open(io.BytesIO(chart.screenshot())).convert("RGB").getpixel((2, 2)))


def test_charts_follow_the_theme_as_it_changes(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(color_scheme="dark")
    visit.open("account?account=lone")
    assert ground_of_chart(page) < 60
    page.get_by_role("button", name="Main menu").click()
    page.get_by_test_id("stMainMenuPopover").get_by_text("Light").last.click()
    page.keyboard.press("Escape")
    page.wait_for_selector(".st-key-drawn-in-light", state="attached")
    settle(page)
    assert ground_of_chart(page) > 240
