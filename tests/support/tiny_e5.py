"""A file in the layout of e5-small-q4.bin: one layer and a few pieces, written after the description of the layout."""

import struct
from dataclasses import dataclass, field

import numpy as np

BLOCK = 32
HIDDEN, INNER, HEADS, ROWS, POSITIONS, TYPES = 32, 64, 2, 9, 16, 2
PIECES = ("<s>", "<pad>", "</s>", "<unk>", "\u2581", "a", "\u2581é", "猫", "<mask>")
REPLACED = {0x41: "a", 0xFB01: "fi", 0x200B: ""}
# Name, number of outputs, number of inputs; without inputs a row of float32.
TENSORS = (
    ("emb.word", ROWS, HIDDEN), ("emb.pos", POSITIONS * HIDDEN, 0), ("emb.type", TYPES * HIDDEN, 0),
    ("emb.ln.w", HIDDEN, 0), ("emb.ln.b", HIDDEN, 0),
    ("l0.q.w", HIDDEN, HIDDEN), ("l0.q.b", HIDDEN, 0), ("l0.k.w", HIDDEN, HIDDEN), ("l0.k.b", HIDDEN, 0),
    ("l0.v.w", HIDDEN, HIDDEN), ("l0.v.b", HIDDEN, 0), ("l0.ao.w", HIDDEN, HIDDEN), ("l0.ao.b", HIDDEN, 0),
    ("l0.aln.w", HIDDEN, 0), ("l0.aln.b", HIDDEN, 0), ("l0.fi.w", INNER, HIDDEN), ("l0.fi.b", INNER, 0),
    ("l0.fo.w", HIDDEN, INNER), ("l0.fo.b", HIDDEN, 0), ("l0.oln.w", HIDDEN, 0), ("l0.oln.b", HIDDEN, 0),
)  # fmt: skip


@dataclass
class TinyE5:
    """What is written; a test changes a field and writes it again.

    scales, codes  of the blocks of each matrix by name: [blocks], and [blocks, 16] bytes
    floats         the other tensors by name
    """

    magic: bytes = b"E5S1"
    block: int = BLOCK
    hidden: int = HIDDEN
    rows: int = ROWS
    pieces: tuple[str, ...] = PIECES
    scores: tuple[float, ...] = tuple(-0.5 * i for i in range(len(PIECES)))
    counts: dict[str, int] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    left_out: str = ""
    scales: dict[str, np.ndarray] = field(default_factory=dict)
    codes: dict[str, np.ndarray] = field(default_factory=dict)
    floats: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw the weights."""
        rng = np.random.default_rng(5)
        for name, outputs, inputs in TENSORS:
            if inputs:
                n = outputs * inputs // BLOCK
                self.scales[name] = rng.uniform(0.001, 0.02, n).astype("<f2")
                self.codes[name] = rng.integers(0, 256, (n, BLOCK // 2)).astype("u1")
            else:
                self.floats[name] = rng.normal(0.5, 0.2, outputs).astype("<f4")

    def to_bytes(self) -> bytes:
        """Return the file."""
        head = struct.pack("<4s8i", self.magic, 1, self.hidden, 1, HEADS, INNER, self.rows, POSITIONS, TYPES)
        head += struct.pack("<fi", 1e-12, self.block)
        text = [piece.encode() for piece in self.pieces]
        head += struct.pack("<5iQ", len(text), 0, 2, 1, 3, sum(map(len, text)))
        head += np.cumsum([0, *map(len, text)]).astype("<u4").tobytes() + np.array(self.scores, "<f4").tobytes()
        head += b"".join(text)
        entries = [struct.pack(f"<IB{len(by)}I", code, len(by), *map(ord, by)) for code, by in REPLACED.items()]
        head += struct.pack("<iI", len(entries), len(b"".join(entries))) + b"".join(entries)
        return head + self._tensors(len(head))

    def _tensors(self, at: int) -> bytes:
        kept = [row for row in TENSORS if row[0] != self.left_out]
        at += 4 + sum(2 + len(name) + struct.calcsize("<BIQQ") for name, _, _ in kept)
        directory, data = struct.pack("<i", len(kept)), b""
        for name, outputs, inputs in kept:
            raw = self._blocks(name) if inputs else self.floats[name].tobytes()
            n = self.counts.get(name, outputs * inputs if inputs else outputs)
            offset = self.offsets.get(name, at + len(data))
            directory += struct.pack("<H", len(name)) + name.encode("ascii")
            directory += struct.pack("<BIQQ", 1 if inputs else 0, n, offset, len(raw))
            data += raw
        return directory + data

    def _blocks(self, name: str) -> bytes:
        pairs = zip(self.scales[name], self.codes[name], strict=True)
        return b"".join(scale.tobytes() + codes.tobytes() for scale, codes in pairs)
