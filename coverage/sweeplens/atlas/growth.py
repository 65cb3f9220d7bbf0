"""A map that goes on: clusters keep their ids when it is laid out again, and new prompts find their place on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.aligning import Lineage, align_clusters
from sweeplens.atlas.atlas import CORE, NOISE, PLACED, Atlas, settle
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.cells import find_cells
from sweeplens.atlas.clusters import find_clusters, smallest_cluster
from sweeplens.atlas.description import Cluster, describe_clusters, keep_names
from sweeplens.atlas.layout import principal_axes
from sweeplens.atlas.names import choose_exemplars
from sweeplens.atlas.placing import place, place_on_map
from sweeplens.index import Index

NEIGHBOURS = 30
_CONTRAST = 40  # prompts of each old cluster that a new one is told apart from
_FRESH = 0.5  # share of a new cluster that must be new prompts: else it is old noise in another light
_EPS = 1e-6
_MOST = 3000  # prompts of a cluster that its description is taken from
_FEW = 3  # exemplars under which a cluster gets new ones
_AXES = 15
_TIGHT = 0.9  # of the typical cluster's tightness: what is looser is a heap of leftovers


class Rows(Protocol):
    """Unit rows [n, d], taken by a slice or an array of their numbers."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, rows: Any, /) -> NDArray[Any]:  # noqa: ANN401 - what numpy takes
        """Return some rows."""


@dataclass(frozen=True)
class Former:
    """The clusters of the snapshot before, seen from the prompts of the new one.

    cluster  int32 [n]: the old cluster of each prompt, -1 for none and for prompts that are new
    known    bool [n]: which prompts the snapshot before had
    """

    cluster: NDArray[np.int32]
    known: NDArray[np.bool_]
    clusters: tuple[Cluster, ...]
    next_id: int


def align_atlas(atlas: Atlas, former: Former) -> Atlas:
    """Give the clusters of a map that was laid out anew the ids and names of those that they continue."""
    known = former.known
    new_ids = np.array([c.cluster_id for c in atlas.clusters], np.int32)
    place_of = np.full(atlas.next_id + 1, -1, np.int32)
    place_of[new_ids] = np.arange(len(new_ids), dtype=np.int32)
    dense = place_of[atlas.cluster]  # noise, -1, meets the last entry, which is -1
    aligned = align_clusters(
        former.cluster[known],
        dense[known],
        old_ids=[c.cluster_id for c in former.clusters],
        old_sizes=[c.n_prompts for c in former.clusters],
        new_sizes=[c.n_prompts for c in atlas.clusters],
        next_id=former.next_id,
    )
    cluster = np.where(dense >= 0, np.append(aligned.ids, -1)[dense], -1).astype(np.int32)
    renamed = [replace(c, cluster_id=int(i)) for c, i in zip(atlas.clusters, aligned.ids.tolist(), strict=True)]
    clusters = tuple(keep_names(renamed, former.clusters))
    return replace(
        atlas, cluster=cluster, clusters=clusters, next_id=max(aligned.next_id, former.next_id), lineage=aligned.lineage
    )


def grow_atlas(
    atlas: Atlas,
    vectors: Rows,
    texts: Sequence[str] | None,
    index: Index,
    finder: CapabilityFinder,
    *,
    min_cluster: int = 0,
) -> Atlas:
    """Place new prompts on a map, and find new clusters among those that fit nowhere.

    `vectors` [n, d] are those of the map's prompts and, behind them, the new ones'; `index` finds the map's. Of the
    map, only prompts without a cluster are looked at again. Old prompts keep their place, cell and cluster.
    """
    old, n = len(atlas.cell), len(vectors)
    before = {c.cluster_id: c.n_prompts for c in atlas.clusters}
    if n > old:
        atlas = _place(atlas, np.asarray(vectors[old:n], np.float32), index, finder)
    newborn = _newborn(atlas, vectors, old, min_cluster)
    if newborn:
        atlas = _add(atlas, newborn, vectors, texts, finder)
    atlas = settle(atlas)
    return replace(atlas, lineage=_lineage(before, atlas.clusters))


def place_prompts(
    atlas: Atlas, fresh: NDArray[np.float32], index: Index
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Return (cluster, agreement, xy) of new prompts, by their nearest neighbours on the map.

    Here prompts that were placed themselves have a say, too: on a map that grows, most of a cluster may be placed.
    """
    m = len(fresh)
    if not len(atlas.cell):
        return np.full(m, -1, np.int32), np.zeros(m, np.float32), np.zeros((m, 2), np.float32)
    similarity, ids = index.search(fresh, min(NEIGHBOURS, len(atlas.cell)))
    similarity, ids = np.where(ids < 0, 0.0, similarity), np.maximum(ids, 0)
    found = place(ids, similarity, atlas.cluster)
    nearest = slice(0, 15)
    xy = place_on_map(ids[:, nearest], similarity[:, nearest], atlas.xy, atlas.cluster, found.cluster)
    return found.cluster, found.share, xy


def _place(atlas: Atlas, fresh: NDArray[np.float32], index: Index, finder: CapabilityFinder) -> Atlas:
    cluster, share, xy = place_prompts(atlas, fresh, index)
    capability, _ = finder.decide(finder.score(fresh))
    return replace(
        atlas,
        cell=np.concatenate([atlas.cell, find_cells(fresh, atlas.cells)]),
        cluster=np.concatenate([atlas.cluster, cluster]),
        kind=np.concatenate([atlas.kind, np.where(cluster >= 0, PLACED, NOISE).astype(np.int8)]),
        probability=np.concatenate([atlas.probability, share]),
        xy=np.concatenate([atlas.xy, xy]),
        capability=np.concatenate([atlas.capability, capability]),
    )


def _newborn(
    atlas: Atlas, vectors: Rows, old: int, min_cluster: int
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Return new clusters as (rows, probability), the largest first: groups of prompts that fit nowhere."""
    left = np.flatnonzero(atlas.cluster < 0)
    smallest = min_cluster or smallest_cluster(len(vectors))
    if (left >= old).sum() < smallest:
        return []
    rows = np.asarray(vectors[left], np.float32)
    # Groups that are dense enough to be clusters of their own show on the main axes, too, which cost next to nothing.
    label, probability = find_clusters(principal_axes(rows, _AXES), smallest=smallest)
    least = _TIGHT * _tightness(atlas, vectors)
    found = []
    for c in range(int(label.max(initial=-1)) + 1):
        inside = label == c
        if (left[inside] >= old).mean() >= _FRESH and _mean_cosine(rows[inside]) >= least:
            found.append((left[inside], probability[inside]))
    return sorted(found, key=lambda f: (-len(f[0]), int(f[0][0])))


def _tightness(atlas: Atlas, vectors: Rows) -> float:
    """Return how near the prompts of the map's clusters lie to their middle: the median cluster's mean cosine."""
    chosen = atlas.clusters[:: max(1, len(atlas.clusters) // _CONTRAST)]
    rows = [_some(np.flatnonzero(atlas.cluster == c.cluster_id)) for c in chosen]
    found = [_mean_cosine(np.asarray(vectors[own], np.float32)) for own in rows if len(own)]
    return float(np.median(found)) if found else 0.0


def _mean_cosine(rows: NDArray[np.float32]) -> float:
    """Return the mean cosine of unit rows with their middle."""
    middle = rows.mean(0)
    return float((rows @ middle).mean() / max(float(np.linalg.norm(middle)), _EPS))


def _add(
    atlas: Atlas,
    newborn: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]],
    vectors: Rows,
    texts: Sequence[str] | None,
    finder: CapabilityFinder,
) -> Atlas:
    """Put new clusters on the map: their own ids, names that set them apart from all others, and a place."""
    cluster, kind, probability = atlas.cluster.copy(), atlas.kind.copy(), atlas.probability.copy()
    xy = atlas.xy.copy()
    ids = [atlas.next_id + i for i in range(len(newborn))]
    for cluster_id, (rows, sure) in zip(ids, newborn, strict=True):
        cluster[rows], kind[rows], probability[rows] = cluster_id, CORE, sure
        xy[rows] = _spread(xy[rows], np.asarray(vectors[rows], np.float32), _radius(atlas))
    atlas = replace(atlas, cluster=cluster, kind=kind, probability=probability, xy=xy)
    members = {i: rows.astype(np.int32) for i, (rows, _) in zip(ids, newborn, strict=True)}
    fresh = _describe(atlas, members, vectors, texts, finder)
    clusters = tuple(keep_names([*atlas.clusters, *fresh], atlas.clusters))
    return replace(atlas, clusters=clusters, next_id=atlas.next_id + len(newborn))


def describe_again(
    atlas: Atlas, cluster_ids: Collection[int], vectors: Rows, texts: Sequence[str] | None, finder: CapabilityFinder
) -> Atlas:
    """Name some clusters anew, with terms and exemplars from the prompts that they have now."""
    members = {
        c: _some(np.flatnonzero(atlas.cluster == c), _MOST) for c in sorted(cluster_ids) if (atlas.cluster == c).any()
    }
    if not members:
        return atlas
    others = [c for c in atlas.clusters if c.cluster_id not in members]
    fresh = _describe(replace(atlas, clusters=tuple(others)), members, vectors, texts, finder)
    named = keep_names([*others, *fresh], others)
    return replace(atlas, clusters=tuple(sorted(named, key=lambda c: c.cluster_id)))


def refill_exemplars(atlas: Atlas, vectors: Rows, texts: Sequence[str] | None) -> Atlas:
    """Choose the exemplars of clusters anew that lost most of theirs."""
    if texts is None:
        return atlas
    clusters = []
    for c in atlas.clusters:
        if len(c.exemplars) < min(_FEW, c.n_prompts):
            rows = _some(np.flatnonzero(atlas.cluster == c.cluster_id), _MOST)
            own = np.asarray(vectors[rows], np.float32)
            chosen = choose_exemplars(np.arange(len(rows), dtype=np.int32), own, [texts[i] for i in rows.tolist()])
            c = replace(c, exemplars=tuple(int(rows[i]) for i in chosen))  # noqa: PLW2901
        clusters.append(c)
    return replace(atlas, clusters=tuple(clusters))


def _describe(
    atlas: Atlas,
    members: Mapping[int, NDArray[np.int32]],
    vectors: Rows,
    texts: Sequence[str] | None,
    finder: CapabilityFinder,
) -> list[Cluster]:
    """Describe clusters by their prompts, set apart from those of the map."""
    contrast = [] if texts is None else [_some(np.flatnonzero(atlas.cluster == c.cluster_id)) for c in atlas.clusters]
    contrast = [rows for rows in contrast if len(rows)]
    every = [*contrast, *members.values()]
    used = np.unique(np.concatenate(every))
    own = np.asarray(vectors[used], np.float32)
    where = np.full(len(atlas.cluster), -1, np.int32)
    where[used] = np.arange(len(used), dtype=np.int32)
    described = describe_clusters(
        [where[rows] for rows in every], own, None if texts is None else [texts[i] for i in used.tolist()],
        atlas.xy[used], finder.score(own), finder, atlas.taxonomy,
    )[len(contrast) :]  # fmt: skip
    return [
        replace(c, cluster_id=i, exemplars=tuple(int(used[e]) for e in c.exemplars))
        for c, i in zip(described, members, strict=True)
    ]


def _some(rows: NDArray[np.int64], most: int = _CONTRAST) -> NDArray[np.int32]:
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
    return rows.astype(np.int32)


def _radius(atlas: Atlas) -> float:
    """Return the typical distance of a prompt from the middle of its cluster on the map."""
    middle = {c.cluster_id: (c.x, c.y) for c in atlas.clusters}
    rows = np.flatnonzero(atlas.cluster >= 0)[:20_000]
    rows = rows[np.fromiter((int(c) in middle for c in atlas.cluster[rows]), bool, len(rows))]
    if not len(rows):
        return 1.0
    centre = np.array([middle[int(c)] for c in atlas.cluster[rows]])
    return float(max(np.median(np.linalg.norm(atlas.xy[rows] - centre, axis=1)), _EPS))


def _spread(points: NDArray[np.float32], rows: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Lay a new cluster out around the middle of where its prompts were placed, by its two principal axes."""
    flat = principal_axes(rows, 2)
    size = max(float(np.median(np.linalg.norm(flat, axis=1))), _EPS)
    middle: NDArray[np.float32] = np.median(points, axis=0).astype(np.float32)
    laid: NDArray[np.float32] = (middle + flat * np.float32(radius / size)).astype(np.float32)
    return laid


def _lineage(before: dict[int, int], clusters: Sequence[Cluster]) -> tuple[Lineage, ...]:
    """Say which clusters went on, which are new, and which lost all their prompts."""
    rows = []
    for c in clusters:
        n = before.get(c.cluster_id)
        if n is None:
            rows.append(Lineage("cluster", str(c.cluster_id), "born", (), 0, c.n_prompts, 0))
        else:
            name = str(c.cluster_id)
            rows.append(Lineage("cluster", name, "kept", (name,), n, c.n_prompts, min(n, c.n_prompts)))
    alive = {c.cluster_id for c in clusters}
    for cluster_id, n in before.items():
        if cluster_id not in alive:
            rows.append(Lineage("cluster", str(cluster_id), "died", (str(cluster_id),), n, 0, 0))
    return tuple(rows)
