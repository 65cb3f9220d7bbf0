"""Tables of clusters, of who asks there, and of their names."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.facts import ClusterAccount, ClusterRow
from sweeplens.report.sentences import percent
from sweeplens.review.naming import ClusterName
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def clusters(rows: Sequence[ClusterRow], weekly: Mapping[int, Sequence[int]]) -> "Styler":
    """Return the table of clusters; `weekly` are the requests of each cluster by week or day."""
    table = [
        {
            "pinned": "pinned" if r.pinned else "", "id": r.cluster_id, "name": one_line(r.name, 80),
            "terms": one_line(", ".join(r.terms), 160), "capability": r.capability_name, "n_prompts": r.n_prompts,
            "since": math.inf if r.event == "born" else r.growth, "n_requests": r.n_requests,
            "weekly": list(weekly.get(r.cluster_id, ())), "n_accounts": r.n_accounts,
            "n_flagged": r.n_flagged_accounts, "flagged": r.flagged_share,
        }
        for r in rows
    ]  # fmt: skip
    columns = (
        "pinned", "id", "name", "capability", "n_prompts", "since", "n_requests", "weekly", "n_accounts", "n_flagged",
        "flagged", "terms",
    )  # fmt: skip
    counts = ("n_prompts", "n_requests", "n_accounts", "n_flagged")
    return styled(frame_of(table, columns), counts=counts, shares=("flagged",), written={"since": _since})


def _since(value: float) -> str:
    if math.isinf(value):
        return "new"
    return "same" if value == 0 else f"{'+' if value > 0 else '−'}{percent(abs(value))}"


def cluster_columns(rows: Sequence[ClusterRow], span_days: int) -> dict[str, Any]:
    """Return the columns of the table of clusters; what no row has is left out."""
    pinned, grew = any(r.pinned for r in rows), any(r.event is not None for r in rows)
    span = "week" if span_days > 1 else "day"
    return {
        "pinned": text("", 56) if pinned else None,
        "id": number("Id", 46), "name": text("Name", 184), "capability": text("Capability", 146),
        "n_prompts": number("Prompts", 66),
        "since": number("Grew", 64, "Change of its prompts since the snapshot before") if grew else None,
        "n_requests": number("Requests", 72),
        "weekly": st.column_config.BarChartColumn(
            f"By {span}", width=84, y_min=0, help=f"Its requests in each {span} of the log"
        ),
        "n_accounts": number("Accounts", 70), "n_flagged": number("Flagged", 64, "Accounts at review or high there"),
        "flagged": number("Traffic", 64, "Share of its requests that comes from accounts at review or high"),
        "terms": text("Terms", 260),
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


def name_history(rows: Sequence[ClusterName], found: str) -> "Styler":
    """Return what a cluster was called, the last name first; at the end stands what the map found."""
    table: list[dict[str, Any]] = [
        {
            "name": one_line(found if r.name is None else r.name, 80), "pinned": "pinned" if r.pinned else "",
            "who": one_line(r.analyst, 60) + ("" if r.verified else " (unverified)"), "at": r.at,
            "snapshot": r.snapshot_id,
        }
        for r in rows
    ]  # fmt: skip
    table.append({"name": one_line(found, 80), "pinned": "", "who": "the map itself", "at": None, "snapshot": ""})
    return styled(frame_of(table, ("name", "pinned", "who", "at", "snapshot")))


def name_columns() -> dict[str, Any]:
    """Return the columns of what a cluster was called."""
    return {
        "name": text("Name", 150), "pinned": text("", 56), "who": text("By", 104),
        "at": st.column_config.DatetimeColumn("When, UTC", width=110, format="D MMM YY HH:mm", timezone="UTC"),
        "snapshot": text("Snapshot", 160),
    }  # fmt: skip
