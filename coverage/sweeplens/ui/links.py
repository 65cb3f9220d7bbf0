"""Pages and the addresses that lead to them; an address carries ids, never text."""

from collections.abc import Sequence
from importlib import import_module
from urllib.parse import urlencode

import streamlit as st

PAGES = {
    "queue": "Queue", "account": "Accounts", "campaign": "Campaigns", "map": "Map", "clusters": "Clusters",
    "coverage": "Coverage", "compare": "Compare", "decisions": "Decisions", "snapshots": "Snapshots",
}  # fmt: skip
_HELP = {
    "queue": "What to look at first: campaigns and accounts in one ranked list.",
    "account": "One account: why it scores as it does, what it asks, and how its peers compare.",
    "campaign": "One group of accounts: how its members share the ground.",
    "map": "All prompts by likeness; select some to see who asks them.",
    "clusters": "The topics of the log, and how much of each comes from flagged accounts.",
    "coverage": "Who asks about what: accounts by capabilities, and how wide each of them asks.",
    "compare": "Two to four accounts side by side, in the same scales.",
    "decisions": "What was decided, by whom, what is open again, and what the audit says.",
    "snapshots": "The builds of this store, and what changed from one to another.",
}


def page(name: str) -> st.Page:
    """Return one page; pages of the same address are the same page to Streamlit."""
    show = import_module(f"sweeplens.ui.views.{name}").show
    return st.Page(show, title=PAGES[name], url_path=name, default=name == "queue", help=_HELP[name])


def go_to(name: str, **params: str | Sequence[str]) -> None:
    """Leave for another page; the browser's back button returns. A sequence of ids is a parameter that is repeated."""
    st.switch_page(page(name), query_params=params)


def address(name: str, **params: str | Sequence[str]) -> str:
    """Return the relative address of a view. A sequence of ids is a parameter that is repeated."""
    path = "" if name == "queue" else name
    return f"{path}?{urlencode(params, doseq=True)}" if params else path


def wanted(name: str) -> str | None:
    """Return the id that the address names, such as the account of ?account=..., or None."""
    value = st.query_params.get(name)
    return value if isinstance(value, str) and value else None


def all_wanted(name: str) -> list[str]:
    """Return all ids that the address names under this parameter, each once, in their order."""
    return [value for value in dict.fromkeys(st.query_params.get_all(name)) if value]
