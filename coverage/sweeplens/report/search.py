"""The prompts nearest to a query, with who sent them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sweeplens.report.columns import columns_of
from sweeplens.report.facts import Hit
from sweeplens.report.ground import prompt_rows

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SENDERS = 5


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
