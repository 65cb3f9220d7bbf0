"""The snapshots of a store, and what changed between two of them in one sentence."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sweeplens.errors import NotFoundError, StoreError
from sweeplens.report.changes import Difference
from sweeplens.report.facts import FLAGGED
from sweeplens.report.sentences import count
from sweeplens.store.snapshot import SnapshotInfo, list_snapshots, open_snapshot

_FLAGGED = frozenset(FLAGGED)


@dataclass(frozen=True)
class Standing:
    """What a snapshot says beside its counts: accounts at review or high, campaigns labelled sweep, and its detector.

    The two numbers are None where its tables cannot be read.
    """

    n_flagged: int | None
    n_campaigns: int | None
    detector: str


def snapshots(store: Path) -> list[SnapshotInfo]:
    """Return the snapshots of the store as `sweeplens snapshots` lists them, the newest first."""
    return list_snapshots(store)[::-1]


def made(row: SnapshotInfo) -> datetime | None:
    """Return when a snapshot was made."""
    try:
        return datetime.fromisoformat(row.created)
    except ValueError:
        return None


def standing(store: Path, snapshot_id: str) -> Standing:
    """Read what a snapshot says beside its counts, of it no more than two columns."""
    try:
        with open_snapshot(store, snapshot_id) as snapshot:
            levels = snapshot.table("accounts", ["level"])["level"].to_pylist()
            labels = snapshot.table("campaigns", ["label"])["label"].to_pylist()
            n_flagged = sum(level in _FLAGGED for level in levels)
            return Standing(n_flagged, sum(label == "sweep" for label in labels), _detector(snapshot.manifest))
    except (StoreError, NotFoundError):
        return Standing(None, None, "")


def _detector(manifest: dict[str, Any]) -> str:
    entry = manifest.get("detector")
    return f"{entry.get('name', '')} {entry.get('version', '')}".strip() if isinstance(entry, dict) else ""


def find_pair(store: Path, before: str | None, after: str | None) -> tuple[str, str] | None:
    """Return the ids of two snapshots to compare: those asked for, else the current one and the one it was made from.

    None where the store holds none to compare with. Raises `NotFoundError` for one that is not there, which may have
    been pruned.
    """
    rows = snapshots(store)
    ids = [row.snapshot_id for row in rows]
    for wanted in (before, after):
        if wanted is not None and wanted not in ids:
            raise NotFoundError(
                f"the store has no snapshot {wanted[:60]!r}: it may have been pruned, or the address is cut short"
            )
    newer = after or next((row.snapshot_id for row in rows if row.current), ids[0] if ids else None)
    if newer is None:
        return None
    if before is None:
        parent = next(row.parent for row in rows if row.snapshot_id == newer)
        older = ids[ids.index(newer) + 1 :]
        before = parent if parent in ids else older[0] if older else None
    return None if before is None else (before, newer)


def describe_difference(facts: Difference) -> str:
    """Say in one sentence what changed between two snapshots."""
    accounts, clusters = facts.accounts, facts.clusters.by_event
    came = [
        f"{count(abs(n), noun)} {'more' if n > 0 else 'fewer'}"
        for n, noun in (
            (facts.after.n_requests - facts.before.n_requests, "request"),
            (facts.after.n_accounts - facts.before.n_accounts, "account"),
        )
        if n
    ]
    levels = [
        f"{count(n, 'account')} {verb} in level"
        for n, verb in ((accounts.n_raised, "rose"), (accounts.n_lowered, "fell"))
        if n
    ]
    events = [
        f"{count(clusters.get(e, 0), 'cluster')} {e}" for e in ("born", "split", "merged", "died") if clusters.get(e)
    ]
    groups = [c for c in facts.campaigns if c.event == "born" and c.label_after == "sweep"]
    news = [f"{count(len(groups), 'new campaign')}"] if groups else []
    said = [*came, *levels, *news, *events]
    if not said:
        return "Nothing that counts has changed between these two snapshots."
    sentence = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"{sentence[:1].upper()}{sentence[1:]}."
