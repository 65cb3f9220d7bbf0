"""Of an account with very many requests only a fixed sample is looked at: the same in a build, an update, a score."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from sweeplens.signals.account import MISSING, Accounts

MOST = 2000  # requests of an account that are looked at
_HOUR = 3_600_000_000  # microseconds
_HIGH = np.uint64(0xFFFF_FFFF_0000_0000)
Keys = NDArray[np.uint64]


def hash_keys(hashes: Sequence[str]) -> Keys:
    """Return the first 64 bits of prompt hashes (hexadecimal) as uint64 [n]: an order that nobody chose."""
    return np.fromiter((int(h[:16], 16) for h in hashes), np.uint64, len(hashes))


def account_keys(names: Sequence[str]) -> Keys:
    """Return 64 bits of the blake2b hash of each account id, uint64 [N]."""
    raw = b"".join(blake2b(n.encode("utf-8", "surrogatepass"), digest_size=8).digest() for n in names)
    return np.frombuffer(raw, "<u8").astype(np.uint64)


def sample_keys(account_keys: Keys, times: NDArray[np.int64], prompt_keys: Keys) -> Keys:
    """Return the key of each request, uint64 [M]: those with an account's smallest keys are its sample.

    Upper 32 bits: of account and hour (`times` in microseconds), so that whole hours are in or out and it stays to be
    seen what follows what; of account and prompt where there is no time. Lower 32 bits: of account and prompt, which
    cut the last hour. An account's own key is part of both, so that accounts are not all seen in the same hours.
    """
    prompts = _mix(prompt_keys ^ _mix(account_keys))
    hours = _mix((times // _HOUR).astype(np.uint64) ^ _mix(~account_keys))
    high = np.where(times == MISSING, _mix(prompts), hours)
    keys: Keys = (high & _HIGH) | (prompts >> np.uint64(32))
    return keys


def smallest(codes: NDArray[np.integer], keys: Keys, most: int = MOST) -> NDArray[np.bool_]:
    """Mark the `most` smallest keys of each code, ties by position: bool [M].

    A bottom-k sample (Cohen and Kaplan 2007), and so one that can be taken from a stream: that of the rows kept so far
    and new ones after them is that of all rows.
    """
    keep = np.ones(len(codes), bool)
    if not len(codes):
        return keep
    large = np.bincount(codes) > most
    rows = np.flatnonzero(large[codes])
    rows = rows[np.lexsort((keys[rows], codes[rows]))]
    sorted_codes = codes[rows]
    rank = np.arange(len(rows)) - np.searchsorted(sorted_codes, sorted_codes)
    keep[rows[rank >= most]] = False
    return keep


def sample_accounts(accounts: Accounts, prompt_keys: Keys, most: int = MOST) -> Accounts:
    """Return the accounts with `most` requests each at most; `prompt_keys` are the hash keys of all prompts."""
    sizes = np.diff(accounts.offsets)
    large = sizes > most
    if not large.any():
        return accounts
    codes = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.flatnonzero(large[codes])
    names = account_keys([accounts.names[i] for i in np.flatnonzero(large).tolist()])
    of_row = names[np.cumsum(large)[codes[rows]] - 1]
    keys = sample_keys(of_row, accounts.times[rows], prompt_keys[accounts.prompts[rows]])
    keep = np.ones(len(codes), bool)
    keep[rows] = smallest(codes[rows], keys, most)
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.minimum(sizes, most), out=offsets[1:])
    return replace(
        accounts, offsets=offsets, prompts=accounts.prompts[keep], times=accounts.times[keep], rows=accounts.rows[keep]
    )


def _mix(values: Keys) -> Keys:
    """Return the output function of SplitMix64 (Steele, Lea and Flood 2014) of each value."""
    z = values + np.uint64(0x9E37_79B9_7F4A_7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    mixed: Keys = z ^ (z >> np.uint64(31))
    return mixed
