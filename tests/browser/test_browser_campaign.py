"""Campaigns in a real Chromium: the list with its filters, and members that are chosen, compared and opened."""

import re

import pytest
from app_server import settle
from playwright.sync_api import Locator, Page, expect

from conftest import Visit

pytestmark = pytest.mark.browser

ROW = 31  # px of a row of a table
BOX, ACCOUNT = 16, 220  # px from the left: the box that chooses a row, and the account's id


def members(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def click(page: Page, row: int, x: int) -> None:
    """Click into a row of the members, which are drawn on a canvas."""
    grid = members(page)
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})


def test_members_are_chosen_compared_still_chosen_on_the_way_back_and_opened(visit: Visit) -> None:
    page = visit.open("campaign?campaign=C-01")
    compare = page.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    click(page, 0, BOX)
    expect(page.get_by_text("1 member chosen.")).to_be_visible()
    click(page, 2, BOX)
    expect(page.get_by_text("2 members chosen.")).to_be_visible()
    expect(page.get_by_text("2 cases chosen")).to_be_visible()
    expect(compare).to_be_enabled()
    compare.click()
    page.wait_for_url(re.compile(r"/compare\?accounts=dealt-a&accounts=dealt-c$"))
    settle(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Campaign C-01")).to_be_visible()
    expect(page.get_by_text("2 members chosen.")).to_be_visible()
    settle(page)
    click(page, 1, ACCOUNT)
    expect(page.get_by_role("heading", name="Account dealt-b")).to_be_visible()


def test_a_template_shows_a_prompt_that_has_it(visit: Visit) -> None:
    page = visit.open("campaign?campaign=C-01")
    expect(page.get_by_text("Of 29 prompts of 3 members that were compared with 11 of others.")).to_be_visible()
    grid = page.get_by_test_id("stDataFrame").nth(2)
    grid.scroll_into_view_if_needed()
    grid.click(position={"x": 80, "y": ROW + ROW // 2})
    expect(page.get_by_test_id("stCode").first).to_contain_text(re.compile("Write a Python|Translate|Solve"))


def test_the_filters_of_the_list_stand_in_the_address(visit: Visit) -> None:
    page = visit.open("campaign")
    page.get_by_role("button", name="one business").click()
    expect(page.get_by_text("1 of 2 groups.")).to_be_visible()
    page.wait_for_url(re.compile(r"label=one"))
    page.reload()
    settle(page)
    expect(page.get_by_text("1 of 2 groups.")).to_be_visible()
    click(page, 0, 40)
    expect(page.get_by_role("heading", name="Campaign K-02")).to_be_visible()
