"""How a snapshot stands beside an earlier one: the numbers above the queue, and which rows are new or have risen."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.errors import NotFoundError, StoreError
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import LEVELS, Overview
from sweeplens.report.queue import campaign_queue, overview
from sweeplens.report.ranking import Ranking
from sweeplens.store.snapshot import open_snapshot

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

SAME, RAISED, NEW = 0, 1, 2
_ABSENT = -1
_LOWEST = LEVELS.index("none")  # having too little to be judged is no lower than this


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier snapshot as the queue needs it; it holds no files open. Levels are places in `LEVELS`."""

    seen: Overview
    accounts: dict[str, int]
    campaigns: dict[str, int]

    @property
    def created(self) -> datetime | None:
        """When it was built."""
        return self.seen.created


def read_earlier(store: Path, snapshot_id: str) -> Earlier | None:
    """Read an earlier snapshot of the store, or return None where it is gone or can no longer be read."""
    try:
        with open_snapshot(store, snapshot_id) as older:
            columns = columns_of(older)
            groups = {g.campaign_id: LEVELS.index(g.level) for g in campaign_queue(older, include_all=True)}
            return Earlier(overview(older), dict(zip(columns.accounts, columns.levels.tolist(), strict=True)), groups)
    except (NotFoundError, StoreError):
        return None


def parent_of(snapshot: "Snapshot") -> str | None:
    """Return the id of the snapshot that this one was made from or followed."""
    parent = snapshot.manifest.get("parent")
    return parent if isinstance(parent, str) and parent else None


def changes_since(ranking: Ranking, earlier: Earlier | None) -> NDArray[np.int8]:
    """Return for each row of the queue whether it is `NEW`, was `RAISED` in level, or is the `SAME` or lower.

    Without an earlier snapshot there is nothing to be new against, and all are the same.
    """
    if earlier is None:
        return np.zeros(len(ranking), np.int8)
    before = np.full(len(ranking), _ABSENT, np.int64)
    before[ranking.account_place] = [earlier.accounts.get(a, _ABSENT) for a in ranking.accounts]
    before[ranking.campaign_place] = [earlier.campaigns.get(g.campaign_id, _ABSENT) for g in ranking.campaigns]
    raised = np.maximum(ranking.level, _LOWEST) > np.maximum(before, _LOWEST)
    return np.where(before == _ABSENT, NEW, np.where(raised, RAISED, SAME)).astype(np.int8)
