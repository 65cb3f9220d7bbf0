"""Embed the distinct prompts of a log: what the cache knows is read, the rest is encoded and kept as it comes."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sweeplens.embed.cache import VectorCache, carried_key
from sweeplens.embed.encoder import Encoder
from sweeplens.embed.json_text import carried_text

log = logging.getLogger(__name__)

# Prompts encoded between two writes to the cache and two reports: what a killed build has to do again.
CHUNK = 2048


@dataclass(frozen=True)
class EmbedResult:
    """Vectors float16 [n, dim], unit rows in the order of the prompts, and how they came about."""

    vectors: npt.NDArray[np.float16]
    n_cached: int
    n_encoded: int
    seconds: float


def embed_prompts(
    encoder: Encoder,
    hashes: Sequence[str],
    texts: Sequence[str],
    cache: VectorCache | None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> EmbedResult:
    """Return the vectors of `texts`, whose content hashes are `hashes`, from the cache or else from the encoder.

    Of a prompt that is JSON, the texts that it carries are embedded.

    New vectors are put into the cache every few thousand prompts, so that a killed run goes on where it stopped.
    `progress(done, total)` counts the prompts that are encoded, so that it gives their rate; it is not called when all
    are known.
    """
    start = time.perf_counter()
    carried = list(map(carried_text, texts))
    keys = [h if new is old else carried_key(h) for h, new, old in zip(hashes, carried, texts, strict=True)]
    vectors = np.zeros((len(texts), encoder.dim), dtype=np.float16)
    found = np.zeros(len(texts), dtype=bool)
    if cache is not None and texts:
        found, vectors = cache.get(keys)
    # In the order of their hashes, which is none: each chunk is as mixed as the whole, so that the rate so far tells
    # the time left, however the log is sorted.
    missing = sorted(np.flatnonzero(~found).tolist(), key=lambda row: keys[row])
    for begin in range(0, len(missing), CHUNK):
        if progress is not None and not begin:
            progress(0, len(missing))
        rows = missing[begin : begin + CHUNK]
        fresh = encoder.encode([carried[i] for i in rows]).astype(np.float16)
        vectors[rows] = fresh
        if cache is not None:
            cache.put([keys[i] for i in rows], fresh)
        if progress is not None:
            progress(begin + len(rows), len(missing))
    if cache is not None and missing:
        cache.compact()
    return EmbedResult(vectors, len(texts) - len(missing), len(missing), time.perf_counter() - start)
