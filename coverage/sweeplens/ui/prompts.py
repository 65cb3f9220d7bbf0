"""Lists of prompts, and one prompt whole: as plain text, or behind a click that is noted where prompts are hidden."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from sweeplens.report.facts import PromptRow
from sweeplens.text import content_hash, one_line
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.safe import full_text
from sweeplens.ui.tables import prompts as prompt_tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_LISTED = 1000  # rows of a list
_SHORT = 1500  # characters of a prompt that is shown without a box to scroll in
_LONGEST = 100_000  # characters of a prompt that are sent to the browser


def show_prompts(
    snapshot: "Snapshot", rows: Sequence[PromptRow], total: int, owner: str, *, cluster: bool = True
) -> None:
    """List prompts with a search and a choice of cluster and order; a click on one shows all of its text.

    The search and the choices belong to `owner`, such as an account: they are gone when another one is shown.
    """
    key = f"prompts-{content_hash(owner)[:8]}"
    readable = not rows or any(row.text is not None for row in rows)
    left, middle, right = st.columns([3, 2, 3], vertical_alignment="bottom")
    needle = left.text_input(
        "Search in these prompts", key=f"{key}-search", type="search", disabled=not readable,
        placeholder="words of a prompt" if readable else _why_unreadable(),
    )  # fmt: skip
    chosen = None
    if cluster:
        found = {(row.cluster_id, row.cluster_name) for row in rows}
        names = sorted(found, key=lambda c: (c[0] < 0, c[0]))
        chosen = right.selectbox("Cluster", [None, *names], format_func=_cluster_option, key=f"{key}-cluster")
    order = middle.segmented_control(
        "Order", ["typical", "cluster", "time"] if cluster else ["typical", "time"], default="typical", required=True,
        key=f"{key}-order",
        format_func={"typical": "typical first", "cluster": "by cluster", "time": "by time"}.__getitem__,
    )  # fmt: skip
    shown = [r for r in rows if not needle or needle.casefold() in (r.text or "").casefold()]
    if chosen is not None:
        shown = [r for r in shown if r.cluster_id == chosen[0]]
    if order == "cluster":
        shown.sort(key=lambda r: (r.cluster_id < 0, r.cluster_id))
    elif order == "time":
        shown.sort(key=lambda r: (r.first_ts is None, r.first_ts, r.prompt_id))
    whole = len(rows) == total or not readable
    some = "" if whole else f" The search looks at the {words.count(len(rows))} most typical ones."
    st.caption(f"{words.count(len(shown))} of {words.counted(total, 'distinct prompt')}.{some} {_click(readable)}")
    if not shown:
        parts.nothing("No prompt here has these words.", "Shorten the search or choose another cluster.")
        return
    at = parts.pick(
        prompt_tables.prompts(shown[:_LISTED]), prompt_tables.prompt_columns(cluster=cluster), f"{key}-table"
    )
    if len(shown) > _LISTED:
        st.caption(f"The first {words.count(_LISTED)} of {words.count(len(shown))}; the search narrows them down.")
    if at is not None and at < len(shown):
        st.session_state[f"{key}-shown"] = shown[at].prompt_id
    again = st.session_state.get(f"{key}-shown")
    for row in shown:
        if row.prompt_id == again:
            show_prompt(snapshot, row, key)


def show_prompt(snapshot: "Snapshot", row: PromptRow, key: str) -> None:
    """Show one prompt whole, as plain text, with what is known of it."""
    text = row.text
    if text is None and data.hidden() and snapshot.manifest.get("text", "kept") == "kept":
        text = _revealed(snapshot, row, key)
    elif text is None:
        parts.nothing("The text of this prompt was not kept.", "This snapshot was built to hold no prompt text.")
    if text is not None:
        height: int | Literal["content"] = "content" if len(text) < _SHORT else 320
        st.code(full_text(text[:_LONGEST]), language=None, wrap_lines=True, height=height)
        if len(text) > _LONGEST:
            st.caption(f"The first {words.count(_LONGEST)} of {words.count(len(text))} characters.")
    facts = [
        f"sent {words.counted(row.n_sent, 'time')}", f"by {words.counted(row.n_accounts, 'account')} in all",
        f"first {words.moment(row.first_ts)} UTC", words.KIND_WORDS.get(row.kind, row.kind),
    ]  # fmt: skip
    st.caption(" · ".join(facts))
    with st.container(horizontal=True):
        if row.cluster_id >= 0 and st.button("Open its cluster", key=f"{key}-open-cluster", type="tertiary"):
            links.go_to("clusters", cluster=str(row.cluster_id))
        if st.button("More like this on the map", key=f"{key}-like", type="tertiary"):
            links.go_to("map", like=str(row.prompt_id))


def _revealed(snapshot: "Snapshot", row: PromptRow, key: str) -> str | None:
    """Return the text of a hidden prompt that was asked for in this session, or offer to show it."""
    asked = st.session_state.setdefault("prompts-revealed", set())
    if (snapshot.snapshot_id, row.prompt_id) not in asked:
        st.text("The text of prompts is hidden here.")
        if not st.button("Show this prompt; it is noted who read it", key=f"{key}-reveal-{row.prompt_id}"):
            return None
        data.note_look(snapshot, row.prompt_id)
        asked.add((snapshot.snapshot_id, row.prompt_id))
    return data.text_of(snapshot, row.prompt_id)


def _why_unreadable() -> str:
    return "prompts are hidden" if data.hidden() else "their text was not kept"


def _click(readable: bool) -> str:
    if readable:
        return "Click one to read all of it."
    if data.hidden():
        return "Their text is hidden: click one to ask for it."
    return "Their text was not kept; click one to open its cluster."


def _cluster_option(option: tuple[int, str] | None) -> str:
    if option is None:
        return "all clusters"
    return "in no cluster" if option[0] < 0 else f"{option[0]} {one_line(option[1], 40)}"
