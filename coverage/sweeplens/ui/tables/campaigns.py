"""Tables of campaigns, of the members of one, and of what these have in common."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.detect.raising import CAMPAIGN
from sweeplens.report.facts import AccountRow, CampaignRow, PromptRow, SharedLink, SharedPrompt
from sweeplens.report.sentences import shown_text
from sweeplens.report.standout import describe_standout
from sweeplens.report.templates import Template
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_CHANCE = 58  # px of p, and of q
_P = "Share of honest accounts that score as high, or of their groups that are as strong; a member's is its own"
_Q = "p after correction for all that was tested: of the rows up to a q of 0.05, about one in twenty is honest"
_PLACES = {"start": "opening", "end": "ending", "whole": "whole prompt", "inside": "phrase"}
_NOT_SHOWN = "(hidden, as prompts are)"


def campaigns(rows: Sequence[CampaignRow], dates: Mapping[str, tuple[Any, Any]], states: Mapping[str, str]) -> "Styler":
    """Return groups with the state of their review."""
    table = [
        {
            "level": words.LEVEL_WORDS[r.level], "score": r.score, "p": r.p_value, "q": r.q_value, "id": r.campaign_id,
            "label": words.LABEL_WORDS.get(r.label, r.label), "state": states.get(r.campaign_id, "open"),
            "n_accounts": len(r.accounts), "n_requests": r.n_requests, "reason": describe_standout(r),
            "first": dates[r.campaign_id][0], "last": dates[r.campaign_id][1],
        }
        for r in rows
    ]  # fmt: skip
    columns = (
        "level", "score", "p", "q", "id", "label", "state", "n_accounts", "n_requests", "reason", "first", "last",
    )  # fmt: skip
    return styled(
        frame_of(table, columns), counts=("n_accounts", "n_requests"), scores=("score",), shorts=("p", "q"),
        level="level",
    )  # fmt: skip


def campaign_columns(rows: Sequence[CampaignRow]) -> dict[str, Any]:
    """Return the columns of the list of campaigns; p and q stand there where any row has them."""
    chances = _chances(rows)
    shown = sum(column is not None for column in chances.values())
    return {
        "level": text("Level", 62), "score": number("Score", 50), **chances, "id": text("Id", 54),
        "label": text("Looks like", 92), "state": text("Review", 76), "n_accounts": number("Accounts", 68),
        "n_requests": number("Requests", 70), "reason": text("Strongest evidence", 374 - _CHANCE * shown),
        **_dates(),
    }  # fmt: skip


def members(rows: Sequence[AccountRow], states: Mapping[str, str]) -> "Styler":
    """Return the members of a campaign with the state of their review."""
    table = [
        {
            "level": words.LEVEL_WORDS[r.level], "score": r.score, "p": r.p_value, "q": r.q_value,
            "id": one_line(r.account_id, 60), "state": states.get(r.account_id, "open"), "reason": _own_reason(r),
            "n_requests": r.n_requests, "n_prompts": r.n_prompts, "first": r.first_ts, "last": r.last_ts,
        }
        for r in rows
    ]  # fmt: skip
    columns = ("level", "score", "p", "q", "id", "state", "reason", "n_requests", "n_prompts", "first", "last")
    return styled(
        frame_of(table, columns), counts=("n_requests", "n_prompts"), scores=("score",), shorts=("p", "q"),
        level="level",
    )  # fmt: skip


def member_columns(rows: Sequence[AccountRow]) -> dict[str, Any]:
    """Return the columns of the members of a campaign."""
    chances = _chances(rows)
    shown = sum(column is not None for column in chances.values())
    return {
        "level": text("Level", 64), "score": number("Score", 52), **chances, "id": text("Account", 134),
        "state": text("Review", 76), "reason": text("Strongest reason of its own", 300 - _CHANCE * shown),
        "n_requests": number("Requests", 70), "n_prompts": number("Prompts", 64), **_dates(),
    }  # fmt: skip


def _own_reason(row: AccountRow) -> str:
    """Return the strongest reason that is not the campaign itself, which all members have."""
    own = next((reason for reason in row.reasons if reason.signal != CAMPAIGN), None)
    if own is None:
        return "too few prompts to be judged alone" if not row.reasons or row.score is None else ""
    sentence = one_line(own.text, 200)
    return sentence[:1].upper() + sentence[1:]


def _chances(rows: Sequence[AccountRow | CampaignRow]) -> dict[str, Any]:
    p, q = any(r.p_value is not None for r in rows), any(r.q_value is not None for r in rows)
    return {"p": number("p", _CHANCE, _P) if p else None, "q": number("q", _CHANCE, _Q) if q else None}


def _dates() -> dict[str, Any]:
    when = {"width": 78, "format": "D MMM YY", "timezone": "UTC"}
    return {
        "first": st.column_config.DatetimeColumn("First seen", **when),  # type: ignore[arg-type]
        "last": st.column_config.DatetimeColumn("Last seen", **when),  # type: ignore[arg-type]
    }


def shared_prompts(rows: Sequence[SharedPrompt], prompts: Sequence[PromptRow], n_members: int) -> "Styler":
    """Return prompts that several members sent; `prompts` are theirs, in the same order."""
    table = [
        {
            "text": one_line(shown_text(p.text), 300), "n_members": r.n_members, "share": r.n_members / n_members,
            "n_others": r.n_others, "cluster": one_line(p.cluster_name, 60),
        }
        for r, p in zip(rows, prompts, strict=True)
    ]  # fmt: skip
    columns = ("text", "n_members", "share", "n_others", "cluster")
    return styled(frame_of(table, columns), counts=("n_members", "n_others"), shares=("share",))


def shared_prompt_columns() -> dict[str, Any]:
    """Return the columns of prompts that several members sent."""
    return {
        "text": text("Prompt", 232), "n_members": number("Members", 66, "Members that sent it, word for word"),
        "share": number("Of all", 60, "Share of the members"),
        "n_others": number("Others", 60, "Accounts outside of the campaign that sent it"), "cluster": None,
    }  # fmt: skip


def templates(rows: Sequence[Template]) -> "Styler":
    """Return the skeletons that prompts of the members have in common."""
    table = [
        {
            "skeleton": one_line(r.skeleton, 300), "place": _PLACES[r.place], "prompts": r.prompts,
            "members": r.members, "outside": r.outside,
        }
        for r in rows
    ]  # fmt: skip
    columns = ("skeleton", "place", "prompts", "members", "outside")
    return styled(frame_of(table, columns), shares=("prompts", "members", "outside"))


def template_columns() -> dict[str, Any]:
    """Return the columns of skeletons."""
    return {
        "skeleton": text("Template", 236, "… is any words, # a number, “…” a quoted part"), "place": text("As", 66),
        "prompts": number("Prompts", 62, "Share of the members' prompts that have it"),
        "members": number("Members", 66, "Share of the members that use it"),
        "outside": number("Others", 56, "Share of other accounts' prompts that have it"),
    }  # fmt: skip


def common_links(rows: Sequence[SharedLink], n_members: int, *, hide_text: bool) -> "Styler":
    """Return what members have in common beside prompts; `hide_text` leaves out what is text of a prompt."""
    table = [
        {
            "kind": words.LINK_WORDS.get(r.kind, r.kind),
            "value": _NOT_SHOWN if hide_text and r.kind == "system_prompt" else one_line(r.value, 120),
            "n_members": r.n_members, "share": r.n_members / n_members,
            "n_others": max(0, r.n_accounts - r.n_members),
        }
        for r in rows
    ]  # fmt: skip
    columns = ("kind", "value", "n_members", "share", "n_others")
    return styled(frame_of(table, columns), counts=("n_members", "n_others"), shares=("share",))


def common_link_columns() -> dict[str, Any]:
    """Return the columns of what members have in common."""
    return {
        "kind": text("In common", 94), "value": text("Value", 190), "n_members": number("Members", 66),
        "share": number("Of all", 60, "Share of the members"),
        "n_others": number("Others", 60, "Accounts outside of the campaign that have it"),
    }  # fmt: skip
