"""Find one thing by its id; an unknown id is answered with those that look like it."""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sweeplens.errors import NotFoundError
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import CampaignRow
from sweeplens.report.queue import campaign_queue, campaign_rows
from sweeplens.text import one_line

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SEARCHED = 50_000  # ids that are compared for likeness, which takes time for each


def find_account(snapshot: "Snapshot", account_id: str) -> int:
    """Return the account's row in the accounts table."""
    position = columns_of(snapshot).position
    if account_id not in position:
        raise NotFoundError(unknown("account", account_id, position, snapshot))
    return position[account_id]


def find_campaign(snapshot: "Snapshot", campaign_id: str) -> CampaignRow:
    """Return the campaign of any label."""
    table = snapshot.table("campaigns")
    known: list[str] = table["campaign_id"].to_pylist()
    if campaign_id not in known:
        ranked = [row.campaign_id for row in campaign_queue(snapshot, include_all=True)]
        raise NotFoundError(unknown("campaign", campaign_id, ranked, snapshot))
    return campaign_rows(table.slice(known.index(campaign_id), 1), include_all=True)[0]


def find_cluster(snapshot: "Snapshot", cluster_id: int) -> int:
    """Return the cluster's row in the clusters table."""
    known: list[int] = snapshot.table("clusters")["cluster_id"].to_pylist()
    if cluster_id not in known:
        raise NotFoundError(unknown("cluster", str(cluster_id), map(str, known), snapshot))
    return known.index(cluster_id)


def unknown(kind: str, wanted: str, known: Iterable[str], snapshot: "Snapshot") -> str:
    """Say that there is none of that id, and name up to three that look like it."""
    ids = list(known)
    lead = f"snapshot {snapshot.snapshot_id} has no {kind} '{one_line(wanted, 80)}'"
    like = [i for i in ids if i.casefold() == wanted.strip().casefold()]
    like += [i for i in difflib.get_close_matches(wanted, ids[:_SEARCHED], n=3, cutoff=0.6) if i not in like]
    if like:
        return f"{lead}: did you mean {', '.join(one_line(i, 80) for i in like[:3])}?"
    if not ids:
        return f"{lead}: it has none at all"
    return f"{lead}: it has {len(ids)}, such as {', '.join(one_line(i, 80) for i in ids[:3])}"
