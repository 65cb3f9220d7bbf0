"""A report in a real browser, from a file: it shows, asks for nothing, runs nothing, and prints."""

from pathlib import Path

import pytest
from app_server import TIMEOUT
from playwright.sync_api import Browser, expect

from support.hostile_store import NAME, write_hostile_store
from sweeplens.report.paper import make_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    written = {}
    with write_hostile_store(folder / "store") as snapshot:
        for kind, subject in (("account", NAME), ("campaign", "C-01")):
            written[kind] = folder / f"{kind}.html"
            written[kind].write_bytes(make_report(snapshot, kind, subject, redact=False, by="mia", verified=False))  # type: ignore[arg-type]
    return written


@pytest.mark.parametrize("kind", ["account", "campaign"])
def test_it_asks_for_nothing_and_runs_nothing(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    context.set_default_timeout(TIMEOUT)
    page, asked, said, asked_user = context.new_page(), [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (asked_user.append(dialog.message), dialog.dismiss()))
    page.goto(pages[kind].as_uri())
    page.wait_for_timeout(300)
    assert asked == [pages[kind].as_uri()]
    assert said == []
    assert asked_user == []
    expect(page.locator("h1")).to_have_text(NAME if kind == "account" else "C-01")
    expect(page.get_by_text("It is not proof")).to_be_visible()
    assert page.locator("figure svg").count() >= 5
    for picture in page.locator("figure svg").all():
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 50
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    if kind == "account":
        expect(page.locator("pre").filter(has_text="<script>alert('prompt')</script>")).to_have_count(1)
    context.close()


def test_it_prints_on_a4_with_its_pictures(browser: Browser, pages: dict[str, Path]) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(pages["campaign"].as_uri())
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert printed.startswith(b"%PDF-")
    assert b"/MediaBox [0 0 594.95996 841.91998]" in printed or b"/MediaBox [0 0 595" in printed
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # the width between the margins, in px
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
