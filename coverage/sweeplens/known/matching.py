"""Find the prompts of a log that come from a known set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sweeplens.known.shingles import Counts, Shingled, Words, shingle_batches
from sweeplens.known.sketch import Sketch

# Of copies of prompts of 15 public sets in which one word in twenty is misspelt, 0.6 finds a quarter more than 0.7, and
# takes no more prompts of other collections for theirs (0.004 %); 0.5 takes twice as many.
MIN_CONTAINED = 0.6
"""Share of a known prompt that another must hold to match it."""
# Behind four worked examples of its own kind a prompt is still about a seventh of the whole.
MIN_SHARE = 0.1
"""Share of the other prompt that the known one must make up."""

_PAIRS = 1 << 21  # pairs of a prompt and a known prompt that are held at once
_FILTER_BITS = (10, 28)

Ints = npt.NDArray[np.int32]


class KnownSets:
    """The known prompt sets of a store. Without any, matching costs nothing."""

    def __init__(self, sketches: Mapping[str, Sketch]) -> None:
        self.names: tuple[str, ...] = tuple(sketches)
        self._sketches = tuple(sketches.values())

    def match(self, texts: Sequence[str]) -> Ints:
        """Return for each text the set that it comes from, as int32 [n] of indices into `names`; -1 for none.

        A text matches a known prompt when it holds `MIN_CONTAINED` of the prompt's shingles (by its sketch, template
        aside) and at least `MIN_SHARE` of the text is the known prompt. The best containment wins, then the largest
        share, then the first of the names. Memory does not grow with the number of texts.
        """
        found = np.full(len(texts), -1, np.int32)
        if not len(texts) or not any(map(len, self._sketches)):
            return found
        for first, shingled in shingle_batches(texts):
            for text, known_set in self._index.find(shingled):
                found[first + text] = known_set
        return found

    @cached_property
    def _index(self) -> "_Index":
        return _make_index(self._sketches)


@dataclass(frozen=True)
class _Index:
    """The hashes of all sketches, sorted, each with the known prompts that hold it."""

    keys: Words
    first: Counts
    """Where the prompts of each key begin in `prompts`; one more than there are keys."""
    prompts: Ints
    sizes: Ints
    tokens: Ints
    sets: Ints
    maybe: npt.NDArray[np.bool_]
    """Whether there may be a key with these leading bits: nearly all hashes of a log end here."""

    def find(self, shingled: Shingled) -> Iterator[tuple[Counts, Ints]]:
        """Yield (texts, their sets) of those that match."""
        for texts, keys in self._blocks(*self._hits(shingled)):
            counts = self.first[keys + 1] - self.first[keys]
            ends = np.cumsum(counts)
            at = np.repeat(self.first[keys] - (ends - counts), counts) + np.arange(ends[-1])
            pairs = np.repeat(texts, counts) * len(self.sizes) + self.prompts[at]
            pairs, shared = np.unique(pairs, return_counts=True)
            text, known = np.divmod(pairs, len(self.sizes))
            contained = shared / self.sizes[known]
            share = contained * self.tokens[known] / shingled.tokens[text]
            good = (contained >= MIN_CONTAINED) & (share >= MIN_SHARE)
            text, known, contained, share = text[good], known[good], contained[good], share[good]
            order = np.lexsort((self.sets[known], -share, -contained, text))
            text, best = np.unique(text[order], return_index=True)
            yield text, self.sets[known[order[best]]]

    def _hits(self, shingled: Shingled) -> tuple[Counts, Counts]:
        """Return (text, key) of the hashes that are keys, each pair once, in the order of the texts."""
        n = len(shingled.tokens)
        hashes = np.concatenate([shingled.hashes, shingled.whole])
        texts = np.concatenate([np.repeat(np.arange(n), np.diff(shingled.bounds)), np.arange(n)])
        shift = np.uint64(65 - len(self.maybe).bit_length())
        likely = np.flatnonzero(self.maybe[hashes >> shift])
        hashes, texts = hashes[likely], texts[likely]
        keys = np.minimum(np.searchsorted(self.keys, hashes), len(self.keys) - 1)
        hit = self.keys[keys] == hashes
        pairs = np.unique(texts[hit] * len(self.keys) + keys[hit])
        return pairs // len(self.keys), pairs % len(self.keys)

    def _blocks(self, texts: Counts, keys: Counts) -> Iterator[tuple[Counts, Counts]]:
        """Cut hits between texts, so that a block leads to at most `_PAIRS` pairs or is of one text."""
        total = np.cumsum(self.first[keys + 1] - self.first[keys])
        begins = np.append(np.flatnonzero(np.append(True, texts[1:] != texts[:-1])), len(texts))
        start = 0
        while start < len(texts):
            room = np.searchsorted(total, (total[start - 1] if start else 0) + _PAIRS, "right")
            following = np.searchsorted(begins, start, "right")
            stop = int(begins[max(following, np.searchsorted(begins, room, "right") - 1)])
            yield texts[start:stop], keys[start:stop]
            start = stop


def _make_index(sketches: Sequence[Sketch]) -> _Index:
    sizes = np.concatenate([np.diff(s.bounds) for s in sketches]).astype(np.int32)
    hashes = np.concatenate([s.shingles for s in sketches])
    owners = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    order = np.argsort(hashes)
    hashes = hashes[order]
    first = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
    keys = hashes[first]
    low, high = _FILTER_BITS
    bits = min(high, max(low, (8 * len(keys)).bit_length()))
    maybe = np.zeros(1 << bits, bool)
    maybe[keys >> np.uint64(64 - bits)] = True
    return _Index(
        keys=keys,
        first=np.append(first, len(hashes)),
        prompts=owners[order],
        sizes=sizes,
        tokens=np.concatenate([s.tokens for s in sketches]),
        sets=np.repeat(np.arange(len(sketches), dtype=np.int32), [len(s) for s in sketches]),
        maybe=maybe,
    )
