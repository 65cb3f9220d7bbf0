"""Which rows of the queue are ticked: kept by their ids, so that neither a filter nor another page unticks them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from sweeplens.text import content_hash
from sweeplens.ui import access, deciding, words

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from sweeplens.report.cases import Subject
    from sweeplens.store.snapshot import Snapshot

TABLE = "queue-table"  # holds the key of the table that is shown
_TICKED, _ROUND, _SAID = "queue-ticked", "queue-round", "queue-said"
_ROW = 31  # px
_ROWS = 15
_HEIGHT = _ROW * (_ROWS + 1) + 4


def table(frame: "Styler", columns: dict[str, Any], subjects: Sequence["Subject"]) -> "Subject | None":
    """Show the rows and return the one that was clicked in this run, or None; the boxes in front tick them."""
    state = st.session_state
    ticked: dict[Subject, None] = state.setdefault(_TICKED, {})
    # Streamlit keeps ticks by the number of the row: other rows need another table, which starts with their own ticks.
    rows = content_hash("\n".join(f"{kind} {subject}" for kind, subject in subjects))[:12]
    state[TABLE] = f"queue-{rows}-{state.get(_ROUND, 0)}"
    chosen = st.dataframe(
        frame, key=state[TABLE], hide_index=True, column_config=columns, on_select="rerun", placeholder="–",
        selection_mode=["multi-row", "single-cell"], height="content" if len(subjects) <= _ROWS else _HEIGHT,
        selection_default={"selection": {"rows": [i for i, s in enumerate(subjects) if s in ticked]}},
        alt="The queue",
    ).selection  # fmt: skip
    now = {subjects[i] for i in chosen.rows if i < len(subjects)}
    for subject in subjects:
        if subject in now:
            ticked[subject] = None
        else:
            ticked.pop(subject, None)
    cells = chosen.cells
    return subjects[int(cells[0][0])] if cells and int(cells[0][0]) < len(subjects) else None


def ticked_among(subjects: Sequence["Subject"]) -> list["Subject"]:
    """Return which of these rows are ticked, as the table that is about to be drawn has them."""
    state = st.session_state
    ticked = state.get(_TICKED, {})
    return [subject for subject in subjects if subject in ticked]


def ticked_elsewhere(subjects: Sequence["Subject"]) -> int:
    """Return how many ticked rows are not among these."""
    return len(st.session_state.get(_TICKED, {})) - len(ticked_among(subjects))


def untick() -> None:
    """Take all ticks back."""
    st.session_state[_TICKED] = {}
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def draw(snapshot: "Snapshot", subjects: Sequence["Subject"]) -> None:
    """Draw what can be done with the rows that are ticked."""
    if not access.may_write():
        return
    n = len(subjects)
    if st.button(f"Decide on {words.count(n)}" if n else "Decide", key="queue-decide", disabled=not n, type="primary",
                 help=None if n else "Tick rows to decide on several at once."):  # fmt: skip
        _decide(snapshot, subjects)
    if n:
        st.button("Untick", key="queue-untick", on_click=untick, type="tertiary")


@st.dialog("Decide on the rows that are ticked", width="large", on_dismiss="rerun")
def _decide(snapshot: "Snapshot", subjects: Sequence["Subject"]) -> None:
    # The one place where the queue decides.
    deciding.decide_many(snapshot, list(subjects), "queue-many", _done)


def _done(saved: int) -> None:
    """Take the ticks back, and draw the page again with how the rows stand now."""
    untick()
    st.session_state[_SAID] = f"{words.counted(saved, 'verdict')} saved"
    st.rerun()


def said() -> str:
    """Return what came of the last decision, once."""
    return str(st.session_state.pop(_SAID, ""))
