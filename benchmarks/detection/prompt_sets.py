"""Collections of real prompts: NAME.jsonl.gz with prompt, conv and turn."""

import gzip
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import numpy as np

Talk = list[str]  # the prompts of one conversation, turn by turn


def read_prompts(folder: Path, name: str) -> list[str]:
    """Return the different prompts of a collection."""
    return list(dict.fromkeys(r["prompt"] for r in _rows(folder, name)))


def read_talks(folder: Path, names: Sequence[str], used: Set[str]) -> list[Talk]:
    """Return the conversations of these collections without a prompt of `used`, those of a collection in a row.

    A collection that does not say which prompts are one conversation is left out.
    """
    rng, out = np.random.default_rng(0), []
    for name in names:
        talks: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for r in _rows(folder, name):
            if r.get("conv") is not None:
                talks[str(r["conv"])].append((int(r.get("turn") or 0), r["prompt"]))
        turns = [[p for _, p in sorted(t, key=lambda x: x[0])] for _, t in sorted(talks.items())]
        if len(turns) > 1:
            out += [turns[i] for i in rng.permutation(len(turns)) if used.isdisjoint(turns[i])]
    return out


def share_out(talks: Sequence[Talk], shares: int) -> list[Iterator[Talk]]:
    """Return the conversations of each of so many accounts, endlessly.

    Each begins at a place of its own and goes on from there, so that its chat is of one collection or two, and no two
    accounts send the same before they have sent a share each.
    """
    ends = np.cumsum([len(t) for t in talks])
    starts = np.searchsorted(ends, ends[-1] * np.arange(shares) / shares, side="right").tolist()
    return [itertools.cycle([*talks[s:], *talks[:s]]) for s in starts]


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        yield from (r for r in map(json.loads, stream) if r["prompt"] and r["prompt"].strip())
