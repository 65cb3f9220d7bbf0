"""The atlas of a log: cells, the map, clusters with names, and capabilities."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.aligning import Lineage
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.cells import find_cells, make_cells
from sweeplens.atlas.clusters import find_clusters, order_by_size
from sweeplens.atlas.description import Cluster, describe_clusters
from sweeplens.atlas.layout import lay_out
from sweeplens.atlas.placing import place
from sweeplens.atlas.taxonomy import Taxonomy
from sweeplens.engine.steps import Run
from sweeplens.index import Neighbours

CORE, PLACED, NOISE = 0, 1, 2
KINDS = ("core", "placed", "noise")


@dataclass(frozen=True)
class Atlas:
    """Where each of n prompts lies.

    cells       float32 [K, d]: centres of the cells, unit rows
    cell        int32 [n]
    cluster     int32 [n]: the id of its cluster, -1 for noise; ids stay with a cluster from snapshot to snapshot
    kind        int8 [n]: CORE, PLACED or NOISE, whose names are KINDS
    probability float32 [n]: HDBSCAN's for core prompts, the neighbours' agreement for placed ones, 0 for noise
    xy          float32 [n, 2]
    capability  int16 [n]: number in the taxonomy, -1 unassigned; that of its cluster, its own where it has none
    laid_out    prompts that the map had when it was last laid out as a whole
    next_id     one more than the highest id that a cluster of this line of snapshots ever had
    lineage     what became of the clusters of the snapshot before
    """

    cells: NDArray[np.float32]
    cell: NDArray[np.int32]
    cluster: NDArray[np.int32]
    kind: NDArray[np.int8]
    probability: NDArray[np.float32]
    xy: NDArray[np.float32]
    clusters: tuple[Cluster, ...]
    capability: NDArray[np.int16]
    taxonomy: Taxonomy
    laid_out: int = 0
    next_id: int = 0
    lineage: tuple[Lineage, ...] = ()


def build_atlas(
    vectors: NDArray[np.floating[Any]],
    texts: Sequence[str] | None,
    neighbours: Neighbours,
    finder: CapabilityFinder,
    *,
    taxonomy: Taxonomy,
    cells: int = 512,
    centres: NDArray[np.float32] | None = None,
    min_cluster: int = 0,
    seed: int = 1,
    threads: int = 1,
    run: Run | None = None,
) -> Atlas:
    """Map n prompts: unit rows `vectors` [n, d], their `texts`, and their `neighbours`.

    Without texts, clusters are named by capability. With `centres`, the cells are those; `finder` must be of the
    encoder that made the vectors. `min_cluster` 0 chooses the smallest cluster by n. The same input and threads give
    the same atlas. Clusters are numbered by size. Not to be called twice at once in one process, because of UMAP.
    """
    step = nullcontext if run is None else run.step
    with step("cells"):
        if centres is None:
            centres, cell = make_cells(vectors, cells=cells, seed=seed, threads=threads)
        else:
            cell = find_cells(vectors, centres)
    with step("map"):
        xy, deep = lay_out(vectors, neighbours, seed=seed, threads=threads)
    with step("clusters"):
        cluster, kind, probability = _cluster(deep, neighbours, min_cluster)
        core = np.where(kind == CORE, cluster, -1)
        members = [np.flatnonzero(core == c).astype(np.int32) for c in range(int(core.max(initial=-1)) + 1)]
    with step("capabilities"):
        scores = finder.score(vectors)
        capability, _ = finder.decide(scores)
    with step("names"):
        described = describe_clusters(members, vectors, texts, xy, scores, finder, taxonomy)
    atlas = Atlas(
        centres, cell, cluster, kind, probability, xy, tuple(described), capability, taxonomy, laid_out=len(cell),
        next_id=len(described),
    )  # fmt: skip
    return settle(atlas)


def settle(atlas: Atlas) -> Atlas:
    """Count each cluster's prompts, and give its capability to all of them; clusters without a prompt go."""
    clusters, capability = [], atlas.capability.copy()
    numbers = {c.key: i for i, c in enumerate(atlas.taxonomy.capabilities)}
    top = atlas.next_id
    size = np.bincount(atlas.cluster[atlas.cluster >= 0], minlength=top)
    core = np.bincount(atlas.cluster[atlas.kind == CORE], minlength=top)
    of_cluster = np.full(top + 1, -1, np.int16)
    for c in atlas.clusters:
        n = int(size[c.cluster_id])
        if n:
            n_core = int(core[c.cluster_id])
            clusters.append(replace(c, n_prompts=n, n_core=n_core, n_placed=n - n_core))
        of_cluster[c.cluster_id] = numbers.get(c.capability, -1)
    inside = atlas.cluster >= 0
    capability[inside] = of_cluster[atlas.cluster[inside]]
    return replace(atlas, clusters=tuple(clusters), capability=capability)


def _cluster(
    points: NDArray[np.float32], neighbours: Neighbours, smallest: int
) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.float32]]:
    """Find clusters, and give noise the cluster that its core neighbours agree on; what was placed has no say."""
    cluster, probability = find_clusters(points, smallest=smallest)
    kind = np.where(cluster >= 0, CORE, NOISE).astype(np.int8)
    noise = np.flatnonzero(cluster < 0)
    found = place(neighbours.ids[noise], neighbours.similarity[noise], cluster)
    cluster[noise], probability[noise] = found.cluster, found.share
    kind[noise[found.cluster >= 0]] = PLACED
    return order_by_size(cluster), kind, probability
