"""The map itself: UMAP from known neighbours, in two dimensions for the eye and in five for clustering."""

import logging
import warnings
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.engine.children import children_ended, open_pool
from sweeplens.index import Neighbours

log = logging.getLogger(__name__)

EYE, DEEP = 2, 5  # dimensions of the picture, and of the space that clusters are sought in
_NEIGHBOURS = 15
_MIN_DIST = {EYE: 0.1, DEEP: 0.0}
_LEAST = 8  # prompts that UMAP needs; fewer are laid out by their principal axes
_ROWS = 16_384
_FLOAT = NDArray[np.float32]


def lay_out(
    vectors: NDArray[np.floating[Any]], neighbours: Neighbours, *, seed: int, threads: int
) -> tuple[_FLOAT, _FLOAT]:
    """Return the map's points [n, 2] and the points [n, 5] that clusters are sought among.

    UMAP (McInnes, Healy and Melville 2018), seeded, which keeps each run on one thread: with two threads the two runs
    go in two processes. It must not run twice at once in one process, where its threads abort each other.
    """
    start = principal_axes(vectors, DEEP)
    if len(vectors) < _LEAST:
        return _centre(start[:, :EYE]), start
    # UMAP divides by the range of each first coordinate, which is 0 where all prompts are copies.
    start += np.random.default_rng(seed).normal(scale=1e-4, size=start.shape).astype(np.float32)
    ids, distance = _with_self(neighbours)
    eye = (ids, distance, start[:, :EYE], EYE, seed)
    deep = (ids, distance, start, DEEP, seed)
    if threads < 2:
        return _centre(run_umap(*eye)), run_umap(*deep)
    try:
        with open_pool(1) as pool, children_ended():
            future = pool.submit(run_umap, *eye)
            points = run_umap(*deep)
            return _centre(future.result()), points
    except BrokenProcessPool:
        log.warning("the second process for the map ended early, its part is done in this one")
        return _centre(run_umap(*eye)), run_umap(*deep)


def run_umap(ids: NDArray[np.int32], distance: _FLOAT, start: _FLOAT, dimensions: int, seed: int) -> _FLOAT:
    """Lay out n points in `dimensions` from their neighbours (themselves first) and their first positions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        model = umap.UMAP(
            n_neighbors=ids.shape[1],
            n_components=dimensions,
            min_dist=_MIN_DIST[dimensions],
            n_epochs=_epochs(len(ids)),
            init=start,
            metric="cosine",
            precomputed_knn=(ids, distance, None),
            force_approximation_algorithm=True,
            random_state=seed,
            n_jobs=1,
            transform_mode="embedding",
        )
        # The neighbours are known, so that UMAP reads nothing of the vectors but how many there are.
        return np.ascontiguousarray(model.fit_transform(start), dtype=np.float32)


def _epochs(n: int) -> int:
    """100 rounds for large logs, where more did not help on labelled intents, up to 400 for small ones."""
    return int(np.clip(2_000_000 // max(n, 1), 100, 400))


def _with_self(neighbours: Neighbours) -> tuple[NDArray[np.int32], _FLOAT]:
    """Return ids and distances (1 - cosine) as UMAP expects them: each point is its own first neighbour."""
    n, k = neighbours.ids.shape
    k = min(k, _NEIGHBOURS - 1, n - 2)
    ids = np.concatenate([np.arange(n, dtype=np.int32)[:, None], neighbours.ids[:, :k]], axis=1)
    far = np.clip(1.0 - neighbours.similarity[:, :k], 0.0, 2.0)
    return ids, np.concatenate([np.zeros((n, 1), np.float32), far.astype(np.float32)], axis=1)


def _centre(points: _FLOAT) -> _FLOAT:
    return points - np.median(points, axis=0).astype(np.float32) if len(points) else points


def principal_axes(vectors: NDArray[np.floating[Any]], dimensions: int) -> _FLOAT:
    """Return the first principal components [n, dimensions], with zeros where there are fewer; signs are fixed."""
    n, dim = vectors.shape
    points = np.zeros((n, dimensions), np.float32)
    if n < 2:
        return points
    mean = np.zeros(dim)
    square = np.zeros((dim, dim))
    for i in range(0, n, _ROWS):
        block = np.asarray(vectors[i : i + _ROWS], dtype=np.float32)
        mean += block.sum(0, dtype=np.float64)
        square += block.T @ block
    mean /= n
    _, axes = np.linalg.eigh(square / n - np.outer(mean, mean))
    axes = axes[:, ::-1][:, :dimensions]
    axes = axes * np.where(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    for i in range(0, n, _ROWS):
        block = np.asarray(vectors[i : i + _ROWS], dtype=np.float32)
        points[i : i + _ROWS, : axes.shape[1]] = (block - mean) @ axes
    return points
