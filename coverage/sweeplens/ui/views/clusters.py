"""Clusters: the topics of the log in one list, or one of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.facts import ClusterRow
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.charts.cluster import draw_clusters
from sweeplens.ui.reads import clusters as reads
from sweeplens.ui.tables import clusters as tables
from sweeplens.ui.touch import touch
from sweeplens.ui.views.cluster import show_cluster

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_LISTED = 1000  # rows of the table
_ORDERS: dict[str, Callable[[ClusterRow], Any]] = {
    "prompts": lambda r: -r.n_prompts,
    "flagged": lambda r: -r.flagged_share,
    "accounts": lambda r: -r.n_accounts,
    "growth": lambda r: (r.event != "born", -(r.growth if r.growth is not None else -1.0)),
}


def show() -> None:
    """Draw the page of ?cluster=..., or the table of all clusters."""
    snapshot = data.current()
    cluster_id = links.wanted("cluster")
    if cluster_id is not None:
        show_cluster(snapshot, cluster_id)
        return
    rows = data.clusters(snapshot)
    parts.heading("Clusters", None, _headline(snapshot, rows))
    if not rows:
        parts.nothing("This snapshot has no clusters.", "A log with more distinct prompts gives some.")
        return
    _list(snapshot, rows)


def _headline(snapshot: "Snapshot", rows: list[ClusterRow]) -> str:
    seen = data.overview(snapshot)
    share = sum(r.n_prompts for r in rows) / max(1, seen.n_prompts)
    prompts = words.counted(seen.n_prompts, "distinct prompt")
    return f"{words.counted(len(rows), 'cluster')} hold {100 * share:.0f} % of {prompts}; the rest lies between them."


@parts.fragment
def _list(snapshot: "Snapshot", everything: list[ClusterRow]) -> None:
    left, middle, right = st.columns([2, 2, 3.4], vertical_alignment="bottom")
    capability = left.selectbox(
        "Capability", sorted({r.capability_name for r in everything}), index=None, key="capability",
        bind="query-params", placeholder="any capability",
    )  # fmt: skip
    needle = middle.text_input(
        "Name or terms contain", key="cluster-words", type="search", placeholder="a word", persist_state="session"
    )
    order = right.segmented_control(
        "Largest first by", list(_ORDERS), default="prompts", required=True, key="order", bind="query-params",
        format_func=lambda o: o, help="Flagged: the share of its requests that comes from accounts at review or high. "
        "Growth: prompts since the snapshot before, new ones first. Pinned clusters stay on top.",
    )  # fmt: skip
    rows = [r for r in everything if capability is None or r.capability_name == capability]
    rows = [r for r in rows if not needle or _has(r, needle.casefold())]
    if not rows:
        parts.nothing("No cluster matches these filters.", "Take one of the filters back.")
        return
    by = _ORDERS.get(str(order), _ORDERS["prompts"])
    rows.sort(key=lambda r: (not r.pinned, by(r)))
    shown, (weekly, days) = rows[:_LISTED], reads.weekly(snapshot)
    at = parts.pick(tables.clusters(shown, weekly), tables.cluster_columns(shown, days), "clusters", rows=14)
    if len(rows) > _LISTED:
        st.caption(f"The first {words.count(_LISTED)} of {words.count(len(rows))}; the filters narrow them down.")
    opened = shown[at].cluster_id if at is not None and at < len(shown) else None
    on_map = touch(draw_clusters(parts.colours(), data.map_points(snapshot), rows), "clusters-map")
    chosen = on_map if opened is None else opened
    if chosen is not None:
        links.go_to("clusters", cluster=str(chosen))


def _has(row: ClusterRow, needle: str) -> bool:
    return any(needle in text.casefold() for text in (row.name, row.found_name, *row.terms))
