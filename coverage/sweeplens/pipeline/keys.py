"""Which requests and prompts were seen before: sorted arrays, a few bytes each, that grow by merging."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)  # spreads small numbers over 64 bits, each to another value


def request_keys(request_ids: Sequence[str]) -> Words:
    """Return 64 bits of the blake2b hash of each request id. Among 30 million, two agree with a chance of 1 in 40,000.

    They are kept in the table of requests, so that an update need not read the ids.
    """
    raw = b"".join(blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest() for i in request_ids)
    return np.frombuffer(raw, "<u8").astype(np.uint64)


def pair_keys(codes: NDArray[np.int32], keys: Words) -> Words:
    """Return a 64-bit key for each pair of an account's code, from 0 on, and the key of a text."""
    return (codes.astype(np.uint64) + np.uint64(1)) * _ODD ^ keys


class KeySet:
    """A set of 64-bit keys that takes them in batches: 8 bytes a key."""

    def __init__(self, keys: Words | None = None) -> None:
        self._runs: list[Words] = [] if keys is None or not len(keys) else [np.sort(keys)]

    def add(self, keys: Words) -> NDArray[np.bool_]:
        """Add the keys, and mark those that were new, bool [n]; of equal ones in the batch, the first."""
        fresh = np.zeros(len(keys), bool)
        values, first = np.unique(keys, return_index=True)
        new = np.ones(len(values), bool)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, values), len(run) - 1)
            new &= run[at] != values
        fresh[first[new]] = True
        if new.any():
            self._runs.append(values[new])
            while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
                last = self._runs.pop()
                self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
        return fresh


class PromptNumbers:
    """Numbers prompts by their content hash, in order of first appearance: 20 bytes a prompt."""

    def __init__(self, hashes: Sequence[str] = ()) -> None:
        self.count = 0
        self._runs: list[tuple[Words, Words, NDArray[np.int32]]] = []
        if len(hashes):
            self.number(hashes)

    def number(self, hashes: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the number of each hash (hexadecimal, 128 bits), and the places of those that were new, in order."""
        first, second = _words(hashes)
        ids = np.full(len(hashes), -1, np.int32)
        for run in self._runs:
            self._look_up(run, first, second, ids)
        unknown = np.flatnonzero(ids < 0)
        if not len(unknown):
            return ids, unknown
        pairs = np.stack([first[unknown], second[unknown]], axis=1)
        _, place, inverse = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(place)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        ids[unknown] = self.count + rank[np.asarray(inverse).reshape(-1)]
        fresh = unknown[place[order]]
        self._keep(first[fresh], second[fresh], ids[fresh])
        return ids, fresh

    def _keep(self, first: Words, second: Words, ids: NDArray[np.int32]) -> None:
        self.count += len(ids)
        self._runs.append(_sorted(first, second, ids))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            a, b = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(*(np.concatenate([y, x]) for x, y in zip(a, b, strict=True))))

    @staticmethod
    def _look_up(
        run: tuple[Words, Words, NDArray[np.int32]], first: Words, second: Words, ids: NDArray[np.int32]
    ) -> None:
        at, left = np.searchsorted(run[0], first), np.arange(len(first))
        while len(left):  # once, but for hashes that share their first half, which somebody could seek out
            left = left[at[left] < len(run[0])]
            left = left[run[0][at[left]] == first[left]]
            same = run[1][at[left]] == second[left]
            ids[left[same]] = run[2][at[left[same]]]
            left = left[~same]
            at[left] += 1


def _words(hashes: Sequence[str]) -> tuple[Words, Words]:
    words = np.frombuffer(bytes.fromhex("".join(hashes)), ">u8").reshape(len(hashes), 2)
    return words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64)


def _sorted(first: Words, second: Words, ids: NDArray[np.int32]) -> tuple[Words, Words, NDArray[np.int32]]:
    order = np.argsort(first, kind="stable")
    return first[order], second[order], ids[order]
