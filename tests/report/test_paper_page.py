"""The page of a report: nothing of a log is ever more than text in it, and it asks for nothing."""

import re
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from support.altered import publish, without_text
from support.hostile_store import CARD, CLUSTERS, EMAIL, LONG, NAME, NOTE, SYSTEM_PROMPT, TEXTS, write_hostile_store
from support.small_store import prompt_text, write_small_store
from sweeplens.report.paper import make_report
from sweeplens.store.snapshot import Snapshot
from sweeplens.text import printable

AT = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
SUBJECTS = [("account", NAME), ("campaign", "C-01")]


class Seen(HTMLParser):
    """What a browser would find: elements, attributes, and the text of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with write_hostile_store(tmp_path_factory.mktemp("paper") / "store") as snapshot:
        yield snapshot


def page(snapshot: Snapshot, kind: str, subject: str, **more: object) -> str:
    made = make_report(snapshot, kind, subject, by="<b>mia</b>", verified=False, at=AT, **more)  # type: ignore[arg-type]
    return made.decode()


def read(html: str) -> Seen:
    seen = Seen()
    seen.feed(html)
    seen.close()
    return seen


@pytest.fixture(scope="module", params=SUBJECTS, ids=["account", "campaign"])
def hostile_page(request: pytest.FixtureRequest, hostile: Snapshot) -> str:
    return page(hostile, *request.param)


def test_no_element_runs_or_loads_anything(hostile_page: str) -> None:
    seen = read(hostile_page)
    assert {"html", "svg", "figure", "table", "pre"} <= seen.tags
    assert not seen.tags & {
        "script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "a", "audio", "video", "set",
        "foreignobject", "animate",
    }  # fmt: skip
    for tag, name, value in seen.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"src", "srcset", "action", "formaction", "xlink:href", "srcdoc", "ping"}
        if name == "href":
            assert (tag == "use" and value.startswith("#")) or (tag == "image" and value.startswith("data:image/png;"))
        if name in {"style", "clip-path", "fill", "filter", "mask"}:
            assert re.sub(r"url\(#[a-z0-9]+\)", "", value).count("url") == 0
    assert not re.search(r"@import|url\((?!#)|expression\(", re.findall(r"<style>(.*?)</style>", hostile_page, re.S)[0])


def test_its_own_policy_forbids_all_but_its_styles(hostile_page: str) -> None:
    policies = [v for t, n, v in read(hostile_page).attributes if t == "meta" and n == "content" and "default-src" in v]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_prompts_stand_in_it_as_they_are(hostile: Snapshot) -> None:
    text = read(page(hostile, "account", NAME, redact=False)).text
    for number in (0, 2, 4, 6, 12, 14, 18, 20, 22):
        assert printable(TEXTS[number], keep_newlines=True) in text
    assert "before \\u202egnp.exe\\u202c zero\\u200bwidth" in text
    assert "NUL \\x00 escape \\x1b[31mred bell \\x07 end" in text
    assert NAME in text


def test_nothing_invisible_is_in_the_file(hostile_page: str) -> None:
    bad = {c for c in hostile_page if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}} - {"\n", "\t"}
    assert bad == set()


def test_dollars_in_a_name_are_no_formula(hostile: Snapshot) -> None:
    (map_,) = re.findall(r'<svg[^>]*class="ground".*?</svg>', page(hostile, "account", NAME), re.S)
    assert "$\\alpha$" in read(map_).text


def test_a_prompt_of_a_megabyte_is_cut_and_says_so(hostile: Snapshot) -> None:
    html = page(hostile, "account", NAME)
    assert len(html) < 1_000_000
    text = read(html).text
    assert "Cut: the first 3\u2009000 of 1\u2009000\u2009010 characters are shown." in text
    assert len(LONG) == 1_000_010
    assert "THE-END" not in text


@pytest.mark.parametrize(("kind", "subject"), SUBJECTS)
def test_secrets_are_replaced_unless_that_is_off(hostile: Snapshot, kind: str, subject: str) -> None:
    shown = page(hostile, kind, subject)
    assert EMAIL not in shown
    assert CARD not in shown
    assert "[email]" in shown
    assert "are replaced by a word in brackets" in read(shown).text
    whole = page(hostile, kind, subject, redact=False)
    assert EMAIL in whole
    assert "Nothing was replaced in them" in read(whole).text


def test_what_was_replaced_is_counted(hostile: Snapshot) -> None:
    assert "(1 card, 1 email here)" in read(page(hostile, "account", NAME)).text


@pytest.mark.parametrize(("kind", "subject"), SUBJECTS)
def test_without_prompts_nothing_of_them_is_left(hostile: Snapshot, kind: str, subject: str) -> None:
    seen = read(page(hostile, kind, subject, text=False))
    own = {prompt_text(i)[:25] for i in range(38)} | {t[:25] for t in TEXTS.values()}
    for needle in (*own, *CLUSTERS, *(part for name in CLUSTERS for part in name.split(", ")), SYSTEM_PROMPT, NOTE):
        assert printable(needle) not in seen.text
    assert "pre" not in seen.tags
    assert "was left out of this report" in seen.text
    assert "left out" in seen.text.partition("History of review")[2]


def test_as_many_prompts_as_are_asked_for(hostile: Snapshot) -> None:
    for n in (0, 3):
        html = page(hostile, "account", NAME, prompts=n)
        assert html.count("<pre ") == n
        assert f"{n} of 20 distinct prompts" in read(html).text


def test_a_snapshot_without_text_says_so(tmp_path: Path) -> None:
    bare = publish(tmp_path / "store", without_text(write_small_store(tmp_path / "store")))
    text = read(page(bare, "account", "lone")).text
    assert "The snapshot keeps no prompt text" in text
    assert prompt_text(2) not in text


def test_the_history_of_review_stands_in_it(hostile: Snapshot) -> None:
    text = read(page(hostile, "account", NAME)).text.partition("History of review")[2]
    assert "unsure" in text
    assert "<script>alert('note')</script> asked [email]" in text
    assert "not verified" in text
    assert hostile.snapshot_id in text
    assert "handmade 1" in text
    none = read(page(hostile, "account", "shop")).text
    assert "Nobody has left a verdict on this account yet." in none


def test_who_made_it_when_and_from_what(hostile_page: str, hostile: Snapshot) -> None:
    text = read(hostile_page).text
    assert "2026-03-12 08:00 UTC, by <b>mia</b> (not verified)" in text
    assert hostile.digest in text
    assert "It is not proof" in text
    assert "What it cannot say" in text


@pytest.mark.parametrize("account", ["=cmd", "shop", "dealt-c"])
def test_accounts_with_little_to_show_have_a_report(hostile: Snapshot, account: str) -> None:
    seen = read(page(hostile, "account", account))
    assert account in seen.text
    assert "svg" in seen.tags


def test_it_prints_on_a4_and_splits_no_picture(hostile_page: str) -> None:
    (css,) = re.findall(r"<style>(.*?)</style>", hostile_page, re.S)
    assert "size: A4" in css
    assert re.search(r"figure \{[^}]*break-inside: avoid", css)
    widths = [float(w) for w in re.findall(r'<svg[^>]* width="([\d.]+)pt"', hostile_page)]
    assert widths
    assert max(widths) <= 7.0 * 72


def test_same_facts_same_bytes_from_any_thread(hostile: Snapshot) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    once = [page(hostile, *subject) for subject in SUBJECTS]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda subject: page(hostile, *subject), SUBJECTS * 3))
    assert again == once * 3
    assert dict(mpl.rcParams) == before
    ids = re.findall(r' id="([^"]+)"', once[1])
    assert len(ids) == len(set(ids))
