"""A hostile log on every page, in every file: nothing of it is executed, rendered as markup, or fetched."""

import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from app_server import TIMEOUT, App, serve, settle
from playwright.sync_api import Browser, Page, expect

from support.hostile_log import ACCOUNTS, EVIL, build_hostile_store
from sweeplens.report.queue import campaign_queue
from sweeplens.store.snapshot import open_snapshot
from sweeplens.ui.links import PAGES, address

pytestmark = pytest.mark.browser

FORMULA = re.compile(r"^[\s]*[=+\-@]")
NUMBER = re.compile(r"^-?[0-9.]+(e-?[0-9]+)?$")


@pytest.fixture(scope="module")
def hostile_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_hostile_store(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def hostile(hostile_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("hostile-home")
    with serve(hostile_store, home / "server.log", home) as running:
        yield running
        log = running.log.read_text(encoding="utf-8")
        assert "Traceback" not in log, log
        assert EVIL not in log


@pytest.fixture
def page(browser: Browser, hostile: App) -> Iterator[Page]:
    """Return a tab; afterwards nothing of the log may have run, been fetched, or become markup in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(TIMEOUT)
    opened = context.new_page()
    went, wrong = [], []
    opened.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: went.append(request.url))
    yield opened
    assert opened.evaluate("() => window.hurt === undefined")
    context.close()
    local = (hostile.url, hostile.url.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in went if not url.startswith(local)] == []
    assert wrong == []


def nothing_became_markup(page: Page) -> None:
    """Assert that no element of the page comes from a text of the log."""
    bad = page.evaluate(
        """(evil) => {
            const ours = [...document.querySelectorAll('*')];
            const acts = ours.flatMap(e => [...e.attributes]
                .filter(a => a.name.startsWith('on') || ['href', 'src', 'xlink:href', 'action'].includes(a.name))
                .filter(a => a.value.includes(evil) || a.value.includes('window.hurt'))
                .map(a => `${e.tagName} ${a.name}=${a.value}`));
            const scripts = ours.filter(e => e.tagName === 'SCRIPT' && e.textContent.includes('window.hurt'));
            const drawn = ours.filter(e => e.classList.contains('katex'));
            return [...acts, ...scripts.map(e => e.outerHTML), ...drawn.map(e => e.outerHTML)];
        }""",
        EVIL,
    )
    assert bad == []


VIEWS = [
    *(address(name) for name in PAGES),
    *(address("account", account=account) for account in ACCOUNTS),
    address("compare", accounts=list(ACCOUNTS[:4])),
    address("map", account=ACCOUNTS[0]),
    address("map", colour="cluster"),
    address("map", accounts=list(ACCOUNTS[1:3])),
    address("map", like="3"),
]


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_shows_it_as_plain_text(page: Page, hostile: App, view: str) -> None:
    page.goto(f"{hostile.url}/{view}")
    settle(page)
    assert page.get_by_text("This cannot be shown").count() == 0
    assert page.get_by_test_id("stException").count() == 0
    nothing_became_markup(page)


def test_campaigns_and_clusters_too(page: Page, hostile: App, hostile_store: Path) -> None:
    snapshot = open_snapshot(hostile_store)
    groups = [row.campaign_id for row in campaign_queue(snapshot, include_all=True)]
    clusters = snapshot.table("clusters")["cluster_id"].to_pylist()
    seen = [address("campaign", campaign=g) for g in groups[:2]]
    seen += [address("clusters", cluster=str(c)) for c in clusters[:4]]
    assert seen
    for view in seen:
        page.goto(f"{hostile.url}/{view}")
        settle(page)
        nothing_became_markup(page)


def test_a_note_and_an_assignee_are_plain_text_as_well(page: Page, hostile: App) -> None:
    mark = f'<img src=http://{EVIL}/n.png onerror="window.hurt=1"> [l](http://{EVIL}) $x^2$'
    page.goto(f"{hostile.url}/{address('account', account=ACCOUNTS[1])}")
    settle(page)
    page.get_by_label("Verdict", exact=True).click()
    page.get_by_role("option", name="Unsure").click()
    page.get_by_label("Note").fill(mark)
    page.get_by_label("Note").press("Enter")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("The verdict is saved.")).to_be_visible()
    page.get_by_role("button", name="History (1)").click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("<img src=")
    nothing_became_markup(page)
    page.goto(f"{hostile.url}/decisions")
    settle(page)
    nothing_became_markup(page)


class Reader(HTMLParser):
    """What a browser would act on in a file."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep tags that run or fetch, and attributes that do."""
        if tag in {"script", "iframe", "object", "embed", "link", "base", "form"}:
            self.acts.append(tag)
        for name, value in attrs:
            outside = (value or "").strip().lower().startswith(("http:", "https:", "//", "javascript:"))
            if name.startswith("on") or (name in {"src", "href", "xlink:href"} and outside):
                self.acts.append(f"{tag} {name}={value}")


@pytest.mark.parametrize(("label", "ending"), [("HTML, to read or print", "html"), ("JSON, for programs", "json")])
def test_a_report_from_the_app_is_harmless(page: Page, hostile: App, tmp_path: Path, label: str, ending: str) -> None:
    page.goto(f"{hostile.url}/{address('account', account=ACCOUNTS[0])}")
    settle(page)
    page.get_by_role("button", name="Report").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    name = download.value.suggested_filename
    assert re.fullmatch(rf"[A-Za-z0-9_-]+\.{ending}", name)
    data = Path(download.value.path()).read_text(encoding="utf-8")
    if ending == "json":
        assert json.loads(data)
        return
    reader = Reader()
    reader.feed(data)
    assert reader.acts == []
    download.value.save_as(tmp_path / name)
    opened = page.context.new_page()
    fetched: list[str] = []
    opened.on("request", lambda request: fetched.append(request.url))
    opened.goto(f"file://{tmp_path / name}")
    assert opened.locator("svg").count() >= 3
    assert opened.evaluate("() => window.hurt === undefined")
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []


def test_the_queue_as_csv_holds_no_formula(page: Page, hostile: App) -> None:
    page.goto(f"{hostile.url}/")
    settle(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("CSV")).first.click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert len(rows) == 1 + len(ACCOUNTS) or len(rows) > len(ACCOUNTS)
    cells = [cell for row in rows for cell in row]
    assert [c for c in cells if FORMULA.match(c) and not NUMBER.match(c)] == []
