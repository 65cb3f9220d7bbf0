"""The fast encoder: the mean of one vector for each word piece, distilled from the default encoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sweeplens.embed.encoder import Vectors
from sweeplens.embed.weights import MINILM_FILES, check_files, combined_sha256, find_minilm
from sweeplens.embed.windows import clip_text, encodable

DATA = Path(__file__).parent / "data"
FAST_FILES = {"fast.safetensors": "3c29938d779de500606b716d4b0333911d7991ca128e9bcccb701c001ff0ee06"}
DIM = 256
# Characters of a text that are read: the first and the last half of that where it has more.
CHARS = 16_384
# Texts for one call of the model, which sorts nothing and pads nothing.
_CHUNK = 2048
_UNKNOWN = 100


class Fast:
    """A static word-piece model (256 dimensions, English), run by sentence-transformers' StaticEmbedding."""

    name = "fast"
    dim = DIM
    multilingual = False

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        import torch
        from safetensors.numpy import load_file
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
        from tokenizers import Tokenizer

        tensors = load_file(weights)
        rows = tensors["rows"].astype(np.float32) * tensors["scales"].astype(np.float32)[:, None]
        words = Tokenizer.from_file(str(tokenizer))
        words.no_truncation()
        self._model = StaticEmbedding(words, embedding_weights=torch.from_numpy(rows)).eval()
        # A text without a single word piece is as unknown as one whose pieces are.
        self._unknown = rows[_UNKNOWN] / np.linalg.norm(rows[_UNKNOWN])
        self.fingerprint = combined_sha256(
            {
                **FAST_FILES,
                "tokenizer.json": MINILM_FILES["tokenizer.json"],
                "chars": CHARS,
                "pooling": "mean",
                "reader": 1,
            }
        )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, 256] of unit rows; a text without a known word piece gets the unknown piece's vector."""
        import torch

        vectors = np.empty((len(texts), DIM), dtype=np.float32)
        for begin in range(0, len(texts), _CHUNK):
            part = [encodable(clip_text(text, CHARS)) for text in texts[begin : begin + _CHUNK]]
            with torch.inference_mode():
                out = self._model(self._model.preprocess(part))["sentence_embedding"]
            vectors[begin : begin + len(part)] = out.numpy()
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        empty = lengths[:, 0] < 1e-6
        vectors /= np.where(lengths < 1e-6, 1.0, lengths)
        vectors[empty] = self._unknown
        return vectors

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of this encoder."""
        return {
            "name": self.name,
            "model": "word pieces distilled from sentence-transformers/all-MiniLM-L6-v2",
            "weights_sha256": FAST_FILES["fast.safetensors"],
            "tokenizer_sha256": MINILM_FILES["tokenizer.json"],
            "fingerprint": self.fingerprint,
            "runtime": "static (sentence-transformers)",
            "max_tokens": None,
            "policy": f"every word piece of the first and last {CHARS // 2} characters",
            "dim": self.dim,
            "multilingual": self.multilingual,
        }


def load_static(*, threads: int, folder: Path = DATA, minilm: Path | None = None) -> Fast:
    """Return the fast encoder after checking its weights and the tokenizer, which it shares with the default encoder.

    `folder` and `minilm` are used instead of the package's data and of the installed tokenizer. Raises `EncoderError`
    when a file is missing or is not the one that was pinned.
    """
    import torch

    minilm = minilm or find_minilm()
    check_files(folder, FAST_FILES)
    check_files(minilm, MINILM_FILES, ["tokenizer.json"])
    torch.set_num_threads(threads)
    return Fast(folder / "fast.safetensors", minilm / "tokenizer.json")
