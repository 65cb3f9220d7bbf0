"""A set of prompts as MinHash sketches: of each prompt the smallest of its shingles' hashes, and no text.

The sketch is the bottom-k form of MinHash (Broder, 1997: On the resemblance and containment of documents): the k
smallest hashes of a set are a uniform sample of it, and all of it where it has no more than k members. Against the
whole shingles of another text, the share of the sample that is found there estimates containment without bias, however
much longer that text is; the form with k permutations estimates resemblance only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sweeplens.known.shingles import Counts, Shingled, Words, shingle_batches

KEPT = 64
"""Hashes that are kept of a prompt at most."""
COMMON = 20
"""A shingle of more prompts of the set than this belongs to its template and tells nothing about one of them."""
MIN_TOKENS = 5
"""A prompt of fewer tokens is too short to tell a set from everyday talk."""


@dataclass(frozen=True)
class Sketch:
    """n distinct prompts of one set: `tokens` int32 [n], and `shingles` uint64 [m], those of prompt i from `bounds[i]`.

    Each prompt has at least one hash. The order of the prompts depends on nothing but the prompts.
    """

    tokens: npt.NDArray[np.int32]
    shingles: Words
    bounds: Counts

    def __len__(self) -> int:
        return len(self.tokens)


class Sketcher:
    """Takes the prompts of a set, some at a time, and gives their sketch. At most about a kilobyte a prompt is held."""

    def __init__(self) -> None:
        self.prompts = 0
        """Prompts that were taken."""
        self.too_short = 0
        """Those among them that were left out because they say too little."""
        self._tokens: list[Counts] = []
        self._whole: list[Words] = []
        self._sizes: list[Counts] = []
        self._hashes: list[Words] = []

    def add(self, texts: Sequence[str]) -> None:
        """Take some prompts."""
        self.prompts += len(texts)
        for _, shingled in shingle_batches(texts):
            self._add(shingled)

    def _add(self, shingled: Shingled) -> None:
        n = len(shingled.tokens)
        long_enough = shingled.tokens >= MIN_TOKENS
        self.too_short += n - int(long_enough.sum())
        owners = np.repeat(np.arange(n), np.diff(shingled.bounds))
        # Twice as many as are kept in the end: what turns out to be template makes room.
        owners, hashes = _smallest(owners, shingled.hashes, 2 * KEPT)
        mine = long_enough[owners]
        self._tokens.append(shingled.tokens[long_enough])
        self._whole.append(shingled.whole[long_enough])
        self._sizes.append(np.bincount(owners[mine], minlength=n)[long_enough])
        self._hashes.append(hashes[mine])

    def finish(self) -> Sketch:
        """Return the sketch of everything taken; equal prompts count once, case and punctuation aside."""
        if not self._tokens:
            return Sketch(np.empty(0, np.int32), np.empty(0, np.uint64), np.zeros(1, np.int64))
        whole, sizes = np.concatenate(self._whole), np.concatenate(self._sizes)
        place, first = np.full(len(whole), -1), np.unique(whole, return_index=True)[1]
        place[first] = np.arange(len(first))
        owners, hashes = np.repeat(place, sizes), np.concatenate(self._hashes)
        owners, hashes = owners[owners >= 0], hashes[owners >= 0]
        _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        own = counts[inverse] <= COMMON
        owners, hashes = owners[own], hashes[own]
        # A prompt that is nothing but template is known by all of its words together.
        bare = np.flatnonzero(np.bincount(owners, minlength=len(first)) == 0)
        owners, hashes = np.concatenate([owners, bare]), np.concatenate([hashes, whole[first][bare]])
        owners, hashes = _smallest(owners, hashes, KEPT)
        bounds = np.searchsorted(owners, np.arange(len(first) + 1))
        return Sketch(np.concatenate(self._tokens)[first].astype(np.int32), hashes, bounds)


def _smallest(owners: Counts, hashes: Words, limit: int) -> tuple[Counts, Words]:
    """Return each owner's smallest distinct hashes, at most `limit` of them, ordered by owner and hash."""
    order = np.lexsort((hashes, owners))
    owners, hashes = owners[order], hashes[order]
    if not len(owners):
        return owners, hashes
    new = np.concatenate([[True], (owners[1:] != owners[:-1]) | (hashes[1:] != hashes[:-1])])
    owners, hashes = owners[new], hashes[new]
    begins = np.concatenate([[True], owners[1:] != owners[:-1]])
    rank = np.arange(len(owners)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    return owners[rank < limit], hashes[rank < limit]
