"""Pieces that every page is made of: headings, charts, tables to pick from, and errors in words."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

import streamlit as st

from sweeplens.errors import SweepLensError
from sweeplens.text import printable
from sweeplens.ui import links, words
from sweeplens.ui.charts.base import Chart
from sweeplens.ui.safe import code_span
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
BADGES = {"high": "red", "review": "orange", "watch": "blue", "none": "gray", "insufficient": "gray"}
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
    st.markdown(title if level is None else f"{title} :{BADGES[level]}-badge[{words.LEVEL_WORDS[level]}]")
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


def sentence(error: SweepLensError) -> str:
    """Return a handled error as a sentence; it may hold an id from the address."""
    flat = printable(str(error))
    named = "." in flat.split(" ", 1)[0]  # a file's name keeps its small letter
    return (flat if named else flat[:1].upper() + flat[1:]) + ("" if flat.endswith((".", "?")) else ".")
