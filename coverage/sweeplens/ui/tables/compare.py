"""Tables about a few accounts side by side: a column is an account."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sweeplens.report.compare import Difference, InCommon, LinkInCommon, Pair
from sweeplens.report.facts import PromptRow, SignalFact
from sweeplens.report.sentences import shown_text, signed
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

By = Literal["adds", "peers"]
_ID = 30  # characters of an account's name above a column


def differences(rows: Sequence[Difference], shown: Mapping[str, Any], by: By) -> "Styler":
    """Return the signals; `shown` writes a value as people read it, `by` says what stands beside it."""
    table = []
    for row in rows:
        cells = {f"a{k}": _cell(fact, shown, by) for k, fact in enumerate(row.facts)}
        apart = row.adds if by == "adds" else row.percentiles
        table.append({"label": row.label, **cells, "apart": apart})
    width = len(rows[0].facts) if rows else 0
    return styled(frame_of(table, ("label", *(f"a{k}" for k in range(width)), "apart")), shorts=("apart",))


def _cell(fact: SignalFact | None, shown: Mapping[str, Any], by: By) -> str:
    if fact is None:
        return "–"
    value = "–" if fact.value is None else shown.get(fact.signal, words.short)(fact.value)
    beside = None
    if by == "adds" and fact.weight is not None:
        beside = f"adds {signed(fact.weight)}"
    elif by == "peers" and fact.peer_percentile is not None:
        beside = f"above {fact.peer_percentile:.0f} %"
    return " · ".join(part for part in (None if fact.value is None and beside else value, beside) if part)


def difference_columns(names: Sequence[str], by: By) -> dict[str, Any]:
    """Return the columns of the signals."""
    apart = (
        number("Apart by", 76, "Between the lowest and the highest, in log-odds of the score")
        if by == "adds"
        else number("Apart by", 76, "Between the lowest and the highest, in percentile points among like accounts")
    )
    return {"label": text("Signal", 200), **_accounts(names, 170), "apart": apart}


def numbers(rows: Mapping[str, Sequence[str]]) -> "Styler":
    """Return the headline numbers, a row for each."""
    table = [{"label": label, **{f"a{k}": v for k, v in enumerate(values)}} for label, values in rows.items()]
    width = max((len(values) for values in rows.values()), default=0)
    return styled(frame_of(table, ("label", *(f"a{k}" for k in range(width)))))


def number_columns(names: Sequence[str]) -> dict[str, Any]:
    """Return the columns of the headline numbers."""
    return {"label": text("", 150), **_accounts(names, 180)}


def _accounts(names: Sequence[str], width: int) -> dict[str, Any]:
    return {f"a{k}": text(one_line(name, _ID), width) for k, name in enumerate(names)}


def pairs(rows: Sequence[Pair]) -> "Styler":
    """Return the pairs of accounts, the most alike first."""
    table = [
        {
            "first": one_line(r.first, 40), "second": one_line(r.second, 40), "similarity": r.similarity,
            "cells": r.shared_cells, "prompts": r.shared_prompts,
        }
        for r in rows
    ]  # fmt: skip
    frame = frame_of(table, ("first", "second", "similarity", "cells", "prompts"))
    return styled(frame, counts=("cells", "prompts"), scores=("similarity",))


def pair_columns() -> dict[str, Any]:
    """Return the columns of the pairs."""
    return {
        "first": text("Account", 106), "second": text("and", 106),
        "similarity": number("Likeness", 66, "Cosine of the shares over cells; rare cells weigh more"),
        "cells": number("Shared cells", 84), "prompts": number("Shared prompts", 100),
    }  # fmt: skip


def in_common(rows: Sequence[InCommon], prompts: Sequence[PromptRow]) -> "Styler":
    """Return the prompts that several of the accounts sent."""
    table = [
        {
            "text": one_line(shown_text(p.text), 300), "cluster": one_line(p.cluster_name, 60),
            **{f"a{k}": n for k, n in enumerate(r.sent)}, "n_accounts": r.n_accounts,
        }
        for r, p in zip(rows, prompts, strict=True)
    ]  # fmt: skip
    sent = [f"a{k}" for k in range(len(rows[0].sent) if rows else 0)]
    return styled(frame_of(table, ("text", "cluster", *sent, "n_accounts")), counts=(*sent, "n_accounts"))


def in_common_columns(names: Sequence[str]) -> dict[str, Any]:
    """Return the columns of the prompts in common."""
    sent = {f"a{k}": number(one_line(name, 16), 96, "How often this account sent it") for k, name in enumerate(names)}
    return {
        "text": text("Prompt", 380), "cluster": text("Cluster", 140), **sent,
        "n_accounts": number("Accounts", 74, "Accounts that sent it, in the whole log"),
    }  # fmt: skip


def links(rows: Sequence[LinkInCommon]) -> "Styler":
    """Return what several of the accounts have in common beside prompts."""
    table = [
        {
            "kind": words.LINK_WORDS.get(r.kind, r.kind), "value": one_line(r.value, 120),
            "who": ", ".join(one_line(a, 30) for a in r.who), "n_accounts": r.n_accounts,
        }
        for r in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("kind", "value", "who", "n_accounts")), counts=("n_accounts",))


def link_columns() -> dict[str, Any]:
    """Return the columns of links in common."""
    return {
        "kind": text("In common", 100), "value": text("Value", 150), "who": text("Who", 150),
        "n_accounts": number("Accounts", 68, "Accounts that have it, in the whole log"),
    }  # fmt: skip
