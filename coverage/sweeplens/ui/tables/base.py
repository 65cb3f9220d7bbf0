"""What every table is made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.report.sentences import percent
from sweeplens.ui import words
from sweeplens.ui.theme import palette

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler


def level_cell(word: object) -> str:
    """Return the style of a level's word."""
    p = palette(st.context.theme.type)
    by_word = {words.LEVEL_WORDS[level]: p.level(level) for level in words.LEVELS}
    weight = 600 if word in {"high", "review"} else 400
    return f"color: {by_word.get(str(word), p.quiet)}; font-weight: {weight}"


def styled(
    frame: "pd.DataFrame", *, counts: Sequence[str] = (), scores: Sequence[str] = (), shares: Sequence[str] = (),
    shorts: Sequence[str] = (), level: str | None = None, written: Mapping[str, Callable[[Any], str]] | None = None,
) -> "Styler":  # fmt: skip
    """Return a frame whose numbers are written as people read them and still sort as numbers.

    `written` says for columns of another kind how.
    """

    def missing(show: Any) -> Any:  # noqa: ANN401 - a formatter of any number
        return lambda v: "–" if v is None or v != v else show(v)  # noqa: PLR0124 - NaN is not itself

    shown: dict[str, Any] = {}
    for names, show in ((counts, words.count), (scores, words.score), (shares, percent), (shorts, words.short)):
        shown |= {name: missing(show) for name in names}
    shown |= {name: missing(show) for name, show in (written or {}).items()}
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
