"""The nightly job in Python: take last night's log into the store, and write down who is new among those to look at.

python examples/nightly.py LOG STORE FOUND.parquet
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import sweeplens

FLAGGED = pa.array(["review", "high"])


def take_night(log: str, settings: sweeplens.Settings) -> pa.Table:
    """Build on the first night, update on every other; return the accounts that were not flagged the night before."""
    known = pa.array([], pa.string())
    if (settings.store / "CURRENT").exists():
        known = flagged(sweeplens.open_snapshot(settings.store).table("accounts"))["account_id"]
        result = sweeplens.update([log], settings)
    else:
        result = sweeplens.build([log], settings)
    found = flagged(result.snapshot.table("accounts"))
    return found.filter(pc.invert(pc.is_in(found["account_id"], known)))


def look_at(log: str, settings: sweeplens.Settings) -> pa.Table:
    """Score a log against the current snapshot and leave the store as it is: for looking every hour, say."""
    return flagged(sweeplens.score([log], settings).accounts)


def flagged(accounts: pa.Table) -> pa.Table:
    """Return the accounts to look at, the highest score first."""
    return accounts.filter(pc.is_in(accounts["level"], FLAGGED)).sort_by([("score", "descending")])


if __name__ == "__main__":
    new = take_night(sys.argv[1], sweeplens.Settings(store=Path(sys.argv[2]), encoder="fast", window="42d"))
    pq.write_table(new, sys.argv[3])
    sys.exit(3 if len(new) else 0)
