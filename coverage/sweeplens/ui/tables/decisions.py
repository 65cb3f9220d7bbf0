"""Tables of the page of decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sweeplens.report.decisions import Decided
from sweeplens.report.facts import AccountRow
from sweeplens.review.looks import Look
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.tables.base import frame_of, number, styled, text

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from sweeplens.review.verdicts import Verdict


def who(name: str, *, verified: bool) -> str:
    """Return a name, and whether nothing has proven it."""
    return one_line(name, 60) if verified else f"{one_line(name, 60)} (unverified)"


def trail(rows: Sequence[Decided], replaced: set[int]) -> "Styler":
    """Return verdicts; `replaced` are the ids of those after which another one came."""
    table = [
        {
            "at": words.moment(v.at), "analyst": who(v.analyst, verified=v.verified), "kind": row.kind,
            "id": one_line(row.subject, 60), "verdict": v.verdict, "state": _state(row, v, replaced),
            "note": one_line(v.note, 300), "until": None if v.until is None else words.day(v.until),
            "snapshot": one_line(v.snapshot_id, 40), "detector": one_line(v.detector, 40),
        }
        for row in rows
        for v in [row.verdict]
        if v is not None
    ]  # fmt: skip
    columns = ("at", "analyst", "kind", "id", "verdict", "state", "until", "note", "snapshot", "detector")
    return styled(frame_of(table, columns))


def _state(row: Decided, verdict: "Verdict", replaced: set[int]) -> str:
    if verdict.id in replaced:
        return "replaced"
    return "not in snapshot" if row.state is None else row.state


def trail_columns() -> dict[str, Any]:
    """Return the columns of the trail."""
    return {
        "at": text("Time, UTC", 122), "analyst": text("Analyst", 184), "kind": text("Of", 74), "id": text("Id", 120),
        "verdict": text("Verdict", 112),
        "state": text("Case now", 80, "How the case stands now, or that a later verdict has replaced this one"),
        "until": text("Until", 90, "End of the entry of the allow-list, where one was set"), "note": text("Note", 210),
        "snapshot": text("Snapshot", 178), "detector": text("Detector", 90),
    }  # fmt: skip


def reopened(rows: Sequence[Decided]) -> "Styler":
    """Return cases that are open again, with why."""
    table = [
        {
            "id": one_line(row.subject, 60), "was": "–" if row.verdict is None else row.verdict.verdict,
            "why": one_line(row.case.why, 300) if row.case is not None else "",
        }
        for row in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("id", "was", "why")))


def reopened_columns() -> dict[str, Any]:
    """Return the columns of cases that are open again."""
    return {"id": text("Id", 124), "was": text("Was", 104), "why": text("Why", 290)}


def allowed(rows: Sequence[Decided], now: datetime) -> "Styler":
    """Return entries of the allow-list."""
    table = [
        {
            "id": one_line(row.subject, 60), "verdict": "–" if row.verdict is None else row.verdict.verdict,
            "ends": words.day(row.case.ends), "days": (row.case.ends - now).total_seconds() / 86_400,
        }
        for row in rows
        if row.case is not None and row.case.ends is not None
    ]  # fmt: skip
    return styled(frame_of(table, ("ends", "days", "id", "verdict")), counts=("days",))


def allowed_columns() -> dict[str, Any]:
    """Return the columns of the allow-list."""
    return {
        "ends": text("Ends", 96), "days": number("Days left", 76), "id": text("Id", 130),
        "verdict": text("Verdict", 90),
    }  # fmt: skip


def to_audit(rows: Sequence[AccountRow]) -> "Styler":
    """Return accounts that wait for their audit."""
    table = [
        {"id": one_line(r.account_id, 60), "level": words.LEVEL_WORDS[r.level], "score": r.score, "n": r.n_requests}
        for r in rows
    ]
    return styled(frame_of(table, ("id", "level", "score", "n")), counts=("n",), scores=("score",), level="level")


def to_audit_columns() -> dict[str, Any]:
    """Return the columns of accounts that wait for their audit."""
    return {
        "id": text("Account", 130), "level": text("Level", 80), "score": number("Score", 60),
        "n": number("Requests", 76),
    }  # fmt: skip


def looks(rows: Sequence[Look]) -> "Styler":
    """Return who read hidden prompts."""
    table = [
        {
            "at": words.moment(r.at), "analyst": who(r.analyst, verified=r.verified), "prompt": str(r.prompt_id),
            "snapshot": one_line(r.snapshot_id, 40),
        }
        for r in rows
    ]  # fmt: skip
    return styled(frame_of(table, ("at", "analyst", "prompt", "snapshot")))


def looks_columns() -> dict[str, Any]:
    """Return the columns of who read what."""
    return {
        "at": text("Time, UTC", 122), "analyst": text("Who", 220), "prompt": text("Prompt", 90),
        "snapshot": text("Snapshot", 178),
    }  # fmt: skip
