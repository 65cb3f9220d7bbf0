"""Tables of prompts and clusters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.facts import ClusterAccount, ClusterRow, PromptRow
from sweeplens.report.sentences import shown_text
from sweeplens.text import one_line
from sweeplens.ui import words
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


def clusters(rows: Sequence[ClusterRow]) -> "Styler":
    """Return the table of clusters."""
    table = [
        {
            "id": r.cluster_id, "name": one_line(r.name, 80), "terms": one_line(", ".join(r.terms), 160),
            "capability": r.capability_name, "n_prompts": r.n_prompts, "n_requests": r.n_requests,
            "n_accounts": r.n_accounts, "n_flagged": r.n_flagged_accounts, "flagged": r.flagged_share,
        }
        for r in rows
    ]  # fmt: skip
    columns = ("id", "name", "capability", "n_prompts", "n_requests", "n_accounts", "n_flagged", "flagged", "terms")
    counts = ("n_prompts", "n_requests", "n_accounts", "n_flagged")
    return styled(frame_of(table, columns), counts=counts, shares=("flagged",))


def cluster_columns() -> dict[str, Any]:
    """Return the columns of the table of clusters."""
    return {
        "id": number("Id", 44), "name": text("Name", 200), "capability": text("Capability", 176),
        "n_prompts": number("Prompts", 74), "n_requests": number("Requests", 80), "n_accounts": number("Accounts", 74),
        "n_flagged": number("Flagged", 70, "Accounts at review or high that ask here"),
        "flagged": number("Flagged traffic", 104, "Share of its requests that comes from accounts at review or high"),
        "terms": text("Terms", 320),
    }  # fmt: skip


def cluster_accounts(rows: Sequence[ClusterAccount]) -> "Styler":
    """Return who asks in a cluster."""
    table = [
        {
            "level": words.LEVEL_WORDS[r.level], "score": r.score, "id": one_line(r.account_id, 60),
            "n_requests": r.n_requests, "of_cluster": r.share_of_cluster, "of_account": r.share_of_account,
        }
        for r in rows
    ]  # fmt: skip
    columns = ("level", "score", "id", "n_requests", "of_cluster", "of_account")
    return styled(
        frame_of(table, columns), counts=("n_requests",), scores=("score",),
        shares=("of_cluster", "of_account"), level="level",
    )  # fmt: skip


def cluster_account_columns() -> dict[str, Any]:
    """Return the columns of the accounts of a cluster."""
    return {
        "level": text("Level", 70), "score": number("Score", 52), "id": text("Account", 112),
        "n_requests": number("Requests", 68), "of_cluster": number("Of cluster", 76, "Share of the cluster's requests"),
        "of_account": number("Of account", 84, "Share of the account's distinct prompts that lie here"),
    }  # fmt: skip
