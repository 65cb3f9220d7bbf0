"""Tables of snapshots and of what changed between two."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.changes import AccountChange, CampaignChange, ClusterChange
from sweeplens.report.drift import Drift
from sweeplens.report.snapshots import Standing, made
from sweeplens.store.snapshot import SnapshotInfo
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_WHO = 40  # characters of an account's id in a list of them
_NAMED = 3  # accounts that a cell names


def snapshots(rows: Sequence[SnapshotInfo], about: Sequence[Standing], now: datetime) -> "Styler":
    """Return the list of snapshots."""
    table = []
    for row, more in zip(rows, about, strict=True):
        when = made(row)
        days = None if when is None else (now - when).total_seconds() / 86_400
        table.append({
            "current": "current" if row.current else "", "id": row.snapshot_id, "made": when, "age": words.age(days),
            "n_requests": row.n_requests, "n_accounts": row.n_accounts, "n_prompts": row.n_prompts,
            "n_flagged": more.n_flagged, "n_campaigns": more.n_campaigns, "encoder": one_line(row.encoder, 40),
            "detector": one_line(more.detector, 40), "size": row.n_bytes / 1e6,
        })  # fmt: skip
    names = (
        "current", "id", "made", "age", "n_requests", "n_accounts", "n_prompts", "n_flagged", "n_campaigns", "encoder",
        "detector", "size",
    )  # fmt: skip
    counts = ("n_requests", "n_accounts", "n_prompts", "n_flagged", "n_campaigns", "size")
    return styled(frame_of(table, names), counts=counts)


def snapshot_columns() -> dict[str, Any]:
    """Return the columns of the list of snapshots."""
    return {
        "current": text("", 58), "id": text("Snapshot", 182),
        "made": st.column_config.DatetimeColumn("Made, UTC", width=116, format="D MMM YY HH:mm", timezone="UTC"),
        "age": text("Age", 84), "n_requests": number("Requests", 72), "n_accounts": number("Accounts", 70),
        "n_prompts": number("Prompts", 68), "n_flagged": number("Flagged", 62, "Accounts at review or high"),
        "n_campaigns": number("Campaigns", 78, "Groups that resemble one sweep"), "encoder": text("Encoder", 68),
        "detector": text("Detector", 72), "size": number("MB", 48, "Its files, those that it shares with others, too"),
    }  # fmt: skip


def cluster_events(rows: Sequence[ClusterChange]) -> "Styler":
    """Return clusters that were born, split or merged, or died."""
    table = [
        {
            "event": c.event, "id": c.cluster_id, "name": one_line(c.name_after or c.name_before or "", 80),
            "from": "" if c.event == "died" else ", ".join(map(str, c.parents)), "n_before": c.n_before,
            "n_after": c.n_after, "shared": c.n_shared,
        }
        for c in rows
    ]  # fmt: skip
    names = ("event", "id", "name", "from", "n_before", "n_after", "shared")
    return styled(frame_of(table, names), counts=("n_before", "n_after", "shared"))


def cluster_event_columns() -> dict[str, Any]:
    """Return the columns of what happened to clusters."""
    return {
        "event": text("What", 62), "id": number("Id", 46), "name": text("Name", 240), "from": text("From", 90),
        "n_before": number("Before", 66, "Prompts of what it comes from"), "n_after": number("After", 66),
        "shared": number("In both", 66, "Its prompts that what it comes from had"),
    }  # fmt: skip


def clusters_moved(rows: Sequence[ClusterChange]) -> "Styler":
    """Return the clusters whose middle moved most."""
    table = [
        {
            "id": c.cluster_id, "name": one_line(c.name_after or "", 80), "distance": c.distance,
            "was": "" if c.name_before == c.name_after else one_line(c.name_before or "", 80),
        }
        for c in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("id", "name", "distance", "was")), shorts=("distance",))


def clusters_moved_columns() -> dict[str, Any]:
    """Return the columns of clusters that moved."""
    return {
        "id": number("Id", 46), "name": text("Name", 240),
        "distance": number("Moved", 66, "1 - cosine of the means of its prompts before and after"),
        "was": text("Name before", 200),
    }  # fmt: skip


def campaigns(rows: Sequence[CampaignChange]) -> "Styler":
    """Return the groups of accounts and what happened to them."""
    table = [
        {
            "event": c.event, "id": c.campaign_id, "from": ", ".join(p for p in c.parents if p != c.campaign_id),
            "label": _turn(_label(c.label_before), _label(c.label_after)),
            "level": _turn(_level(c.level_before), _level(c.level_after)), "n_before": c.n_before, "n_after": c.n_after,
            "joined": _few(c.joined), "left": _few(c.left),
        }
        for c in rows
    ]  # fmt: skip
    names = ("event", "id", "from", "label", "level", "n_before", "n_after", "joined", "left")
    return styled(frame_of(table, names), counts=("n_before", "n_after"))


def campaign_columns() -> dict[str, Any]:
    """Return the columns of what happened to groups."""
    return {
        "event": text("What", 62), "id": text("Id", 60), "from": text("From", 72), "label": text("Looks like", 140),
        "level": text("Level", 110), "n_before": number("Before", 62, "Members in the older snapshot"),
        "n_after": number("After", 62), "joined": text("Joined", 200), "left": text("Left", 200),
    }  # fmt: skip


def accounts(rows: Sequence[AccountChange]) -> "Styler":
    """Return accounts whose score or level moved."""
    table = [
        {
            "before": words.LEVEL_WORDS[a.level_before], "after": words.LEVEL_WORDS[a.level_after],
            "id": one_line(a.account_id, 60), "score": a.score_after, "was": a.score_before, "change": a.change,
            "n_prompts": a.n_prompts_after, "n_prompts_before": a.n_prompts_before,
        }
        for a in rows
    ]  # fmt: skip
    names = ("before", "after", "id", "was", "score", "change", "n_prompts_before", "n_prompts")
    frame = frame_of(table, names)
    counts = ("n_prompts", "n_prompts_before")
    return styled(frame, counts=counts, scores=("score", "was"), level="after", written={"change": _change})


def account_columns() -> dict[str, Any]:
    """Return the columns of accounts that moved."""
    return {
        "before": text("Was", 66), "after": text("Level", 66), "id": text("Account", 126), "was": number("Was", 50),
        "score": number("Score", 52), "change": number("Change", 62), "n_prompts_before": number("Were", 54),
        "n_prompts": number("Prompts", 66, "Its distinct prompts; beside them how many they were"),
    }  # fmt: skip


def drift(rows: Sequence[Drift], labels: Sequence[str]) -> "Styler":
    """Return how far the score and the signals went."""
    table = [
        {
            "label": one_line(label, 60), "ks": d.ks, "psi": d.psi, "was": d.median_before, "median": d.median_after,
            "n_before": d.n_before, "n_after": d.n_after,
        }
        for d, label in zip(rows, labels, strict=True)
    ]  # fmt: skip
    names = ("label", "ks", "psi", "was", "median", "n_before", "n_after")
    return styled(frame_of(table, names), shorts=("ks", "psi", "was", "median"), counts=("n_before", "n_after"))


def drift_columns() -> dict[str, Any]:
    """Return the columns of the drift."""
    return {
        "label": text("Signal", 240), "ks": number("Distance", 76, "Largest distance of the two distributions, 0 to 1"),
        "psi": number("Stability index", 100, "Under 0.1 is small, over 0.25 large"),
        "was": number("Median was", 90), "median": number("Median", 76),
        "n_before": number("Accounts were", 96), "n_after": number("Accounts", 76),
    }  # fmt: skip


def _change(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _turn(before: str, after: str) -> str:
    return after or before if not before or not after or before == after else f"{before} → {after}"


def _label(label: str | None) -> str:
    return "" if label is None else words.LABEL_WORDS.get(label, label)


def _level(level: str | None) -> str:
    return "" if level is None else words.LEVEL_WORDS.get(level, level)


def _few(accounts_: Sequence[str]) -> str:
    if not accounts_:
        return ""
    named = ", ".join(one_line(a, _WHO) for a in accounts_[:_NAMED])
    return f"{words.count(len(accounts_))}: {named}{', …' if len(accounts_) > _NAMED else ''}"
