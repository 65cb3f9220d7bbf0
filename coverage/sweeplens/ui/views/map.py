"""Map: all prompts by likeness; what is selected, who asks it, in which words."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from sweeplens.ui import data, parts, words
from sweeplens.ui.mapping import controls, lighting, panel, picture
from sweeplens.ui.mapping.lighting import Lit
from sweeplens.ui.reads import map as reads

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot
    from sweeplens.ui.mapping.controls import Choice
    from sweeplens.ui.mapping.picture import Masks


def show() -> None:
    """Draw the page.

    ?account=, ?campaign=, ?cluster=, ?accounts=, ?like= and ?like_account= light what they name; ?colour=, ?level=,
    ?capability=, ?language=, ?since=, ?until= and ?rest= are the controls.
    """
    snapshot = data.current()
    points, clusters = data.map_points(snapshot), data.clusters(snapshot)
    parts.heading(
        "Map", None,
        f"{words.counted(len(points.x), 'distinct prompt')} in {words.counted(len(clusters), 'cluster')}: "
        "select some to see who asks them.",
    )  # fmt: skip
    if not len(points.x):
        parts.nothing("This snapshot has no prompts.", "`sweeplens build LOG` makes one from a log.")
        return
    controls.remember()
    _explore(snapshot)


@parts.fragment
def _explore(snapshot: "Snapshot") -> None:
    choice = controls.choose(snapshot)
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(key="map-left"):
        lit = lighting.find(snapshot, choice.needle)
        picture.start(snapshot, lit)
        masks = picture.masks_of(snapshot, choice, lit)
        if lit is not None and masks.passing is not None:
            lit = lit.among(masks.passing)
        chosen = _chosen(snapshot, masks)
        _say_what_remains(snapshot, choice, masks)
        picture.show(snapshot, choice, lit, masks, None if chosen is None else chosen.ids)
    with right:
        _selected(snapshot, lit, chosen)


def _chosen(snapshot: "Snapshot", masks: "Masks") -> Lit | None:
    """Return what was drawn around of what passes the filters; None where nothing was."""
    drawn = picture.drawn()
    if drawn is None:
        return None
    ids = reads.within(snapshot, drawn)
    for mask in (masks.passing, masks.drawn):
        if mask is not None:
            ids = ids[mask[ids]]
    return Lit(ids, f"{words.counted(len(ids), 'prompt')} selected", "selected")


def _say_what_remains(snapshot: "Snapshot", choice: "Choice", masks: "Masks") -> None:
    if masks.passing is None:
        return
    total = len(data.map_points(snapshot).x)
    with st.container(horizontal=True, vertical_alignment="center"):
        n, rest = int(np.count_nonzero(masks.passing)), "left out" if choice.left_out else "grey"
        st.text(
            f"{words.count(n)} of {words.counted(total, 'prompt')} pass the filters; the rest is {rest}.",
            width="content",
        )
        st.button("Clear the filters", key="map-no-filters", type="tertiary", on_click=controls.clear_filters)


def _selected(snapshot: "Snapshot", lit: Lit | None, chosen: Lit | None) -> None:
    shown = chosen if chosen is not None else lit
    if shown is None:
        parts.nothing(
            "Nothing is selected.",
            "Click a point, or draw around some with the lasso or the box at the top of the map. The search lights "
            "what is near to a phrase.",
        )
        return
    st.markdown(f"**{shown.what}**")
    with st.container(horizontal=True):
        if chosen is not None:
            st.button("Clear the selection", key="map-clear", type="tertiary", on_click=picture.clear)
        else:
            st.button("Light nothing", key="map-dark", type="tertiary", on_click=controls.clear_lights)
        if len(shown.ids):
            panel.offer(snapshot, shown.ids)
        account = lighting.wanted_accounts()
        if chosen is None and len(account) == 1 and shown.similarity is None:
            parts.link("More like this", "map", like_account=account[0])
    panel.show(snapshot, shown)
