"""Files to take away: made only when they are asked for, not offered where exports are switched off."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from sweeplens.ui import access

Kind = Literal["csv", "json", "jsonl", "html", "parquet"]
_MIME: dict[Kind, str] = {
    "csv": "text/csv", "json": "application/json", "jsonl": "application/x-ndjson", "html": "text/html",
    "parquet": "application/vnd.apache.parquet",
}  # fmt: skip


def offer(label: str, name: str, make: Callable[[], bytes], *, key: str, kind: Kind, help: str | None = None) -> None:  # noqa: A002
    """Offer a file `name`.`kind`; `make` is called on the click. Says why where files must not be taken away.

    `name` is made of our own words and of ids that became safe for a file's name.
    """
    if not access.may_export():
        st.button(label, key=key, disabled=True, help="Taking files away is switched off here.")
        return
    st.download_button(
        label, make, file_name=f"{safe_name(name)}.{kind}", mime=_MIME[kind], key=key, on_click="ignore", help=help
    )


def safe_name(text: str) -> str:
    """Return text as a part of a file's name: letters, digits, dot, dash and underscore, at most 80 of them."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text[:80])
    return kept.strip("-") or "file"
