"""The picture of the map: what is drawn of millions of prompts, in which colours, and what was drawn around."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of
from sweeplens.report.languages import language_name
from sweeplens.report.selection import rank_senders
from sweeplens.ui import data, parts, selection
from sweeplens.ui.charts.atlas import (
    COLOURS,
    MAX_DRAWN,
    Colouring,
    Light,
    Look,
    Range,
    Times,
    coded,
    colour_points,
    draw_map,
    point_size,
    sample,
    sample_view,
    whole_view,
)  # fmt: skip
from sweeplens.ui.mapping.companion import read_view, walk_beside
from sweeplens.ui.mapping.controls import Choice
from sweeplens.ui.mapping.lighting import Lit
from sweeplens.ui.reads import map as reads
from sweeplens.ui.theme import Palette

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_CONFIG = {
    "displaylogo": False, "displayModeBar": True, "scrollZoom": True, "doubleClick": False, "showTips": False,
    "modeBarButtons": [["pan2d", "lasso2d", "select2d", "zoomIn2d", "zoomOut2d"]],
}  # fmt: skip
_ABOVE, _LINE = 272, 49  # px of what stands above the picture and below it; and of the line about filters
# The picture takes what height the window has.
_STYLE = """<style>
[data-testid="stColumn"]:has([class*="st-key-map-left"]) { position: sticky; top: 4rem; align-self: flex-start; }
div[class*="st-key-map-frame"] { flex: none; height: max(420px, calc(100vh - ABOVE)); }
div[class*="st-key-map-frame"] [data-testid="stElementContainer"],
div[class*="st-key-map-frame"] [data-testid="stFullScreenFrame"] { height: 100%; }
</style>"""
_CLOSE = 1.3  # zoom from which more of what is in view is drawn
_LANGUAGES = 7


@dataclass(frozen=True, eq=False)
class Masks:
    """Masks over all prompts, None for all of them: which pass the filters, and which are drawn and can be selected."""

    passing: NDArray[np.bool_] | None
    drawn: NDArray[np.bool_] | None


def masks_of(snapshot: "Snapshot", choice: Choice, lit: Lit | None) -> Masks:
    """Return what passes; where the rest is left out, only what is lit of it is drawn."""
    passing = None if choice.wanted.is_empty() else reads.passing(snapshot, choice.wanted)
    if not choice.left_out:
        return Masks(passing, None)
    if lit is None:
        return Masks(passing, passing)
    able = np.zeros(len(data.map_points(snapshot).x), bool)
    able[lit.ids] = True
    able[list(lit.seeds)] = True
    return Masks(passing, able if passing is None else able & passing)


def start(snapshot: "Snapshot", lit: Lit | None) -> None:
    """Forget what was drawn around when something else is lit, and all when it is another snapshot."""
    state = st.session_state
    context = (snapshot.snapshot_id, _key(lit))
    if state.get("map-context") != context:
        if "map-context" in state:
            state["map-drawn"] = None
        state["map-context"] = context
    if state.get("map-snapshot") != snapshot.snapshot_id:
        state["map-snapshot"] = snapshot.snapshot_id
        for name in ("map-view", "map-range"):
            state.pop(name, None)


def _key(lit: Lit | None) -> str:
    return "" if lit is None else f"{lit.what} {reads.key_of(lit.ids)}"


def drawn() -> selection.Drawn | None:
    """Return what was drawn around or clicked."""
    found = st.session_state.get("map-drawn")
    return None if selection.is_empty(found) else found


def clear() -> None:
    """Forget what was drawn around."""
    st.session_state["map-drawn"] = None
    st.session_state["map-round"] = st.session_state.get("map-round", 0) + 1


def show(snapshot: "Snapshot", choice: Choice, lit: Lit | None, masks: Masks, chosen: NDArray[np.int64] | None) -> None:
    """Draw the map; `chosen` are the prompts that are selected."""
    p, points, state = parts.colours(), data.map_points(snapshot), st.session_state
    around = drawn() or {}
    clicked = np.array(around.get("points", ()), np.int64)
    seeds = np.array(() if lit is None else lit.seeds, np.int64)
    always = np.concatenate([np.empty(0, np.int64) if lit is None else lit.ids, clicked, seeds])
    ids = _sample(snapshot, always, masks.drawn, state.get("map-view"))
    chart = draw_map(
        p, points, colouring(snapshot, p, choice.by, lit, chosen),
        Look(
            ids, None if masks.passing is None or choice.left_out else ~masks.passing, _lights(p, lit),
            selection.shapes(around), np.concatenate([clicked, seeds]),
            _range(snapshot, choice, lit, around, len(ids)), f"{state.get('map-round', 0)} {around!r}", choice.by,
        ),
    )  # fmt: skip
    st.markdown(f"**{chart.title}**", help=chart.caption)
    above = _ABOVE if masks.passing is None else _ABOVE + _LINE
    st.html(_STYLE.replace("ABOVE", f"{above}px"))
    with st.container(key="map-frame"):
        st.plotly_chart(chart.figure, key="map", theme=None, config=_CONFIG, alt=chart.alt, height="stretch")
    _companion(snapshot, p, point_size(len(ids)))


@parts.fragment
def _companion(snapshot: "Snapshot", p: Palette, size: float) -> None:
    walk_beside(snapshot, p, data.map_points(snapshot), size, _hear)


def _hear(name: str, told: Any) -> bool:  # noqa: ANN401 - whatever the browser says
    """Take up what the analyst did in the picture; say whether it has to be drawn again."""
    state = st.session_state
    if name == "cleared":
        clear()
        return True
    view = read_view(told if name == "view" else told.get("view") if isinstance(told, dict) else None)
    if view is not None:
        state["map-view"] = view
    if name == "drawn":
        kept = selection.keep(told)
        state["map-drawn"] = kept or None
        return bool(kept)
    return bool(state.get("map-sampled"))


def _sample(
    snapshot: "Snapshot", always: NDArray[np.int64], within: NDArray[np.bool_] | None, view: tuple[Range, Range] | None
) -> NDArray[np.int64]:
    points, rank = data.map_points(snapshot), reads.ranks(snapshot)
    many = (len(points.x) if within is None else int(within.sum())) > MAX_DRAWN
    st.session_state["map-sampled"] = many
    whole = whole_view(points)
    if many and view is not None and (whole[0][1] - whole[0][0]) > _CLOSE * (view[0][1] - view[0][0]):
        return sample_view(points, rank, always, view, within=within)
    return sample(rank, always, within)


def _range(
    snapshot: "Snapshot", choice: Choice, lit: Lit | None, around: selection.Drawn, n: int
) -> tuple[Range, Range] | None:
    """Return the limits that the figure carries: those of the last look, but the same while nothing else changes.

    A figure of other limits would be sent and drawn again after each move of the analyst's, who has moved already.
    """
    state = st.session_state
    content = (snapshot.snapshot_id, choice, _key(lit), repr(around), parts.colours().mode, n)
    sampled = state.get("map-sampled")
    before = state.get("map-range")
    if before is None or before[0] != content or sampled:
        state["map-range"] = before = (content, state.get("map-view"))
    found: tuple[Range, Range] | None = before[1]
    return found


def _lights(p: Palette, lit: Lit | None) -> tuple[Light, ...]:
    if lit is None:
        return ()
    if lit.shares:
        return tuple(Light(name, p.categories[i], ids) for i, (name, ids) in enumerate(lit.shares))
    return (Light(lit.short, p.accent, lit.ids),)


def colouring(
    snapshot: "Snapshot", p: Palette, by: str, lit: Lit | None, chosen: NDArray[np.int64] | None
) -> Colouring | Times:
    """Return the colours of all prompts by what was chosen."""
    if lit is not None and lit.shares:  # they have the colours; more would be too many
        return Colouring(np.full(len(data.map_points(snapshot).x), -1, np.int16), (), (), "everybody else")
    if by == "time":
        return reads.times(snapshot)
    if by == "language":
        fields = reads.fields(snapshot)
        top = fields.languages[:_LANGUAGES]
        return Colouring(
            coded(fields.language, range(len(top))),
            tuple(map(language_name, top)),
            p.categories[: len(top)],
            "others",
        )
    if by == "account":
        accounts = _accounts(snapshot, lit, chosen)
        codes = reads.account_codes(snapshot, accounts)
        return Colouring(codes, accounts, p.categories[: len(accounts)], "other accounts")
    if by == "cluster":
        return reads.cluster_colours(snapshot, p.mode)
    return colour_points(p, data.map_points(snapshot), by)


def _accounts(snapshot: "Snapshot", lit: Lit | None, chosen: NDArray[np.int64] | None) -> tuple[str, ...]:
    """Return the accounts that have a colour: the largest senders of what is selected or lit, else of all."""
    ids = chosen if chosen is not None else lit.ids if lit is not None else None
    if ids is None:
        return reads.largest_senders(snapshot)
    found = reads.senders(snapshot, ids)
    names = columns_of(snapshot).accounts
    return tuple(names[found.account[i]] for i in rank_senders(found, "most")[:COLOURS])
