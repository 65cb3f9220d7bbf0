"""What is known about one campaign: its members, and how they share the ground."""

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import Columns, columns_of, spaced
from sweeplens.report.facts import AccountRow, CampaignEvidence, Matrix, PromptRow, SharedLink, Timeline, UnionCoverage
from sweeplens.report.find import find_campaign
from sweeplens.report.ground import day_of, make_rows, make_timeline, requests_of, typical_order
from sweeplens.report.queue import account_rows
from sweeplens.report.sentences import describe_campaign

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_CLUSTERS = 20  # columns of the matrix of clusters
_LARGEST = 5
_PER_MEMBER = 256  # prompts whose mean stands for a member
_POPULATION = 20_000  # prompts whose mean stands for everybody
_LONGEST = 366  # days that are all shown, empty ones too
_DAY = 86_400_000_000


def campaign_evidence(
    snapshot: "Snapshot", campaign_id: str, *, max_members: int = 60, max_prompts: int | None = 200
) -> CampaignEvidence:
    """Gather everything that is shown about one campaign, whatever its label.

    Raises `NotFoundError`, with ids that look alike, for an unknown campaign.
    """
    row = find_campaign(snapshot, campaign_id)
    columns = columns_of(snapshot)
    places = [columns.position[account] for account in row.accounts]
    members = tuple(account_rows(snapshot.table("accounts").take(places)))
    everyone = [columns.position[m.account_id] for m in members]
    shown, names = everyone[:max_members], tuple(m.account_id for m in members[:max_members])
    ids, sent, first, by_members = _prompts_of(columns, everyone)
    coverage = _coverage(snapshot, members, everyone, ids)
    timeline = make_timeline(columns.requests.ts[requests_of(columns, everyone)])
    return CampaignEvidence(
        row=row,
        headline=describe_campaign(row, coverage),
        members=members,
        capabilities=_by_capability(columns, shown, names),
        clusters=_by_cluster(columns, shown, names, ids),
        similarity=_similarity(snapshot, shown, names),
        days=_by_day(columns, shown, names, timeline),
        coverage=coverage,
        n_shared_prompts=int((by_members > 1).sum()),
        timeline=timeline,
        links=_links(snapshot, row.accounts),
        prompts=_typical(snapshot, ids, sent, first, max_prompts),
        prompt_ids=ids.astype(np.int32),
    )


def _prompts_of(
    columns: Columns, members: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct prompts of all members by id: times sent, first sending, number of members that sent them."""
    pairs = columns.pairs
    places = np.concatenate([np.arange(pairs.starts[m], pairs.starts[m + 1]) for m in members])
    ids, back, by_members = np.unique(pairs.prompt[places], return_inverse=True, return_counts=True)
    sent = np.bincount(back, weights=pairs.sent[places]).astype(np.int64)
    first = np.full(len(ids), np.iinfo(np.int64).max)
    np.minimum.at(first, back, pairs.first[places])
    return ids.astype(np.int64), sent, first, by_members


def _typical(
    snapshot: "Snapshot", ids: NDArray[np.int64], sent: NDArray[np.int64], first: NDArray[np.int64], most: int | None
) -> tuple[PromptRow, ...]:
    by_time = np.lexsort((ids, first))
    order = by_time[typical_order(snapshot, ids[by_time])][:most]
    return make_rows(snapshot, ids[order], sent[order], first[order])


def _coverage(
    snapshot: "Snapshot", members: tuple[AccountRow, ...], places: list[int], ids: NDArray[np.int64]
) -> UnionCoverage:
    columns = columns_of(snapshot)
    cells = np.bincount(columns.visits.account, minlength=len(columns.accounts))
    widest = sorted(
        ((m.account_id, int(cells[p])) for m, p in zip(members, places, strict=True)), key=lambda w: (-w[1], w[0])
    )
    together = len(np.unique(columns.prompt_cell[ids]))
    return UnionCoverage(together, len(snapshot.cells), tuple(widest[:_LARGEST]))


def _by_capability(columns: Columns, shown: list[int], names: tuple[str, ...]) -> Matrix:
    counts = columns.profile[shown]
    used = np.flatnonzero(counts.sum(0))
    shares = counts[:, used] / np.maximum(1, counts.sum(1, keepdims=True))
    return Matrix(names, tuple(columns.capabilities[i][1] for i in used), shares.astype(np.float32))


def _by_cluster(columns: Columns, shown: list[int], names: tuple[str, ...], ids: NDArray[np.int64]) -> Matrix:
    found, n = np.unique(columns.prompt_cluster[ids], return_counts=True)
    n, found = n[found >= 0], found[found >= 0]
    top = found[np.argsort(-n, kind="stable")[:_CLUSTERS]]
    shares = np.zeros((len(shown), len(top)), np.float32)
    for i, member in enumerate(shown):
        own = columns.prompt_cluster[
            columns.pairs.prompt[columns.pairs.starts[member] : columns.pairs.starts[member + 1]]
        ]
        shares[i] = (own[:, None] == top).mean(0)
    return Matrix(names, tuple(f"{c} {columns.cluster_names[c]}" for c in top.tolist()), shares)


def _similarity(snapshot: "Snapshot", shown: list[int], names: tuple[str, ...]) -> Matrix:
    """Cosine of the members' means, less the mean of everybody; members in the order of a dendrogram's leaves."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    pairs, vectors = columns_of(snapshot).pairs, snapshot.vectors
    everybody = np.asarray(vectors[spaced(len(vectors), _POPULATION)], np.float32).mean(0)
    means = np.empty((len(shown), vectors.shape[1]), np.float32)
    for i, member in enumerate(shown):
        own = pairs.prompt[pairs.starts[member] : pairs.starts[member + 1]]
        means[i] = np.asarray(vectors[own[spaced(len(own), _PER_MEMBER)]], np.float32).mean(0) - everybody
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    cosine = np.clip(means @ means.T, -1.0, 1.0)
    np.fill_diagonal(cosine, 1.0)
    if len(shown) > 2:
        far = squareform(1.0 - (cosine + cosine.T) / 2.0, checks=False)
        order = leaves_list(linkage(far, "average", optimal_ordering=True))
        cosine, names = cosine[np.ix_(order, order)], tuple(names[i] for i in order)
    return Matrix(names, names, cosine)


def _by_day(columns: Columns, shown: list[int], names: tuple[str, ...], timeline: Timeline) -> Matrix:
    days = [day for day, _ in timeline.days]
    if days and (days[-1] - days[0]).days < _LONGEST:
        days = [days[0] + timedelta(days=i) for i in range((days[-1] - days[0]).days + 1)]
    place = {day: i for i, day in enumerate(days)}
    counts = np.zeros((len(shown), len(days)), np.float32)
    for i, member in enumerate(shown):
        ts = columns.requests.ts[columns.requests.starts[member] : columns.requests.starts[member + 1]]
        found, n = np.unique(ts[ts != np.iinfo(np.int64).max] // _DAY, return_counts=True)
        counts[i, [place[day_of(d)] for d in found.tolist()]] = n
    return Matrix(names, tuple(day.isoformat() for day in days), counts)


def _links(snapshot: "Snapshot", accounts: tuple[str, ...]) -> tuple[SharedLink, ...]:
    import pyarrow.compute as pc

    members: dict[tuple[str, str], int] = defaultdict(int)
    about: dict[tuple[str, str], tuple[int, float]] = {}
    for link in snapshot.table("links").filter(pc.field("account_id").isin(list(accounts))).to_pylist():
        key = (link["kind"], link["value"])
        members[key] += 1
        about[key] = (link["n_accounts"], link["weight"])
    shared = [SharedLink(*key, n, *about[key]) for key, n in members.items() if n > 1]
    return tuple(sorted(shared, key=lambda s: (-s.n_members * s.weight, s.kind, s.value)))
