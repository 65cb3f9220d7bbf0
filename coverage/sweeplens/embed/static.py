"""The fast encoder: the mean of one vector for each word piece, distilled from the default encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sweeplens.embed.encoder import Vectors
from sweeplens.embed.weights import MINILM_FILES, check_files, combined_sha256, find_minilm
from sweeplens.embed.windows import token_ids

DATA = Path(__file__).parent / "data"
FAST_FILES = {"fast.safetensors": "7b8a9e6921d11b2ceb5cec42a354a59ab3f6ed091646c1fa77736e3e321f03d7"}
DIM = 256
# Characters of a text that are read: the first and the last half of that where it has more.
CHARS = 16_384
_UNKNOWN = 100


class Fast:
    """A static word-piece model (256 dimensions, English).

    The vectors are those of sentence-transformers' StaticEmbedding with the same rows, averaged here instead: it takes
    less time, needs 0.4 GB less and starts in a fifth of a second; to import torch takes some.
    """

    name = "fast"
    dim = DIM
    multilingual = False

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        tensors = load_file(weights)
        self.rows: Vectors = tensors["rows"].astype(np.float32) * tensors["scales"].astype(np.float32)[:, None]
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.fingerprint = combined_sha256(
            {
                **FAST_FILES,
                "tokenizer.json": MINILM_FILES["tokenizer.json"],
                "chars": CHARS,
                "pooling": "mean",
                "reader": 2,
            }
        )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, 256] of unit rows; a text without a single word piece is read as one that is unknown."""
        vectors = np.empty((len(texts), DIM), dtype=np.float32)
        for row, ids in enumerate(token_ids(self._tokenizer, texts, CHARS)):
            # A sum, since the length goes anyway.
            np.sum(self.rows[ids or [_UNKNOWN]], axis=0, out=vectors[row])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of this encoder."""
        return {
            "name": self.name,
            "model": "word pieces distilled from sentence-transformers/all-MiniLM-L6-v2",
            "weights_sha256": FAST_FILES["fast.safetensors"],
            "tokenizer_sha256": MINILM_FILES["tokenizer.json"],
            "fingerprint": self.fingerprint,
            "runtime": "static",
            "max_tokens": None,
            "policy": f"every word piece of the first and last {CHARS // 2} characters",
            "dim": self.dim,
            "multilingual": self.multilingual,
        }


def load_static(*, folder: Path = DATA, minilm: Path | None = None) -> Fast:
    """Return the fast encoder after checking its weights and the tokenizer, which it shares with the default encoder.

    `folder` and `minilm` are used instead of the package's data and of the installed tokenizer. Raises `EncoderError`
    when a file is missing or is not the one that was pinned.
    """
    minilm = minilm or find_minilm()
    check_files(folder, FAST_FILES)
    check_files(minilm, MINILM_FILES, ["tokenizer.json"])
    return Fast(folder / "fast.safetensors", minilm / "tokenizer.json")
