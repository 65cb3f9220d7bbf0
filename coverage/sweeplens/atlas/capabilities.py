"""Which capability a prompt asks for: by the nearest seeds of the taxonomy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.taxonomy import Taxonomy
from sweeplens.embed.encoder import Encoder

# Chosen on corpora that say what they are, see benchmarks/results/capabilities.md. One nearest seed is chance, all of
# them blur what varied seeds are for; a foreign language is near to many of the other texts at once.
_NEAREST, _NEAREST_OTHERS = 3, 8
_LEAST = 0.12  # centred cosine under which nothing is near enough
_ROWS = 8192


class CapabilityFinder:
    """Scores vectors against the seeds of a taxonomy, in the space of one encoder."""

    def __init__(self, taxonomy: Taxonomy, encoder: Encoder) -> None:
        """Encode the seeds; the other texts are left out for an encoder that is known to understand many languages."""
        groups = [c.seeds for c in taxonomy.capabilities]
        self._count = len(groups)
        if taxonomy.others and encoder.multilingual is not True:
            groups.append(taxonomy.others)
        vectors = np.asarray(encoder.encode([text for group in groups for text in group]), dtype=np.float32)
        self._bounds = np.cumsum([0, *(len(g) for g in groups)])
        # The mean of the capabilities' means, not of the log: a log of one kind must not be centred away.
        means = [vectors[a:b].mean(0) for a, b in self._spans()[: self._count]]
        self._centre = np.mean(means, axis=0, dtype=np.float64).astype(np.float32)
        self._seeds = self._centred(vectors)

    def score(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the mean centred cosine with the nearest seeds, [m, capabilities, and one more for the others]."""
        scores = np.empty((len(vectors), len(self._bounds) - 1), np.float32)
        for start in range(0, len(vectors), _ROWS):
            block = self._centred(np.asarray(vectors[start : start + _ROWS], dtype=np.float32))
            cosine = block @ self._seeds.T
            for j, (a, b) in enumerate(self._spans()):
                k = min(b - a, _NEAREST if j < self._count else _NEAREST_OTHERS)
                nearest = np.partition(cosine[:, a:b], b - a - k, axis=1)[:, b - a - k :]
                scores[start : start + _ROWS, j] = nearest.mean(1)
        return scores

    def decide(self, scores: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Return the number of the best capability, int16 [m], and its score.

        It is -1, unassigned, where the other texts are nearer or none is near; the score is still that of the best.
        """
        own = scores[:, : self._count]
        best, top = own.argmax(1), own.max(1)
        unclear = top < _LEAST
        if scores.shape[1] > self._count:
            unclear |= scores[:, self._count] > top
        return np.where(unclear, -1, best).astype(np.int16), top.astype(np.float32)

    def _spans(self) -> list[tuple[int, int]]:
        return [(int(a), int(b)) for a, b in zip(self._bounds[:-1], self._bounds[1:], strict=True)]

    def _centred(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = vectors - self._centre
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
        return rows
