"""The store's secret key, and the hashes under it that stand for what may not be kept in plain."""

import hashlib
import hmac
import secrets
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from sweeplens.errors import StoreError
from sweeplens.store import disk
from sweeplens.store.private import write_private

FILE = "key"
_LOCK = ".key.lock"
_WAIT = 30.0  # seconds that a process waits while another makes the key
_BYTES = 32
# Hex digits of a keyed hash that are kept: 128 bits, as many as of a plain content hash.
_DIGITS = 32


def store_key(store: Path, *, create: bool = True) -> bytes:
    """Return the store's key, 32 random bytes in its private file `key`; two processes that make it at once agree.

    Raises `StoreError` when the key is damaged or cannot be read or written, or when there is none and `create` is
    not set.
    """
    key = _read(store)
    if key is not None:
        return key
    if not create:
        raise StoreError(f"the store {store} has no key: expected the file {store / FILE}")
    try:
        disk.make_folder(store)
        with FileLock(store / _LOCK, timeout=_WAIT, mode=0o600):
            key = _read(store)
            if key is None:
                key = secrets.token_bytes(_BYTES)
                write_private(store, FILE, key)
    except Timeout:
        raise StoreError(f"another process is making the key of the store {store}: try again") from None
    except OSError as error:
        raise StoreError(f"the key {store / FILE} cannot be written: {error.strerror}") from None
    return key


def keyed_hash(key: bytes, text: str, *, kind: str = "prompt") -> str:
    """Return the 32 hex digits that stand for `text` under the store's key: HMAC-SHA256, cut to 128 bits.

    Each `kind` of text ("prompt", "system", "account") has a key of its own, derived from the store's, so that equal
    texts of two kinds have nothing in common. Without the key, a guess cannot be tried.
    """
    return hmac.digest(_derive(key, kind), text.encode("utf-8", "surrogatepass"), "sha256").hex()[:_DIGITS]


def key_id(key: bytes) -> str:
    """Return 16 hex digits by which a file says under which key it was written, and which tell nothing of the key."""
    return _derive(key, "key id").hex()[:16]


def check_key(store: Path, written: str | None) -> None:
    """Raise `StoreError` unless the store's key is the one of the id `written`, where there is such an id."""
    if written is None:
        return
    key = _read(store)
    if key is None or key_id(key) != written:
        raise StoreError(
            f"the snapshot's hashes were made under a key that is lost: {store / FILE} is "
            f"{'missing' if key is None else 'another'}; put it back from a backup, or build anew"
        )


@lru_cache(maxsize=64)
def _derive(key: bytes, kind: str) -> bytes:
    return hmac.digest(key, b"sweeplens " + kind.encode("ascii"), hashlib.sha256)


def _read(store: Path) -> bytes | None:
    try:
        key = (store / FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"the key {store / FILE} cannot be read: {error.strerror}") from None
    if len(key) != _BYTES:
        raise StoreError(f"the key {store / FILE} is damaged: expected {_BYTES} bytes, but it has {len(key)}")
    return key
