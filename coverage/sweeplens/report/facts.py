"""What the reports hold: plain facts about an account, a campaign, a cluster or a prompt, read from one snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sweeplens.detect.detector import LEVELS
from sweeplens.report.cluster_facts import ClusterAccount, ClusterEvidence, ClusterRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FLAGGED", "LEVELS", "ClusterAccount", "ClusterEvidence", "ClusterRow"]

FLAGGED = ("review", "high")


@dataclass(frozen=True)
class Reason:
    """Why an account scores as it does: one signal, in a sentence."""

    signal: str
    value: float | None
    peer_percentile: float | None
    weight: float | None
    text: str


@dataclass(frozen=True)
class AccountRow:
    """One account as the queue lists it. `score` is 0-1, or None where there is too little to judge."""

    account_id: str
    n_requests: int
    n_prompts: int
    score: float | None
    p_value: float | None
    q_value: float | None
    level: str
    level_from: str
    campaign_id: str | None
    first_ts: datetime | None
    last_ts: datetime | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class CampaignRow:
    """One group of accounts; `evidence` is what the detector wrote down about it."""

    campaign_id: str
    label: str
    accounts: tuple[str, ...]
    n_requests: int
    n_prompts: int
    score: float | None
    p_value: float | None
    q_value: float | None
    level: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class PromptRow:
    """One distinct prompt. `n_sent` and `first_ts` are those of the account in question, else of all accounts.

    `text` is hostile: show it through `text.printable` or as plain text, never as markup. It is None in a snapshot that
    keeps no text.
    """

    prompt_id: int
    text: str | None
    cluster_id: int
    cluster_name: str
    capability: str
    kind: str
    n_sent: int
    n_accounts: int
    first_ts: datetime | None


@dataclass(frozen=True)
class Overview:
    """The numbers above the queue. Flagged accounts are at review or high; campaigns carry the label sweep."""

    snapshot_id: str
    created: datetime | None
    age_days: float | None
    n_accounts: int
    n_flagged: int
    n_campaigns: int
    n_requests: int
    n_prompts: int
    by_level: Mapping[str, int]
    first_ts: datetime | None
    last_ts: datetime | None
    encoder: str
    detector: str


@dataclass(frozen=True)
class Peers:
    """Accounts of like number of distinct prompts, without the account itself; all lie within `low` to `high`.

    `like` says that all are within a factor of 1.5: where too few are, the nearest make up the number. `score_above` is
    the share (0-1) of scored peers whose score is lower, None where the account has no score. `language` is the
    account's main language where it is that of all peers, else None; `n_language` others of like volume have it. `text`
    says whom the account is compared with.
    """

    account_ids: tuple[str, ...]
    low: int
    high: int
    like: bool
    n_scored: int
    score_above: float | None
    language: str | None = None
    n_language: int = 0
    text: str = ""


@dataclass(frozen=True)
class LanguageShare:
    """How many of an account's distinct prompts are in a language, and their share (0-1) of those where it is told."""

    language: str
    name: str
    n_prompts: int
    share: float


@dataclass(frozen=True)
class LanguageMix:
    """Which languages an account asks in, the largest share first; of `n_untold` prompts the language is not told.

    `main` is the code of the first, None where no prompt has a language.
    """

    main: str | None
    shares: tuple[LanguageShare, ...]
    n_untold: int
    text: str


@dataclass(frozen=True)
class SignalFact:
    """One signal of an account beside its peers. `quantiles` are the peers' 5, 25, 50, 75 and 95 % points.

    What its kin and its campaign add stands here, too, with their score as the value; they have no family and no peers.
    `weight` is what the signal adds to the log-odds where it is among the reasons, `text` says it in words, and `fools`
    which honest use looks the same. `telling` is whether it sets the account apart from its peers.
    """

    signal: str
    family: str
    label: str
    value: float | None
    peer_percentile: float | None
    quantiles: tuple[float, float, float, float, float] | None
    weight: float | None
    text: str | None
    fools: str
    telling: bool


@dataclass(frozen=True)
class Curve:
    """Distinct cells seen after n distinct prompts, and the 5 %, median and 95 % of the peers who got that far."""

    n: tuple[int, ...]
    cells: tuple[int, ...]
    low: tuple[float | None, ...]
    median: tuple[float | None, ...]
    high: tuple[float | None, ...]
    n_peers: tuple[int, ...]


@dataclass(frozen=True)
class CapabilityShare:
    """Share (0-1) of an account's distinct prompts on one capability, beside the median share of its peers."""

    capability: str
    name: str
    n_prompts: int
    share: float
    peer_median: float | None


@dataclass(frozen=True)
class ClusterShare:
    """How much of an account's distinct prompts lies in one cluster (-1: none), beside the share among all prompts."""

    cluster_id: int
    name: str
    capability: str
    n_prompts: int
    share: float
    map_share: float


@dataclass(frozen=True)
class Timeline:
    """Requests per day (UTC, without empty days) and per hour of the day; `undated` have no time."""

    days: tuple[tuple[date, int], ...]
    hours: tuple[int, ...]
    undated: int


@dataclass(frozen=True, eq=False)
class SweepOrder:
    """Requests in order of arrival, one entry each, thinned evenly where there are too many to draw.

    `arrival` counts from 1; `ts` is datetime64[us] with NaT for none; `capability` is a row of `capabilities`
    (keys and names in the taxonomy's order); `cluster` is -1 for none; `first` marks a prompt's first sending.
    """

    arrival: "NDArray[np.int64]"
    ts: "NDArray[np.datetime64]"
    capability: "NDArray[np.int32]"
    cluster: "NDArray[np.int32]"
    prompt_id: "NDArray[np.int32]"
    first: "NDArray[np.bool_]"
    capabilities: tuple[tuple[str, str], ...]
    total: int


@dataclass(frozen=True)
class NearAccount:
    """Another account on like ground. `similarity` is the cosine of the shares over cells, rare cells weighing more."""

    account_id: str
    similarity: float
    shared_cells: int
    level: str
    score: float | None
    campaign_id: str | None


@dataclass(frozen=True)
class LinkFact:
    """Something that several accounts have in common; `others` are up to ten of them, without the account itself."""

    kind: str
    value: str
    n_accounts: int
    weight: float
    others: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AccountEvidence:
    """Everything that is shown about one account."""

    row: AccountRow
    headline: str
    peers: Peers
    languages: LanguageMix
    signals: tuple[SignalFact, ...]
    curve: Curve
    capabilities: tuple[CapabilityShare, ...]
    clusters: tuple[ClusterShare, ...]
    timeline: Timeline
    order: SweepOrder
    prompts: tuple[PromptRow, ...]
    prompt_ids: "NDArray[np.int32]"
    nearest: tuple[NearAccount, ...]
    links: tuple[LinkFact, ...]


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers with the names of their rows and columns: `values` is float32 [rows, columns].

    `everybody` is the mean row of all accounts of the log, float32 [columns], where that is something to compare with.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: "NDArray[np.float32]"
    everybody: "NDArray[np.float32] | None" = None


@dataclass(frozen=True)
class UnionCoverage:
    """Distinct cells of all members together, against those of the largest single members (id, cells).

    `outside` is the account with most cells that is no member, None where all are.
    """

    cells: int
    of: int
    largest: tuple[tuple[str, int], ...]
    outside: tuple[str, int] | None = None


@dataclass(frozen=True)
class SharedLink:
    """Something that `n_members` of a campaign have in common, of `n_accounts` in the whole log."""

    kind: str
    value: str
    n_members: int
    n_accounts: int
    weight: float


@dataclass(frozen=True)
class SharedPrompt:
    """A prompt that `n_members` of a campaign sent, and `n_others` accounts of the log beside them."""

    prompt_id: int
    n_members: int
    n_others: int


@dataclass(frozen=True, eq=False)
class CampaignEvidence:
    """Everything that is shown about one campaign.

    `members` are the first ones by level and score, `row.accounts` all of them. The matrices have at most `max_members`
    rows, spread evenly over all. `similarity`, `capabilities` and `clusters` have the leaf order of an average linkage,
    so that like members are neighbours; `days` and `hours` (of the day, UTC) count requests, who began first on top.
    `alike_elsewhere` is the median likeness of two accounts of the whole log, None where there are too few. `shared`
    are prompts that several members sent, those of most members first.
    """

    row: CampaignRow
    headline: str
    members: tuple[AccountRow, ...]
    first_ts: datetime | None
    last_ts: datetime | None
    capabilities: Matrix
    clusters: Matrix
    similarity: Matrix
    alike_elsewhere: float | None
    days: Matrix
    hours: Matrix
    coverage: UnionCoverage
    shared: tuple[SharedPrompt, ...]
    n_shared_prompts: int
    timeline: Timeline
    links: tuple[SharedLink, ...]
    prompts: tuple[PromptRow, ...]
    prompt_ids: "NDArray[np.int32]"


@dataclass(frozen=True)
class Hit:
    """A prompt near a query; `similarity` is the cosine, `accounts` are up to five of its `n_accounts` senders.

    `text` is None in a snapshot that keeps none.
    """

    prompt_id: int
    similarity: float
    text: str | None
    cluster_id: int
    cluster_name: str
    capability: str
    n_requests: int
    n_accounts: int
    accounts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MapPoints:
    """All prompts as columns for the map: row number = prompt id.

    `capability` is a row of `capabilities` (keys and names); `level` is the row in `LEVELS` of the highest level among
    the prompt's senders; `n_requests` is how often it was sent.
    """

    x: "NDArray[np.float32]"
    y: "NDArray[np.float32]"
    cluster: "NDArray[np.int32]"
    capability: "NDArray[np.int32]"
    level: "NDArray[np.int8]"
    n_requests: "NDArray[np.int32]"
    capabilities: tuple[tuple[str, str], ...]
