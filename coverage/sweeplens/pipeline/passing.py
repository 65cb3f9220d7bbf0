"""A log that streams by: what is kept of it is bounded by its accounts, texts and vectors go to files on the way."""

import sys
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.cells import find_cells
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.known import KnownSets
from sweeplens.logs.rows import Request
from sweeplens.pipeline.intake import Batch, Hashing
from sweeplens.pipeline.measuring import LINKED
from sweeplens.signals.account import MISSING
from sweeplens.signals.ground import TextNumbers, head_of, join_numbers, measure_texts
from sweeplens.signals.sample import MOST, account_keys, hash_keys, sample_keys, smallest

if TYPE_CHECKING:
    import pyarrow as pa

_EVERY = 1 << 18  # requests between two looks at who has more than enough of them
_TABLES = 16  # tables of shared values from which on they are made one
_MOST_KEY = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


class Sampler:
    """Keeps of each account the requests with its smallest keys, 2,000 at most, as a build does."""

    def __init__(self) -> None:
        self.kept = Batch.join([])
        self._keys = np.empty(0, np.uint64)
        self._limit = np.empty(0, np.uint64)
        self._new: list[tuple[Batch, NDArray[np.uint64]]] = []
        self._count = 0

    def admits(self, codes: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Mark the requests that may still be in the sample of their account."""
        highest = int(codes.max(initial=-1)) + 1
        if highest > len(self._limit):
            self._limit = np.concatenate([self._limit, np.full(highest - len(self._limit), _MOST_KEY)])
        admitted: NDArray[np.bool_] = keys <= self._limit[codes]
        return admitted

    def add(self, batch: Batch, keys: NDArray[np.uint64]) -> None:
        """Take in requests that were admitted."""
        self._new.append((batch, keys))
        self._count += len(batch)
        if self._count >= _EVERY:
            self.settle()

    def settle(self) -> Batch:
        """Let go of what is in no sample, and return what is."""
        self.kept = Batch.join([self.kept, *(b for b, _ in self._new)])
        self._keys = np.concatenate([self._keys, *(k for _, k in self._new)])
        self._new, self._count = [], 0
        keep = smallest(self.kept.codes, self._keys)
        self.kept, self._keys = self.kept.only(keep), self._keys[keep]
        size = np.bincount(self.kept.codes, minlength=len(self._limit))
        full = np.flatnonzero(size >= MOST)
        if len(full):
            highest = np.zeros(len(self._limit), np.uint64)
            np.maximum.at(highest, self.kept.codes, self._keys)
            self._limit[full] = highest[full]
        return self.kept


class Passing:
    """What is kept of a log while it streams by: requests as numbers, prompts as files of vectors and heads."""

    def __init__(
        self,
        encoder: Encoder,
        cache: VectorCache,
        cells: NDArray[np.float32],
        sets: KnownSets,
        hashing: Hashing,
    ) -> None:
        self.encoder, self.cache, self.sets, self.hashing = encoder, cache, sets, hashing
        self.centres = cells
        self.sampler = Sampler()
        self.names: dict[str, int] = {}
        self.prompts = 0
        self.keys: list[NDArray[np.uint64]] = []
        self.languages: list[str] = []
        # Files without a name: they are gone with the process, however it ends.
        self._vectors, self._heads = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - they live as long as this does
        self._kept_heads: list[bytes] = []
        self._ends: list[NDArray[np.int64]] = []
        self._end = 0
        self._numbers: list[TextNumbers] = []
        self._cells: list[NDArray[np.int32]] = []
        self._known: list[NDArray[np.int32]] = []
        self._linked: list[pa.Table] = []
        self._requests = np.zeros(0, np.int64)
        self._first = np.zeros(0, np.int64)
        self._last = np.zeros(0, np.int64)

    def admit(
        self, rows: Sequence[Request], codes: NDArray[np.int32], times: NDArray[np.int64], hashes: NDArray[np.uint64]
    ) -> NDArray[np.bool_]:
        """Count requests and what their accounts share, and say which of them may be in a sample."""
        self._count(codes, times)
        self._link(rows)
        names = account_keys([row.account_id for row in rows])
        self._now = sample_keys(names, times, hashes)
        keep = self.sampler.admits(codes, self._now)
        self._now = self._now[keep]
        return keep

    def add(self, batch: Batch) -> None:
        """Take in a batch that was admitted."""
        self.sampler.add(batch, self._now)

    def take_prompts(self, texts: Sequence[str], hashes: Sequence[str]) -> None:
        """Embed and measure new prompts; their texts are let go."""
        vectors = embed_prompts(self.encoder, hashes, texts, self.cache).vectors
        spoken = detect_languages(texts)
        self.languages += map(sys.intern, spoken)
        self._numbers.append(measure_texts(texts, spoken, 1))
        self._cells.append(find_cells(vectors, self.centres))
        if self.sets.names:
            self._known.append(self.sets.match(texts))
        self._vectors.write(vectors.tobytes())
        heads = [head_of(text) for text in texts]
        if self.hashing.key is None:
            self._heads.write(b"".join(heads))
        else:  # where no text is kept, none goes to a disk, not even for a while
            self._kept_heads += heads
        ends = self._end + np.cumsum([len(h) for h in heads])
        self._ends.append(ends.astype(np.int64))
        self._end = int(ends[-1])
        self.keys.append(hash_keys(hashes))
        self.prompts += len(texts)

    def close(self) -> None:
        """End the writing; what was written can be read from now on."""
        self._vectors.flush()
        self._heads.flush()

    def vectors(self) -> NDArray[np.float16]:
        """Return the vectors of the new prompts, float16 [m, dim], memory-mapped."""
        shape = (self.prompts, self.encoder.dim)
        if not self.prompts:
            return np.empty(shape, np.float16)
        mapped: NDArray[np.float16] = np.memmap(self._vectors, np.float16, "r", shape=shape)
        return mapped

    def heads(self) -> Sequence[bytes]:
        """Return the first characters of the new prompts."""
        if self.hashing.key is not None:
            return self._kept_heads
        return FileHeads(self._heads, self._ends)

    def numbers(self) -> TextNumbers:
        """Return what was measured of the new prompts' texts."""
        return join_numbers(self._numbers) if self._numbers else measure_texts([], [], 1)

    def cells(self) -> NDArray[np.int32]:
        """Return the cells of the new prompts."""
        return np.concatenate(self._cells) if self._cells else np.empty(0, np.int32)

    def known(self) -> NDArray[np.int32]:
        """Return the known set of each new prompt, -1 for none."""
        return np.concatenate(self._known) if self._known else np.empty(0, np.int32)

    def counts(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return (requests, first, last time) of the first n accounts by code, of all rows that counted."""
        self._grow(n)
        return self._requests[:n], self._first[:n], self._last[:n]

    def linked(self) -> "list[pa.Table]":
        """Return the different values of LINKED that the rows had."""
        return self._linked

    def _count(self, codes: NDArray[np.int32], times: NDArray[np.int64]) -> None:
        self._grow(int(codes.max(initial=-1)) + 1)
        self._requests += np.bincount(codes, minlength=len(self._requests))
        dated = times != MISSING
        np.minimum.at(self._first, codes[dated], times[dated])
        np.maximum.at(self._last, codes[dated], times[dated])

    def _grow(self, n: int) -> None:
        more = n - len(self._requests)
        if more > 0:
            self._requests = np.concatenate([self._requests, np.zeros(more, np.int64)])
            self._first = np.concatenate([self._first, np.full(more, np.iinfo(np.int64).max)])
            self._last = np.concatenate([self._last, np.full(more, MISSING)])

    def _link(self, rows: Sequence[Request]) -> None:
        import pyarrow as pa

        values = {name: [getattr(row, name) for row in rows] for name in LINKED}
        values["system_prompt"] = [self.hashing.system(text) for text in values["system_prompt"]]
        columns = {name: pa.array(column, pa.string()) for name, column in values.items()}
        self._linked.append(pa.table(columns).group_by(list(LINKED)).aggregate([]))
        if len(self._linked) > _TABLES:
            self._linked = [pa.concat_tables(self._linked).group_by(list(LINKED)).aggregate([])]


class FileHeads(Sequence[bytes]):
    """The first characters of prompts, read from a file when they are asked for."""

    def __init__(self, file: IO[bytes], ends: Sequence[NDArray[np.int64]]) -> None:
        self._ends = np.concatenate([np.zeros(1, np.int64), *ends])
        self._bytes: NDArray[np.uint8] | bytes = b""
        if self._ends[-1]:
            self._bytes = np.memmap(file, np.uint8, "r")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override] # single prompts only
        return bytes(self._bytes[self._ends[at] : self._ends[at + 1]])
