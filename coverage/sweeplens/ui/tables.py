"""Tables: facts to data frames, numbers as people read them, levels with their colour."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.facts import (
    AccountRow,
    CampaignRow,
    ClusterAccount,
    ClusterRow,
    Hit,
    LinkFact,
    NearAccount,
    PromptRow,
    SharedLink,
    SignalFact,
)  # fmt: skip
from sweeplens.report.sentences import percent
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.theme import palette

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

_TEXT = 300  # characters of a prompt in a table


def level_cell(word: object) -> str:
    """Return the style of a level's word."""
    p = palette(st.context.theme.type)
    by_word = {words.LEVEL_WORDS[level]: p.level(level) for level in words.LEVELS}
    weight = 600 if word in {"high", "review"} else 400
    return f"color: {by_word.get(str(word), p.quiet)}; font-weight: {weight}"


def styled(
    frame: "pd.DataFrame", *, counts: Sequence[str] = (), scores: Sequence[str] = (), shares: Sequence[str] = (),
    shorts: Sequence[str] = (), level: str | None = None,
) -> "Styler":  # fmt: skip
    """Return a frame whose numbers are written as people read them and still sort as numbers."""

    def missing(show: Any) -> Any:  # noqa: ANN401 - a formatter of any number
        return lambda v: "–" if v is None or v != v else show(v)  # noqa: PLR0124 - NaN is not itself

    shown: dict[str, Any] = {}
    for names, show in ((counts, words.count), (scores, words.score), (shares, percent), (shorts, words.short)):
        shown |= {name: missing(show) for name in names}
    style = frame.style.format(shown)
    return style if level is None else style.map(level_cell, subset=[level])


def frame_of(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> "pd.DataFrame":
    """Return a data frame with these columns, whether there are rows or not."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))


def text(label: str, width: int | str | None = None, help: str | None = None) -> Any:  # noqa: A002, ANN401
    """Return the configuration of a column of plain text."""
    return st.column_config.TextColumn(label, width=width, help=help)  # type: ignore[arg-type] # words or px


def number(label: str, width: int | None = None, help: str | None = None) -> Any:  # noqa: A002, ANN401
    """Return the configuration of a column of numbers, which stand at the right."""
    return st.column_config.NumberColumn(label, width=width, help=help)


def top_reason(row: AccountRow) -> str:
    """Return the strongest reason as a sentence, or why there is none."""
    if not row.reasons:
        return "too few prompts to be judged alone" if row.score is None else ""
    sentence = one_line(row.reasons[0].text, 200)
    return sentence[:1].upper() + sentence[1:]


def queue(rows: Sequence[AccountRow | CampaignRow], dates: Mapping[str, tuple[Any, Any]]) -> "Styler":
    """Return the ranked list of campaigns and accounts."""
    table = []
    for row in rows:
        first, last = dates[row.campaign_id] if isinstance(row, CampaignRow) else (row.first_ts, row.last_ts)
        table.append({
            "level": words.LEVEL_WORDS[row.level], "score": row.score,
            "id": one_line(row.campaign_id if isinstance(row, CampaignRow) else row.account_id, 60),
            "kind": f"campaign of {words.count(len(row.accounts))}" if isinstance(row, CampaignRow) else "account",
            "n_requests": row.n_requests, "n_prompts": row.n_prompts, "first": first, "last": last,
            "reason": campaign_reason(row) if isinstance(row, CampaignRow) else top_reason(row),
        })  # fmt: skip
    columns = ("level", "score", "id", "kind", "reason", "n_requests", "n_prompts", "first", "last")
    return styled(frame_of(table, columns), counts=("n_requests", "n_prompts"), scores=("score",), level="level")


def campaign_reason(row: CampaignRow) -> str:
    """Return what speaks for a campaign, from the evidence that the detector wrote down."""
    e = row.evidence
    parts = []
    if isinstance(e.get("union_cells"), int | float):
        parts.append(f"together they cover {words.count(e['union_cells'])} cells")
    if isinstance(e.get("largest_member_cells"), int | float):
        parts.append(f"the widest alone {words.count(e['largest_member_cells'])}")
    if isinstance(e.get("union_score"), int | float):
        parts.append(f"as one account they score {e['union_score']:.2f}")
    sentence = ", ".join(parts)
    return sentence[:1].upper() + sentence[1:]


def queue_columns() -> dict[str, Any]:
    """Return the columns of the queue."""
    when = {"width": 78, "format": "D MMM YY", "timezone": "UTC"}
    return {
        "level": text("Level", 70), "score": number("Score", 54), "id": text("Id", 134), "kind": text("What", 112),
        "reason": text("Strongest reason", 328), "n_requests": number("Requests", 70),
        "n_prompts": number("Prompts", 64),
        "first": st.column_config.DatetimeColumn("First seen", **when),  # type: ignore[arg-type]
        "last": st.column_config.DatetimeColumn("Last seen", **when),  # type: ignore[arg-type]
    }  # fmt: skip


def prompts(rows: Sequence[PromptRow]) -> "Styler":
    """Return prompts as one line each."""
    table = [
        {
            "text": one_line(r.text, _TEXT), "cluster": one_line(r.cluster_name, 60), "n_sent": r.n_sent,
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


def members(rows: Sequence[AccountRow]) -> "Styler":
    """Return the members of a campaign."""
    table = [
        {
            "level": words.LEVEL_WORDS[r.level], "score": r.score, "id": one_line(r.account_id, 60),
            "n_requests": r.n_requests, "n_prompts": r.n_prompts, "first": r.first_ts, "last": r.last_ts,
            "reason": top_reason(r),
        }
        for r in rows
    ]  # fmt: skip
    columns = ("level", "score", "id", "reason", "n_requests", "n_prompts", "first", "last")
    return styled(frame_of(table, columns), counts=("n_requests", "n_prompts"), scores=("score",), level="level")


def campaigns(rows: Sequence[CampaignRow], dates: Mapping[str, tuple[Any, Any]]) -> "Styler":
    """Return all groups."""
    table = [
        {
            "level": words.LEVEL_WORDS[r.level], "score": r.score, "id": r.campaign_id,
            "label": words.LABEL_WORDS.get(r.label, r.label), "n_accounts": len(r.accounts),
            "n_requests": r.n_requests, "n_prompts": r.n_prompts, "first": dates[r.campaign_id][0],
            "last": dates[r.campaign_id][1], "reason": campaign_reason(r),
        }
        for r in rows
    ]  # fmt: skip
    columns = ("level", "score", "id", "label", "reason", "n_accounts", "n_requests", "n_prompts", "first", "last")
    counts = ("n_accounts", "n_requests", "n_prompts")
    return styled(frame_of(table, columns), counts=counts, scores=("score",), level="level")


def campaign_columns() -> dict[str, Any]:
    """Return the columns of the list of campaigns."""
    return {
        **queue_columns(), "id": text("Id", 60), "label": text("Looks like", 96), "n_accounts": number("Accounts", 70),
        "reason": text("Evidence", 374),
    }  # fmt: skip


def nearest(rows: Sequence[NearAccount]) -> "Styler":
    """Return accounts on like ground."""
    table = [
        {
            "id": one_line(r.account_id, 60), "similarity": r.similarity, "cells": r.shared_cells,
            "level": words.LEVEL_WORDS[r.level], "score": r.score, "campaign": r.campaign_id or "",
        }
        for r in rows
    ]  # fmt: skip
    columns = ("id", "similarity", "cells", "level", "score", "campaign")
    return styled(frame_of(table, columns), counts=("cells",), scores=("similarity", "score"), level="level")


def nearest_columns() -> dict[str, Any]:
    """Return the columns of the nearest accounts."""
    return {
        "id": text("Account", 118),
        "similarity": number("Likeness", 70, "Cosine of the shares over cells; rare cells weigh more"),
        "cells": number("Shared cells", 88), "level": text("Level", 74), "score": number("Score", 54),
        "campaign": text("Campaign", 76),
    }  # fmt: skip


def account_links(rows: Sequence[LinkFact]) -> "Styler":
    """Return what an account has in common with others."""
    table = [
        {
            "kind": words.LINK_WORDS.get(r.kind, r.kind), "value": one_line(r.value, 120), "n_accounts": r.n_accounts,
            "others": ", ".join(one_line(o, 40) for o in r.others),
        }
        for r in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("kind", "value", "n_accounts", "others")), counts=("n_accounts",))


def shared_links(rows: Sequence[SharedLink]) -> "Styler":
    """Return what members of a campaign have in common."""
    table = [
        {
            "kind": words.LINK_WORDS.get(r.kind, r.kind), "value": one_line(r.value, 120), "n_members": r.n_members,
            "n_accounts": r.n_accounts,
        }
        for r in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("kind", "value", "n_members", "n_accounts")), counts=("n_members", "n_accounts"))


def link_columns() -> dict[str, Any]:
    """Return the columns of links."""
    return {
        "kind": text("In common", 96), "value": text("Value", 150), "n_members": number("Members", 68),
        "n_accounts": number("Accounts", 68, "Accounts that have it, in the whole log"), "others": text("Others", 150),
    }  # fmt: skip


def signals(rows: Sequence[SignalFact], shown: Mapping[str, Any]) -> "Styler":
    """Return the raw signals; `shown` writes a value of a signal as people read it."""

    def write(signal: str, value: float | None) -> str:
        return "–" if value is None else shown.get(signal, words.short)(value)

    table = [
        {
            "label": r.label, "value": write(r.signal, r.value),
            "median": write(r.signal, r.quantiles[2] if r.quantiles else None),
            "low": write(r.signal, r.quantiles[0] if r.quantiles else None),
            "high": write(r.signal, r.quantiles[4] if r.quantiles else None),
            "percentile": r.peer_percentile, "weight": r.weight,
        }
        for r in rows
    ]  # fmt: skip
    columns = ("label", "value", "median", "low", "high", "percentile", "weight")
    return styled(frame_of(table, columns), shorts=("percentile", "weight"))


def signal_columns() -> dict[str, Any]:
    """Return the columns of raw signals."""
    return {
        "label": text("Signal", 200), "value": text("This account", 100), "median": text("Peers' median", 100),
        "low": text("Peers' 5 %", 84), "high": text("Peers' 95 %", 84),
        "percentile": number("Percentile", 84, "Share of peers with a lower value, in per cent"),
        "weight": number("Adds", 70, "What it adds to the log-odds of the score, where it is among the reasons"),
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


def hits(rows: Sequence[Hit]) -> "Styler":
    """Return the answers to a search."""
    table = [
        {
            "similarity": r.similarity, "text": one_line(r.text, _TEXT), "cluster": one_line(r.cluster_name, 60),
            "n_accounts": r.n_accounts,
        }
        for r in rows
    ]  # fmt: skip
    return styled(
        frame_of(table, ("similarity", "text", "cluster", "n_accounts")), counts=("n_accounts",), scores=("similarity",)
    )


def senders(rows: Sequence[tuple[str, int]], levels: Mapping[str, AccountRow]) -> "Styler":
    """Return who sent a selection of prompts."""
    table = [
        {
            "level": words.LEVEL_WORDS[levels[a].level], "score": levels[a].score, "id": one_line(a, 60), "n": n,
        }
        for a, n in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("level", "score", "id", "n")), counts=("n",), scores=("score",), level="level")


def sender_columns() -> dict[str, Any]:
    """Return the columns of the senders of a selection."""
    return {
        "level": text("Level", 66), "score": number("Score", 50), "id": text("Account", 128),
        "n": number("Prompts", 62, "Distinct prompts of the selection that it sent"),
    }  # fmt: skip
