"""The review of a snapshot: in which state each account and campaign is, and what is new since another snapshot."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeplens.detect.raising import CAMPAIGN
from sweeplens.errors import SweepLensError
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import FLAGGED, LEVELS, AccountRow, CampaignRow
from sweeplens.report.queue import campaign_queue
from sweeplens.review.assigning import assignees
from sweeplens.review.audit import audit_slice
from sweeplens.review.cases import Case, later, settle
from sweeplens.review.verdicts import Decision, latest_verdicts
from sweeplens.store.key import store_key
from sweeplens.store.tombstones import FILE as TOMBSTONES

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

Subject = tuple[str, str]  # kind, id
Row = AccountRow | CampaignRow


@dataclass(frozen=True)
class Cases:
    """Cases by (kind, id): those that somebody decided or is assigned to; every other one is open."""

    known: Mapping[Subject, Case] = field(default_factory=dict)

    def of(self, kind: str, subject: str) -> Case:
        """Return the case of one account or campaign."""
        return self.known.get((kind, subject)) or Case(kind, subject)

    def of_row(self, row: Row) -> Case:
        """Return the case of a row of the queue."""
        return self.of(*subject_of(row))


def subject_of(row: Row) -> Subject:
    """Return kind and id of a row of the queue."""
    return ("campaign", row.campaign_id) if isinstance(row, CampaignRow) else ("account", row.account_id)


@dataclass(frozen=True)
class Review:
    """How accounts and campaigns stand: their cases, and the accounts that are drawn for the audit."""

    cases: Cases = field(default_factory=Cases)
    drawn: frozenset[str] = frozenset()

    def about(self, row: Row) -> dict[str, Any]:
        """Return what `score` and `campaigns` say of the review of a row."""
        case = self.cases.of_row(row)
        return {
            "state": case.state,
            "verdict": None if case.verdict is None else case.verdict.verdict,
            "assignee": case.assignee or None,
            "audit": case.kind == "account" and case.subject in self.drawn,
        }


@dataclass(frozen=True)
class _Judged:
    """What is judged now: the level of an account, None for one that is not there, where it comes from, and groups."""

    level: Callable[[str], str | None]
    level_from: Callable[[Sequence[str]], Sequence[str]]
    campaigns: Mapping[str, CampaignRow]


def cases_of(snapshot: "Snapshot", *, allow_days: int = 90, now: datetime | None = None) -> Cases:
    """Return the state of review of a snapshot's accounts and campaigns, as verdicts say it up to now.

    A verdict on a campaign settles those members too that it had then: all of them where it is a confirmed sweep, else
    those whose level comes from the campaign alone. Of a member's own verdict and its campaign's, the later one counts.
    `allow_days` is how long an entry of the allow-list lasts that names no end.
    """

    def judged() -> _Judged:
        columns, source = columns_of(snapshot), snapshot.table("accounts")["level_from"]
        position = columns.position

        def level_from(accounts: Sequence[str]) -> Sequence[str]:
            places = [position[a] for a in accounts]
            found: list[str] = source.take(places).to_pylist() if places else []
            return found

        campaigns = {row.campaign_id: row for row in campaign_queue(snapshot, include_all=True)}
        return _Judged(lambda a: LEVELS[columns.levels[position[a]]] if a in position else None, level_from, campaigns)

    return _settle_all(snapshot.folder.parent, judged, allow_days, now)


def cases_among(
    store: Path, accounts: Iterable[AccountRow], campaigns: Iterable[CampaignRow], *, allow_days: int = 90,
    now: datetime | None = None,
) -> Cases:  # fmt: skip
    """Return the state of review of what a log was scored as, as `cases_of` does for a snapshot."""

    def judged() -> _Judged:
        rows = {row.account_id: row for row in accounts}
        return _Judged(
            lambda a: rows[a].level if a in rows else None,
            lambda found: [rows[a].level_from for a in found],
            {row.campaign_id: row for row in campaigns},
        )

    return _settle_all(store, judged, allow_days, now)


def _settle_all(store: Path, judge: Callable[[], _Judged], allow_days: int, now: datetime | None) -> Cases:
    last, given = latest_verdicts(store), assignees(store)
    if not last and not given:
        return Cases()
    judged, known, now = judge(), dict[Subject, Case](), now or datetime.now(UTC)
    for (kind, subject), verdict in last.items():
        members: Sequence[str] = ()
        if kind == "campaign":
            group = judged.campaigns.get(subject)
            level, members = (None, ()) if group is None else (group.level, group.accounts)
        else:
            level = judged.level(subject)
        if level is not None:
            known[kind, subject] = settle(verdict, level=level, members=members, allow_days=allow_days, now=now)
    for case in [c for c in known.values() if c.kind == "campaign" and not c.is_open]:
        for member in _settled_with(judged, case):
            own = known.get(("account", member))
            through = replace(case, kind="account", subject=member, through=case.subject)
            known["account", member] = later(own, through) or through
    for (kind, subject), name in given.items():
        if subject in judged.campaigns if kind == "campaign" else judged.level(subject) is not None:
            known[kind, subject] = replace(known.get((kind, subject)) or Case(kind, subject), assignee=name)
    return Cases(known)


def _settled_with(judged: _Judged, case: Case) -> Iterable[str]:
    """Return the members that the verdict on their campaign settles."""
    now = judged.campaigns[case.subject].accounts
    then = set(case.verdict.members) if case.verdict is not None and case.verdict.members else set(now)
    members = [a for a in now if a in then and judged.level(a) is not None]
    if case.state == "confirmed":
        return members
    return [a for a, by in zip(members, judged.level_from(members), strict=True) if by == CAMPAIGN]


def review_of(snapshot: "Snapshot", *, allow_days: int, audit: float) -> Review:
    """Return how a snapshot's accounts and campaigns stand; `audit` is the share that is drawn."""
    return Review(cases_of(snapshot, allow_days=allow_days), audited(snapshot, audit))


def review_among(
    store: Path, accounts: Sequence[AccountRow], campaigns: Sequence[CampaignRow], *, allow_days: int, audit: float
) -> Review:
    """Return how what a log was scored as stands; writes nothing, not even a key to draw by where there is none."""
    drawn = _draw(store, [row.account_id for row in accounts], audit, create=False)
    return Review(cases_among(store, accounts, campaigns, allow_days=allow_days), drawn)


def audited(snapshot: "Snapshot", share: float) -> frozenset[str]:
    """Return the accounts of a snapshot that are drawn for the audit; none where the store's key cannot be had."""
    store = snapshot.folder.parent
    # Where the store had a key that is lost, another one must not take its place.
    lost = snapshot.manifest.get("key") is not None or (store / TOMBSTONES).exists()
    return _draw(store, columns_of(snapshot).accounts, share, create=not lost)


def _draw(store: Path, accounts: Iterable[str], share: float, *, create: bool) -> frozenset[str]:
    try:
        key = store_key(store, create=create)
    except SweepLensError:
        return frozenset()
    return audit_slice(key, accounts, share)


def decision_on(
    snapshot: "Snapshot", kind: str, subject: str, verdict: str, *, note: str = "", until: datetime | None = None,
    seen: int | None, audit: float,
) -> Decision:  # fmt: skip
    """Return a verdict to be added, with what it is about as this snapshot has it: level, members, chance of a draw.

    Only an account below review can owe it to the audit that somebody looks at it, so only then is the chance kept.
    Raises `NotFoundError` for a subject that the snapshot does not have.
    """
    from sweeplens.report.find import find_account, find_campaign

    if kind == "campaign":
        row = find_campaign(snapshot, subject)
        return Decision(kind, subject, verdict, note, until, row.level, row.accounts, seen=seen)
    level = LEVELS[columns_of(snapshot).levels[find_account(snapshot, subject)]]
    drawn = level not in FLAGGED and subject in audited(snapshot, audit)
    return Decision(kind, subject, verdict, note, until, level, inclusion=audit if drawn else None, seen=seen)


def to_look_at(rows: Iterable[Row], cases: Cases, older: "Snapshot | None") -> list[Row]:
    """Return those rows that wait for an analyst and are new, or at a higher level, since an older snapshot."""
    return raised_since([row for row in rows if cases.of_row(row).is_open], older)


def raised_since(rows: Iterable[Row], older: "Snapshot | None") -> list[Row]:
    """Return those rows that an older snapshot did not have, or had at a lower level; all where it is None."""
    if older is None:
        return list(rows)
    columns = columns_of(older)
    groups = {row.campaign_id: LEVELS.index(row.level) for row in campaign_queue(older, include_all=True)}

    def before(row: Row) -> int:
        if isinstance(row, CampaignRow):
            return groups.get(row.campaign_id, -1)
        place = columns.position.get(row.account_id)
        return -1 if place is None else int(columns.levels[place])

    return [row for row in rows if LEVELS.index(row.level) > before(row)]


def detector_of(snapshot: "Snapshot") -> str:
    """Return the name and version of the detector that a snapshot was scored with, as verdicts keep it."""
    entry = snapshot.manifest.get("detector")
    if not isinstance(entry, Mapping):
        return "unknown"
    return f"{entry.get('name', 'unknown')} {entry.get('version', '')}".strip()
