"""What a report says about one account, as plain values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweeplens.report.account import account_evidence
from sweeplens.report.facts import AccountEvidence, SignalFact
from sweeplens.report.paper.account_pictures import draw_account
from sweeplens.report.paper.choice import Choice
from sweeplens.report.paper.drawing import Picture
from sweeplens.report.plain import to_plain
from sweeplens.report.releases import Release
from sweeplens.report.sentences import describe_chance
from sweeplens.report.wording import score, short
from sweeplens.signals.catalog import BY_KEY

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_ROW = (
    "level", "level_from", "score", "p_value", "q_value", "n_requests", "n_prompts", "first_ts", "last_ts",
    "campaign_id",
)  # fmt: skip
_ORDER = 2000  # requests of the sweep order that are listed, spread evenly


def gather(snapshot: "Snapshot", account_id: str, choice: Choice) -> AccountEvidence:
    """Return the evidence. Raises `NotFoundError` for an unknown account."""
    return account_evidence(snapshot, account_id, max_prompts=choice.prompts if choice.text else 0, max_order=_ORDER)


def describe(evidence: AccountEvidence, choice: Choice) -> dict[str, Any]:
    """Return what the report says about the account."""
    row, peers = evidence.row, evidence.peers
    facts = {fact.signal: fact for fact in evidence.signals}
    curve = evidence.curve
    return {
        "summary": evidence.headline,
        "chance": describe_chance(row),
        **{key: to_plain(getattr(row, key)) for key in _ROW},
        "peers": {
            "n": len(peers.account_ids), "low": peers.low, "high": peers.high, "like": peers.like,
            "n_scored": peers.n_scored, "score_above": peers.score_above, "language": peers.language,
            "n_language": peers.n_language, "text": peers.text,
        },
        "languages": to_plain(evidence.languages),
        "reasons": [_reason(facts[r.signal], r.text, r.weight) for r in row.reasons if r.signal in facts],
        "signals": [_signal(fact) for fact in evidence.signals],
        "curve": to_plain(curve),
        "capabilities": to_plain([c for c in evidence.capabilities if c.n_prompts or c.peer_median]),
        "clusters": [
            {**to_plain(c), "name": choice.cluster(c.cluster_id, c.name)} for c in evidence.clusters
        ],
        "order": _order(evidence),
        "timeline": to_plain(evidence.timeline),
        "links": [{**to_plain(link), "value": choice.link(link.kind, link.value)} for link in evidence.links],
        "prompts": choice.listing(evidence.prompts, len(evidence.prompt_ids)),
    }  # fmt: skip


def draw(
    snapshot: "Snapshot", evidence: AccountEvidence, choice: Choice, releases: Sequence[Release]
) -> Mapping[str, Picture]:
    """Return the pictures by their keys."""
    return draw_account(snapshot, evidence, choice, releases)


def _reason(fact: SignalFact, text: str, weight: float | None) -> dict[str, Any]:
    return {**_signal(fact), "text": text, "contribution": weight}


def _signal(fact: SignalFact) -> dict[str, Any]:
    known = BY_KEY.get(fact.signal)
    # What its kin and its campaign add has a score as its value.
    show = known.show if known else score if not fact.family and fact.quantiles is None else short
    median = None if fact.quantiles is None else fact.quantiles[2]
    return {
        "signal": fact.signal, "label": fact.label, "family": fact.family, "value": fact.value,
        "value_text": None if fact.value is None else show(fact.value),
        "peer_median": median, "peer_median_text": None if median is None else show(median),
        "peer_quantiles": to_plain(fact.quantiles), "peer_percentile": fact.peer_percentile,
        "contribution": fact.weight, "text": fact.text, "fools": fact.fools,
    }  # fmt: skip


def _order(evidence: AccountEvidence) -> dict[str, Any]:
    order = evidence.order
    times = [None if t is None else f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in order.ts.astype("datetime64[us]").tolist()]
    return {
        "total": order.total,
        "capabilities": [key for key, _ in order.capabilities],
        "arrival": order.arrival.tolist(),
        "ts": times,
        "capability": order.capability.tolist(),
    }
