"""The atlas of a log: cells, the map, clusters with names, and capabilities."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.cells import make_cells
from sweeplens.atlas.clusters import find_clusters, order_by_size
from sweeplens.atlas.layout import lay_out
from sweeplens.atlas.names import choose_exemplars, name_clusters
from sweeplens.atlas.placing import place
from sweeplens.atlas.taxonomy import Taxonomy
from sweeplens.embed.encoder import Encoder
from sweeplens.engine.steps import Run
from sweeplens.index import Neighbours

CORE, PLACED, NOISE = 0, 1, 2
KINDS = ("core", "placed", "noise")


@dataclass(frozen=True)
class Cluster:
    """A group of prompts, named for people.

    `terms` set it apart, best first; `exemplars` are prompt ids, the most typical first; `capability` is a key of the
    taxonomy or "unassigned", and `capability_score` how near the best one is (centred cosine); (x, y) is its middle.
    """

    cluster_id: int
    name: str
    terms: tuple[str, ...]
    exemplars: tuple[int, ...]
    capability: str
    capability_score: float
    n_prompts: int
    n_core: int
    n_placed: int
    x: float
    y: float


@dataclass(frozen=True)
class Atlas:
    """Where each of n prompts lies.

    cells       float32 [K, d]: centres of the cells, unit rows
    cell        int32 [n]
    cluster     int32 [n]: -1 for noise; 0 is the largest cluster
    kind        int8 [n]: CORE, PLACED or NOISE, whose names are KINDS
    probability float32 [n]: HDBSCAN's for core prompts, the neighbours' agreement for placed ones, 0 for noise
    xy          float32 [n, 2]
    capability  int16 [n]: number in the taxonomy, -1 unassigned; that of its cluster, its own where it has none
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


def build_atlas(
    vectors: NDArray[np.floating[Any]],
    texts: Sequence[str],
    neighbours: Neighbours,
    encoder: Encoder,
    *,
    taxonomy: Taxonomy,
    cells: int = 512,
    min_cluster: int = 0,
    seed: int = 1,
    threads: int = 1,
    run: Run | None = None,
) -> Atlas:
    """Map n prompts: unit rows `vectors` [n, d], their `texts`, and their `neighbours`.

    `encoder` must be the one that made the vectors. `min_cluster` 0 chooses the smallest cluster by n. The same input
    and threads give the same atlas. Not to be called twice at once in one process, because of UMAP.
    """
    step = nullcontext if run is None else run.step
    with step("cells"):
        centres, cell = make_cells(vectors, cells=cells, seed=seed, threads=threads)
    with step("map"):
        xy, deep = lay_out(vectors, neighbours, seed=seed, threads=threads)
    with step("clusters"):
        cluster, kind, probability = _cluster(deep, neighbours, min_cluster)
        core = np.where(kind == CORE, cluster, -1)
    with step("names"):
        members = [np.flatnonzero(core == c).astype(np.int32) for c in range(int(core.max(initial=-1)) + 1)]
        named = name_clusters(texts, members)
        exemplars = [choose_exemplars(rows, vectors, texts) for rows in members]
    with step("capabilities"):
        finder = CapabilityFinder(taxonomy, encoder)
        scores = finder.score(vectors)
        capability, _ = finder.decide(scores)
        mean = np.array([scores[rows].mean(0) for rows in members]).reshape(len(members), scores.shape[1])
        of_cluster, closeness = finder.decide(mean)
        capability[cluster >= 0] = of_cluster[cluster[cluster >= 0]]
    size = np.bincount(cluster[cluster >= 0], minlength=len(members))
    clusters = []
    for c, rows in enumerate(members):
        x, y = np.median(xy[rows], axis=0).tolist()
        clusters.append(
            Cluster(
                cluster_id=c,
                name=named[c][0],
                terms=named[c][1],
                exemplars=tuple(exemplars[c]),
                capability=taxonomy.key_at(int(of_cluster[c])),
                capability_score=float(closeness[c]),
                n_prompts=int(size[c]),
                n_core=len(rows),
                n_placed=int(size[c]) - len(rows),
                x=x,
                y=y,
            )
        )
    return Atlas(centres, cell, cluster, kind, probability, xy, tuple(clusters), capability, taxonomy)


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
