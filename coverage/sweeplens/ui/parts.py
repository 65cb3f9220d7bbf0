"""Pieces that every page is made of: headings, charts, tables to pick from, lists of prompts, and errors in words."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

import streamlit as st

from sweeplens.errors import SweepLensError
from sweeplens.report.facts import PromptRow
from sweeplens.text import content_hash, one_line, printable
from sweeplens.ui import links, words
from sweeplens.ui.charts.base import Chart
from sweeplens.ui.safe import code_span, full_text
from sweeplens.ui.tables import prompts as prompt_tables
from sweeplens.ui.theme import Palette, palette

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_PLOTLY = {
    "displayModeBar": False,
    "displaylogo": False,
    "scrollZoom": False,
    "showTips": False,
    "doubleClick": "reset",
}
P = ParamSpec("P")
_BADGES = {"high": "red", "review": "orange", "watch": "blue", "none": "gray", "insufficient": "gray"}
_ROW = 31  # px of a row of a table at the theme's size of text


def colours() -> Palette:
    """Return the palette of the theme that the user chose."""
    return palette(st.context.theme.type)


def heading(
    kind: str, name: str | None, sentence: str, facts: Iterable[str] = (), *, level: str | None = None, chance: str = ""
) -> None:
    """Write what this is, with its level, then its one sentence, then facts in a quiet line.

    `chance` says in words what a p among the facts means; it stands behind the line's question mark.
    """
    title = f"#### {kind}" if name is None else f"#### {kind} {code_span(name)}"
    st.markdown(title if level is None else f"{title} :{_BADGES[level]}-badge[{words.LEVEL_WORDS[level]}]")
    with st.container(key="headline"):
        st.text(words.thin(sentence))
    line = " · ".join(facts)
    if line:
        st.caption(line, help=f"p: {chance}." if chance else None)


def draw(chart: Chart, key: str) -> None:
    """Draw a chart under its title; the caption is behind the question mark."""
    st.markdown(f"**{chart.title}**", help=chart.caption)
    st.plotly_chart(chart.figure, key=key, theme=None, config=_PLOTLY, alt=chart.alt)


def pick(frame: "Styler", columns: dict[str, Any], key: str, rows: int = 10) -> int | None:
    """Show a table, `rows` high where it has as many, and return the row that was clicked in this run, or None."""
    height: int | Literal["content"] = "content" if len(frame.index) <= rows else _ROW * (rows + 1) + 4
    event = st.dataframe(
        frame, key=key, hide_index=True, column_config=columns, on_select="rerun", selection_mode="single-cell",
        height=height, placeholder="–",
    )  # fmt: skip
    cells = event.selection.cells
    return int(cells[0][0]) if cells else None


def link(label: str, name: str, **params: str) -> None:
    """Offer the way to another view; `label` is Markdown."""
    if st.button(label, key=f"link-{name}-{'-'.join(params)}", type="tertiary"):
        links.go_to(name, **params)


def problem(error: SweepLensError) -> None:
    """Say in one sentence what is wrong."""
    st.markdown("#### This cannot be shown")
    with st.container(key="headline-problem"):
        st.text(sentence(error))


def fragment(draw: "Callable[P, None]") -> "Callable[P, None]":
    """Make a function a part of the page that runs again alone, and says its handled errors in words."""

    @wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except SweepLensError as error:
            problem(error)

    return st.fragment(guarded)


def nothing(sentence: str, what_to_do: str) -> None:
    """Show an empty state: what is missing, and what to do about it. Both are our own words."""
    with st.container(border=True):
        st.text(sentence)
        st.caption(what_to_do)


def show_prompts(rows: Sequence[PromptRow], total: int, owner: str, *, cluster: bool = True) -> None:
    """List prompts with a search and a choice of cluster and order; a click on one shows all of its text.

    The search and the choices belong to `owner`, such as an account: they are gone when another one is shown.
    """
    key = f"prompts-{content_hash(owner)[:8]}"
    kept = not rows or any(row.text is not None for row in rows)
    left, middle, right = st.columns([3, 2, 3], vertical_alignment="bottom")
    needle = left.text_input(
        "Search in these prompts", key=f"{key}-search", type="search", disabled=not kept,
        placeholder="words of a prompt" if kept else "their text was not kept",
    )  # fmt: skip
    chosen = None
    if cluster:
        found = {(row.cluster_id, row.cluster_name) for row in rows}
        names = sorted(found, key=lambda c: (c[0] < 0, c[0]))
        chosen = right.selectbox("Cluster", [None, *names], format_func=_cluster_option, key=f"{key}-cluster")
    order = middle.segmented_control(
        "Order", ["typical", "time"], default="typical", required=True, key=f"{key}-order",
        format_func=lambda o: "typical first" if o == "typical" else "by time",
    )  # fmt: skip
    shown = [r for r in rows if not needle or needle.casefold() in (r.text or "").casefold()]
    if chosen is not None:
        shown = [r for r in shown if r.cluster_id == chosen[0]]
    if order == "time":
        shown.sort(key=lambda r: (r.first_ts is None, r.first_ts, r.prompt_id))
    whole = len(rows) == total or not kept
    some = "" if whole else f" The search looks at the {words.count(len(rows))} most typical ones."
    click = "Click one to read all of it." if kept else "Their text was not kept; click one to open its cluster."
    st.caption(f"{words.count(len(shown))} of {words.counted(total, 'distinct prompt')}.{some} {click}")
    if not shown:
        nothing("No prompt here has these words.", "Shorten the search or choose another cluster.")
        return
    at = pick(prompt_tables.prompts(shown[:1000]), prompt_tables.prompt_columns(cluster=cluster), f"{key}-table")
    if at is not None and at < len(shown):
        show_prompt(shown[at], key)


def show_prompt(row: PromptRow, key: str) -> None:
    """Show one prompt whole, as plain text, with what is known of it."""
    if row.text is None:
        nothing("The text of this prompt was not kept.", "This snapshot was built to hold no prompt text.")
    else:
        height: int | Literal["content"] = "content" if len(row.text) < 1500 else 320
        st.code(full_text(row.text), language=None, wrap_lines=True, height=height)
    facts = [
        f"sent {words.counted(row.n_sent, 'time')}", f"by {words.counted(row.n_accounts, 'account')} in all",
        f"first {words.moment(row.first_ts)} UTC", words.KIND_WORDS.get(row.kind, row.kind),
    ]  # fmt: skip
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(" · ".join(facts))
    if row.cluster_id >= 0 and right.button("Open its cluster", key=f"{key}-open-cluster", type="tertiary"):
        links.go_to("clusters", cluster=str(row.cluster_id))


def _cluster_option(option: tuple[int, str] | None) -> str:
    if option is None:
        return "all clusters"
    return "in no cluster" if option[0] < 0 else f"{option[0]} {one_line(option[1], 40)}"


def sentence(error: SweepLensError) -> str:
    """Return a handled error as a sentence; it may hold an id from the address."""
    flat = printable(str(error))
    named = "." in flat.split(" ", 1)[0]  # a file's name keeps its small letter
    return (flat if named else flat[:1].upper() + flat[1:]) + ("" if flat.endswith((".", "?")) else ".")
