"""What several members of a campaign have in common: prompts word for word, and links beside the prompts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import NO_TIME, columns_of
from sweeplens.report.facts import SharedLink, SharedPrompt

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_PROMPTS = 100  # that are listed
_LINKS = 200  # values in common that are listed


class Sent(NamedTuple):
    """Distinct prompts of some accounts, by id: times sent, first sending, number of these accounts that sent them."""

    ids: NDArray[np.int64]
    sent: NDArray[np.int64]
    first: NDArray[np.int64]
    members: NDArray[np.int64]


def prompts_of(snapshot: "Snapshot", members: NDArray[np.int64]) -> Sent:
    """Return the distinct prompts of these accounts, which are rows of the accounts table."""
    pairs = columns_of(snapshot).pairs
    places = np.concatenate([np.arange(pairs.starts[m], pairs.starts[m + 1]) for m in members.tolist()])
    prompts, n = pairs.prompt[places], len(columns_of(snapshot).prompt_cell)
    members_of = np.bincount(prompts, minlength=n)
    sent = np.bincount(prompts, weights=pairs.sent[places], minlength=n).astype(np.int64)
    first = np.full(n, NO_TIME, np.int64)
    np.minimum.at(first, prompts, pairs.first[places])
    ids = np.flatnonzero(members_of)
    return Sent(ids, sent[ids], first[ids], members_of[ids])


def shared_prompts(snapshot: "Snapshot", sent: Sent) -> tuple[SharedPrompt, ...]:
    """Return the prompts that two or more sent, those of most accounts first, then those sent most often."""
    several = np.flatnonzero(sent.members > 1)
    top = several[np.lexsort((sent.ids[several], -sent.sent[several], -sent.members[several]))][:_PROMPTS]
    in_all = snapshot.table("use")["n_accounts"].take(sent.ids[top]).to_numpy()
    rows = zip(sent.ids[top].tolist(), sent.members[top].tolist(), in_all.tolist(), strict=True)
    return tuple(SharedPrompt(prompt, n, max(0, total - n)) for prompt, n, total in rows)


def shared_links(snapshot: "Snapshot", accounts: Sequence[str]) -> tuple[SharedLink, ...]:
    """Return what two or more of these accounts have in common beside prompts, the rarest and most shared first."""
    import pyarrow.compute as pc

    own = snapshot.table("links").filter(pc.field("account_id").isin(list(accounts)))
    known = own.group_by(["kind", "value"]).aggregate(
        [("account_id", "count"), ("n_accounts", "max"), ("weight", "max")]
    )
    several = known.filter(pc.field("account_id_count") > 1).to_pylist()
    shared = [
        SharedLink(k["kind"], k["value"], k["account_id_count"], k["n_accounts_max"], k["weight_max"]) for k in several
    ]
    return tuple(sorted(shared, key=lambda s: (-s.n_members * s.weight, s.kind, s.value))[:_LINKS])
