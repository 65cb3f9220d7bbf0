"""What of a text is embedded: its word pieces, cut into windows that the encoder can read, and batches of windows."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

# Texts that are tokenized at a time: tokenizers hold some hundred bytes for each word piece.
_TOKENIZE = 512


class LongText(NamedTuple):
    """How a text that is longer than one window is read; every field changes vectors.

    `window` counts word pieces with the two marks around them. `keep` says which windows of a long text are read:
    "head" the first, "ends" one that joins the first and the last half of a window, "spread" up to `most` evenly spaced
    ones, whose vectors are averaged. Of a text over `chars` characters only the first and last half of that are read.
    """

    keep: str
    window: int
    most: int
    chars: int

    def describe(self) -> str:
        """Return the policy in words."""
        if self.keep == "head":
            return f"the first {self.window} word pieces"
        if self.keep == "ends":
            return f"the first and the last {self.window // 2} word pieces"
        return f"mean of up to {self.most} evenly spaced windows of {self.window} word pieces"


def clip_text(text: str, chars: int) -> str:
    """Return `text` or, when it is longer than `chars`, its first and its last half of that, parted by a space."""
    if len(text) <= chars:
        return text
    half = chars // 2
    return f"{text[:half]} {text[-half:]}"


def token_ids(
    tokenizer: Any,  # noqa: ANN401 - tokenizers has no types
    texts: Sequence[str],
    chars: int,
    read: Callable[[str], str] | None = None,
) -> Iterable[list[int]]:
    """Yield the word pieces of each text, without marks; `read` makes a text ready for the vocabulary."""
    for begin in range(0, len(texts), _TOKENIZE):
        part = [encodable(clip_text(text, chars)) for text in texts[begin : begin + _TOKENIZE]]
        if read is not None:
            part = list(map(read, part))
        for encoding in tokenizer.encode_batch_fast(part, add_special_tokens=False):
            yield encoding.ids


def encodable(text: str) -> str:
    """Return `text` with a question mark for each lone surrogate, which UTF-8 cannot carry."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def cut_windows(ids: list[int], long: LongText, first: Sequence[int], last: int) -> list[list[int]]:
    """Return the windows of one text, each between the marks `first` and `last`; a text without pieces has one."""
    room = long.window - len(first) - 1
    if len(ids) <= room or long.keep == "head":
        return [[*first, *ids[:room], last]]
    if long.keep == "ends":
        return [[*first, *ids[: room - room // 2], *ids[-(room // 2) :], last]]
    count = min(long.most, -(-len(ids) // room))
    if count == 1:
        return [[*first, *ids[:room], last]]
    # The windows of a text that fits into `most` of them are of equal length, so that none holds but a scrap.
    size = min(room, -(-len(ids) // count))
    starts = [round(k * (len(ids) - size) / (count - 1)) for k in range(count)]
    return [[*first, *ids[s : s + size], last] for s in starts]


def plan_batches(lengths: npt.NDArray[np.int64], budget: int) -> list[npt.NDArray[np.int64]]:
    """Return batches of row numbers: each of one length only, and of at most `budget` word pieces in all.

    No row is ever padded, so that a text's vector does not depend on what it shares a batch with.
    """
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    batches: list[npt.NDArray[np.int64]] = []
    for group in np.split(order, ends):
        if len(group):
            rows = max(1, budget // max(1, int(lengths[group[0]])))
            batches.extend(group[i : i + rows] for i in range(0, len(group), rows))
    return batches
