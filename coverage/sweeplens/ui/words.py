"""Numbers, times and levels as people read them."""

from sweeplens.report.wording import (
    KIND_WORDS,
    LABEL_WORDS,
    LEVEL_WORDS,
    LEVELS,
    LINK_WORDS,
    age,
    chances,
    count,
    counted,
    day,
    moment,
    period,
    score,
    short,
    thin,
)

__all__ = [
    "KIND_WORDS", "LABEL_WORDS", "LEVELS", "LEVEL_WORDS", "LINK_WORDS", "age", "chances", "count", "counted", "day",
    "moment", "period", "score", "short", "thin",
]  # fmt: skip
