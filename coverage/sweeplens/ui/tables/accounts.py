"""Tables of accounts and campaigns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.briefs import brief_campaign
from sweeplens.report.facts import AccountRow, CampaignRow, NearAccount
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

_CHANCE = 64  # px of p, and of q
_P = "Share of honest accounts that score as high, or of their groups that are as strong; a member's is its own"
_Q = "p after correction for all that was tested: of the rows up to a q of 0.05, about one in twenty is honest"


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
            "reason": brief_campaign(row) if isinstance(row, CampaignRow) else top_reason(row),
            "p": row.p_value, "q": row.q_value,
        })  # fmt: skip
    columns = ("level", "score", "p", "q", "id", "kind", "reason", "n_requests", "n_prompts", "first", "last")
    return _ranked(frame_of(table, columns), ("n_requests", "n_prompts"))


def _ranked(frame: "pd.DataFrame", counts: Sequence[str]) -> "Styler":
    return styled(frame, counts=counts, scores=("score",), shorts=("p", "q"), level="level")


def queue_columns(rows: Sequence[AccountRow | CampaignRow]) -> dict[str, Any]:
    """Return the columns of the queue; p and q stand there where any row has them."""
    p, q = any(r.p_value is not None for r in rows), any(r.q_value is not None for r in rows)
    when = {"width": 78, "format": "D MMM YY", "timezone": "UTC"}
    return {
        "level": text("Level", 70), "score": number("Score", 54), "id": text("Id", 134), "kind": text("What", 112),
        "p": number("p", _CHANCE, _P) if p else None, "q": number("q", _CHANCE, _Q) if q else None,
        "reason": text("Strongest reason", 328 - _CHANCE * (p + q)), "n_requests": number("Requests", 70),
        "n_prompts": number("Prompts", 64),
        "first": st.column_config.DatetimeColumn("First seen", **when),  # type: ignore[arg-type]
        "last": st.column_config.DatetimeColumn("Last seen", **when),  # type: ignore[arg-type]
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
