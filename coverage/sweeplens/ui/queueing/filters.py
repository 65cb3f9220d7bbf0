"""The filters of the queue. What is chosen stands in the address, but for free text, and is kept while one is away."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.columns import columns_of
from sweeplens.report.languages import language_name
from sweeplens.report.narrowing import NOBODY, SHOW, Fields, Wanted
from sweeplens.review.cases import STATES
from sweeplens.text import one_line
from sweeplens.ui import access, data, words

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from sweeplens.store.snapshot import Snapshot
    from sweeplens.ui.reads.queue import News

TEXT = "queue-text"  # also says whether the page was open in the run before: the widget's value goes with the page
_KEPT, _MORE = "queue-filters", "queue-more"
_ME, _NOBODY = "me", "nobody"
# What each filter is without a choice, by its name in the address.
EMPTY: Mapping[str, Any] = {
    "show": None, "level": [], "state": [], "about": None, "model": None, "language": None, "since": None,
    "until": None, "assignee": None, "id": "", "only": [],
}  # fmt: skip
_MORE_NAMES = ("about", "model", "language", "since", "until", "assignee", "id")  # of the second row
ONLY = ("new", "audit")
_SEARCHES = (
    "Looks in the ids of accounts and campaigns, in the sentences of their reasons, in the notes of verdicts, and in "
    "what accounts share, such as an organisation or an IP prefix. It does not stand in the address."
)
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)

Values = Mapping[str, Any]


def recall() -> None:
    """Set the filters as they were when the page was left, unless the address asks for others."""
    state, asked = st.session_state, _in_address()
    if TEXT in state:
        return
    if any(name in asked for name in _MORE_NAMES):
        state[_MORE] = True
    if _KEPT not in state:
        return
    values, text, address = state[_KEPT]
    if not asked:
        put(values, text)
    elif asked == address:
        state[TEXT] = text


def put(values: Values, text: str = "") -> None:
    """Set every filter: those that are not among the values are taken back."""
    for name, empty in EMPTY.items():
        st.session_state[name] = values.get(name, empty)
    st.session_state[TEXT] = text


def chosen() -> tuple[dict[str, Any], str]:
    """Return the filters that are set, and the text that is looked for."""
    state = st.session_state
    values = {name: state.get(name, empty) for name, empty in EMPTY.items()}
    return {n: v for n, v in values.items() if v and v != EMPTY[n]}, str(state.get(TEXT) or "")


def keep() -> None:
    """Remember the filters for when the page is left."""
    st.session_state[_KEPT] = (*chosen(), _in_address())


def draw_row(columns: Sequence["DeltaGenerator"]) -> None:
    """Draw the filters that are used most, the text to look for, and the way to the others, in five columns."""
    first, second, third, fourth, fifth = columns
    first.segmented_control(
        "Show", [kind for kind in SHOW if kind != "all"], key="show", bind="query-params", label_visibility="collapsed"
    )
    second.multiselect(
        "Level", words.LEVELS, key="level", bind="query-params", format_func=lambda w: words.LEVEL_WORDS[w],
        placeholder="Any level", label_visibility="collapsed", wrap=False,
    )  # fmt: skip
    third.multiselect(
        "State of review", STATES, key="state", bind="query-params", placeholder="Any state of review",
        label_visibility="collapsed", wrap=False,
    )  # fmt: skip
    fourth.text_input(
        "Search", key=TEXT, type="search", placeholder="Search", label_visibility="collapsed", help=_SEARCHES,
        live="400ms",
    )  # fmt: skip
    open_, set_ = st.session_state.get(_MORE, False), _more_are_set()
    fifth.button(
        "Fewer filters" if open_ or set_ else "More filters", key="queue-more-button", on_click=_turn, disabled=set_,
        width="stretch", help="Take those of the second row back first." if set_ else None,
    )  # fmt: skip


def draw_more(snapshot: "Snapshot", fields: Fields) -> None:
    """Draw the other filters in a row of their own, where they are asked for or one of them is set.

    None of them is set while the row is away: Streamlit does not take a widget's value back that it does not show.
    """
    if not (st.session_state.get(_MORE, False) or _more_are_set()):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _select("about", "Asks most about", sorted(name for _, name in columns_of(snapshot).capabilities), "Anything")
        if fields.models:
            _select("model", "Asked the model", fields.models, "Any model", lambda name: one_line(name, 60))
        _select("language", "Main language", fields.languages, "Any language", language_name)
        for key, label in (("since", "Seen since"), ("until", "Seen until")):
            st.date_input(
                label, None, key=key, bind="query-params", format="YYYY-MM-DD", min_value=_FIRST_DAY,
                max_value=_LAST_DAY,
            )  # fmt: skip
        names = sorted({*data.assignees(snapshot).values()} - {access.visitor().name})
        _select("assignee", "Assigned to", [_ME, _NOBODY, *names], "Anyone", lambda name: one_line(name, 40))
        st.text_input("Id contains", key="id", bind="query-params", placeholder="Part of an id")


def draw_only(news: "News") -> None:
    """Draw the choice of what is new, and of the audit slice."""
    said = f"New: also raised in level, {news.since or 'there is no earlier snapshot to hold this against'}. "
    share = f"Audit: {100 * data.settings().audit:.3g} % of all accounts, drawn at random whatever their level."
    st.pills(
        "Only", ONLY, selection_mode="multi", key="only", bind="query-params", label_visibility="collapsed",
        help=said + share,
    )  # fmt: skip


def _select(key: str, label: str, options: Sequence[str], placeholder: str, shown: Callable[[str], str] = str) -> None:
    st.selectbox(label, options, index=None, key=key, bind="query-params", placeholder=placeholder, format_func=shown)


def _more_are_set() -> bool:
    """Say whether a filter of the second row is set."""
    return any(st.session_state.get(name, EMPTY[name]) != EMPTY[name] for name in _MORE_NAMES)


def _turn() -> None:
    st.session_state[_MORE] = not st.session_state.get(_MORE, False)


def wanted() -> Wanted:
    """Return the filters that are set."""
    values, text = chosen()
    assignee = str(values.get("assignee") or "")
    who = {_ME: access.visitor().name, _NOBODY: NOBODY}.get(assignee, assignee)
    return Wanted(
        show=values.get("show") or "all", levels=tuple(values.get("level", ())), states=tuple(values.get("state", ())),
        about=values.get("about", ""), model=values.get("model", ""), language=values.get("language", ""),
        first=values.get("since"), last=values.get("until"), assignee=who,
        audit="audit" in values.get("only", ()), new="new" in values.get("only", ()), id=values.get("id", ""),
        text=text,
    )  # fmt: skip


def _in_address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in EMPTY if name in st.query_params}
