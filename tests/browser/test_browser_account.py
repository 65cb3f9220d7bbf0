"""One account and several in a real Chromium: from a reason to its prompts, on to the next, and side by side."""

import re

import pytest
from app_server import settle
from playwright.sync_api import Page, expect

from conftest import Visit

pytestmark = pytest.mark.browser


def choose(page: Page, group: str, option: str) -> None:
    """Click one of the choices that stand beside each other."""
    page.get_by_test_id("stButtonGroup").filter(has_text=group).get_by_text(option, exact=True).click()
    settle(page)


def test_a_reason_leads_to_its_prompts_and_the_address_keeps_it(visit: Visit) -> None:
    page = visit.open("account?account=lone")
    choose(page, "Prompts that show", "ground covered")
    said = "Its prompts: the first in each cell, in order of arrival."
    expect(page.get_by_text(said)).to_be_visible()
    expect(page).to_have_url(re.compile(r"why=cells"))
    page.reload()
    settle(page)
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_test_id("stDataFrame").first.click(position={"x": 120, "y": 46})
    expect(page.get_by_test_id("stCode")).to_contain_text("Write a Python function that sorts list number 0")


def test_the_rows_stay_from_one_account_to_the_next_and_back(visit: Visit) -> None:
    page = visit.open("account?account=dealt-a")
    choose(page, "capabilities", "clusters")
    expect(page).to_have_url(re.compile(r"rows=cluster"))
    page.get_by_role("button", name="Next in the queue").click()
    expect(page.get_by_role("heading", name="Account dealt-b")).to_be_visible()
    expect(page).to_have_url(re.compile(r"account=dealt-b.*rows=cluster|rows=cluster.*account=dealt-b"))
    settle(page)
    expect(page.get_by_text("python, function").first).to_be_attached()
    page.go_back()
    expect(page.get_by_role("heading", name="Account dealt-a")).to_be_visible()
    expect(page).to_have_url(re.compile(r"account=dealt-a.*rows=cluster"))


def test_accounts_are_set_side_by_side_added_and_removed(visit: Visit) -> None:
    page = visit.open("account?account=shop")
    page.get_by_role("button", name="Compare with …").click()
    page.get_by_label("Accounts on like ground and of its campaign").click()
    page.get_by_role("option", name=re.compile("^chat-1")).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_url(re.compile(r"/compare\?accounts=shop&accounts=chat-1$"))
    settle(page)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(4)
    expect(page.get_by_test_id("stText").first).to_contain_text("Both visit 4 of the 6 cells that they cover together")
    page.get_by_label("Add an account").fill("ne")
    page.get_by_role("option", name="lone").click()
    page.wait_for_url(re.compile(r"accounts=shop&accounts=chat-1&accounts=lone$"))
    expect(page.get_by_text("All 3 visit")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Remove").first.click()
    page.wait_for_url(re.compile(r"/compare\?accounts=chat-1&accounts=lone$"))
    settle(page)
    page.reload()
    settle(page)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(4)
    page.get_by_role("button", name="lone").click()
    expect(page.get_by_role("heading", name="Account lone")).to_be_visible()


def test_an_unknown_account_is_said_beside_the_known_ones(visit: Visit) -> None:
    page = visit.open("compare?accounts=lone&accounts=%3Cimg%20src%3Dx%3E&accounts=shop")
    expect(page.get_by_text("Not in this snapshot: <img src=x>.")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(4)
