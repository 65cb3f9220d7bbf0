"""Whom the store has forgotten: keyed hashes of account ids with the time of erasure, never the ids themselves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sweeplens.errors import StoreError
from sweeplens.store.key import FILE as KEY
from sweeplens.store.key import key_id, keyed_hash, store_key
from sweeplens.store.private import write_private

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FILE = "forgotten.json"
_KIND = "account"
_VERSION = 1


@dataclass(frozen=True)
class Tombstones:
    """The accounts that were erased.

    times  for the keyed hash of each account, the time of its erasure in microseconds since 1970 (UTC)
    """

    key: bytes = b""
    times: Mapping[str, int] = field(default_factory=dict)
    _known: dict[str, int | None] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.times)

    def forgets(self, account_id: str, ts: int | None) -> bool:
        """Say whether a row of this account is refused: it was erased, and `ts` is not after that, or is unknown.

        `ts` is in microseconds since 1970 (UTC).
        """
        if not self.times:
            return False
        when = self.erased_at(account_id)
        return when is not None and (ts is None or ts <= when)

    def forgets_rows(
        self, names: Sequence[str], account: "npt.NDArray[np.integer]", ts: "npt.NDArray[np.int64]"
    ) -> "npt.NDArray[np.bool_]":
        """Return for n rows whether each is refused, bool [n].

        `names` holds the ids of the accounts, `account` int [n] the place of each row's account in it, `ts` int64 [n]
        microseconds since 1970, with the smallest int64 where the time is unknown.
        """
        import numpy as np

        lowest = np.iinfo(np.int64).min
        if not self.times or not len(names):
            return np.zeros(len(account), dtype=bool)
        found = [self.erased_at(name) for name in names]
        erased = np.array([when is not None for when in found])
        until = np.array([lowest if when is None else when for when in found], dtype=np.int64)
        refused: npt.NDArray[np.bool_] = erased[account] & (ts <= until[account])
        return refused

    def erased_at(self, account_id: str) -> int | None:
        """Return when the account was erased, in microseconds since 1970, or None where it was not."""
        if not self.times:
            return None
        if account_id not in self._known:
            self._known[account_id] = self.times.get(keyed_hash(self.key, account_id, kind=_KIND))
        return self._known[account_id]


def load_tombstones(store: Path) -> Tombstones:
    """Return the store's tombstones; none where nothing was ever erased.

    Raises `StoreError` when they are damaged, or when the key that they were written under is lost: then no row can
    be told from one that was erased.
    """
    path = store / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Tombstones()
    except OSError as error:
        raise StoreError(f"the tombstones {path} cannot be read: {error.strerror}") from None
    try:
        whole = json.loads(raw)
        version, written = whole["version"], whole["key"]
        times = {str(name): int(when) for name, when in whole["accounts"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"the tombstones {path} are damaged: expected JSON with the erased accounts") from None
    if version != _VERSION:
        raise StoreError(f"the tombstones {path} have version {version}, but this SweepLens reads version {_VERSION}")
    key = store_key(store, create=False) if (store / KEY).exists() else None
    if key is None or key_id(key) != written:
        raise StoreError(
            f"the tombstones {path} need the key that they were written under, but {store / KEY} is "
            f"{'missing' if key is None else 'another'}: put it back from a backup"
        )
    return Tombstones(key, times)


def add_tombstones(store: Path, account_ids: Iterable[str], when: int) -> int:
    """Keep, durably, that these accounts were erased at `when`, microseconds since 1970 (UTC); a later time counts.

    The caller holds the store's lock. Returns how many accounts were not yet among the tombstones. Raises `StoreError`
    when they cannot be read or written.
    """
    ids = list(account_ids)
    if not ids:
        return 0
    old = load_tombstones(store)
    key = old.key or store_key(store)
    times = dict(old.times)
    for account_id in ids:
        name = keyed_hash(key, account_id, kind=_KIND)
        times[name] = max(when, times.get(name, when))
    whole = {"version": _VERSION, "key": key_id(key), "accounts": dict(sorted(times.items()))}
    write_private(store, FILE, (json.dumps(whole, indent=1) + "\n").encode("ascii"))
    return len(times) - len(old.times)
