"""What follows from the last verdict on a case today: whether it is settled, on the allow-list, or open again."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sweeplens.detect.detector import LEVELS
from sweeplens.review.verdicts import ALLOWING, Verdict

STATES = ("open", "reopened", "unsure", "confirmed", "allowed")
OPEN_STATES = ("open", "reopened", "unsure")
STAYING = 0.7  # share of a campaign's members, then and now, that must be the same for its verdict to follow it
_NAMED = 3  # accounts that are named among those who joined
_NO_VERDICT = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One account or campaign under review.

    state     one of `STATES`: unsure and reopened ones wait for an analyst as open ones do
    verdict   the last one on it; on its campaign where `through` names one
    why       one sentence: why it was reopened, else empty
    ends      when its entry of the allow-list ends, None where it is on none
    joined    accounts that the campaign did not have when it was decided, where that reopened it
    """

    kind: str
    subject: str
    state: str = "open"
    verdict: Verdict | None = None
    why: str = ""
    ends: datetime | None = None
    assignee: str = ""
    through: str | None = None
    joined: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether an analyst should look at it."""
        return self.state in OPEN_STATES


def settle(verdict: Verdict, *, level: str, members: Collection[str], allow_days: int, now: datetime) -> Case:
    """Return the case of a subject from the last verdict on it, its present level, and a campaign's present members.

    An entry of the allow-list ends at its date, and when the level rises above that at which it was decided. A verdict
    on a campaign follows it while 0.7 of its members stay: of those that it had then, and of those that it has now.
    """
    case = Case(verdict.kind, verdict.subject, verdict=verdict)
    if verdict.verdict == "unsure":
        return _with(case, "unsure")
    joined = tuple(sorted(set(members) - set(verdict.members)))
    if verdict.members and not _stays(verdict.members, members):
        return _with(case, "reopened", _who_joined(verdict, members, joined), joined=joined)
    if verdict.verdict not in ALLOWING:
        return _with(case, "confirmed")
    ends = verdict.until or verdict.at + timedelta(days=allow_days)
    if ends <= now:
        return _with(case, "reopened", f"The entry of the allow-list ended on {ends.day} {ends:%b %Y}.")
    if verdict.level is not None and _height(level) > _height(verdict.level):
        return _with(case, "reopened", f"Its level has risen from {verdict.level} to {level} since.")
    return _with(case, "allowed", ends=ends)


def _height(level: str) -> int:
    """Return a level's place; one that had too little to be judged has not risen when it is judged as none."""
    return LEVELS.index("none" if level == "insufficient" else level)


def later(one: Case | None, other: Case | None) -> Case | None:
    """Return the case whose verdict was left last."""
    return max((c for c in (one, other) if c is not None), key=_decided, default=None)


def _decided(case: Case) -> datetime:
    return case.verdict.at if case.verdict is not None else _NO_VERDICT


def _stays(then: Collection[str], now: Collection[str]) -> bool:
    same = len(set(then) & set(now))
    return same >= STAYING * max(len(set(then)), len(set(now)))


def _who_joined(verdict: Verdict, members: Collection[str], joined: tuple[str, ...]) -> str:
    gone = len(set(verdict.members) - set(members))
    left = f"{gone:,} of the {len(verdict.members):,} members that it had are gone"
    if not joined:
        return f"{left[:1].upper()}{left[1:]}."
    named = ", ".join(joined[:_NAMED]) + (f" and {len(joined) - _NAMED:,} more" if len(joined) > _NAMED else "")
    came = "1 account has joined since" if len(joined) == 1 else f"{len(joined):,} accounts have joined since"
    return f"{came}: {named}" + (f"; {left}." if gone else ".")


def _with(case: Case, state: str, why: str = "", **more: object) -> Case:
    return replace(case, state=state, why=why, **more)  # type: ignore[arg-type] # fields of a case
