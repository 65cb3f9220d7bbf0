"""The audit slice: accounts drawn at random, whatever their level, so that what is missed can be estimated."""

from collections.abc import Iterable

from sweeplens.store.key import keyed_hash

_DIGITS = 12  # hex digits of a hash that are read as a number


def audit_slice(key: bytes, account_ids: Iterable[str], share: float) -> frozenset[str]:
    """Return the accounts that are drawn: each with probability `share`, by a hash under the store's key.

    The draw is the same in each snapshot of a store, and nobody can tell without the key who is in it.
    """
    limit = share * 16.0**_DIGITS
    return frozenset(a for a in account_ids if int(keyed_hash(key, a, kind="audit")[:_DIGITS], 16) < limit)
