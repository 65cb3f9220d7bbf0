"""Tables of prompts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.facts import PromptRow
from sweeplens.report.sentences import shown_text
from sweeplens.text import one_line
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


_TEXT = 300  # characters of a prompt in a table


def prompts(rows: Sequence[PromptRow]) -> "Styler":
    """Return prompts as one line each."""
    table = [
        {
            "text": one_line(shown_text(r.text), _TEXT), "cluster": one_line(r.cluster_name, 60), "n_sent": r.n_sent,
            "n_accounts": r.n_accounts, "first": r.first_ts,
        }
        for r in rows
    ]  # fmt: skip
    return styled(
        frame_of(table, ("text", "cluster", "n_sent", "n_accounts", "first")), counts=("n_sent", "n_accounts")
    )


def prompt_columns(*, cluster: bool = True) -> dict[str, Any]:
    """Return the columns of a list of prompts."""
    return {
        "text": text("Prompt", 560), "cluster": text("Cluster", 200) if cluster else None,
        "n_sent": number("Sent", 56), "n_accounts": number("Accounts", 74, "Accounts that sent it, in the whole log"),
        "first": st.column_config.DatetimeColumn("First sent, UTC", width=130, format="D MMM YY HH:mm", timezone="UTC"),
    }  # fmt: skip
