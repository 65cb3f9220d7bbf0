"""Views of the queue: filters under a name, three ready-made ones and those that an analyst keeps."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.errors import SweepLensError
from sweeplens.report.narrowing import SHOW
from sweeplens.review.cases import OPEN_STATES, STATES
from sweeplens.review.desk import View, drop_view, save_view, saved_views
from sweeplens.text import content_hash
from sweeplens.ui import access, parts, words
from sweeplens.ui.queueing import filters
from sweeplens.ui.safe import code_span

if TYPE_CHECKING:
    from pathlib import Path

    from sweeplens.store.snapshot import Snapshot

READY = (
    View("Open at review or high", {"level": ["high", "review"], "state": list(OPEN_STATES)}),
    View("Audit slice", {"only": ["audit"]}),
    View("Mine", {"assignee": ["me"]}),
)
_NAME, _SAID = "queue-view-name", "queue-view-said"
_TEXT = "text"
_DAYS = ("since", "until")
_KNOWN = {"show": SHOW[1:], "level": words.LEVELS, "state": STATES, "only": filters.ONLY}


def draw(snapshot: "Snapshot") -> None:
    """Draw the list of views behind one button, which says which of them is on."""
    store, me = snapshot.folder.parent, access.visitor().person
    mine = saved_views(store, me) if access.may_write() else []
    now = to_params(*filters.chosen())
    with st.popover("Views", key="queue-views", width="stretch"):
        for view in READY:
            st.button(view.name, key=f"view-{view.name}", type="tertiary", on_click=_take, args=(view,))
        for view in mine:
            name = content_hash(view.name)[:12]
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.button(code_span(view.name, 40), key=f"view-{name}", type="tertiary", on_click=_take, args=(view,))
                st.button("Delete", key=f"drop-{name}", on_click=_drop, args=(store, view.name), type="tertiary")
        if now:
            st.button("Everything", key="view-everything", type="tertiary", on_click=_take, args=(View("", {}),))
        if access.may_write():
            _keeping(store, now)


def to_params(values: Mapping[str, Any], text: str = "") -> dict[str, list[str]]:
    """Return filters as a view keeps them: their names in the address, each with its values as text."""
    params = {name: _written(value) for name, value in values.items()}
    return params | ({_TEXT: [text]} if text else {})


def from_params(params: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], str]:
    """Return the filters of a view, and its text; what no filter has, or cannot read, is left out."""
    values: dict[str, Any] = {}
    for name, empty in filters.EMPTY.items():
        given = [v for v in params.get(name, ()) if v in _KNOWN.get(name, (v,))]
        if not given:
            continue
        if isinstance(empty, list):
            values[name] = given
        elif name in _DAYS:
            values[name] = _day(given[0])
        else:
            values[name] = given[0]
    return values, "".join(params.get(_TEXT, ())[:1])


def _written(value: Any) -> list[str]:  # noqa: ANN401 - the value of any filter
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given)
    except ValueError:
        return None


def _take(view: View) -> None:
    filters.put(*from_params(view.params))


def _keeping(store: "Path", now: Mapping[str, Sequence[str]]) -> None:
    said = st.session_state.pop(_SAID, "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Keep these filters as", key=_NAME, max_chars=60, placeholder="A name for them", disabled=not now, width=220
        )
        st.button("Keep", key="queue-view-keep", disabled=not now, on_click=_keep, args=(store, now))
    if said:
        st.caption(said)
    elif not now:
        st.caption("Set filters first.")


def _keep(store: "Path", now: Mapping[str, Sequence[str]]) -> None:
    name = str(st.session_state.get(_NAME) or "")
    try:
        save_view(store, access.visitor().person, name, now)
    except SweepLensError as error:
        st.session_state[_SAID] = parts.sentence(error)
    else:
        st.session_state[_NAME] = ""
        st.session_state[_SAID] = "Kept."


def _drop(store: "Path", name: str) -> None:
    try:
        drop_view(store, access.visitor().person, name)
    except SweepLensError as error:
        st.session_state[_SAID] = parts.sentence(error)
