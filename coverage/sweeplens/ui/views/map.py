"""Map: all prompts by likeness; what is selected, who asks it, in which words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.errors import SweepLensError
from sweeplens.report import ground
from sweeplens.text import one_line
from sweeplens.ui import data, links, parts, prompts, selection, words
from sweeplens.ui.charts.atlas import draw_map, group_points, outline, sample
from sweeplens.ui.charts.base import Label
from sweeplens.ui.safe import code_span, plot_text
from sweeplens.ui.tables import accounts as account_tables
from sweeplens.ui.tables import base as base_tables
from sweeplens.ui.tables import prompts as prompt_tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_LISTED = 500  # prompts of a selection that are listed
_CONFIG = {
    "displaylogo": False, "displayModeBar": True, "scrollZoom": True, "doubleClick": "reset",
    "modeBarButtons": [["pan2d", "lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Lit:
    """Prompts that are lit on the map, and in words what they are; `nearest` ones are listed as they come."""

    ids: NDArray[np.int64]
    what: str
    short: str
    nearest: bool = False


def show() -> None:
    """Draw the page; ?account=, ?campaign= and ?cluster= light what they name."""
    snapshot = data.current()
    points = data.map_points(snapshot)
    clusters = data.clusters(snapshot)
    parts.heading(
        "Map", None,
        f"{words.counted(len(points.x), 'distinct prompt')} in {words.counted(len(clusters), 'cluster')}: "
        "select some to see who asks them.",
    )  # fmt: skip
    if not len(points.x):
        parts.nothing("This snapshot has no prompts.", "`sweeplens build LOG` makes one from a log.")
        return
    _explore(snapshot)


@parts.fragment
def _explore(snapshot: "Snapshot") -> None:
    left, right = st.columns([2, 1], gap="medium")
    with left:
        by, lit = _controls(snapshot)
        drawn = _drawn(snapshot, lit)
        _picture(snapshot, by, lit, drawn)
    with right:
        chosen = None if drawn is None else _chosen(snapshot, drawn)
        if chosen is not None:
            st.button("Clear the selection", key="map-clear", type="tertiary", on_click=_clear)
        _selection(snapshot, lit if chosen is None else chosen)


def _controls(snapshot: "Snapshot") -> tuple[str, Lit | None]:
    first, second = st.columns([1.2, 2], vertical_alignment="bottom")
    by = first.segmented_control(
        "Colour by", ["capability", "cluster", "level"], default="capability", required=True, key="colour",
        bind="query-params",
    )  # fmt: skip
    needle = second.text_input(
        "Find prompts by meaning", key="map-search", type="search", placeholder="a question, a topic, a phrase"
    )
    if needle and needle.strip():
        try:
            found = data.search_text(snapshot, needle.strip())
        except SweepLensError as error:
            st.text(f"The search is not possible: {error}")
        else:
            ids = np.array([hit.prompt_id for hit in found], np.int64)
            what = f"The {words.counted(len(found), 'prompt')} nearest to what you looked for"
            return str(by), Lit(ids, what, "nearest prompts", nearest=True)
    return str(by), _named(snapshot)


def _named(snapshot: "Snapshot") -> Lit | None:
    account, campaign, cluster = (links.wanted(name) for name in ("account", "campaign", "cluster"))
    if account is not None:
        ids = data.account_evidence(snapshot, account).prompt_ids.astype(np.int64)
        return Lit(ids, f"Account {code_span(account)}", f"account {account}")
    if campaign is not None:
        ids = data.campaign_evidence(snapshot, campaign).prompt_ids.astype(np.int64)
        return Lit(ids, f"Campaign {code_span(campaign)}", f"campaign {campaign}")
    if cluster is not None:
        row = data.cluster_evidence(snapshot, cluster).row
        ids = np.flatnonzero(data.map_points(snapshot).cluster == row.cluster_id)
        return Lit(ids, f"Cluster {row.cluster_id} {code_span(row.name)}", f"cluster {row.cluster_id}")
    return None


def _drawn(snapshot: "Snapshot", lit: Lit | None) -> selection.Drawn | None:
    """Return what is drawn around now, or was before the colours changed: a chart forgets it with its figure.

    Another snapshot, search or account starts afresh.
    """
    state = st.session_state
    context = hash((snapshot.snapshot_id, None if lit is None else lit.ids.tobytes()))
    if state.get("map-context") != context:
        state["map-context"], state["map-drawn"] = context, None
        return None
    now = state.get(_chart_key())
    if now is not None and not selection.is_empty(now.get("selection")):
        state["map-drawn"] = selection.keep(now["selection"])
    drawn: selection.Drawn | None = state.get("map-drawn")
    return drawn


def _chart_key() -> str:
    return f"map-{st.session_state.get('map-round', 0)}"


def _clear() -> None:
    """Forget what was drawn around; a chart of a new name has nothing selected."""
    st.session_state["map-drawn"] = None
    st.session_state["map-round"] = st.session_state.get("map-round", 0) + 1


def _chosen(snapshot: "Snapshot", drawn: selection.Drawn) -> Lit | None:
    ids = selection.inside(data.map_points(snapshot), drawn)
    return Lit(ids, f"{words.counted(len(ids), 'prompt')} selected", "selected") if len(ids) else None


def _picture(snapshot: "Snapshot", by: str, lit: Lit | None, drawn: selection.Drawn | None) -> None:
    p, points, rows = parts.colours(), data.map_points(snapshot), data.clusters(snapshot)
    always = lit.ids if lit is not None else np.empty(0, np.int64)
    chart = draw_map(
        p, points,
        group_points(p, points, by, [(c.cluster_id, c.name) for c in rows]),
        sample(points, always),
        [Label(c.x, c.y, c.name, c.n_prompts) for c in rows],
        lit=None if lit is None else lit.ids,
        lit_name="" if lit is None else lit.short,
        cluster_names=_hover_names(snapshot),
    )  # fmt: skip
    now = st.session_state.get(_chart_key())
    if drawn is not None and (now is None or selection.is_empty(now.get("selection"))):
        outline(chart.figure, p, selection.outlines(drawn))
    st.markdown(f"**{chart.title}**", help=chart.caption)
    st.plotly_chart(
        chart.figure, key=_chart_key(), theme=None, on_select="rerun", selection_mode=("points", "box", "lasso"),
        config=_CONFIG, alt=chart.alt,
    )  # fmt: skip


def _hover_names(snapshot: "Snapshot") -> NDArray[np.object_]:
    """Return the name to show for each cluster id; the last entry, which -1 picks, is for no cluster."""
    rows = data.clusters(snapshot)
    names = np.full(max((c.cluster_id for c in rows), default=-1) + 2, "in no cluster", object)
    for c in rows:
        names[c.cluster_id] = f"{plot_text(c.name, 50)}<br>{plot_text(c.capability_name)}, cluster {c.cluster_id}"
    return names


def _selection(snapshot: "Snapshot", lit: Lit | None) -> None:
    if lit is None:
        parts.nothing(
            "Nothing is selected.",
            "Click a point, or draw around some with the lasso or the box at the top of the map. The search lights "
            "what is near to a phrase.",
        )
        return
    st.markdown(f"**{lit.what}**")
    _terms(snapshot, lit)
    _senders(snapshot, lit)
    order = np.arange(len(lit.ids)) if lit.nearest else ground.typical_order(snapshot, lit.ids)
    rows = data.prompt_rows(snapshot, lit.ids[order[:_LISTED]])
    more = "" if len(lit.ids) <= _LISTED else f", {words.count(_LISTED)} of them here"
    st.markdown("**Prompts**", help="A click shows all of a prompt.")
    st.caption(
        f"{words.counted(len(lit.ids), 'distinct prompt')}{more}, {'nearest' if lit.nearest else 'typical'} first"
    )
    at = parts.pick(
        prompt_tables.prompts(rows),
        {**prompt_tables.prompt_columns(), "text": base_tables.text("Prompt", 306)},
        "map-prompts",
        260,
    )
    if at is not None and at < len(rows):
        prompts.show_prompt(snapshot, rows[at], "map-prompt")


def _terms(snapshot: "Snapshot", lit: Lit) -> None:
    found, n = np.unique(data.map_points(snapshot).cluster[lit.ids], return_counts=True)
    rows = {c.cluster_id: c for c in data.clusters(snapshot)}
    largest = [
        (rows[c], k) for c, k in sorted(zip(found.tolist(), n.tolist(), strict=True), key=lambda f: -f[1]) if c >= 0
    ]
    for row, k in largest[:3]:
        st.page_link(
            links.page("clusters"), label=f"{_share(k, lit)} in {code_span(row.name, 36)}",
            query_params={"cluster": str(row.cluster_id)}, help=row.capability_name,
        )  # fmt: skip
    rest = sum(k for _, k in largest[3:])
    none = len(lit.ids) - sum(k for _, k in largest)
    others = [f"{_share(rest, lit)} in {words.counted(len(largest) - 3, 'other cluster')}"] if rest else []
    others += [f"{_share(none, lit)} in no cluster"] if none else []
    if others:
        st.caption(", ".join(others))
    terms = dict.fromkeys(term for row, _ in largest[:3] for term in row.terms[:4])
    if terms:
        st.text("Words: " + one_line(" · ".join(terms), 200))


def _share(n: int, lit: Lit) -> str:
    return f"{100 * n / len(lit.ids):.0f} %"


def _senders(snapshot: "Snapshot", lit: Lit) -> None:
    who = ground.senders(snapshot, lit.ids, 50)
    st.markdown("**Accounts**", help="Those that sent most of these prompts. A click opens the account.")
    rows = data.account_rows(snapshot)
    at = parts.pick(account_tables.senders(who, rows), account_tables.sender_columns(), "map-senders", rows=6)
    if at is not None and at < len(who):
        links.go_to("account", account=who[at][0])
