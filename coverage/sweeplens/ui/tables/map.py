"""Tables of what is selected on the map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of
from sweeplens.report.facts import LEVELS, PromptRow
from sweeplens.report.selection import MAX_Q, Senders
from sweeplens.report.sentences import shown_text
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from sweeplens.store.snapshot import Snapshot

_TEXT = 160  # characters of a prompt


def senders(snapshot: "Snapshot", found: Senders, places: NDArray[np.int64]) -> "Styler":
    """Return who sent a selection, for these places of `found`."""
    columns = columns_of(snapshot)
    table = [
        {
            "level": words.LEVEL_WORDS[LEVELS[columns.levels[found.account[i]]]],
            "id": one_line(columns.accounts[found.account[i]], 60), "here": int(found.here[i]),
            "share": found.here[i] / found.prompts[i],
            "times": float(found.at_least[i]) if found.q[i] <= MAX_Q else None,
        }
        for i in places.tolist()
    ]  # fmt: skip
    return styled(
        frame_of(table, ("level", "id", "here", "share", "times")), counts=("here",), shares=("share",),
        shorts=("times",), level="level",
    )  # fmt: skip


def sender_columns() -> dict[str, Any]:
    """Return the columns of the senders of a selection."""
    return {
        "level": text("Level", 56), "id": text("Account", 98),
        "here": number("Prompts", 56, "Distinct prompts of the selection that it sent"),
        "share": number("Of own", 54, "Share of its distinct prompts that lie in the selection"),
        "times": number(
            "Times", 46,
            "At least how many times as often as all other accounts it asks here (lower end of a 95 % interval), where "
            "that is more than chance gives",
        ),
    }  # fmt: skip


def prompts(rows: Sequence[PromptRow], similarity: NDArray[np.float32] | None) -> "Styler":
    """Return prompts as one line each; `similarity` where they were looked for."""
    near = [None] * len(rows) if similarity is None else similarity.tolist()
    table = [
        {
            "near": s, "text": one_line(shown_text(r.text), _TEXT), "cluster": one_line(r.cluster_name, 60),
            "n_sent": r.n_sent, "n_accounts": r.n_accounts, "first": r.first_ts,
        }
        for r, s in zip(rows, near, strict=True)
    ]  # fmt: skip
    names = ("near", "text", "cluster", "n_sent", "n_accounts", "first")
    return styled(frame_of(table, names), counts=("n_sent", "n_accounts"), scores=("near",))


def prompt_columns(*, near: bool) -> dict[str, Any]:
    """Return the columns of the prompts of a selection, `near` with how like they are to what was looked for."""
    from sweeplens.ui.tables.prompts import prompt_columns

    return {
        **prompt_columns(), "text": text("Prompt", 250 if near else 306),
        "near": number("Likeness", 62, "Cosine to what was looked for") if near else None,
    }  # fmt: skip
