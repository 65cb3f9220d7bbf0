"""Who covers what: accounts by capabilities, and how wide each account asks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import UNASSIGNED, Columns, columns_of, names_of
from sweeplens.report.facts import FLAGGED, LEVELS, Matrix

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

Rank = Literal["level", "breadth", "share", "number"]
RANKS: tuple[Rank, ...] = ("level", "breadth", "share", "number")
_FLAGGED = min(LEVELS.index(level) for level in FLAGGED)
_SIGNALS = ("cells", "capabilities", "clusters")  # signals whose percentile says how wide an account asks


@dataclass(frozen=True, eq=False)
class Breadth:
    """How wide all accounts ask, one entry an account in the order of the accounts table.

    cells, capabilities, clusters  how many different ones its distinct prompts lie in; unassigned is no capability
    percentiles                    share (0-100) of the peers of like volume that reach fewer in 40 of their prompts,
                                   [accounts, 3] in the order cells, capabilities, clusters; NaN where there is none
    """

    cells: NDArray[np.int32]
    capabilities: NDArray[np.int32]
    clusters: NDArray[np.int32]
    percentiles: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profiles:
    """What some accounts ask about: the share (0-1) of an account's distinct prompts on each capability.

    The capabilities that anybody asks about stand in `shares.columns`, those with most distinct prompts first, and what
    is unassigned last; `places` are their rows in the table of capabilities, `n_known` is how many are assigned.
    `everybody` is the share of all distinct prompts of the snapshot.
    """

    shares: Matrix
    everybody: NDArray[np.float64]
    places: tuple[int, ...]
    n_known: int


def measure_breadth(snapshot: "Snapshot") -> Breadth:
    """Count for every account the cells, capabilities and clusters that it asks in."""
    columns = columns_of(snapshot)
    total = len(columns.accounts)
    known = np.array([key != UNASSIGNED for key, _ in columns.capabilities], bool)
    percentiles = np.full((total, len(_SIGNALS)), np.nan)
    for i, signal in enumerate(_SIGNALS):
        if signal in columns.signals.names:
            percentiles[:, i] = columns.signals.percentiles[:, columns.signals.names.index(signal)]
    return Breadth(
        cells=np.bincount(columns.visits.account, minlength=total).astype(np.int32),
        capabilities=(columns.profile[:, known] > 0).sum(1).astype(np.int32),
        clusters=_count_clusters(columns),
        percentiles=percentiles,
    )


def _count_clusters(columns: Columns) -> NDArray[np.int32]:
    cluster = columns.prompt_cluster[columns.pairs.prompt]
    inside = cluster >= 0
    width = max(columns.cluster_names) + 2
    found = np.unique(columns.pairs.account[inside].astype(np.int64) * width + cluster[inside])
    return np.bincount(found // width, minlength=len(columns.accounts)).astype(np.int32)


def rank_accounts(snapshot: "Snapshot", by: Rank, capability: int | None = None) -> NDArray[np.int64]:
    """Return the rows of all accounts, those to look at first on top.

    `level` is the order of the queue; `breadth` puts first who asks in most cells; `share` and `number` who asks most
    about one capability, as a share of its own distinct prompts or as their number. Raises `ValueError` where a
    capability is needed and none is given.
    """
    columns = columns_of(snapshot)
    scores = np.where(np.isnan(columns.scores), -1.0, columns.scores)
    queue = (np.arange(len(scores)), -scores, -columns.levels.astype(np.int64))
    if by == "level":
        return np.lexsort(queue)
    if by == "breadth":
        return np.lexsort((*queue, -columns.n_prompts, -np.bincount(columns.visits.account, minlength=len(scores))))
    if capability is None:
        raise ValueError(f"to rank accounts by {by}, a capability must be given")
    number = columns.profile[:, capability].astype(np.int64)
    if by == "number":
        return np.lexsort((*queue, -number))
    return np.lexsort((*queue, -number, -number / np.maximum(1, columns.profile.sum(1))))


def compare_profiles(snapshot: "Snapshot", rows: NDArray[np.integer]) -> Profiles:
    """Return what the accounts in these rows of the accounts table ask about, beside everybody."""
    columns = columns_of(snapshot)
    size = np.bincount(columns.prompt_capability, minlength=len(columns.capabilities))
    last = np.array([key == UNASSIGNED for key, _ in columns.capabilities], bool)
    places = np.lexsort((-size, last))
    places = places[size[places] > 0]
    own = columns.profile[rows]
    shares = own[:, places] / np.maximum(1, own.sum(1, keepdims=True))
    return Profiles(
        Matrix(
            names_of(columns.accounts, rows), tuple(columns.capabilities[i][1] for i in places),
            shares.astype(np.float32),
        ),
        size[places] / max(1, len(columns.prompt_capability)),
        tuple(places.tolist()),
        int((~last[places]).sum()),
    )  # fmt: skip


def order_by_likeness(shares: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the places of the rows such that like ones stand beside each other: the leaves of an average linkage.

    Rows are compared by the Hellinger distance, which lets small shares count.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(shares) < 3:
        return np.arange(len(shares))
    roots = np.sqrt(np.asarray(shares, np.float64))
    return np.asarray(leaves_list(linkage(roots, "average", optimal_ordering=True)), np.int64)


def describe_breadth(snapshot: "Snapshot", breadth: Breadth) -> str:
    """Say how many capabilities a typical flagged account asks about, and how many the others."""
    columns = columns_of(snapshot)
    flagged = columns.levels >= _FLAGGED
    if not len(flagged):
        return "The snapshot has no accounts."
    known = sum(key != UNASSIGNED for key, _ in columns.capabilities)
    if flagged.all() or not flagged.any():
        middle = int(np.median(breadth.capabilities))
        return f"A typical account asks about {middle} of {known} capabilities."
    theirs, others = (int(np.median(breadth.capabilities[rows])) for rows in (flagged, ~flagged))
    return (
        f"A typical flagged account asks about {theirs} of {known} capabilities, "
        f"a typical other account about {others}."
    )
