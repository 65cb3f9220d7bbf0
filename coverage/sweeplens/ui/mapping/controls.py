"""The controls above the map: what the colours say, a search, filters, and what is to be lit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.columns import columns_of
from sweeplens.report.languages import language_name
from sweeplens.report.selection import Filter
from sweeplens.text import one_line
from sweeplens.ui import data, links, words
from sweeplens.ui.mapping.lighting import ONE, SEVERAL
from sweeplens.ui.reads import map as reads

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

COLOURS = ("capability", "cluster", "level", "account", "time", "language")
_KEPT = "map-kept"  # what was chosen when the page was drawn last
_BOUND = ("colour", "level", "capability", "language", "since", "until", "rest", SEVERAL)
_OFFERED = 300  # accounts that are offered by name; any other can be typed


@dataclass(frozen=True)
class Choice:
    """What was chosen: the colours, what to look for, the filter, and whether what does not pass is left out."""

    by: str
    needle: str
    wanted: Filter
    left_out: bool


def remember() -> None:
    """Bring back what was chosen when the analyst comes back without an address of his own."""
    state = st.session_state
    kept: dict[str, Any] | None = state.get(_KEPT)
    if kept is None or any(name in state for name in _BOUND) or any(True for _ in st.query_params):
        return
    for name, value in kept["bound"].items():
        state[name] = value
    for name, value in kept["named"].items():
        st.query_params[name] = value


def choose(snapshot: "Snapshot") -> Choice:
    """Draw the controls."""
    state, like = st.session_state, (links.wanted("like"), links.wanted("like_account"))
    if state.get("map-like") != like:  # what was typed before gives way to what an address asks for later
        state["map-like"] = like
        if any(like):
            state["map-search"] = ""
    left, middle, right = st.columns([3.5, 3, 0.9], vertical_alignment="bottom", gap="medium")
    by = left.segmented_control(
        "Colour by", COLOURS, default="capability", required=True, key="colour", bind="query-params"
    )
    needle = middle.text_input(
        "Find prompts by meaning", key="map-search", type="search", placeholder="a question, a topic, a phrase"
    )
    with right.popover("Filters", width="stretch", key="map-filters"):
        wanted, left_out = _filters(snapshot)
        _lights(snapshot)
    st.session_state[_KEPT] = {
        "bound": {name: st.session_state[name] for name in _BOUND if name in st.session_state},
        "named": {name: value for name in ONE if (value := links.wanted(name)) is not None},
    }
    return Choice(str(by), needle or "", wanted, left_out)


def _filters(snapshot: "Snapshot") -> tuple[Filter, bool]:
    points, fields = data.map_points(snapshot), reads.fields(snapshot)
    levels = st.multiselect(
        "Highest level among the senders", [words.LEVEL_WORDS[level] for level in words.LEVELS], key="level",
        bind="query-params", placeholder="any level",
    )  # fmt: skip
    names = {name: key for key, name in points.capabilities}
    capabilities = st.multiselect(
        "Capability", list(names), key="capability", bind="query-params", placeholder="any capability"
    )
    languages = st.multiselect(
        "Language", list(fields.languages), key="language", bind="query-params", placeholder="any language",
        format_func=language_name,
    )  # fmt: skip
    since, until = _days(snapshot)
    rest = st.segmented_control(
        "What does not pass is", ["grey", "left out"], default="grey", required=True, key="rest", bind="query-params",
        help="Left out, what is not lit is left out as well, and a lasso takes only what remains.",
    )  # fmt: skip
    keys = tuple(level for level in words.LEVELS if words.LEVEL_WORDS[level] in levels)
    wanted = Filter(keys, tuple(names[name] for name in capabilities), tuple(languages), since, until)
    return wanted, rest == "left out"


def _days(snapshot: "Snapshot") -> tuple[date | None, date | None]:
    there = reads.days(snapshot)
    if there is None:
        return None, None
    left, right = st.columns(2)
    around: dict[str, Any] = {"min_value": there[0], "max_value": there[1], "format": "YYYY-MM-DD"}
    since = left.date_input("First sent from", None, key="since", bind="query-params", **around)
    until = right.date_input("until, UTC", None, key="until", bind="query-params", **around)
    return (since if isinstance(since, date) else None), (until if isinstance(until, date) else None)


def _lights(snapshot: "Snapshot") -> None:
    """Offer what can be lit: accounts, each in a colour of its own, a campaign, a cluster."""
    st.divider()
    st.multiselect(
        "Light accounts", _offered(snapshot), key=SEVERAL, bind="query-params", accept_new_options=True,
        placeholder="choose or type ids", help="Up to seven, each in a colour of its own.",
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        _pick_one("Light a campaign", "campaign", [row.campaign_id for row in data.campaigns(snapshot)], str)
    with right:
        rows = {str(row.cluster_id): row.name for row in data.clusters(snapshot)}
        _pick_one("Light a cluster", "cluster", list(rows), lambda c: f"{c} {one_line(rows.get(c, ''), 40)}")


def _offered(snapshot: "Snapshot") -> list[str]:
    """Return the accounts to look at first; what the address names is there in any case."""
    names = columns_of(snapshot).accounts
    first = [names[i] for i in reads.first_accounts(snapshot)[:_OFFERED].tolist()]
    return list(dict.fromkeys([*links.all_wanted(SEVERAL), *(a for a in first if one_line(a) == a)]))


def _pick_one(label: str, name: str, options: list[str], show: Callable[[str], str]) -> None:
    key, now = f"map-{name}", links.wanted(name)
    st.session_state[key] = now if now in options else None

    def take() -> None:
        chosen = st.session_state[key]
        if chosen is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = chosen

    st.selectbox(label, options, key=key, on_change=take, format_func=show, placeholder="none")


def clear_filters() -> None:
    """Let all prompts pass."""
    for name in ("level", "capability", "language"):
        st.session_state[name] = []
    st.session_state["since"] = st.session_state["until"] = None


def clear_lights() -> None:
    """Light nothing."""
    for name in ONE:
        st.query_params.pop(name, None)
    st.session_state[SEVERAL] = []
    st.session_state["map-search"] = ""


def light_accounts(accounts: list[str]) -> None:
    """Light these accounts and nothing else, each in a colour of its own."""
    clear_lights()
    st.session_state[SEVERAL] = accounts
