"""The method in plain words: how a score comes about, what it can and cannot say, which honest use looks the same."""

from collections.abc import Mapping
from typing import Any

from sweeplens.report.facts import AccountEvidence, CampaignEvidence
from sweeplens.report.wording import count

CAUTION = (
    "This report orders a review queue. It is not proof: a person has to look at the evidence before anything is done "
    "to an account."
)
_MAP = (
    "Each distinct prompt of the log{prompts} was turned into a vector by the encoder {encoder}; prompts that are "
    "alike in meaning lie near each other. The vectors are divided into even cells{cells}, which are the ruler of "
    "coverage, and into clusters of like prompts, each of which belongs to a capability."
)
_SCORE = (
    "An account with ten or more distinct prompts is measured by signals that do not depend on its volume. The "
    "detector {detector} adds up what they speak for, then lets accounts that ask alike have a say; the score is "
    "between 0 and 1. What each part adds is exact: it is the change in log-odds, and a campaign may add to it."
)
_RARITY = (
    "p is how rare so high a score is among {honest} that were known beforehand: 0.005 or less puts an account at "
    "review, 0.001 or less at high. q corrects p for how many were tested."
)
_NO_RARITY = "No benign reference fits this detector, so that there are no p and q, and no level goes above watch."
_PEERS = (
    "Peers are the accounts with a like number of distinct prompts that ask mostly in the same language, or where "
    "fewer than 30 do, those of any language. They make numbers readable; the score does not depend on them."
)
_GROUPS = (
    "Groups are formed on one half of each account's prompts, by how alike the mixtures of what they ask are, and "
    "tested on the other half, taken together as if they were one account. The p of a group is its place among the "
    "groups that honest accounts form by the same steps. One that looks like a sweep is at review, with a p of 0.001 "
    "or less at high."
)
_PATTERN = (
    "that the prompts, their order and their spread follow the pattern that systematic copying of a model has, and how "
    "much each part of the pattern counts"
)
_CAN = (
    _PATTERN,
    "how rare so strong a pattern is among the honest accounts of the reference",
    "which accounts ask as if one pool of prompts had been dealt out to them",
)
_CANNOT = (
    "who is behind an account, what the answers were used for, or whether a model was trained on them",
    "that a use which the reference does not know is dishonest: such a use may score high every time",
    "that an account below the levels is honest: a sweep that is mixed with much ordinary use may be missed",
    "anything about requests that the log does not hold",
)
_ALIKE = (
    "apps and gateways that forward the requests of many people",
    "evaluations and public benchmarks that are run through the model",
    "jobs that put one template on many inputs",
)
_ALIKE_CAMPAIGN = (
    "several keys or accounts of one business",
    "apps or shared software kits with the same template and many users",
    "many people who run the same public benchmark",
    "a class, a course or a hackathon in which all work on the same tasks",
)
_FEWEST = 200  # accounts below which a log says little about what is usual


def describe_method(kind: str, origin: Mapping[str, Any]) -> list[str]:
    """Say step by step how the numbers of such a report come about."""
    counts, encoder, detector = origin["snapshot"]["counts"], origin["encoder"], origin["detector"]
    name = f"{detector.get('name', '')} {detector.get('version', '')}".strip()
    said = [
        _MAP.format(
            prompts=_of(counts.get("prompts")), encoder=encoder.get("name", ""), cells=_of(counts.get("cells"))
        ),
        _SCORE.format(detector=name),
        _describe_reference(origin.get("reference")),
        _PEERS,
    ]
    return [*said, _GROUPS] if kind == "campaign" else said


def describe_reach() -> dict[str, list[str]]:
    """Return what the detector can say and what it cannot."""
    return {"can": list(_CAN), "cannot": list(_CANNOT)}


def describe_doubts(kind: str, origin: Mapping[str, Any], evidence: AccountEvidence | CampaignEvidence) -> list[str]:
    """Say what weakens this report: little data, no reference, a detector or an encoder that does not fit."""
    row, accounts = evidence.row, origin["snapshot"]["counts"].get("accounts", 0)
    few = "This account has too few distinct prompts to be judged alone."
    about = evidence if isinstance(evidence, AccountEvidence) else None
    said = {
        few if kind == "account" else "This campaign has no score.": row.score is None,
        "No detector was trained for this encoder: accounts are ranked by where they stand among their peers.": (
            bool(origin["detector"].get("fallback"))
        ),
        "There is no benign reference for this score, so that nothing says how rare it is.": (
            row.p_value is None and row.score is not None
        ),
        f"The log has only {count(accounts)} accounts: what is usual in it is not well known.": 0 < accounts < _FEWEST,
        "Few accounts have a like number of prompts: it is compared with the nearest ones.": (
            about is not None and not about.peers.like
        ),
        "Some of its peers ask mostly in another language, which may have more ground on the map, or less.": (
            about is not None and about.languages.main is not None and about.peers.language is None
        ),
        "The log has no times for these requests: nothing can be said about their order.": not evidence.timeline.days,
        "The encoder was trained on English: prompts in other languages are told apart less well.": (
            origin["encoder"].get("multilingual") is False
        ),
        "The snapshot keeps no prompt text: its prompts can be counted and placed on the map, but not read.": (
            origin["snapshot"]["text"] != "kept"
        ),
    }
    return [sentence for sentence, true in said.items() if true]


def look_alikes(evidence: AccountEvidence | CampaignEvidence) -> list[str]:
    """Return which honest uses look the same: those that fool the reasons given here, then those that fool any."""
    if isinstance(evidence, CampaignEvidence):
        return [*_ALIKE_CAMPAIGN, *_ALIKE]
    named = {reason.signal for reason in evidence.row.reasons}
    fools = [fact.fools for fact in evidence.signals if fact.signal in named and fact.fools]
    return list(dict.fromkeys([*fools, *_ALIKE]))


def _describe_reference(reference: object) -> str:
    if not isinstance(reference, Mapping):
        return _NO_RARITY
    n, corpora = reference.get("accounts"), reference.get("corpora")
    honest = f"{count(n)} honest accounts" if isinstance(n, int) else "honest accounts"
    source = f" from {count(corpora)} sources" if isinstance(corpora, int) else ""
    return _RARITY.format(honest=honest + source)


def _of(n: object) -> str:
    return f" ({count(n)} of them)" if isinstance(n, int) and n > 0 else ""
