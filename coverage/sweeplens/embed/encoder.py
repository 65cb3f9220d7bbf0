"""What every encoder is, and how one is found by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

AUTO = "auto"
# Encoders that were renamed: what a manifest of an earlier version calls them, and their fingerprint.
_RENAMED = {("fast", "d6e7062bef6b34af5e119e82e9ef7a87d49b9a983994500cf4ddb7a3ae6edab7"): "fast-english"}


class Encoder(Protocol):
    """Turns texts into unit vectors; the same texts give the same vectors, in the order in which they came."""

    @property
    def name(self) -> str:
        """Return the name of an encoder that ships, or the name or folder that was asked for."""

    @property
    def dim(self) -> int:
        """Return the length of a vector."""

    @property
    def fingerprint(self) -> str:
        """Return a SHA-256 over all that changes vectors: weights, tokenizer, pooling, the reading of long texts."""

    @property
    def multilingual(self) -> bool | None:
        """Return whether languages other than English keep their meaning; None where that is not known."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, dim] of unit rows in the order of `texts`, which may be empty and of any length each."""

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of the encoder: model, hashes, runtime, tokens, policy, dim, languages."""


def load_encoder(name: str, *, models: Path, threads: int) -> Encoder:
    """Return the encoder of that name: one that ships, or a sentence-transformers model by name or folder.

    `models` keeps what is exported once; at most `threads` threads work. Raises `EncoderError` when there is no such
    model, when its files are not those that it was made from, or when its weights are not safetensors.
    """
    if name == "default":
        from sweeplens.embed.minilm import load_minilm

        return load_minilm(models=models, threads=threads)
    if name == "multilingual":
        from sweeplens.embed.e5 import load_e5

        return load_e5(models=models, threads=threads)
    if name == "fast":
        from sweeplens.embed.static import load_fast

        return load_fast()
    if name == "fast-english":
        from sweeplens.embed.static import load_fast_english

        return load_fast_english()
    from sweeplens.embed.named import load_named

    return load_named(name, threads=threads)


def known_name(manifest: Mapping[str, object]) -> str:
    """Return today's name of the encoder that a snapshot was built with, from what its manifest says of it."""
    name = str(manifest.get("name", ""))
    return _RENAMED.get((name, str(manifest.get("fingerprint", ""))), name)
