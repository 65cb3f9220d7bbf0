"""Tables of what stands beside the prompts: links and raw signals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweeplens.report.facts import LinkFact, SignalFact
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


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


def link_columns() -> dict[str, Any]:
    """Return the columns of links."""
    return {
        "kind": text("In common", 96), "value": text("Value", 150),
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
            "percentile": r.peer_percentile, "weight": r.weight, "family": r.family, "fools": r.fools,
        }
        for r in rows
    ]  # fmt: skip
    columns = ("label", "family", "value", "median", "low", "high", "percentile", "weight", "fools")
    return styled(frame_of(table, columns), shorts=("percentile", "weight"))


def signal_columns() -> dict[str, Any]:
    """Return the columns of raw signals."""
    return {
        "label": text("Signal", 186), "family": text("About", 72), "value": text("This account", 92),
        "median": text("Peers' median", 96),
        "low": text("Peers' 5 %", 84), "high": text("Peers' 95 %", 84),
        "percentile": number("Percentile", 84, "Share of peers with a lower value, in per cent"),
        "weight": number("Adds", 60, "What it adds to the log-odds of the score"),
        "fools": text("Honest use that looks the same", 300),
    }  # fmt: skip
