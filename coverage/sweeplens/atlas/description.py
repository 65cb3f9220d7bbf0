"""What is said about a cluster: its name and terms, prompts that stand for it, its capability and its middle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.names import choose_exemplars, name_clusters
from sweeplens.atlas.taxonomy import Taxonomy


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


def describe_clusters(  # noqa: PLR0917 - what clusters are described by
    members: Sequence[NDArray[np.int32]],
    vectors: NDArray[np.floating[Any]],
    texts: Sequence[str] | None,
    xy: NDArray[np.float32],
    scores: NDArray[np.float32],
    finder: CapabilityFinder,
    taxonomy: Taxonomy,
) -> list[Cluster]:
    """Describe clusters numbered from 0, given as rows of prompts (the core ones).

    `scores` [n, capabilities] are the finder's of all prompts. Without texts there are no terms and no exemplars, and
    the name is the capability's.
    """
    mean = np.array([scores[rows].mean(0) for rows in members]).reshape(len(members), scores.shape[1])
    best, closeness = finder.decide(mean)
    keys = [taxonomy.key_at(int(b)) for b in best]
    if texts is None:
        named: list[tuple[str, tuple[str, ...]]] = [(name, ()) for name in _by_capability(keys, taxonomy)]
        exemplars: list[list[int]] = [[] for _ in members]
    else:
        named = name_clusters(texts, members)
        exemplars = [[int(e) for e in choose_exemplars(rows, vectors, texts)] for rows in members]
    clusters = []
    for c, rows in enumerate(members):
        x, y = np.median(xy[rows], axis=0).tolist()
        clusters.append(
            Cluster(
                c, named[c][0], named[c][1], tuple(exemplars[c]), keys[c], float(closeness[c]), len(rows), len(rows), 0,
                x, y,
            )
        )  # fmt: skip
    return clusters


def keep_names(clusters: Sequence[Cluster], before: Sequence[Cluster]) -> list[Cluster]:
    """Give each cluster the name that its id had before; a new one whose name is taken gets its id behind it."""
    known = {c.cluster_id: c.name for c in before if c.name}
    taken = {known[c.cluster_id] for c in clusters if c.cluster_id in known}
    kept = []
    for c in clusters:
        name = known.get(c.cluster_id)
        if name is None:
            name = c.name if c.name not in taken else f"{c.name} ({c.cluster_id})"
            taken.add(name)
        kept.append(replace(c, name=name))
    return kept


def _by_capability(keys: Sequence[str], taxonomy: Taxonomy) -> list[str]:
    names = {c.key: c.name for c in taxonomy.capabilities}
    seen: dict[str, int] = {}
    named = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        named.append(f"{names.get(key, 'Unassigned')} {seen[key]}")
    return named
