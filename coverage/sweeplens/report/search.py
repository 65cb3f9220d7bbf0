"""The prompts nearest to a query, with who sent them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeplens.errors import NotFoundError
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import Hit
from sweeplens.report.find import find_account
from sweeplens.report.ground import prompt_rows, typical_order

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SENDERS = 5
_QUERIES = 48  # typical prompts that an account is looked for by
_EACH = 24  # prompts of others that are looked for near to each of them


@dataclass(frozen=True, eq=False)
class Near:
    """Prompts near to something, nearest first: their ids, and the cosine of each."""

    ids: NDArray[np.int64]
    similarity: NDArray[np.float32]


def near_vector(snapshot: "Snapshot", vector: ArrayLike, k: int = 50) -> Near:
    """Return the k prompts nearest to a unit vector [dim] of the snapshot's encoder."""
    similarity, ids = snapshot.index.search(np.asarray(vector, np.float32).reshape(1, -1), k)
    there = ids[0] >= 0
    return Near(ids[0][there], np.minimum(similarity[0][there], 1.0).astype(np.float32))


def near_prompt(snapshot: "Snapshot", prompt_id: int, k: int = 50) -> Near:
    """Return the k prompts nearest to one of the snapshot, without it. Raises `NotFoundError` for an unknown id."""
    total = snapshot.table("use").num_rows
    if not 0 <= prompt_id < total:
        raise NotFoundError(
            f"snapshot {snapshot.snapshot_id} has no prompt {prompt_id}: its prompts are 0 to {total - 1}"
        )
    found = near_vector(snapshot, np.asarray(snapshot.vectors[np.array([prompt_id])], np.float32)[0], k + 1)
    other = found.ids != prompt_id
    return Near(found.ids[other][:k], found.similarity[other][:k])


def near_account(snapshot: "Snapshot", account_id: str, k: int = 50) -> Near:
    """Return the k prompts of others that are nearest to any of an account's typical prompts.

    The mean of an account that asks about many things lies near to nothing, so its typical prompts, which its clusters
    take turns to give, are looked for one by one. Raises `NotFoundError` for an unknown account.
    """
    row, pairs = find_account(snapshot, account_id), columns_of(snapshot).pairs
    own = pairs.prompt[pairs.starts[row] : pairs.starts[row + 1]]
    queries = own[typical_order(snapshot, own)[:_QUERIES]]
    if not len(queries):
        return Near(np.empty(0, np.int64), np.empty(0, np.float32))
    similarity, ids = snapshot.index.search(np.asarray(snapshot.vectors[queries], np.float32), _EACH + k)
    flat, near = ids.ravel(), similarity.ravel()
    other = (flat >= 0) & ~np.isin(flat, own)
    flat, near = flat[other], near[other]
    order = np.lexsort((flat, -near))
    _, first = np.unique(flat[order], return_index=True)
    best = order[np.sort(first)][:k]
    return Near(flat[best].astype(np.int64), np.minimum(near[best], 1.0).astype(np.float32))


def search(snapshot: "Snapshot", vector: ArrayLike, k: int = 20) -> list[Hit]:
    """Return the k prompts nearest to a unit vector [dim] of the snapshot's encoder, nearest first."""
    similarity, ids = snapshot.index.search(np.asarray(vector, np.float32).reshape(1, -1), k)
    near = ids[0]
    who = _senders(snapshot, near)
    return [
        Hit(
            prompt_id=row.prompt_id,
            similarity=min(1.0, s),  # half-precision rows are a little longer or shorter than 1
            text=row.text,
            cluster_id=row.cluster_id,
            cluster_name=row.cluster_name,
            capability=row.capability,
            n_requests=row.n_sent,
            n_accounts=row.n_accounts,
            accounts=who.get(row.prompt_id, ()),
        )
        for s, row in zip(similarity[0].tolist(), prompt_rows(snapshot, near), strict=True)
    ]


def _senders(snapshot: "Snapshot", ids: np.ndarray) -> dict[int, tuple[str, ...]]:
    """Return up to five senders of each prompt, those who sent it most often first."""
    columns = columns_of(snapshot)
    places = np.flatnonzero(np.isin(columns.pairs.prompt, ids))
    pairs = columns.pairs
    order = places[np.lexsort((pairs.account[places], -pairs.sent[places], pairs.prompt[places]))]
    found: dict[int, tuple[str, ...]] = {}
    for prompt, account in zip(pairs.prompt[order].tolist(), pairs.account[order].tolist(), strict=True):
        have = found.get(prompt, ())
        if len(have) < _SENDERS:
            found[prompt] = (*have, columns.accounts[account])
    return found
