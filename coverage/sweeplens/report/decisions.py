"""Everything that analysts decided, newest first, with how each case stands now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sweeplens.review.verdicts import all_verdicts

if TYPE_CHECKING:
    from sweeplens.report.cases import Cases
    from sweeplens.review.cases import Case
    from sweeplens.review.verdicts import Verdict
    from sweeplens.store.snapshot import Snapshot

# What `verdicts list` promises, in this order.
KEYS = (
    "id", "kind", "subject", "state", "verdict", "note", "analyst", "verified", "at", "ends", "assignee", "through",
    "why", "level", "inclusion", "snapshot_id", "detector",
)  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """One verdict, or a case that is assigned and has none.

    `case` is how its subject stands now: None for a verdict that a later one has replaced, and for a subject that the
    snapshot lacks.
    """

    kind: str
    subject: str
    verdict: "Verdict | None"
    case: "Case | None"

    @property
    def state(self) -> str | None:
        """State of the case."""
        return None if self.case is None else self.case.state

    @property
    def is_open(self) -> bool:
        """Whether an analyst should look at the case."""
        return self.case is not None and self.case.is_open


def decisions_of(snapshot: "Snapshot", cases: "Cases", *, replaced: bool = False) -> list[Decided]:
    """Return the last verdict on each subject, or all with `replaced`, the newest first; then cases without one."""
    found: list[Decided] = []
    seen: set[tuple[str, str]] = set()
    for verdict in all_verdicts(snapshot.folder.parent):
        key = verdict.kind, verdict.subject
        if key not in seen or replaced:
            found.append(Decided(*key, verdict, None if key in seen else cases.known.get(key)))
        seen.add(key)
    undecided = [case for key, case in cases.known.items() if key not in seen and case.through is None]
    return found + [Decided(c.kind, c.subject, None, c) for c in sorted(undecided, key=lambda c: (c.kind, c.subject))]


def to_records(rows: Iterable[Decided]) -> list[dict[str, Any]]:
    """Return decisions as the objects that `verdicts list` promises in JSON."""
    return [_record(row) for row in rows]


def allow_list(rows: Iterable[Decided], now: datetime, *, days: float | None = None) -> list[Decided]:
    """Return the entries of the allow-list, those that end first on top; only those that end within so many days."""
    ends = [(row.case.ends, row) for row in rows if row.case is not None and row.case.ends is not None]
    soon = [(end, row) for end, row in ends if days is None or end - now <= timedelta(days=days)]
    return [row for _, row in sorted(soon, key=lambda pair: (pair[0], pair[1].kind, pair[1].subject))]


def _record(row: Decided) -> dict[str, Any]:
    verdict, case = row.verdict, row.case
    named = {} if verdict is None else {key: getattr(verdict, key, None) for key in KEYS}
    stands = {
        "kind": row.kind, "subject": row.subject, "state": row.state,
        "at": None if verdict is None else _moment(verdict.at),
        "ends": None if case is None or case.ends is None else _moment(case.ends),
        "assignee": (case.assignee or None) if case is not None else None,
        "through": None if case is None else case.through,
        "why": (case.why or None) if case is not None else None,
    }  # fmt: skip
    return {key: (named | stands).get(key) for key in KEYS}


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")
