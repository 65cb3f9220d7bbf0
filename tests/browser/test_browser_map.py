"""The map in a real Chromium: draw around points, take the list away, zoom to names, hover, look for what is alike."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_server import App, Visit, serve, settle
from playwright.sync_api import Browser, Page, expect

from support.fast_store import write_fast_store
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, REJECTS, TABLES
from sweeplens.store.snapshot import Snapshot

pytestmark = pytest.mark.browser


def where(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return a place on the map in px of the window, from its shares of width and height."""
    box = page.locator(".st-key-map-frame .nsewdrag").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def wait_for_names(page: Page) -> int:
    """Wait until names stand on the map, and return how many."""
    page.wait_for_function("() => +document.querySelector('.map-names')?.dataset.count > 0")
    return int(page.locator(".map-names").get_attribute("data-count") or 0)


def draw_around(page: Page, corners: list[tuple[float, float]]) -> None:
    """Draw a lasso."""
    places = [where(page, x, y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


RIGHT = [(0.6, 0.2), (0.99, 0.2), (0.99, 0.8), (0.6, 0.8)]


def seen(page: Page) -> list[float]:
    """Return the limits of what is looked at."""
    axes = "document.querySelector('.st-key-map-frame .js-plotly-plot')._fullLayout"
    found: list[float] = page.evaluate(f"[...{axes}.xaxis.range, ...{axes}.yaxis.range]")
    return found


def test_a_lasso_lists_prompts_and_accounts_and_can_be_taken_away(visit: Visit) -> None:
    page = visit.open("map")
    wait_for_names(page)
    draw_around(page, RIGHT)
    said = page.get_by_text(re.compile(r"^\d+ prompts selected$"))
    expect(said).to_be_visible()
    selected = said.inner_text()
    settle(page)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSONL").click()
    assert re.fullmatch(r"map-selection-[\w-]+\.jsonl", download.value.suggested_filename)
    rows = [json.loads(line) for line in Path(download.value.path()).read_text(encoding="ascii").splitlines()]
    assert {row["cluster"] for row in rows} >= {"python, function"}
    assert f"{len(rows)} prompts selected" == selected
    assert len(rows) >= 10
    page.keyboard.press("Escape")
    page.get_by_text("level", exact=True).click()
    page.wait_for_url(re.compile("colour=level"))
    expect(page.get_by_text(selected)).to_be_visible()
    page.get_by_role("button", name="Clear the selection").click()
    expect(page.get_by_text("Nothing is selected.")).to_be_visible()
    settle(page)
    assert page.evaluate("document.querySelectorAll('.st-key-map-frame .select-outline').length") == 0


def test_a_click_shows_the_prompt_and_leads_to_what_is_like_it(visit: Visit) -> None:
    page = visit.open("map")
    wait_for_names(page)
    axes = "document.querySelector('.st-key-map-frame .js-plotly-plot')"
    x, y = page.evaluate(
        f"(() => {{ const g = {axes}, f = g._fullLayout, t = g._fullData.find(t => t.meta === 'point');"
        " return [f.xaxis.l2p(t.x[0]) / f.xaxis._length, f.yaxis.l2p(t.y[0]) / f.yaxis._length]; })()"
    )
    page.mouse.move(*where(page, x + 0.01, y))
    page.mouse.move(*where(page, x, y))
    tip = page.locator(".map-tip")
    expect(tip).to_contain_text("highest level among senders")
    expect(tip).to_contain_text(re.compile("number|Something|Fix"))  # the text of the prompt comes from the server
    page.mouse.click(*where(page, x, y))
    expect(page.get_by_text("1 prompt selected")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_be_visible()
    page.get_by_role("button", name="More like this on the map").click()
    page.wait_for_url(re.compile(r"/map\?like=\d+$"))
    expect(page.get_by_text(re.compile(r"The 39 prompts nearest to prompt \d+"))).to_be_visible()
    settle(page)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)


def test_filters_stand_in_the_address_and_come_back(visit: Visit) -> None:
    page = visit.open("map?capability=Coding&level=high&accounts=lone&accounts=shop")
    expect(page.get_by_text(re.compile("of 40 prompts pass the filters; the rest is grey"))).to_be_visible()
    expect(page.get_by_text("2 accounts", exact=True)).to_be_visible()
    page.get_by_role("link", name="Clusters", exact=True).click()
    page.wait_for_url(re.compile("/clusters"))
    settle(page)
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.get_by_text(re.compile("of 40 prompts pass the filters"))).to_be_visible()
    page.wait_for_url(re.compile("capability=Coding"))
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_text(re.compile("pass the filters"))).to_have_count(0)
    page.wait_for_url(re.compile(r"^(?!.*capability)"))


def write_crowded_store(store: Path) -> Snapshot:
    """Publish the fast store again, with as many clusters as pairs of prompts, side by side on a line."""
    old = write_fast_store(store)
    member, clusters = old.table("membership").to_pydict(), old.table("clusters").to_pylist()
    member["cluster"] = [prompt // 2 for prompt in range(40)]
    member["x"] = [np.float32(prompt // 2 + 0.3 * (prompt % 2)) for prompt in range(40)]
    member["y"] = [np.float32(prompt % 2) for prompt in range(40)]
    rows = [
        {**clusters[0], "cluster_id": c, "name": f"cluster of pair {c}", "x": c + 0.15, "y": 0.5, "n_prompts": 2}
        for c in range(20)
    ]
    tables = {name: old.table(name) for name in TABLES}
    with write_snapshot(store) as writer:
        for name, table in tables.items():
            if name in {"membership", "clusters"}:
                import pyarrow as pa

                columns = member if name == "membership" else pa.Table.from_pylist(rows, table.schema).to_pydict()
                table = pa.table(columns, schema=table.schema)  # noqa: PLW2901
            writer.add_table(name, table)
        writer.add_vectors(np.asarray(old.vectors[np.arange(40)]))
        writer.add_index(old.index)
        writer.adopt(old, CELLS)
        with writer.create(REJECTS):
            pass
        return writer.publish({k: old.manifest[k] for k in ("detector", "counts", "encoder")})


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("crowded")
    write_crowded_store(home / "store")
    with serve(home / "store", home / "server.log", home) as running:
        yield running


def test_more_names_come_with_the_zoom_and_a_new_colour_keeps_it(crowded: App, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{crowded.url}/map")
    settle(page)
    few, whole = wait_for_names(page), seen(page)
    assert few < 12
    page.mouse.move(*where(page, 0.5, 0.5))
    for _ in range(12):
        page.mouse.wheel(0, -400)
        page.wait_for_timeout(60)
    page.wait_for_function("() => !document.querySelector('.map-back').hidden")
    texts = "[...document.querySelectorAll('.map-names span')].filter(s => s.style.display !== 'none')"
    near = f"{texts}.map(s => +s.textContent.split(' ').pop())"
    page.wait_for_function(f"() => {{ const n = {near}.sort((a, b) => a - b); return n[1] - n[0] === 1; }}")
    zoomed = seen(page)
    assert zoomed[1] - zoomed[0] < (whole[1] - whole[0]) / 2
    page.wait_for_timeout(600)  # until the server has heard of it
    page.get_by_text("level", exact=True).click()
    page.wait_for_url(re.compile("colour=level"))
    settle(page)
    assert seen(page) == pytest.approx(zoomed, abs=0.01)
    assert page.evaluate("window.scrollY") == 0
    page.locator(".map-back").click()
    page.wait_for_function("() => document.querySelector('.map-back').hidden")
    assert seen(page) == pytest.approx(whole, abs=0.01)
    context.close()
