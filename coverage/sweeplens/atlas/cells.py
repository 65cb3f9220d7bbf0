"""Cells: spherical k-means over the prompts, the fixed ruler that coverage is measured with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.index.neighbours import PickedRows

# Prompts a cell should hold at least on average, rounds of k-means, and prompts a centre that training looks at.
_PER_CELL = 20
_ROUNDS = 20
_TRAIN_PER_CELL = 128
_ROWS = 16_384


def make_cells(
    vectors: NDArray[np.floating[Any]], *, cells: int, seed: int, threads: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Cut the sphere into at most `cells` cells, by spherical k-means (Dhillon and Modha 2001).

    Returns the centres, float32 [K, d] unit rows, and the cell of each row, int32 [n]. K is at most n / 20, so that a
    cell holds enough prompts to be met twice, and at least 2 where there are two prompts.
    """
    import faiss

    n, dim = vectors.shape
    k = max(1, min(n, max(2, min(cells, n // _PER_CELL))))
    if n == 0:
        return np.zeros((1, dim), np.float32), np.empty(0, np.int32)
    rows = np.sort(np.random.default_rng(seed).choice(n, min(n, k * _TRAIN_PER_CELL), replace=False))
    sample = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    faiss.omp_set_num_threads(threads)
    means = faiss.Kmeans(
        dim,
        k,
        niter=_ROUNDS,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=_TRAIN_PER_CELL,
    )
    means.train(sample)
    centres = np.asarray(means.centroids, dtype=np.float32).reshape(k, dim)
    length = np.linalg.norm(centres, axis=1, keepdims=True)
    # Opposite vectors in one cell can cancel out: any direction is as good there, so it takes a prompt's.
    centres = np.where(length > 1e-6, centres / np.maximum(length, 1e-6), sample[0])
    return centres, find_cells(vectors, centres)


def find_cells(vectors: NDArray[np.floating[Any]], centres: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the nearest centre of each row, the first of equally near ones, int32 [n]."""
    found = np.empty(len(vectors), np.int32)
    for start in range(0, len(vectors), _ROWS):
        block = np.asarray(vectors[start : start + _ROWS], dtype=np.float32)
        found[start : start + _ROWS] = (block @ centres.T).argmax(1)
    return found


def scrub_cells(
    centres: NDArray[np.float32],
    vectors: PickedRows,
    cell: NDArray[np.int32],
    touched: NDArray[np.int32],
) -> NDArray[np.float32]:
    """Take what is left of forgotten prompts out of the centres of the cells `touched` that they lay in.

    Such a centre becomes the mean of the prompts that are left; a cell without any gets a direction by chance, as its
    old centre may be the very vector of a prompt that is gone.
    """
    scrubbed = np.array(centres, np.float32)
    for c in np.unique(touched).tolist():
        rows = np.asarray(vectors[np.flatnonzero(cell == c)], np.float32)
        mean = rows.mean(0) if len(rows) else np.zeros(scrubbed.shape[1], np.float32)
        if np.linalg.norm(mean) < 1e-6:
            mean = np.random.default_rng(c).normal(size=scrubbed.shape[1])
        scrubbed[c] = mean / np.linalg.norm(mean)
    return scrubbed
