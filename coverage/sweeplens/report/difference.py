"""What differs between two snapshots: clusters, campaigns, accounts, and how signals drifted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.aligning import EVENTS, Lineage, align_campaigns, align_clusters
from sweeplens.report.changes import (
    AccountChange,
    AccountChanges,
    CampaignChange,
    ClusterChange,
    ClusterChanges,
    Difference,
    LevelMove,
    PromptFlow,
    Side,
)
from sweeplens.report.columns import Columns, columns_of, number
from sweeplens.report.drift import Drift, measure_drift
from sweeplens.report.facts import LEVELS, CampaignRow
from sweeplens.report.queue import campaign_queue, overview

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_BLOCK = 65_536  # prompts whose vectors are summed at a time
_FRESH = 10**9  # number that no campaign has: what gets an id from there on continues none
_LOWEST = LEVELS.index("none")  # having too little to be judged is no lower than this


class _Ends(NamedTuple):
    """Clusters of one snapshot by id: prompts and name."""

    size: dict[int, int]
    name: dict[int, str]


class _Heir(NamedTuple):
    """A lineage row in the ids of both snapshots; `continues` is the old one that a new one is the same as."""

    id: str
    continues: str | None
    row: Lineage


def difference(before: "Snapshot", after: "Snapshot", *, top: int | None = 10) -> Difference:
    """Compare two snapshots of any age; lists hold the `top` rows that changed most, or all.

    Clusters and campaigns are followed as the newer snapshot recorded it where it was made from the older one; else by
    the prompts and accounts that both have.
    """
    columns = columns_of(before), columns_of(after)
    rows = _common_prompts(before, after)
    recorded, heirs = _follow_clusters(before, after, rows)
    same_encoder = _same_encoder(before.manifest.get("encoder"), after.manifest.get("encoder"))
    score = measure_drift("score", columns[0].scores, columns[1].scores)
    return Difference(
        before=_side(before),
        after=_side(after),
        prompts=_flow(*columns, rows, heirs),
        clusters=_clusters(before, after, recorded, heirs, top=top, same_encoder=same_encoder),
        campaigns=_campaigns(before, after),
        accounts=_accounts(*columns, top),
        score=score,
        signals=_signals(*columns),
        notes=_notes(before, after, same_encoder=same_encoder),
    )


def _side(snapshot: "Snapshot") -> Side:
    seen = overview(snapshot)
    n_prompts, n_clusters = len(columns_of(snapshot).prompt_cell), len(snapshot.table("clusters"))
    counts = seen.n_requests, seen.n_accounts, n_prompts, n_clusters, seen.n_campaigns
    return Side(snapshot.snapshot_id, seen.created, *counts)


def _same_encoder(before: object, after: object) -> bool:
    """Say whether two manifests name one encoder, by its fingerprint: its name may have changed in between."""
    if isinstance(before, dict) and isinstance(after, dict) and before.get("fingerprint"):
        return bool(before["fingerprint"] == after.get("fingerprint"))
    return before == after


def _notes(before: "Snapshot", after: "Snapshot", *, same_encoder: bool) -> tuple[str, ...]:
    notes = []
    if before.manifest.get("text", "kept") != after.manifest.get("text", "kept"):
        notes.append(
            "Only one of the two keeps the text of prompts: their hashes differ, and none is recognised in the other."
        )
    if not same_encoder:
        notes.append("The two were encoded differently, so that how far clusters moved is not known.")
    return tuple(notes)


def _common_prompts(before: "Snapshot", after: "Snapshot") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows, in the one and in the other, of the prompts that both have."""
    import pyarrow.compute as pc

    old, new = (s.table("prompts", ["prompt_hash"])["prompt_hash"] for s in (before, after))
    place = pc.index_in(new, value_set=old.combine_chunks()).fill_null(-1).to_numpy().astype(np.int64)
    found = np.flatnonzero(place >= 0)
    return place[found], found


def _recorded(before: "Snapshot", after: "Snapshot", kind: str) -> list[Lineage] | None:
    """Return what the newer snapshot wrote down about its parent, if that is the older one."""
    if after.manifest.get("parent") != before.snapshot_id:
        return None
    rows = [r for r in after.table("lineage").to_pylist() if r["kind"] == kind]
    return [Lineage(**{**r, "parents": tuple(r["parents"])}) for r in rows] or None


def _follow_clusters(
    before: "Snapshot", after: "Snapshot", rows: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[bool, list[_Heir]]:
    old, new = _ends(before), _ends(after)
    recorded = _recorded(before, after, "cluster")
    if recorded is not None:
        return True, _by_id(recorded, {str(i) for i in old.size})
    old_ids, new_ids = np.array(list(old.size), np.int32), np.array(list(new.size), np.int32)
    order = np.argsort(new_ids)
    labels = columns_of(after).prompt_cluster[rows[1]]
    numbers = np.full(len(labels), -1, np.int32)
    numbers[labels >= 0] = order[np.searchsorted(new_ids[order], labels[labels >= 0])]
    found = align_clusters(
        columns_of(before).prompt_cluster[rows[0]], numbers, old_ids=old_ids, old_sizes=list(old.size.values()),
        new_sizes=list(new.size.values()), next_id=max(old.size, default=-1) + 1,
    )  # fmt: skip
    return False, _by_place(found.lineage, [str(i) for i in new.size], {str(i) for i in old.size})


def _by_id(rows: Iterable[Lineage], old: set[str]) -> list[_Heir]:
    return [_Heir(row.id, row.id if row.id in old and row.event != "died" else None, row) for row in rows]


def _by_place(rows: Sequence[Lineage], new: Sequence[str], old: set[str]) -> list[_Heir]:
    """Name the first rows of a lineage, which are the new ones in their order, as the newer snapshot does."""
    heirs = _by_id(rows, old)
    return [heir._replace(id=name) for heir, name in zip(heirs, new, strict=False)] + heirs[len(new) :]


def _ends(snapshot: "Snapshot") -> _Ends:
    table = snapshot.table("clusters")
    ids: list[int] = table["cluster_id"].to_pylist()
    return _Ends(
        dict(zip(ids, table["n_prompts"].to_pylist(), strict=True)),
        {i: columns_of(snapshot).cluster_names[i] for i in ids},
    )


def _flow(
    before: Columns, after: Columns, rows: tuple[NDArray[np.int64], NDArray[np.int64]], heirs: Sequence[_Heir]
) -> PromptFlow:
    old, new = before.prompt_cluster[rows[0]], after.prompt_cluster[rows[1]]
    continued = np.full(max(after.cluster_names) + 2, -2, np.int64)  # a cluster that continues none is nobody's
    for heir in heirs:
        if heir.continues is not None:
            continued[int(heir.id)] = int(heir.continues)
    both = (old >= 0) & (new >= 0)
    stayed = int((continued[new[both]] == old[both]).sum())
    return PromptFlow(
        shared=len(old),
        stayed=stayed,
        changed=int(both.sum()) - stayed,
        gained=int(((old < 0) & (new >= 0)).sum()),
        lost=int(((old >= 0) & (new < 0)).sum()),
        came=len(after.prompt_cell) - len(new),
        went=len(before.prompt_cell) - len(old),
    )


def _clusters(
    before: "Snapshot", after: "Snapshot", recorded: bool, heirs: Sequence[_Heir], *, top: int | None,
    same_encoder: bool,
) -> ClusterChanges:  # fmt: skip
    old, new = _ends(before), _ends(after)
    changes = [_cluster(heir, old, new) for heir in heirs]
    if same_encoder:
        changes = _with_distances(before, after, changes)
    by_event = {event: [c for c in changes if c.event == event] for event in EVENTS}
    same = [c for c in changes if c.continues is not None]
    largest = {e: sorted(cs, key=lambda c: (-max(c.n_before, c.n_after), c.cluster_id)) for e, cs in by_event.items()}
    grown = sorted((c for c in same if c.n_after > c.n_before), key=lambda c: (c.n_before - c.n_after, c.cluster_id))
    shrunk = sorted((c for c in same if c.n_after < c.n_before), key=lambda c: (c.n_after - c.n_before, c.cluster_id))
    moved = sorted((c for c in same if c.distance), key=lambda c: (-(c.distance or 0.0), c.cluster_id))
    return ClusterChanges(
        recorded=recorded,
        by_event={event: len(found) for event, found in by_event.items()},
        events=tuple(c for event in EVENTS if event != "kept" for c in largest[event][:top]),
        grown=tuple(grown[:top]),
        shrunk=tuple(shrunk[:top]),
        moved=tuple(moved[:top]),
    )


def _cluster(heir: _Heir, old: _Ends, new: _Ends) -> ClusterChange:
    row, cluster = heir.row, int(heir.id)
    died = row.event == "died"
    continues = None if heir.continues is None else int(heir.continues)
    was = cluster if died else continues
    return ClusterChange(
        cluster_id=cluster,
        event=row.event,
        continues=continues,
        parents=tuple(int(p) for p in row.parents),
        name_before=None if was is None else old.name.get(was),
        name_after=None if died else new.name.get(cluster),
        n_before=row.n_before if was is None else old.size.get(was, 0),
        n_after=0 if died else new.size.get(cluster, 0),
        n_shared=row.n_shared,
        distance=None,
    )


def _with_distances(before: "Snapshot", after: "Snapshot", changes: Sequence[ClusterChange]) -> list[ClusterChange]:
    old, new = _means(before), _means(after)

    def measured(c: ClusterChange) -> ClusterChange:
        a, b = (None if c.continues is None else old.get(c.continues)), new.get(c.cluster_id)
        near = None if a is None or b is None else float(np.clip(a @ b, -1.0, 1.0))
        # Sums of the same half-precision rows differ in the last digits where their order differs.
        return replace(c, distance=None if near is None else round(1.0 - near, 6))

    return [measured(c) for c in changes]


def _means(snapshot: "Snapshot") -> dict[int, NDArray[np.float64]]:
    """Return the mean of each cluster's vectors, by id, as a unit vector."""
    from scipy.sparse import csr_array

    cluster, vectors = columns_of(snapshot).prompt_cluster, snapshot.vectors
    ids, group = np.unique(cluster, return_inverse=True)
    sums = np.zeros((len(ids), vectors.shape[1]))
    for start in range(0, len(cluster), _BLOCK):
        part = group[start : start + _BLOCK]
        of = csr_array((np.ones(len(part)), (part, np.arange(len(part)))), shape=(len(ids), len(part)))
        sums += of @ np.asarray(vectors[start : start + _BLOCK], np.float64)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return {c: sums[i] for i, c in enumerate(ids.tolist()) if c >= 0}


def _campaigns(before: "Snapshot", after: "Snapshot") -> tuple[CampaignChange, ...]:
    old = {row.campaign_id: row for row in campaign_queue(before, include_all=True)}
    new = {row.campaign_id: row for row in campaign_queue(after, include_all=True)}
    recorded = _recorded(before, after, "campaign")
    if recorded is not None:
        heirs = _by_id(recorded, set(old))
    else:
        found = align_campaigns({i: r.accounts for i, r in old.items()}, [r.accounts for r in new.values()],
                                next_number=_FRESH)  # fmt: skip
        heirs = _by_place(found.lineage, list(new), set(old))
    changes = [_campaign(heir, old, new) for heir in heirs]
    return tuple(sorted(changes, key=lambda c: (-_gravity(c), -max(c.n_before, c.n_after), c.campaign_id)))


def _gravity(change: CampaignChange) -> int:
    return max(LEVELS.index(level) for level in (change.level_before, change.level_after, LEVELS[0]) if level)


def _campaign(heir: _Heir, old: Mapping[str, CampaignRow], new: Mapping[str, CampaignRow]) -> CampaignChange:
    died = heir.row.event == "died"
    was = old.get(heir.id if died else heir.continues or "")
    now = None if died else new.get(heir.id)
    had, has = (set(() if row is None else row.accounts) for row in (was, now))
    return CampaignChange(
        campaign_id=heir.id,
        event=heir.row.event,
        continues=heir.continues,
        parents=heir.row.parents,
        label_before=None if was is None else was.label,
        label_after=None if now is None else now.label,
        level_before=None if was is None else was.level,
        level_after=None if now is None else now.level,
        n_before=len(had),
        n_after=len(has),
        joined=tuple(sorted(has - had)),
        left=tuple(sorted(had - has)),
    )


def _accounts(before: Columns, after: Columns, top: int | None) -> AccountChanges:
    place = np.array([before.position.get(account, -1) for account in after.accounts], np.int64)
    new = np.flatnonzero(place >= 0)
    old = place[new]
    gone = np.ones(len(before.accounts), bool)
    gone[old] = False
    levels: Counter[tuple[str | None, str | None]] = Counter()
    levels.update(zip(_words(before.levels[old]), _words(after.levels[new]), strict=True))
    levels.update((None, word) for word in _words(after.levels[place < 0]))
    levels.update((word, None) for word in _words(before.levels[gone]))
    rise = np.maximum(after.levels[new], _LOWEST) - np.maximum(before.levels[old], _LOWEST)
    change = np.nan_to_num(after.scores[new]) - np.nan_to_num(before.scores[old])
    order = np.argsort(-np.abs(change), kind="stable")
    order = order[change[order] != 0][:top]
    # Those that reached the highest level, or came from it, first; then those whose score moved most.
    highest = np.maximum(after.levels[new], before.levels[old])
    by_level = np.lexsort((np.arange(len(new)), -np.abs(change), -highest))

    def facts(places: NDArray[np.int64]) -> tuple[AccountChange, ...]:
        return tuple(_account(before, after, int(old[i]), int(new[i]), float(change[i])) for i in places[:top])

    return AccountChanges(
        n_both=len(new),
        n_new=len(after.accounts) - len(new),
        n_gone=int(gone.sum()),
        n_raised=int((rise > 0).sum()),
        n_lowered=int((rise < 0).sum()),
        levels=tuple(LevelMove(*pair, n) for pair, n in levels.most_common()),
        moved=facts(order),
        raised=facts(by_level[rise[by_level] > 0]),
        lowered=facts(by_level[rise[by_level] < 0]),
    )


def _words(levels: NDArray[np.int8]) -> list[str]:
    return [LEVELS[level] for level in levels.tolist()]


def _account(before: Columns, after: Columns, old: int, new: int, change: float) -> AccountChange:
    return AccountChange(
        account_id=after.accounts[new],
        level_before=LEVELS[before.levels[old]],
        level_after=LEVELS[after.levels[new]],
        score_before=number(before.scores[old]),
        score_after=number(after.scores[new]),
        change=change,
        n_prompts_before=int(before.n_prompts[old]),
        n_prompts_after=int(after.n_prompts[new]),
    )


def _signals(before: Columns, after: Columns) -> tuple[Drift, ...]:
    """Return the drift of every signal that either snapshot has, the largest distance first."""
    names = dict.fromkeys([*after.signals.names, *before.signals.names])
    drifts = [measure_drift(name, _values(before, name), _values(after, name)) for name in names]
    return tuple(sorted(drifts, key=lambda d: (d.ks is None, -(d.ks or 0.0), d.signal)))


def _values(columns: Columns, name: str) -> NDArray[Any]:
    signals = columns.signals
    return signals.values[:, signals.names.index(name)] if name in signals.names else np.empty(0)
