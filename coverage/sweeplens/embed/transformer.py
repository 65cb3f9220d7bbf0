"""An encoder that runs a transformer over windows of word pieces: what `default` and `multilingual` share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sweeplens.embed.encoder import Vectors
from sweeplens.embed.running import Runner
from sweeplens.embed.windows import LongText, cut_windows

# Texts that are tokenized and run at a time.
_TEXTS = 4096


@dataclass(frozen=True)
class Model:
    """What is known of a model before it is loaded.

    model, weights_sha256, tokenizer_sha256  what a manifest names it by
    fingerprint   a SHA-256 over all that changes vectors
    first, last   the marks before and after each window; a prefix that the model wants stands among the first
    """

    name: str
    model: str
    dim: int
    multilingual: bool
    weights_sha256: str
    tokenizer_sha256: str
    fingerprint: str
    first: tuple[int, ...]
    last: int
    long: LongText


class Transformer:
    """Windows of word pieces through a transformer; the vectors of a text's windows are averaged.

    `tokens` gives the word pieces of texts, `finish` changes whole vectors after that, unit rows to unit rows.
    """

    def __init__(
        self,
        model: Model,
        tokens: Callable[[Sequence[str]], Iterable[list[int]]],
        runner: Runner,
        finish: Callable[[Vectors], Vectors] | None = None,
    ) -> None:
        self.model, self.runner = model, runner
        self.name, self.dim, self.multilingual = model.name, model.dim, model.multilingual
        self.fingerprint = model.fingerprint
        self._tokens, self._finish = tokens, finish

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, dim] of unit rows; a text's vector depends on no other text."""
        self.runner.prepare(len(texts))
        parts = [self._encode(texts[i : i + _TEXTS]) for i in range(0, len(texts), _TEXTS)]
        return np.concatenate(parts) if parts else np.empty((0, self.dim), dtype=np.float32)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        owner: list[int] = []

        def windows() -> Iterator[list[int]]:
            for row, ids in enumerate(self._tokens(texts)):
                cut = cut_windows(ids, self.model.long, self.model.first, self.model.last)
                owner.extend([row] * len(cut))
                yield from cut

        vectors = self._whole(self.runner.encode(windows()), owner, len(texts))
        return vectors if self._finish is None else self._finish(vectors)

    def _whole(self, parts: Vectors, owner: list[int], n: int) -> Vectors:
        if len(parts) == n:
            return parts
        vectors = np.zeros((n, self.dim), dtype=np.float32)
        np.add.at(vectors, owner, parts)
        # Only means are made unit length again: the vector of one window must not depend on what else is in the call.
        means = np.bincount(owner) > 1
        vectors[means] /= np.linalg.norm(vectors[means], axis=1, keepdims=True)
        return vectors

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of this encoder."""
        return {
            "name": self.name,
            "model": self.model.model,
            "weights_sha256": self.model.weights_sha256,
            "tokenizer_sha256": self.model.tokenizer_sha256,
            "fingerprint": self.fingerprint,
            "runtime": self.runner.label,
            "max_tokens": self.model.long.window,
            "policy": self.model.long.describe(),
            "dim": self.dim,
            "multilingual": self.multilingual,
        }
