"""Placing: what a prompt that no cluster holds, or a new one, gets from its nearest neighbours on the map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Chosen on labelled intents, see benchmarks/results/capabilities.md: the share of the neighbours' weight that must lie
# in one cluster, and the cosine under which a neighbour has no say.
AGREEMENT = 0.25
NEAR = 0.3


@dataclass(frozen=True)
class Placement:
    """Where m prompts belong: cluster int32 [m] (-1 none), and share float32 [m], how much of the weight agrees."""

    cluster: NDArray[np.int32]
    share: NDArray[np.float32]


def place(
    ids: NDArray[np.integer],
    similarity: NDArray[np.floating],
    cluster: NDArray[np.int32],
    *,
    agreement: float = AGREEMENT,
    near: float = NEAR,
) -> Placement:
    """Give each of m prompts the cluster that its neighbours on the map agree on.

    `ids` and `similarity` are [m, k], neighbours among the map's n prompts; `cluster` is int32 [n], -1 for prompts that
    have no say (noise, and what was itself placed). A neighbour weighs its cosine above `near`, one without a cluster
    weighs against all. The heaviest cluster wins, that of lower id among equals, if it has `agreement` of the weight.
    """
    m, k = ids.shape
    none = Placement(np.full(m, -1, np.int32), np.zeros(m, np.float32))
    groups = int(cluster.max(initial=-1)) + 1
    if m == 0 or k == 0 or groups == 0:
        return none
    label = cluster[ids]
    weight = np.maximum(similarity.astype(np.float64) - near, 0.0)
    # Equal labels of a row beside each other: the sum of a run is what a cluster weighs there.
    order = np.argsort(label, axis=1, kind="stable")
    label, weight = np.take_along_axis(label, order, 1), np.take_along_axis(weight, order, 1)
    first = np.ones((m, k), bool)
    first[:, 1:] = label[:, 1:] != label[:, :-1]
    run = np.cumsum(first.ravel()) - 1
    sums = np.bincount(run, weights=weight.ravel())[run].reshape(m, k)
    sums = np.where(first & (label >= 0), sums, -1.0)
    best = sums.argmax(1)
    heaviest, total = sums[np.arange(m), best], weight.sum(1)
    share = np.where((total > 0) & (heaviest > 0), heaviest / np.maximum(total, 1e-12), 0.0)
    placed = share >= agreement
    winner = label[np.arange(m), best]
    return Placement(np.where(placed, winner, -1).astype(np.int32), np.where(placed, share, 0.0).astype(np.float32))


def place_on_map(
    ids: NDArray[np.integer],
    similarity: NDArray[np.floating],
    xy: NDArray[np.float32],
    cluster: NDArray[np.int32] | None = None,
    placed: NDArray[np.int32] | None = None,
) -> NDArray[np.float32]:
    """Return the point [m, 2] of each new prompt: the weighted mean of its nearest neighbours' points.

    With `cluster` of the map's prompts and `placed` of the new ones, only neighbours of the same cluster count where
    there are any, because the mean of two islands lies in the sea.
    """
    weight = np.maximum(similarity.astype(np.float64), 1e-6) ** 8
    if cluster is not None and placed is not None:
        same = cluster[ids] == placed[:, None]
        weight = np.where(same | ~same.any(1, keepdims=True), weight, 0.0)
    weight /= np.maximum(weight.sum(1, keepdims=True), 1e-300)
    points: NDArray[np.float64] = np.einsum("mk,mkd->md", weight, xy[ids].astype(np.float64))
    return points.astype(np.float32)
