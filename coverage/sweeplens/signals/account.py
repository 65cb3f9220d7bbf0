"""The rows of accounts, in the order of their arrival, as compact arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Account:
    """One account, or a group of accounts taken as one.

    requests  int32 [m]: the prompt of each request, in order of arrival
    timed     whether the order comes from the log's times (else from the rows of the log)
    distinct  int32 [n]: its distinct prompts, in order of first arrival
    members   codes of the accounts that it is made of: its own, or those of a group
    """

    requests: np.ndarray
    timed: bool
    distinct: np.ndarray
    members: tuple[int, ...]


@dataclass(frozen=True)
class Accounts:
    """All accounts of a log.

    names     account ids, sorted; an account's code is its place here
    offsets   int64 [N + 1]: the requests of account i are prompts[offsets[i]:offsets[i + 1]]
    prompts   int32 [M]: prompt of each request, by account, in order of arrival
    times     int64 [M]: microseconds since 1970 in UTC, or MISSING
    rows      int64 [M]: the request's row in the table of requests
    """

    names: Sequence[str]
    offsets: np.ndarray
    prompts: np.ndarray
    times: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.names)

    def __iter__(self) -> Iterator[Account]:
        """Give each account in the order of its code."""
        return (self.one(i) for i in range(len(self)))

    def one(self, code: int) -> Account:
        """Return the account of that code."""
        part = slice(self.offsets[code], self.offsets[code + 1])
        timed = bool((self.times[part] != MISSING).all())
        return Account(self.prompts[part], timed, self.distinct(code), (code,))

    def distinct(self, code: int) -> np.ndarray:
        """Return the distinct prompts of an account, int32, in order of first arrival."""
        starts, prompts = self.senders
        own: np.ndarray = prompts[starts[code] : starts[code + 1]]
        return own

    @cached_property
    def senders(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (offsets int64 [N + 1], prompts int32): the distinct prompts of each account, one after another."""
        codes = np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))
        pairs = (codes << 32) | self.prompts
        first = np.sort(np.unique(pairs, return_index=True)[1])
        starts = np.zeros(len(self) + 1, np.int64)
        np.cumsum(np.bincount(codes[first], minlength=len(self)), out=starts[1:])
        return starts, self.prompts[first]

    @property
    def volumes(self) -> np.ndarray:
        """Return the number of distinct prompts of each account, int64 [N]."""
        return np.diff(self.senders[0])

    def union(self, codes: Sequence[int]) -> Account:
        """Return the accounts of these codes as if they were one, their requests merged by time."""
        parts = [slice(self.offsets[c], self.offsets[c + 1]) for c in codes]
        times = np.concatenate([self.times[p] for p in parts])
        rows = np.concatenate([self.rows[p] for p in parts])
        order = np.lexsort((rows, times))
        prompts = np.concatenate([self.prompts[p] for p in parts])[order]
        return Account(prompts, bool((times != MISSING).all()), first_arrivals(prompts), tuple(codes))

    def only(self, keep: np.ndarray) -> "Accounts":
        """Return the accounts that `keep`, bool [N], marks, as if the others were not in the log."""
        chosen = np.flatnonzero(keep)
        sizes = np.diff(self.offsets)
        rows = np.repeat(keep, sizes)
        offsets = np.concatenate([[0], np.cumsum(sizes[chosen])]).astype(np.int64)
        names = [self.names[i] for i in chosen.tolist()]
        return Accounts(names, offsets, self.prompts[rows], self.times[rows], self.rows[rows])


MISSING = -(2**63)


def first_arrivals(prompts: np.ndarray) -> np.ndarray:
    """Return the distinct values in the order in which they first appear."""
    _, first = np.unique(prompts, return_index=True)
    return prompts[np.sort(first)]


def group_accounts(names: Sequence[str], prompts: np.ndarray, times: np.ndarray) -> Accounts:
    """Sort requests (one name, prompt id and time each, in the order of the log) by account and arrival.

    Requests of equal time keep the order of the log.
    """
    known, codes = np.unique(np.asarray(names, dtype=object), return_inverse=True)
    return group_codes(known.tolist(), codes, prompts, times)


def group_codes(names: Sequence[str], codes: np.ndarray, prompts: np.ndarray, times: np.ndarray) -> Accounts:
    """As `group_accounts`, from codes into the sorted `names`."""
    rows = np.lexsort((np.arange(len(codes)), times, codes))
    offsets = np.zeros(len(names) + 1, np.int64)
    np.cumsum(np.bincount(codes, minlength=len(names)), out=offsets[1:])
    return Accounts(names, offsets, np.asarray(prompts, np.int32)[rows], np.asarray(times, np.int64)[rows], rows)
