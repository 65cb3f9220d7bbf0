"""The frame of the app: settings, the snapshot, the sidebar, and the page that the address names."""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.errors import SweepLensError
from sweeplens.ui import access, browser, data, links, parts, words
from sweeplens.ui.safe import code_span

if TYPE_CHECKING:
    from sweeplens.report.facts import Overview
    from sweeplens.store.snapshot import Snapshot

STALE = 7.0  # days after which a snapshot is called old
FEW = 100  # accounts below which comparisons with peers are called rough
log = logging.getLogger(__name__)


def run() -> None:
    """Draw the app once; `app.py` calls this on every rerun."""
    st.set_page_config(page_title="SweepLens", layout="wide", initial_sidebar_state=220)
    browser.prepare()
    if access.has_login() and not st.user.is_logged_in:
        _ask_for_login()
        return
    page = st.navigation({"SweepLens": [links.page(name) for name in links.PAGES]})
    try:
        access.visitor()  # whoever may not look gets no further
        snapshot = data.current()
        _sidebar(snapshot)
        browser.follow_theme()
        page.run()
    except SweepLensError as error:
        parts.problem(error)


def _sidebar(snapshot: "Snapshot") -> None:
    seen = data.overview(snapshot)
    days = data.age_of(seen, datetime.now(UTC))
    with st.sidebar:
        st.caption(f"Snapshot {code_span(seen.snapshot_id)}")
        st.caption(
            f"{words.age(days)} old · encoder {code_span(seen.encoder)} · detector {code_span(_detector(snapshot))}"
        )
        for doubt in doubts(snapshot, seen, days):
            st.caption(f":orange[{doubt}]")

    _show_visitor()


def _show_visitor() -> None:
    """Say at the foot of the sidebar who looks, in which role."""
    who = access.visitor()
    proven = who.role if who.verified else "not logged in, so that the name is unverified"
    with st.sidebar:
        st.caption(f"{code_span(who.name)}, {proven}")
        if who.verified:
            st.button("Log out", key="log-out", type="tertiary", on_click=st.logout)


def _ask_for_login() -> None:
    """Draw nothing but the way to the login."""
    st.navigation([st.Page(lambda: None, title="SweepLens", url_path="login", default=True)], position="hidden")
    parts.heading("SweepLens", None, "Log in to see who copies the model.")
    st.button("Log in", key="log-in", type="primary", on_click=st.login)


def _detector(snapshot: "Snapshot") -> str:
    entry = snapshot.manifest.get("detector")
    if not isinstance(entry, dict):
        return "unknown"
    return f"{entry.get('name', 'unknown')} {entry.get('version', '')}".strip()


def doubts(snapshot: "Snapshot", seen: "Overview", days: float | None) -> list[str]:
    """Return what makes the whole snapshot less sure, in our own words."""
    found = []
    entry = snapshot.manifest.get("detector")
    if isinstance(entry, dict) and entry.get("fallback"):
        found.append("No detector was trained for this encoder: accounts are ranked, and none goes above watch alone.")
    elif "reference" in snapshot.manifest and snapshot.manifest["reference"] is None:
        found.append("No benign reference fits the detector: there is no p, and no account goes above watch alone.")
    if days is not None and days > STALE:
        found.append("The snapshot is more than a week old: `sweeplens build` makes a new one.")
    if seen.n_accounts < FEW:
        found.append(f"Only {words.counted(seen.n_accounts, 'account')}: peers say little in so small a log.")
    return found


if __name__ == "__main__":  # `sweeplens app` gives this file to Streamlit
    run()
