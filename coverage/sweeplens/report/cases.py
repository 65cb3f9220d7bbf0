"""The review of a snapshot: in which state each account and campaign is, and what is new since another snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

Subject = tuple[str, str]  # kind, id


@dataclass(frozen=True)
class Cases:
    """Cases by (kind, id): those that somebody decided or is assigned to; every other one is open."""

    known: Mapping[Subject, Case] = field(default_factory=dict)

    def of(self, kind: str, subject: str) -> Case:
        """Return the case of one account or campaign."""
        return self.known.get((kind, subject)) or Case(kind, subject)

    def of_row(self, row: AccountRow | CampaignRow) -> Case:
        """Return the case of a row of the queue."""
        return self.of(*subject_of(row))


def subject_of(row: AccountRow | CampaignRow) -> Subject:
    """Return kind and id of a row of the queue."""
    return ("campaign", row.campaign_id) if isinstance(row, CampaignRow) else ("account", row.account_id)


def cases_of(snapshot: "Snapshot", *, allow_days: int = 90, now: datetime | None = None) -> Cases:
    """Return the state of review of a snapshot's accounts and campaigns, as verdicts say it up to now.

    A verdict on a campaign settles those members too that it had then: all of them where it is a confirmed sweep, else
    those whose level comes from the campaign alone. Of a member's own verdict and its campaign's, the later one counts.
    `allow_days` is how long an entry of the allow-list lasts that names no end.
    """
    store, now = snapshot.folder.parent, now or datetime.now(UTC)
    last, given = latest_verdicts(store), assignees(store)
    if not last and not given:
        return Cases()
    columns, known = columns_of(snapshot), dict[Subject, Case]()
    campaigns = {row.campaign_id: row for row in campaign_queue(snapshot, include_all=True)} if last else {}
    for (kind, subject), verdict in last.items():
        if kind == "campaign" and subject in campaigns:
            row = campaigns[subject]
            known[kind, subject] = settle(
                verdict, level=row.level, members=row.accounts, allow_days=allow_days, now=now
            )
        elif kind == "account" and subject in columns.position:
            level = LEVELS[columns.levels[columns.position[subject]]]
            known[kind, subject] = settle(verdict, level=level, members=(), allow_days=allow_days, now=now)
    for case in [c for c in known.values() if c.kind == "campaign" and not c.is_open]:
        for member in _settled_with(snapshot, case, campaigns[case.subject]):
            own = known.get(("account", member))
            through = replace(case, kind="account", subject=member, through=case.subject)
            known["account", member] = later(own, through) or through
    for key, name in given.items():
        known[key] = replace(known.get(key) or Case(*key), assignee=name)
    return Cases(known)


def _settled_with(snapshot: "Snapshot", case: Case, row: CampaignRow) -> Iterable[str]:
    """Return the members that the verdict on their campaign settles."""
    then = set(case.verdict.members) if case.verdict is not None and case.verdict.members else set(row.accounts)
    members = [a for a in row.accounts if a in then]
    if case.state == "confirmed":
        return members
    position, source = columns_of(snapshot).position, snapshot.table("accounts")["level_from"]
    places = [position[a] for a in members]
    raised = source.take(places).to_pylist() if places else []
    return [a for a, by in zip(members, raised, strict=True) if by == CAMPAIGN]


def audited(snapshot: "Snapshot", share: float) -> frozenset[str]:
    """Return the accounts of a snapshot that are drawn for the audit; none where the store's key cannot be had."""
    try:
        key = store_key(snapshot.folder.parent)
    except SweepLensError:
        return frozenset()
    return audit_slice(key, columns_of(snapshot).accounts, share)


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


def raised_since(rows: Iterable[AccountRow | CampaignRow], older: "Snapshot | None") -> list[AccountRow | CampaignRow]:
    """Return those rows that an older snapshot did not have, or had at a lower level; all where it is None."""
    if older is None:
        return list(rows)
    columns = columns_of(older)
    groups = {row.campaign_id: LEVELS.index(row.level) for row in campaign_queue(older, include_all=True)}

    def before(row: AccountRow | CampaignRow) -> int:
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
