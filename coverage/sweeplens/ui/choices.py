"""Choices that stand in the address and move with it from one subject to the next.

Widgets that Streamlit binds to a parameter forget it when the page turns to another subject, and forbid to hand it on:
these do neither. The address wins where it changed, such as by the back button; else the last click does.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from sweeplens.ui import links


def choose(
    label: str, options: Sequence[str], name: str, *, default: str, shown: Callable[[str], str] = str,
    disabled: bool = False,
) -> str:  # fmt: skip
    """Offer options side by side and return the chosen one; the parameter `name` holds it where it is not `default`."""
    key = _follow(name, options, default)
    value = st.segmented_control(
        label, options, key=key, required=True, label_visibility="collapsed", format_func=shown, disabled=disabled
    )
    chosen = default if value is None else value
    _keep(name, None if chosen == default else chosen)
    return chosen


def choose_any(label: str, options: Sequence[str], name: str, *, shown: Callable[[str], str] = str) -> str | None:
    """Offer options of which one or none is chosen, and return it; the parameter `name` holds it."""
    key = _follow(name, options, None)
    chosen = st.pills(label, options, key=key, format_func=shown)
    _keep(name, chosen)
    return chosen


def choose_order(*, dated: bool) -> tuple[str, str]:
    """Offer how the order of requests is drawn: by time or arrival, which needs no times, and in which rows."""
    with st.container(horizontal=True):
        axis = choose(
            "Axis", ["time", "arrival"], "axis", default="time" if dated else "arrival", disabled=not dated,
            shown={"time": "by time", "arrival": "by order of arrival"}.__getitem__,
        )  # fmt: skip
        rows = choose(
            "Rows", ["capability", "cluster"], "rows", default="capability",
            shown={"capability": "capabilities", "cluster": "clusters"}.__getitem__,
        )  # fmt: skip
    return axis, rows


def kept(*names: str) -> dict[str, str]:
    """Return those of these parameters that the address has, to hand them on."""
    return {name: value for name in names if (value := links.wanted(name)) is not None}


def _follow(name: str, options: Sequence[str], default: str | None) -> str:
    """Take the choice from the address where that changed since the last run, and return the widget's key."""
    key, state = f"choice-{name}", st.session_state
    said = links.wanted(name)
    if key not in state or said != state.get(f"{key}-said") or (state[key] is not None and state[key] not in options):
        state[key] = said if said in options else default
    return key


def _keep(name: str, chosen: str | None) -> None:
    if chosen != links.wanted(name):
        if chosen is None:
            del st.query_params[name]
        else:
            st.query_params[name] = chosen
    st.session_state[f"choice-{name}-said"] = chosen
