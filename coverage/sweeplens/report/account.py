"""What is known about one account."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import Columns, columns_of, dates, spaced
from sweeplens.report.facts import (
    AccountEvidence,
    AccountRow,
    ClusterShare,
    LanguageMix,
    LanguageShare,
    LinkFact,
    PromptRow,
    SweepOrder,
)
from sweeplens.report.find import find_account, find_campaign
from sweeplens.report.ground import make_rows, make_timeline, typical_order
from sweeplens.report.languages import language_name
from sweeplens.report.mixes import mixes_of
from sweeplens.report.peers import (
    compare_capabilities,
    compare_curve,
    compare_signals,
    describe_peers,
    find_nearest,
    peers_of,
)
from sweeplens.report.queue import account_rows
from sweeplens.report.sentences import describe_account, describe_languages

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_OTHERS = 10  # accounts that are named beside a link
_NEAREST = 10


def account_evidence(
    snapshot: "Snapshot", account_id: str, *, max_prompts: int | None = 500, max_order: int | None = 5000
) -> AccountEvidence:
    """Gather everything that is shown about one account; `prompts` and `order` are cut, `prompt_ids` are all.

    Raises `NotFoundError`, with ids that look alike, for an unknown account.
    """
    account = find_account(snapshot, account_id)
    columns = columns_of(snapshot)
    row = account_rows(snapshot.table("accounts").slice(account, 1))[0]
    chosen = peers_of(snapshot, account)
    peers, described = chosen.rows, describe_peers(snapshot, account, chosen)
    campaign = None if row.campaign_id is None else find_campaign(snapshot, row.campaign_id)
    own = slice(columns.requests.starts[account], columns.requests.starts[account + 1])
    pairs = slice(columns.pairs.starts[account], columns.pairs.starts[account + 1])
    return AccountEvidence(
        row=row,
        headline=describe_account(row, described, campaign),
        peers=described,
        languages=account_languages(snapshot, account),
        signals=compare_signals(snapshot, account, peers, row),
        curve=compare_curve(snapshot, account, peers),
        capabilities=compare_capabilities(snapshot, account, peers),
        clusters=_cluster_shares(columns, columns.pairs.prompt[pairs]),
        timeline=make_timeline(columns.requests.ts[own]),
        order=_sweep_order(columns, own, max_order),
        prompts=_prompts(snapshot, pairs, max_prompts),
        prompt_ids=columns.pairs.prompt[pairs],
        nearest=find_nearest(snapshot, account, _NEAREST),
        links=_links(snapshot, row),
    )


def account_languages(snapshot: "Snapshot", account: int) -> LanguageMix:
    """Return which languages the account in this row of the accounts table asks in."""
    mix = mixes_of(snapshot).mix
    shares = tuple(LanguageShare(code, language_name(code), n, share) for code, n, share in mix.shares(account))
    untold = int(mix.untold[account])
    return LanguageMix(shares[0].language if shares else None, shares, untold, describe_languages(shares, untold))


def _prompts(snapshot: "Snapshot", own: slice, most: int | None) -> tuple[PromptRow, ...]:
    pairs = columns_of(snapshot).pairs
    order = typical_order(snapshot, pairs.prompt[own])[:most]
    ids = pairs.prompt[own][order].astype(np.int64)
    return make_rows(snapshot, ids, pairs.sent[own][order], pairs.first[own][order])


def _cluster_shares(columns: Columns, prompts: NDArray[np.int32]) -> tuple[ClusterShare, ...]:
    found, n = np.unique(columns.prompt_cluster[prompts], return_counts=True)
    everywhere = np.bincount(columns.prompt_cluster + 1)
    order = np.lexsort((found, -n, found < 0))
    return tuple(
        ClusterShare(
            cluster, columns.cluster_names[cluster], columns.capabilities[columns.cluster_capability[cluster]][0], k,
            k / len(prompts), float(everywhere[cluster + 1] / len(columns.prompt_cluster)),
        )
        for cluster, k in zip(found[order].tolist(), n[order].tolist(), strict=True)
    )  # fmt: skip


def _sweep_order(columns: Columns, own: slice, most: int | None) -> SweepOrder:
    prompts = columns.requests.prompt[own]
    first = np.zeros(len(prompts), bool)
    first[np.unique(prompts, return_index=True)[1]] = True
    shown = spaced(len(prompts), most)
    prompts = prompts[shown]
    return SweepOrder(
        arrival=shown + 1,
        ts=dates(columns.requests.ts[own][shown]),
        capability=columns.prompt_capability[prompts],
        cluster=columns.prompt_cluster[prompts],
        prompt_id=prompts,
        first=first[shown],
        capabilities=columns.capabilities,
        total=len(first),
    )


def _links(snapshot: "Snapshot", row: AccountRow) -> tuple[LinkFact, ...]:
    import pyarrow.compute as pc

    table = snapshot.table("links")
    facts = []
    for link in table.filter(pc.field("account_id") == row.account_id).to_pylist():
        same = (pc.field("kind") == link["kind"]) & (pc.field("value") == link["value"])
        others = [a for a in table.filter(same)["account_id"].to_pylist() if a != row.account_id]
        facts.append(LinkFact(link["kind"], link["value"], link["n_accounts"], link["weight"], tuple(others[:_OTHERS])))
    return tuple(sorted(facts, key=lambda f: (-f.weight, f.kind, f.value)))
