"""The queue as columns: campaigns and accounts in one ranked list that is cheap to narrow down."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import NO_TIME, columns_of, floats, times, whole
from sweeplens.report.facts import FLAGGED, LEVELS, AccountRow, CampaignRow
from sweeplens.report.queue import account_rows, campaign_queue

if TYPE_CHECKING:
    from sweeplens.report.cases import Subject
    from sweeplens.store.snapshot import Snapshot

Mask = NDArray[np.bool_]
Row = AccountRow | CampaignRow
_FLAGGED = [LEVELS.index(level) for level in FLAGGED]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The rows of the queue, those to look at first on top; every array has one entry a row.

    accounts   ids of all accounts, in the order of the accounts table
    campaigns  groups labelled sweep
    grouped    whether a row is a campaign
    at         place of the row among `campaigns`, or in the accounts table
    level      place in `LEVELS`
    score, p, q  NaN for none
    n_accounts   members of a campaign, 1 for an account
    first, last  microseconds since 1970, `NO_TIME` for none
    member, of   accounts of the campaigns: row in the accounts table, and place of the campaign
    """

    accounts: list[str]
    campaigns: tuple[CampaignRow, ...]
    grouped: Mask
    at: NDArray[np.int64]
    level: NDArray[np.int8]
    score: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    n_accounts: NDArray[np.int32]
    n_requests: NDArray[np.int64]
    n_prompts: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    member: NDArray[np.int64]
    of: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.at)

    @cached_property
    def flagged(self) -> Mask:
        """Rows at review or high."""
        return np.isin(self.level, _FLAGGED)

    @cached_property
    def account_place(self) -> NDArray[np.int64]:
        """Row of the queue of each account, by its row in the accounts table."""
        places = np.empty(len(self.accounts), np.int64)
        rows = np.flatnonzero(~self.grouped)
        places[self.at[rows]] = rows
        return places

    @cached_property
    def campaign_place(self) -> NDArray[np.int64]:
        """Row of the queue of each campaign."""
        places = np.empty(len(self.campaigns), np.int64)
        rows = np.flatnonzero(self.grouped)
        places[self.at[rows]] = rows
        return places

    def spread(self, chosen: Mask, *, to_campaigns: bool = True) -> Mask:
        """Return which rows stand for chosen accounts: these themselves, and the campaigns that have one as a member.

        `chosen` has an entry for each row of the accounts table.
        """
        groups = np.zeros(len(self.campaigns), bool)
        if to_campaigns:
            groups[self.of[chosen[self.member]]] = True
        found = np.zeros(len(self), bool)
        found[~self.grouped] = chosen[self.at[~self.grouped]]
        found[self.grouped] = groups[self.at[self.grouped]]
        return found

    def subject(self, row: int) -> "Subject":
        """Return kind and id of one row."""
        place = int(self.at[row])
        return (
            ("campaign", self.campaigns[place].campaign_id) if self.grouped[row] else ("account", self.accounts[place])
        )


def rank(snapshot: "Snapshot") -> Ranking:
    """Return the campaigns labelled sweep and all accounts in one list: by level, then score, campaigns first.

    Among rows of its level, a campaign stands above its members, whatever their scores. Scores count as they are
    written, with two digits, so that it stands above members that show the same score, too.
    """
    columns, table, groups = columns_of(snapshot), snapshot.table("accounts"), tuple(campaign_queue(snapshot))
    member = np.array([columns.position[a] for g in groups for a in g.accounts], np.int64)
    of = np.repeat(np.arange(len(groups)), [len(g.accounts) for g in groups])
    own = np.array([np.nan if g.score is None else g.score for g in groups], np.float64)
    highest = own.copy()
    np.fmax.at(highest, of, columns.scores[member])
    first, last = times(table["first_ts"]), times(table["last_ts"])
    starts, ends = _periods(len(groups), of, first[member], last[member])
    ranked = np.lexsort((_ids_in_order(columns.accounts), _down(columns.scores), -columns.levels.astype(np.int64)))
    level = np.concatenate([_levels(groups), columns.levels[ranked]])
    deciding = np.concatenate([_written(highest), _written(columns.scores[ranked])])
    order = np.lexsort((deciding, -level.astype(np.int64)))  # stable: campaigns first, both in the order they have

    def both(of_groups: Iterable[float], of_accounts: NDArray[np.generic], kind: type) -> NDArray[Any]:
        return np.concatenate([np.array(list(of_groups), kind), of_accounts[ranked].astype(kind)])[order]

    rates = [(np.nan if g.p_value is None else g.p_value, np.nan if g.q_value is None else g.q_value) for g in groups]
    return Ranking(
        accounts=columns.accounts,
        campaigns=groups,
        grouped=np.concatenate([np.ones(len(groups), bool), np.zeros(len(ranked), bool)])[order],
        at=np.concatenate([np.arange(len(groups)), ranked])[order],
        level=level[order],
        score=both(own, columns.scores, np.float64),
        p=both([p for p, _ in rates], floats(table["p_value"]), np.float64),
        q=both([q for _, q in rates], floats(table["q_value"]), np.float64),
        n_accounts=both([len(g.accounts) for g in groups], np.ones(len(ranked)), np.int32),
        n_requests=both([g.n_requests for g in groups], whole(table["n_requests"]), np.int64),
        n_prompts=both([g.n_prompts for g in groups], columns.n_prompts, np.int64),
        first=both(starts, first, np.int64),
        last=both(ends, last, np.int64),
        member=member,
        of=of,
    )


def rows_at(snapshot: "Snapshot", ranking: Ranking, places: NDArray[np.integer]) -> list[Row]:
    """Return the rows of the queue at these places as facts, in their order."""
    import pyarrow as pa

    wanted = ranking.at[places[~ranking.grouped[places]]]
    found = account_rows(snapshot.table("accounts").take(pa.array(wanted, pa.int64())))
    by_id = {row.account_id: row for row in found}
    return [
        ranking.campaigns[at] if grouped else by_id[ranking.accounts[at]]
        for grouped, at in zip(ranking.grouped[places].tolist(), ranking.at[places].tolist(), strict=True)
    ]


def _levels(groups: Iterable[CampaignRow]) -> NDArray[np.int8]:
    return np.array([LEVELS.index(g.level) for g in groups], np.int8)


def _ids_in_order(ids: list[str]) -> NDArray[np.int64]:
    """Return the place of each id among the sorted ones."""
    places = np.empty(len(ids), np.int64)
    places[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return places


def _down(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what sorts scores from high to low, none last."""
    return np.where(np.isnan(scores), np.inf, -scores)


def _written(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what sorts scores from high to low as they are written; none stands below all."""
    return np.array([1.0 if s != s else -round(s, 2) for s in scores.tolist()], np.float64)  # noqa: PLR0124 - NaN


def _periods(
    n: int, of: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when the first member of each group was first seen, and the last one last."""
    never = np.iinfo(np.int64).min
    starts, ends = np.full(n, NO_TIME, np.int64), np.full(n, never, np.int64)
    np.minimum.at(starts, of, first)
    seen = last != NO_TIME
    np.maximum.at(ends, of[seen], last[seen])
    return starts, np.where(ends == never, NO_TIME, ends)
