"""The fast encoders: the mean of one vector for each word piece of a text, distilled from a transformer.

`fast` reads all languages; its weights, vocabulary and replacements of characters are one file of our own.
`fast-english` has the word pieces of all-MiniLM-L6-v2.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sweeplens.embed.encoder import Vectors
from sweeplens.embed.spelling import make_reader
from sweeplens.embed.vocabulary import characters_of, unigram_tokenizer
from sweeplens.embed.weights import MINILM_FILES, check_files, combined_sha256, find_minilm
from sweeplens.embed.windows import token_ids

DATA = Path(__file__).parent / "data"
FAST_FILES = {"fast.safetensors": "441c40cf1e303329ed2ba56e1a33ef8af1c2f9b1b480c113b710a905534b5873"}
FAST_ENGLISH_FILES = {"fast-english.safetensors": "7b8a9e6921d11b2ceb5cec42a354a59ab3f6ed091646c1fa77736e3e321f03d7"}
DIM = 256
# Characters of a text that are read: the first and the last half of that where it has more.
CHARS = 16_384
_UNKNOWN_ENGLISH = 100


class Static:
    """A static model of word pieces: the mean of their rows, made unit length.

    The vectors are those of sentence-transformers' StaticEmbedding with the same rows, averaged here instead: it takes
    less time, needs 0.4 GB less and starts in a fifth of a second; to import torch takes some.
    """

    dim = DIM

    def __init__(
        self,
        facts: dict[str, object],
        rows: Vectors,
        tokenizer: Any,  # noqa: ANN401 - tokenizers has no types
        unknown: int,
        read: Callable[[str], str] | None = None,
    ) -> None:
        self.name = str(facts["name"])
        self.fingerprint = str(facts["fingerprint"])
        self.multilingual = bool(facts["multilingual"])
        self.rows = rows
        self._facts, self._tokenizer, self._unknown, self._read = facts, tokenizer, unknown, read

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, 256] of unit rows; a text without a single word piece is read as one that is unknown."""
        vectors = np.empty((len(texts), DIM), dtype=np.float32)
        for row, ids in enumerate(token_ids(self._tokenizer, texts, CHARS, self._read)):
            # A sum, since the length goes anyway.
            np.sum(self.rows[ids or [self._unknown]], axis=0, out=vectors[row])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of this encoder."""
        policy = f"every word piece of the first and last {CHARS // 2} characters"
        return self._facts | {"runtime": "static", "max_tokens": None, "policy": policy, "dim": DIM}


def load_fast(*, folder: Path = DATA) -> Static:
    """Return the fast encoder of all languages after checking its file in `folder`.

    Raises `EncoderError` when it is missing or is not the one that was pinned.
    """
    from safetensors.numpy import load_file

    check_files(folder, FAST_FILES)
    parts = load_file(folder / "fast.safetensors")
    tokenizer, read = unpack_vocabulary(parts)
    facts: dict[str, object] = {
        "name": "fast",
        "model": "word pieces distilled from intfloat/multilingual-e5-small",
        "weights_sha256": FAST_FILES["fast.safetensors"],
        "tokenizer_sha256": FAST_FILES["fast.safetensors"],
        "fingerprint": combined_sha256({**FAST_FILES, "chars": CHARS, "pooling": "mean", "reader": 3}),
        "multilingual": True,
    }
    return Static(facts, _rows(parts), tokenizer, 0, read)


def load_fast_english(*, folder: Path = DATA, minilm: Path | None = None) -> Static:
    """Return the fast encoder for English after checking its weights and the tokenizer, which is that of `default`.

    `folder` and `minilm` are used instead of the package's data and of the installed tokenizer. Raises `EncoderError`
    when a file is missing or is not the one that was pinned.
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    minilm = minilm or find_minilm()
    check_files(folder, FAST_ENGLISH_FILES)
    check_files(minilm, MINILM_FILES, ["tokenizer.json"])
    tokenizer = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    weights = FAST_ENGLISH_FILES["fast-english.safetensors"]
    facts: dict[str, object] = {
        "name": "fast-english",
        "model": "word pieces distilled from sentence-transformers/all-MiniLM-L6-v2",
        "weights_sha256": weights,
        "tokenizer_sha256": MINILM_FILES["tokenizer.json"],
        # Stores were built with this one when it was called fast: its file keeps the name that it had then.
        "fingerprint": combined_sha256({
            "fast.safetensors": weights, "tokenizer.json": MINILM_FILES["tokenizer.json"], "chars": CHARS,
            "pooling": "mean", "reader": 2,
        }),
        "multilingual": False,
    }  # fmt: skip
    parts = load_file(folder / "fast-english.safetensors")
    return Static(facts, _rows(parts), tokenizer, _UNKNOWN_ENGLISH)


def unpack_vocabulary(parts: "dict[str, np.ndarray[Any, Any]]") -> tuple[Any, Callable[[str], str]]:
    """Return the tokenizer and the reader of texts that a file of weights holds, see `pack_vocabulary`."""
    pieces = parts["pieces"].tobytes().decode("utf-8").split("\n")
    replaced = json.loads(parts["replaced"].tobytes())
    read = make_reader({int(code): by for code, by in replaced.items()}, characters_of(pieces))
    return unigram_tokenizer(pieces, parts["scores"].tolist(), 0), read


def pack_vocabulary(
    pieces: Sequence[str], scores: Vectors, replaced: dict[int, str]
) -> "dict[str, np.ndarray[Any, Any]]":
    """Return a vocabulary as arrays: its pieces, the one for what is unknown first, and the characters replaced.

    >>> sorted(pack_vocabulary(["?", "a"], np.zeros(2, np.float32), {9: " "}))
    ['pieces', 'replaced', 'scores']
    """
    return {
        "pieces": np.frombuffer("\n".join(pieces).encode("utf-8"), dtype=np.uint8),
        "replaced": np.frombuffer(json.dumps(replaced, sort_keys=True).encode("ascii"), dtype=np.uint8),
        "scores": np.asarray(scores, dtype=np.float32),
    }


def _rows(parts: "dict[str, np.ndarray[Any, Any]]") -> Vectors:
    rows: Vectors = parts["rows"].astype(np.float32) * parts["scales"].astype(np.float32)[:, None]
    return rows
