"""What the reports hold about clusters: plain facts, read from one snapshot."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeplens.report.facts import PromptRow, Timeline


@dataclass(frozen=True)
class ClusterRow:
    """One cluster of the map.

    `name` is what an analyst called it, else `found_name`, which the map found; one that is `pinned` stays on top.
    `flagged_share` is the share (0-1) of its requests from accounts at review or high. `event` says what became of it
    since the snapshot before (born, kept, split or merged, None where there was none); `growth` by which share its
    prompts grew, None unless it continues a single cluster.
    """

    cluster_id: int
    name: str
    found_name: str
    pinned: bool
    terms: tuple[str, ...]
    capability: str
    capability_name: str
    capability_score: float
    n_prompts: int
    n_core: int
    n_placed: int
    n_requests: int
    n_accounts: int
    n_flagged_accounts: int
    flagged_share: float
    event: str | None
    growth: float | None
    x: float
    y: float


@dataclass(frozen=True)
class ClusterAccount:
    """One account in a cluster: its share (0-1) of the cluster's requests, and the cluster's share of its prompts."""

    account_id: str
    n_requests: int
    n_prompts: int
    share_of_cluster: float
    share_of_account: float
    level: str
    score: float | None
    campaign_id: str | None


@dataclass(frozen=True)
class ClusterEvidence:
    """Everything that is shown about one cluster.

    `parents` are the clusters of the snapshot before that it comes from, which had `n_before` prompts then; None where
    there was no snapshot before. `weekly` is how many requests it had in each span of `span_days` days, oldest first,
    with the first day of the span and those from flagged accounts; `pace` by which share the last span is above the
    mean of those before.
    """

    row: ClusterRow
    headline: str
    parents: tuple[int, ...]
    n_before: int | None
    span_days: int
    weekly: tuple[tuple[date, int, int], ...]
    pace: float | None
    exemplars: "tuple[PromptRow, ...]"
    accounts: tuple[ClusterAccount, ...]
    prompts: "tuple[PromptRow, ...]"
    timeline: "Timeline"
