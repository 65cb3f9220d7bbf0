"""What the difference of two snapshots holds: plain facts, the older side first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sweeplens.report.drift import Drift


@dataclass(frozen=True)
class Side:
    """One of the two snapshots in numbers."""

    snapshot_id: str
    created: datetime | None
    n_requests: int
    n_accounts: int
    n_prompts: int
    n_clusters: int
    n_campaigns: int


@dataclass(frozen=True)
class PromptFlow:
    """What became of the prompts that both snapshots have.

    `stayed` are in the cluster that continues theirs, `changed` in another one, `gained` were in none, `lost` are in
    none; the rest of `shared` was and is in none. `came` and `went` are the prompts of one snapshot alone.
    """

    shared: int
    stayed: int
    changed: int
    gained: int
    lost: int
    came: int
    went: int


@dataclass(frozen=True)
class ClusterChange:
    """One cluster: what happened to it, and to which cluster of the older snapshot it is the heir.

    `cluster_id` is that of the newer snapshot, and of the older one where it died. `continues` is the cluster of the
    older snapshot that it is the same as, `parents` are all that it comes from; `event` is as in `aligning.Lineage`.
    `n_before` counts the prompts of what it continues, else of its parents. `distance` is 1 - cosine of the means of
    its prompts' vectors before and after, None for one that continues none, and where the encoders differ.
    """

    cluster_id: int
    event: str
    continues: int | None
    parents: tuple[int, ...]
    name_before: str | None
    name_after: str | None
    n_before: int
    n_after: int
    n_shared: int
    distance: float | None


@dataclass(frozen=True)
class ClusterChanges:
    """How many clusters had each event; those that are not just the same; and those that changed most.

    `recorded` says that the newer snapshot wrote this down when it was made from the older one; else the two were
    aligned by the prompts that they share.
    """

    recorded: bool
    by_event: Mapping[str, int]
    events: tuple[ClusterChange, ...]
    grown: tuple[ClusterChange, ...]
    shrunk: tuple[ClusterChange, ...]
    moved: tuple[ClusterChange, ...]


@dataclass(frozen=True)
class CampaignChange:
    """One group of accounts: what happened to it, and who joined and left what it continues."""

    campaign_id: str
    event: str
    continues: str | None
    parents: tuple[str, ...]
    label_before: str | None
    label_after: str | None
    level_before: str | None
    level_after: str | None
    n_before: int
    n_after: int
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class AccountChange:
    """One account that both snapshots have. `change` is that of the score, where none counts as 0."""

    account_id: str
    level_before: str
    level_after: str
    score_before: float | None
    score_after: float | None
    change: float
    n_prompts_before: int
    n_prompts_after: int


@dataclass(frozen=True)
class LevelMove:
    """How many accounts went from one level to another; None for those that one snapshot lacks."""

    before: str | None
    after: str | None
    n_accounts: int


@dataclass(frozen=True)
class AccountChanges:
    """Accounts: how many both snapshots have, are new, are gone, rose and fell in level, and whose score moved most.

    `raised` and `lowered` are those whose level did, those at the highest level of the two first; having too little to
    be judged is no lower than none.
    """

    n_both: int
    n_new: int
    n_gone: int
    n_raised: int
    n_lowered: int
    levels: tuple[LevelMove, ...]
    moved: tuple[AccountChange, ...]
    raised: tuple[AccountChange, ...]
    lowered: tuple[AccountChange, ...]


@dataclass(frozen=True)
class Difference:
    """What differs between two snapshots. `notes` say in sentences what could not be compared."""

    before: Side
    after: Side
    prompts: PromptFlow
    clusters: ClusterChanges
    campaigns: tuple[CampaignChange, ...]
    accounts: AccountChanges
    score: Drift
    signals: tuple[Drift, ...]
    notes: tuple[str, ...]
