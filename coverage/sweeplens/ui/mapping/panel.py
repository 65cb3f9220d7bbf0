"""What is selected on the map: where it lies, in which words, who asks it, the prompts, and the file."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of, spaced
from sweeplens.report.facts import FLAGGED, LEVELS
from sweeplens.report.selection import MAX_Q, rank_senders, write_selection
from sweeplens.report.sentences import percent
from sweeplens.report.terms import MOST_READ
from sweeplens.text import one_line
from sweeplens.ui import data, downloads, links, parts, prompts, words
from sweeplens.ui.mapping.controls import light_accounts
from sweeplens.ui.mapping.lighting import Lit
from sweeplens.ui.reads import map as reads
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables import map as tables

if TYPE_CHECKING:
    from sweeplens.report.selection import Senders
    from sweeplens.store.snapshot import Snapshot

_LISTED = 200  # prompts and accounts that are listed
_EXPORTED = 100_000  # prompts that a file holds
_WORDS = 14
_COLOURED = 6  # accounts that are lit at once from the list
_FLAGGED = min(LEVELS.index(level) for level in FLAGGED)


def show(snapshot: "Snapshot", lit: Lit) -> None:
    """Draw what is known of a selection."""
    if lit.doubt:
        st.caption(lit.doubt)
    if not len(lit.ids):
        parts.nothing("No prompt of it passes the filters.", "Take a filter away to see it.")
        return
    _places(snapshot, lit.ids)
    _words(snapshot, lit.ids)
    _senders(snapshot, lit.ids)
    _prompts(snapshot, lit)


def _places(snapshot: "Snapshot", ids: NDArray[np.int64]) -> None:
    """Say in which clusters it lies."""
    found, n = np.unique(data.map_points(snapshot).cluster[ids], return_counts=True)
    rows = {c.cluster_id: c for c in data.clusters(snapshot)}
    order = np.argsort(-n, kind="stable")
    largest = [(rows[c], k) for c, k in zip(found[order].tolist(), n[order].tolist(), strict=True) if c in rows]
    for row, k in largest[:3]:
        st.page_link(
            links.page("clusters"), label=f"{percent(k / len(ids))} in {code_span(row.name, 36)}",
            query_params={"cluster": str(row.cluster_id)}, help=row.capability_name,
        )  # fmt: skip
    rest = sum(k for _, k in largest[3:])
    none = len(ids) - sum(k for _, k in largest)
    others = [f"{percent(rest / len(ids))} in {words.counted(len(largest) - 3, 'other cluster')}"] if rest else []
    others += [f"{percent(none / len(ids))} in no cluster"] if none else []
    if others:
        st.caption(", ".join(others))


def _words(snapshot: "Snapshot", ids: NDArray[np.int64]) -> None:
    """Say which words set it apart; where prompts are hidden or not kept, those of its clusters."""
    kept = snapshot.manifest.get("text", "kept") == "kept" and not data.hidden()
    if kept:
        found = reads.words_of(snapshot, ids)
        read = "" if len(ids) <= MOST_READ else f" Read in {words.count(MOST_READ)} of its prompts, spread evenly."
        how = f"More frequent here than in the rest of the log, the strongest first.{read}"
        said = [term.text for term in found[:_WORDS]]
        nothing = "" if found else "No word sets these prompts apart from the others."
    else:
        clusters, n = np.unique(data.map_points(snapshot).cluster[ids], return_counts=True)
        rows = {c.cluster_id: c for c in data.clusters(snapshot)}
        top = [rows[c] for c in clusters[np.argsort(-n, kind="stable")].tolist() if c in rows][:3]
        said = list(dict.fromkeys(term for row in top for term in row.terms[:5]))
        how, nothing = "The words of its largest clusters: the text of prompts is not shown.", ""
    if said or nothing:
        st.markdown("**Words**", help=how)
        st.text(one_line(" · ".join(said), 400) if said else nothing)


def _senders(snapshot: "Snapshot", ids: NDArray[np.int64]) -> None:
    found = reads.senders(snapshot, ids)
    st.markdown(
        "**Accounts**",
        help="More than others: whose share of prompts in here is larger than that of all other accounts by more than "
        f"chance gives (q up to {MAX_Q:g}, hypergeometric), by how many times at least. A click opens the account.",
    )
    st.caption(_who(snapshot, found))
    order = st.segmented_control(
        "Accounts", ["more", "most"], default="more", required=True, key="map-who", label_visibility="collapsed",
        format_func=lambda o: "more than others" if o == "more" else "most prompts",
    )  # fmt: skip
    places = rank_senders(found, "more" if order == "more" else "most")
    if not len(places):
        st.text("No account asks here more often than chance would have it; those with most prompts:")
        places = rank_senders(found, "most")
    shown = places[:_LISTED]
    at = parts.pick(tables.senders(snapshot, found, shown), tables.sender_columns(), f"map-senders-{order}", rows=5)
    names = columns_of(snapshot).accounts
    if at is not None and at < len(shown):
        links.go_to("account", account=names[found.account[shown[at]]])
    if len(shown) > 1:
        first = [names[i] for i in found.account[shown[:_COLOURED]].tolist()]
        label = f"Light the first {len(first)}, each in a colour"
        st.button(label, key="map-light", type="tertiary", on_click=light_accounts, args=(first,))


def _who(snapshot: "Snapshot", found: "Senders") -> str:
    flagged = int((columns_of(snapshot).levels[found.account] >= _FLAGGED).sum())
    more = len(rank_senders(found, "more"))
    return (
        f"{words.counted(len(found.account), 'account')}, {words.count(flagged)} flagged; "
        f"{words.count(more)} {'asks' if more == 1 else 'ask'} here more often than others"
    )


def _prompts(snapshot: "Snapshot", lit: Lit) -> None:
    near = lit.similarity is not None
    ids = lit.ids[:_LISTED] if near else reads.typical(snapshot, lit.ids, _LISTED)
    rows = data.prompt_rows(snapshot, ids)
    more = "" if len(lit.ids) <= _LISTED else f", {words.count(_LISTED)} of them here"
    st.markdown("**Prompts**", help="A click shows all of a prompt, and the way to what is like it.")
    st.caption(f"{words.counted(len(lit.ids), 'distinct prompt')}{more}, {'nearest' if near else 'typical'} first")
    table = tables.prompts(rows, lit.similarity[: len(rows)] if lit.similarity is not None else None)
    at = parts.pick(table, tables.prompt_columns(near=near), "map-prompts", rows=8)
    state, key = st.session_state, reads.key_of(ids)
    if at is not None and at < len(rows):
        state["map-shown"] = (key, at)
    elif len(rows) == 1:
        state["map-shown"] = (key, 0)
    shown = state.get("map-shown")
    if shown is not None and shown[0] == key and shown[1] < len(rows):
        prompts.show_prompt(snapshot, rows[shown[1]], "map-prompt")


def offer(snapshot: "Snapshot", ids: NDArray[np.int64]) -> None:
    """Offer the selection as a file: what is known of each prompt, and its text where it is not hidden."""
    text = not data.hidden() and snapshot.manifest.get("text", "kept") == "kept"
    taken = ids[spaced(len(ids), _EXPORTED)]
    some = "" if len(taken) == len(ids) else f", an even sample of {words.count(len(ids))}"
    with st.popover("Export", type="tertiary", key="map-export"):
        st.caption(
            f"{words.counted(len(taken), 'prompt')}{some}: ids, cluster, capability, level, language, first sent and "
            f"accounts, {'with' if text else 'without'} their text."
        )
        name = f"map-selection-{snapshot.snapshot_id}"
        with st.container(horizontal=True):
            downloads.offer(
                "CSV", name, lambda: write_selection(snapshot, taken, "csv", with_text=text), key="map-csv", kind="csv"
            )
            downloads.offer(
                "JSONL", name, lambda: write_selection(snapshot, taken, "jsonl", with_text=text), key="map-jsonl",
                kind="jsonl",
            )  # fmt: skip
