"""What is lit on the map: what the address names, or what a search by meaning finds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.errors import NotFoundError, SweepLensError
from sweeplens.report.facts import ClusterRow
from sweeplens.ui import data, links, words
from sweeplens.ui.charts.atlas import COLOURS
from sweeplens.ui.reads import map as reads
from sweeplens.ui.safe import code_span

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

NEAREST = 50  # prompts that a search finds
ONE = ("account", "campaign", "cluster", "like", "like_account")  # parameters of the address that light one thing
SEVERAL = "accounts"


@dataclass(frozen=True, eq=False)
class Lit:
    """Prompts that are lit, and in words what they are (Markdown).

    `similarity` is there for what was looked for, and is its order; `shares` are the prompts of each of several
    accounts; `seeds` are what was looked for, which is marked; `doubt` is what to know about it, in a sentence.
    """

    ids: NDArray[np.int64]
    what: str
    short: str
    similarity: NDArray[np.float32] | None = None
    shares: tuple[tuple[str, NDArray[np.int64]], ...] = ()
    seeds: tuple[int, ...] = ()
    doubt: str = ""

    def among(self, mask: NDArray[np.bool_]) -> "Lit":
        """Return what of it a mask over all prompts lets through."""
        able = mask[self.ids]
        n = int(able.sum())
        passing = "" if n == len(self.ids) else f"{words.count(n)} of them pass the filters."
        return replace(
            self,
            ids=self.ids[able],
            doubt=" ".join(filter(None, (self.doubt, passing))),
            similarity=None if self.similarity is None else self.similarity[able],
            shares=tuple((name, ids[mask[ids]]) for name, ids in self.shares),
        )


def find(snapshot: "Snapshot", needle: str) -> Lit | None:
    """Return what is lit; says in a sentence why a search is not possible. Raises `NotFoundError` for unknown ids."""
    if needle.strip():
        try:
            found = data.search_text(snapshot, needle.strip(), NEAREST)
        except SweepLensError as error:
            st.text(f"The search is not possible: {error}")
        else:
            ids = np.array([hit.prompt_id for hit in found], np.int64)
            what = f"The {words.counted(len(found), 'prompt')} nearest to what you looked for"
            return Lit(ids, what, "nearest prompts", np.array([hit.similarity for hit in found], np.float32))
    return _like(snapshot) or _named(snapshot)


def _like(snapshot: "Snapshot") -> Lit | None:
    prompt, account = links.wanted("like"), links.wanted("like_account")
    if prompt is not None:
        number = _number(prompt, "prompt")
        near = reads.like_prompt(snapshot, number, NEAREST)
        what = f"The {words.counted(len(near.ids), 'prompt')} nearest to prompt {number}"
        return Lit(near.ids, what, "nearest prompts", near.similarity, seeds=(number,))
    if account is not None:
        near = reads.like_account(snapshot, account, NEAREST)
        what = (
            f"The {words.counted(len(near.ids), 'prompt')} of others nearest to those of account {code_span(account)}"
        )
        doubt = "Each of its typical prompts is looked for; its own prompts are left out."
        return Lit(near.ids, what, "nearest prompts of others", near.similarity, doubt=doubt)
    return None


def _named(snapshot: "Snapshot") -> Lit | None:
    """Return what the address names; of a campaign and a cluster, or accounts and a cluster, what they share."""
    accounts, campaign, cluster = wanted_accounts(), links.wanted("campaign"), links.wanted("cluster")
    parts: list[Lit] = []
    if accounts:
        parts.append(_accounts(snapshot, accounts))
    if campaign is not None:
        ids = reads.prompts_of_campaign(snapshot, campaign)
        parts.append(Lit(ids, f"Campaign {code_span(campaign)}", f"campaign {campaign}"))
    if cluster is not None:
        row = _cluster(snapshot, cluster)
        ids = np.flatnonzero(data.map_points(snapshot).cluster == row.cluster_id)
        parts.append(Lit(ids, f"Cluster {row.cluster_id} {code_span(row.name)}", f"cluster {row.cluster_id}"))
    if not parts:
        return None
    lit = parts[0]
    for other in parts[1:]:
        mask = np.zeros(len(data.map_points(snapshot).x), bool)
        mask[other.ids] = True
        lit = replace(
            lit.among(mask), what=f"{lit.what} in {other.what}", short=f"{lit.short}, {other.short}", doubt=lit.doubt
        )
    return lit


def _cluster(snapshot: "Snapshot", cluster: str) -> ClusterRow:
    """Return the row of a cluster; the evidence says what is wrong with an id that none has."""
    known = {str(row.cluster_id): row for row in data.clusters(snapshot)}
    return known[cluster] if cluster in known else data.cluster_evidence(snapshot, cluster).row


def _accounts(snapshot: "Snapshot", accounts: Sequence[str]) -> Lit:
    shares = tuple((account, reads.prompts_of(snapshot, account)) for account in accounts[:COLOURS])
    if len(accounts) == 1:
        return Lit(shares[0][1], f"Account {code_span(accounts[0])}", f"account {accounts[0]}")
    ids = np.unique(np.concatenate([ids for _, ids in shares]))
    doubt = "" if len(accounts) <= COLOURS else f"Only the first {COLOURS} of {len(accounts)} accounts are lit."
    return Lit(ids, f"{words.counted(len(shares), 'account')}", "accounts", shares=shares, doubt=doubt)


def wanted_accounts() -> list[str]:
    """Return the accounts that the address or the controls name, each once."""
    one, several = links.wanted("account"), st.session_state.get(SEVERAL)
    named = list(several) if isinstance(several, list) else links.all_wanted(SEVERAL)
    return list(dict.fromkeys([*([one] if one is not None else []), *named]))


def _number(text: str, kind: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFoundError(f"a {kind}'s id is a number, but the address says {text[:40]!r}")
    return int(text)
