"""Tables of how wide accounts ask."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import Columns
from sweeplens.report.coverage import Breadth
from sweeplens.report.facts import LEVELS
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

_COUNTS = ("n_prompts", "cells", "capabilities", "clusters", "there")
_PERCENTILES = ("above_cells", "above_capabilities", "above_clusters")


def breadth(columns: Columns, wide: Breadth, rows: NDArray[np.int64], capability: int | None) -> "Styler":
    """Return how wide the accounts in these rows of the accounts table ask, and how much about one capability."""
    import pandas as pd

    scores, own = columns.scores[rows], columns.profile[rows]
    table: dict[str, Any] = {
        "level": [words.LEVEL_WORDS[LEVELS[i]] for i in columns.levels[rows].tolist()],
        "score": scores, "id": [one_line(columns.accounts[i], 60) for i in rows.tolist()],
        "n_prompts": columns.n_prompts[rows], "cells": wide.cells[rows], "above_cells": wide.percentiles[rows, 0] / 100,
        "capabilities": wide.capabilities[rows], "above_capabilities": wide.percentiles[rows, 1] / 100,
        "clusters": wide.clusters[rows], "above_clusters": wide.percentiles[rows, 2] / 100,
        "share": np.zeros(len(rows)), "there": np.zeros(len(rows), np.int32),
    }  # fmt: skip
    if capability is not None:
        table |= {"share": own[:, capability] / np.maximum(1, own.sum(1)), "there": own[:, capability]}
    frame = pd.DataFrame(table)
    return styled(frame, counts=_COUNTS, scores=("score",), shares=("share", *_PERCENTILES), level="level")


def breadth_columns(*, capability: bool) -> dict[str, Any]:
    """Return the columns of the table."""
    peers = "Share of its peers that reach fewer in 40 of their prompts"
    return {
        "level": text("Level", 66), "score": number("Score", 54), "id": text("Account", 150),
        "share": number("Share there", 84, "Share of its distinct prompts") if capability else None,
        "there": number("Prompts there", 92, "Its distinct prompts there") if capability else None,
        "n_prompts": number("Prompts", 66, "Its distinct prompts"),
        "cells": number("Cells", 56, "Small even parts of the map that it asks in"),
        "above_cells": number("above peers", 82, peers), "capabilities": number("Capabilities", 84),
        "above_capabilities": number("above peers", 82, peers), "clusters": number("Clusters", 66),
        "above_clusters": number("above peers", 82, peers),
    }  # fmt: skip
