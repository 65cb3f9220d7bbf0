"""What is known about one campaign: its members, and how they share the ground."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import Columns, columns_of, names_of, spaced
from sweeplens.report.facts import CampaignEvidence, Matrix, PromptRow, UnionCoverage
from sweeplens.report.find import find_campaign
from sweeplens.report.ground import make_rows, make_timeline, requests_of, typical_order
from sweeplens.report.members import (
    by_start,
    count_days,
    count_hours,
    link_members,
    periods,
    rank_members,
    share_by_capability,
    share_by_cluster,
    usual_likeness,
)
from sweeplens.report.queue import account_rows
from sweeplens.report.sentences import describe_campaign
from sweeplens.report.shared import Sent, prompts_of, shared_links, shared_prompts

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_LARGEST = 5


def campaign_evidence(
    snapshot: "Snapshot",
    campaign_id: str,
    *,
    max_members: int = 60,
    max_rows: int = 1000,
    max_prompts: int | None = 200,
) -> CampaignEvidence:
    """Gather everything that is shown about one campaign, whatever its label.

    `max_rows` members are listed, `max_members` stand in the matrices. Raises `NotFoundError`, with ids that look
    alike, for an unknown campaign.
    """
    row = find_campaign(snapshot, campaign_id)
    columns, table = columns_of(snapshot), snapshot.table("accounts")
    everyone = rank_members(columns, np.array([columns.position[account] for account in row.accounts], np.int64))
    some = everyone[spaced(len(everyone), max_members)]
    linked, likeness = link_members(snapshot, some)
    names = names_of(columns.accounts, linked)
    sent = prompts_of(snapshot, everyone)
    coverage = _coverage(snapshot, everyone, sent.ids)
    timeline = make_timeline(columns.requests.ts[requests_of(columns, everyone.tolist())])
    first, last = periods(snapshot, [(campaign_id, row.accounts)])[campaign_id]
    return CampaignEvidence(
        row=row,
        headline=describe_campaign(row, coverage),
        members=tuple(account_rows(table.take(everyone[:max_rows]))),
        first_ts=first,
        last_ts=last,
        capabilities=share_by_capability(columns, linked),
        clusters=share_by_cluster(columns, linked, sent.ids),
        similarity=Matrix(names, names, likeness),
        alike_elsewhere=usual_likeness(snapshot),
        days=count_days(columns, by_start(columns, some), timeline),
        hours=count_hours(columns, by_start(columns, some)),
        coverage=coverage,
        shared=shared_prompts(snapshot, sent),
        n_shared_prompts=int((sent.members > 1).sum()),
        timeline=timeline,
        links=shared_links(snapshot, row.accounts),
        prompts=_typical(snapshot, sent, max_prompts),
        prompt_ids=sent.ids.astype(np.int32),
    )


def _typical(snapshot: "Snapshot", sent: Sent, most: int | None) -> tuple[PromptRow, ...]:
    by_time = np.lexsort((sent.ids, sent.first))
    order = by_time[typical_order(snapshot, sent.ids[by_time])][:most]
    return make_rows(snapshot, sent.ids[order], sent.sent[order], sent.first[order])


def _coverage(snapshot: "Snapshot", members: NDArray[np.int64], ids: NDArray[np.int64]) -> UnionCoverage:
    columns = columns_of(snapshot)
    cells = np.bincount(columns.visits.account, minlength=len(columns.accounts))
    others = np.setdiff1d(np.arange(len(columns.accounts)), members)
    together = len(np.unique(columns.prompt_cell[ids]))
    outside = _widest(columns, cells, others, 1)
    return UnionCoverage(
        together, len(snapshot.cells), _widest(columns, cells, members, _LARGEST), outside[0] if outside else None
    )


def _widest(
    columns: Columns, cells: NDArray[np.int64], accounts: NDArray[np.int64], most: int
) -> tuple[tuple[str, int], ...]:
    ids = np.array(names_of(columns.accounts, accounts))
    top = accounts[np.lexsort((ids, -cells[accounts]))][:most] if len(accounts) else accounts
    return tuple((columns.accounts[a], int(cells[a])) for a in top.tolist())
