"""Which languages accounts ask in: the mix of each, and the one that most of its prompts are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sweeplens.signals.account import Accounts

UNKNOWN = "und"  # what stands for the language of a prompt where it is not told
UNTOLD = -1  # the same as a number


@dataclass(frozen=True, eq=False)
class Languages:
    """The language of each of n prompts.

    words  ISO 639 codes in the order of the alphabet, without "und"
    codes  int32 [n]: places in `words`, `UNTOLD` for "und"
    """

    words: tuple[str, ...]
    codes: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Mix:
    """How much of each of N accounts is in which language.

    words   as in `Languages`
    counts  int64 [N, words]: its distinct prompts in each, or the requests that have them
    untold  int64 [N]: those whose language is not told
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    untold: NDArray[np.int64]

    @cached_property
    def main(self) -> NDArray[np.int32]:
        """The language of most prompts of each account, int32 [N]: a place in `words`, `UNTOLD` where none is told.

        Of languages with equally many it is the first in the alphabet.
        """
        if not self.words:
            return np.full(len(self.untold), UNTOLD, np.int32)
        most = self.counts.argmax(1).astype(np.int32)
        return np.where(self.counts.any(1), most, np.int32(UNTOLD)).astype(np.int32)

    def shares(self, account: int) -> list[tuple[str, int, float]]:
        """Return the languages of an account with their number and share (0-1) of what is told, the largest first."""
        own = self.counts[account]
        order = np.argsort(-own, kind="stable")[: np.count_nonzero(own)]
        total = int(own.sum())
        return [(self.words[i], int(own[i]), int(own[i]) / total) for i in order.tolist()]


def name_languages(told: Sequence[str]) -> Languages:
    """Return the languages of prompts from the code of each, such as "en" or "und"."""
    words = sorted(set(told))
    place = {word: i for i, word in enumerate(words)}
    return order_languages(np.fromiter(map(place.__getitem__, told), np.int32, len(told)), words)


def order_languages(codes: NDArray[np.integer], words: Sequence[str]) -> Languages:
    """Return the languages of prompts from places `codes` in `words`, which are in any order, "und" among them."""
    known = tuple(sorted(word for word in words if word != UNKNOWN))
    place = {word: i for i, word in enumerate(known)}
    to = np.array([place.get(word, UNTOLD) for word in words], np.int32)
    return Languages(known, to[codes] if len(words) else np.empty(0, np.int32))


def mix_languages(
    languages: Languages,
    accounts: NDArray[np.integer],
    prompts: NDArray[np.integer],
    n: int,
    weights: NDArray[np.integer] | None = None,
) -> Mix:
    """Return the mix of n accounts from pairs of an account and a prompt, each counting once or `weights` times."""
    width = len(languages.words) + 1
    spoken = languages.codes[prompts]
    key = accounts.astype(np.int64) * width + np.where(spoken == UNTOLD, width - 1, spoken)
    counts = np.bincount(key, weights=weights, minlength=n * width).reshape(n, width).astype(np.int64)
    return Mix(languages.words, counts[:, :-1], counts[:, -1])


def mix_accounts(accounts: Accounts, languages: Languages) -> Mix:
    """Return the mix of the distinct prompts of each account."""
    starts, prompts = accounts.senders
    return mix_languages(languages, np.repeat(np.arange(len(accounts)), np.diff(starts)), prompts, len(accounts))
