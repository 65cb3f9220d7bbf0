"""Which languages the accounts of a snapshot ask in, and what peers were chosen by when it was made."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import NO_TIME, columns_of, encode, whole
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.languages import Languages, Mix, mix_accounts, mix_languages, order_languages
from sweeplens.signals.measure import PEERS
from sweeplens.signals.sample import MOST, hash_keys, sample_accounts
from sweeplens.store.once import lock_of, once

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_KEPT = "_mixes"  # where an open snapshot keeps them


class Likeness(NamedTuple):
    """What makes accounts peers, by row of the accounts table: distinct prompts, and the main language or none."""

    volume: NDArray[np.int64]
    language: NDArray[np.int32] | None


class Mixes:
    """The languages of one snapshot, made when they are first asked for."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self._columns, self._table, self._manifest = columns_of(snapshot), snapshot.table, snapshot.manifest

    @once
    def languages(self) -> Languages:
        """The language of each prompt."""
        return order_languages(*encode(self._table("prompts", ["language"])["language"]))

    @once
    def mix(self) -> Mix:
        """The mix of the distinct prompts of each account."""
        pairs = self._columns.pairs
        return mix_languages(self.languages, pairs.account, pairs.prompt, len(self._columns.accounts))

    @once
    def likeness(self) -> Likeness:
        """What peers were chosen by when the snapshot was made.

        Accounts of very many requests were judged by a sample, which is drawn here once more. Snapshots of earlier
        versions looked at volume alone.
        """
        volume = self._columns.n_prompts.astype(np.int64)
        if self._manifest.get("peers") != PEERS:
            return Likeness(volume, None)
        if not (whole(self._table("accounts")["n_requests"]) > MOST).any():
            return Likeness(volume, self.mix.main)
        sample = self._sample()
        return Likeness(sample.volumes, mix_accounts(sample, self.languages).main)

    def _sample(self) -> Accounts:
        columns = self._columns
        requests = columns.requests
        times = np.where(requests.ts == NO_TIME, MISSING, requests.ts)
        keys = hash_keys(self._table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist())
        return sample_accounts(Accounts(columns.accounts, requests.starts, requests.prompt, times, requests.row), keys)


def mixes_of(snapshot: "Snapshot") -> Mixes:
    """Return the languages of an open snapshot, kept as long as it is open."""
    kept = vars(snapshot)
    if _KEPT not in kept:
        with lock_of(snapshot):
            if _KEPT not in kept:
                kept[_KEPT] = Mixes(snapshot)
    found: Mixes = kept[_KEPT]
    return found
