"""The nearest neighbours of the prompts of a background and of an attack, without searching the background anew."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sweeplens.index.neighbours import Neighbours, all_neighbours

NEAREST = 30


@dataclass(frozen=True)
class Near:
    """The prompts of a background, int32 [n] in rising order, and their neighbours among each other."""

    old: np.ndarray
    found: Neighbours

    @classmethod
    def of(cls, vectors: np.ndarray, old: np.ndarray) -> "Near":
        """Search the background."""
        return cls(old, _among(vectors, old))

    def among(self, vectors: np.ndarray, prompts: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return what gives the neighbours of prompts among `prompts`, which hold those of the background."""
        old, new = self.old, np.setdiff1d(prompts, self.old)
        ids = np.zeros((len(vectors), NEAREST), np.int32)
        ids[old] = _merge(self.found, _search(vectors, old, new)) if len(new) else self.found.ids
        if len(new) > NEAREST:
            ids[new] = _merge(_among(vectors, new), _search(vectors, new, old))
        elif len(new):
            ids[new] = _search(vectors, new, old).ids
        return lambda wanted: ids[wanted]


def _among(vectors: np.ndarray, prompts: np.ndarray) -> Neighbours:
    found = all_neighbours(vectors[prompts], NEAREST, threads=1)
    return Neighbours(prompts[found.ids].astype(np.int32), found.similarity)


def _search(vectors: np.ndarray, queries: np.ndarray, among: np.ndarray) -> Neighbours:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors[among], np.float32))
    similarity, at = index.search(np.ascontiguousarray(vectors[queries], np.float32), min(NEAREST, len(among)))
    return Neighbours(among[at].astype(np.int32), similarity)


def _merge(a: Neighbours, b: Neighbours) -> np.ndarray:
    ids, similarity = np.hstack([a.ids, b.ids]), np.hstack([a.similarity, b.similarity])
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :NEAREST]
    return np.take_along_axis(ids, order, 1)
