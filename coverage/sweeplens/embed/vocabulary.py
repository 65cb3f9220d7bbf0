"""Unigram vocabularies (Kudo, 2018): how a text is cut into the most probable pieces."""

from collections.abc import Iterable, Sequence
from typing import Any

META = "\u2581"  # what stands for a space in pieces


def unigram_tokenizer(pieces: Sequence[str], scores: Sequence[float], unknown: int) -> Any:  # noqa: ANN401 - no types
    """Return the tokenizer of a vocabulary with the logarithms of its pieces' probabilities.

    Texts come to it as `spelling.make_reader` leaves them; a space is put before the first word.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = list(zip(pieces, scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=META, prepend_scheme="always")
    return tokenizer


def characters_of(pieces: Iterable[str]) -> frozenset[str]:
    """Return the characters that a vocabulary has a piece for."""
    bare = (piece.removeprefix(META) for piece in pieces)
    return frozenset(piece for piece in bare if len(piece) == 1)
