"""The ranked queues of accounts and campaigns, and the numbers that stand above them."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sweeplens.report.facts import FLAGGED, LEVELS, AccountRow, CampaignRow, Overview, Reason

if TYPE_CHECKING:
    import pyarrow as pa

    from sweeplens.report.cases import Review
    from sweeplens.store.snapshot import Snapshot

# What `score` and `campaigns` promise, in this order.
KEYS = {
    "accounts": (
        "account_id", "n_requests", "n_prompts", "score", "p_value", "q_value", "level", "level_from", "campaign_id",
        "reasons", "state", "verdict", "assignee", "audit",
    ),
    "campaigns": (
        "campaign_id", "label", "accounts", "n_requests", "score", "p_value", "q_value", "level", "evidence",
        "state", "verdict", "assignee",
    ),
}  # fmt: skip


def account_queue(
    snapshot: "Snapshot", *, level_at_least: str | None = None, top: int | None = None
) -> list[AccountRow]:
    """Return the accounts, those to look at first on top: by level, then score (none last), then id."""
    import pyarrow.compute as pc

    table = snapshot.table("accounts")
    if level_at_least is not None:
        wanted = LEVELS[LEVELS.index(level_at_least) :]
        keep = pc.field("level").isin(list(wanted))
        table = table.filter(keep)
    return account_rows(table, top)


def account_rows(table: "pa.Table", top: int | None = None) -> list[AccountRow]:
    """Turn rows of the accounts table into ranked facts."""
    import pyarrow as pa

    keys = zip(table["level"].to_pylist(), table["score"].to_pylist(), table["account_id"].to_pylist(), strict=True)
    ranked = sorted(((_rank(level, score, account), row) for row, (level, score, account) in enumerate(keys)))
    chosen = [row for _, row in ranked[:top]]
    return [_account(row) for row in table.take(pa.array(chosen, pa.int64())).to_pylist()]


def campaign_queue(snapshot: "Snapshot", *, include_all: bool = False) -> list[CampaignRow]:
    """Return the groups labelled sweep, or all with `include_all`, those to look at first on top."""
    return campaign_rows(snapshot.table("campaigns"), include_all=include_all)


def campaign_rows(table: "pa.Table", *, include_all: bool = False) -> list[CampaignRow]:
    """Turn rows of the campaigns table into ranked facts: those labelled sweep, or all with `include_all`."""
    rows = [_campaign(row) for row in table.to_pylist()]
    wanted = [row for row in rows if include_all or row.label == "sweep"]
    return sorted(wanted, key=lambda c: _rank(c.level, c.score, c.campaign_id))


def describe_other_groups(snapshot: "Snapshot") -> str:
    """Say how many groups are no sweeps, and what they are taken for; nothing where there are none."""
    labels = Counter(snapshot.table("campaigns")["label"].to_pylist())
    labels.pop("sweep", None)
    if not labels:
        return ""
    n = labels.total()
    said = ", ".join(f"{k} {label}" for label, k in sorted(labels.items(), key=lambda item: (-item[1], item[0])))
    return f"{n:,} other group{'' if n == 1 else 's'} of accounts that ask alike, by label: {said}; --all lists them"


def to_records(rows: Iterable[AccountRow | CampaignRow], review: "Review") -> list[dict[str, Any]]:
    """Return rows, and how they stand, as the objects that `score` and `campaigns` promise in JSON."""
    return [_record(row, review.about(row)) for row in rows]


def overview(snapshot: "Snapshot", *, now: datetime | None = None) -> Overview:
    """Return the numbers about the whole snapshot; its age is counted from `now`, which is the present by default."""
    import pyarrow.compute as pc

    accounts, manifest = snapshot.table("accounts"), snapshot.manifest
    levels = Counter(dict.fromkeys(LEVELS, 0))
    levels.update(accounts["level"].to_pylist())
    created = _created(manifest)
    age = None if created is None else ((now or datetime.now(UTC)) - created).total_seconds() / 86_400
    return Overview(
        snapshot_id=snapshot.snapshot_id,
        created=created,
        age_days=age,
        n_accounts=len(accounts),
        n_flagged=sum(levels[level] for level in FLAGGED),
        n_campaigns=sum(label == "sweep" for label in snapshot.table("campaigns")["label"].to_pylist()),
        n_requests=int(pc.sum(accounts["n_requests"]).as_py() or 0),
        n_prompts=int(manifest.get("counts", {}).get("prompts", 0)),
        by_level=dict(levels),
        first_ts=pc.min(accounts["first_ts"]).as_py(),
        last_ts=pc.max(accounts["last_ts"]).as_py(),
        encoder=_name(manifest.get("encoder")),
        detector=_name(manifest.get("detector")),
    )


def _rank(level: str, score: float | None, name: str) -> tuple[int, float, str]:
    return -LEVELS.index(level), math.inf if score is None else -score, name


def _account(row: Mapping[str, Any]) -> AccountRow:
    reasons = tuple(Reason(**reason) for reason in row["reasons"] or ())
    return AccountRow(**{**row, "reasons": reasons})


def _campaign(row: Mapping[str, Any]) -> CampaignRow:
    return CampaignRow(**{**row, "accounts": tuple(row["accounts"]), "evidence": json.loads(row["evidence"])})


def _record(row: AccountRow | CampaignRow, stands: Mapping[str, Any]) -> dict[str, Any]:
    name = "accounts" if isinstance(row, AccountRow) else "campaigns"
    record = {key: stands[key] if key in stands else getattr(row, key) for key in KEYS[name]}
    if isinstance(row, AccountRow):
        return {**record, "reasons": [asdict(reason) for reason in row.reasons]}
    return {**record, "accounts": list(row.accounts), "evidence": dict(row.evidence)}


def _created(manifest: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(manifest["created"])
    except (KeyError, TypeError, ValueError):
        return None


def _name(entry: object) -> str:
    if isinstance(entry, Mapping):
        return str(entry.get("name", ""))
    return "" if entry is None else str(entry)
