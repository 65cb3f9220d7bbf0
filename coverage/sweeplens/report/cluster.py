"""What is known about the clusters: who asks there, and what."""

from typing import TYPE_CHECKING

import numpy as np

from sweeplens.report.columns import columns_of, floats, number
from sweeplens.report.facts import LEVELS, ClusterAccount, ClusterEvidence, ClusterRow
from sweeplens.report.find import find_cluster
from sweeplens.report.ground import make_timeline, prompt_rows
from sweeplens.report.growth import count_spans, growth, origins, pace
from sweeplens.report.sentences import describe_cluster

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot


def cluster_table(snapshot: "Snapshot") -> list[ClusterRow]:
    """Return all clusters: those that are pinned, then those with most prompts first."""
    columns = columns_of(snapshot)
    known = origins(snapshot)
    use = columns.cluster_use
    names = dict(columns.capabilities)
    rows = []
    for row in snapshot.table("clusters").to_pylist():
        cluster = row.pop("cluster_id")
        del row["exemplars"]
        origin = known.get(cluster)
        rows.append(
            ClusterRow(
                cluster_id=cluster,
                name=columns.cluster_names[cluster],
                found_name=row.pop("name"),
                pinned=cluster in columns.naming.pinned,
                event=None if origin is None else origin.event,
                growth=growth(origin, row["n_prompts"]),
                capability_name=names.get(row["capability"], row["capability"]),
                n_flagged_accounts=int(use.flagged_accounts[cluster]),
                flagged_share=float(use.flagged_requests[cluster] / max(1, use.requests[cluster])),
                terms=tuple(row.pop("terms")),
                **row,
            )
        )
    return sorted(rows, key=lambda r: (not r.pinned, -r.n_prompts, r.cluster_id))


def cluster_evidence(
    snapshot: "Snapshot", cluster_id: int, *, max_prompts: int | None = 200, max_accounts: int | None = 50
) -> ClusterEvidence:
    """Gather everything that is shown about one cluster; accounts and prompts are cut, those with most come first.

    Raises `NotFoundError` for an unknown cluster.
    """
    place = find_cluster(snapshot, cluster_id)
    columns = columns_of(snapshot)
    row = next(r for r in cluster_table(snapshot) if r.cluster_id == cluster_id)
    exemplars = snapshot.table("clusters")["exemplars"][place].as_py()
    inside = np.flatnonzero(columns.prompt_cluster == cluster_id)
    sure = floats(snapshot.table("membership")["probability"])[inside]
    core = np.asarray(snapshot.table("membership")["kind"].take(inside).to_pylist(), object) == "core"
    order = np.lexsort((inside, -sure, ~core))[:max_prompts]
    origin, spans = origins(snapshot).get(cluster_id), count_spans(snapshot, cluster_id)
    counted = zip(spans.starts, spans.requests[0].tolist(), spans.flagged[0].tolist(), strict=True)
    return ClusterEvidence(
        row=row,
        headline=describe_cluster(row),
        parents=() if origin is None else origin.parents,
        n_before=None if origin is None else origin.n_before,
        span_days=spans.days,
        weekly=tuple(counted),
        pace=pace(spans.requests[0], whole=spans.whole),
        exemplars=tuple(prompt_rows(snapshot, exemplars)),
        accounts=_accounts(snapshot, cluster_id, max_accounts),
        prompts=tuple(prompt_rows(snapshot, inside[order])),
        timeline=make_timeline(columns.requests.ts[columns.prompt_cluster[columns.requests.prompt] == cluster_id]),
    )


def _accounts(snapshot: "Snapshot", cluster_id: int, most: int | None) -> tuple[ClusterAccount, ...]:
    columns = columns_of(snapshot)
    pairs, total = columns.pairs, len(columns.accounts)
    inside = columns.prompt_cluster[pairs.prompt] == cluster_id
    prompts = np.bincount(pairs.account[inside], minlength=total)
    requests = np.bincount(pairs.account[inside], weights=pairs.sent[inside], minlength=total).astype(np.int64)
    order = np.argsort(-requests, kind="stable")[:most]
    order = order[requests[order] > 0]
    everything = max(1, int(requests.sum()))
    campaigns = snapshot.table("accounts")["campaign_id"].take(order).to_pylist()
    return tuple(
        ClusterAccount(
            account_id=columns.accounts[i],
            n_requests=int(requests[i]),
            n_prompts=int(prompts[i]),
            share_of_cluster=float(requests[i] / everything),
            share_of_account=float(prompts[i] / max(1, columns.n_prompts[i])),
            level=LEVELS[columns.levels[i]],
            score=number(columns.scores[i]),
            campaign_id=campaign,
        )
        for i, campaign in zip(order.tolist(), campaigns, strict=True)
    )
