"""The first sentence of each page: what this is, with its number, and how sure one can be."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweeplens.detect.raising import CAMPAIGN
from sweeplens.report.columns import UNASSIGNED
from sweeplens.report.facts import AccountRow, CampaignRow, ClusterRow, LanguageShare, Peers, UnionCoverage
from sweeplens.report.languages import language_name
from sweeplens.signals.measure import LEAST
from sweeplens.text import one_line

if TYPE_CHECKING:
    from sweeplens.report.contributions import Contributions

_SCORES = {
    "high": "Scores like a sweep",
    "review": "Scores like a sweep",
    "watch": "Scores somewhat like a sweep",
    "none": "Scores like ordinary use",
    "insufficient": "Has too few prompts to be judged alone",
}
_KINDS = {
    "sweep": "resemble one sweep dealt out over many",
    "tenant": "resemble several keys of one business",
    "template": "resemble users of one template",
    "benchmark": "resemble many runs of one benchmark",
    "undecided": "share ground, for a reason that stays open",
}
_DEALT = {
    "random": "as if one pool was dealt out at random, members have hardly any topics of their own: two prompts of one "
    "member share a cell {ratio:.1f} times as often as two of the group",
    "by topic": "members have topics of their own: two prompts of one member share a cell {ratio:.1f} times as often "
    "as two of the group",
    "copies": "members send copies of one set of prompts",
}
_NAMED = 4  # languages of an account that are named one by one
_FEW = 30  # peers below which a comparison is called small, and counted instead of given in percent


def describe_account(row: AccountRow, peers: Peers, campaign: CampaignRow | None) -> str:
    """Say what the account's score is, against whom, and which campaign it belongs to or was raised by."""
    asked = f"{count(row.n_prompts, 'distinct prompt')} in {count(row.n_requests, 'request')}"
    if row.score is None:
        lead = f"{_SCORES['insufficient']}: {asked}."
    else:
        lead = f"{_SCORES[row.level]}: {_against(row.score, peers)}."
    if campaign is None:
        return lead
    if row.level_from != "campaign":
        return f"{lead} Member of {_group(campaign)}."
    alone = _without_campaign(row)
    few = f"alone it has too few prompts to be judged, {row.n_prompts} distinct one{'' if row.n_prompts == 1 else 's'}"
    without = few if alone is None else f"the score without it is {alone:.2f}"
    return f"{lead} Raised to {row.level} by {_group(campaign)}: {without}."


def describe_comparison(
    n: int, main: str | None, *, like: bool, shared: bool, n_language: int, by_language: bool
) -> str:
    """Say with how many accounts one is compared that asks mostly in `main`, and whether its language has a say.

    `like` says that they are of like volume, `shared` that they all ask mostly in its language, which `n_language`
    others of like volume do; `by_language` is false for snapshots of versions that did not look at languages.
    """
    if not n:
        return "compared with nobody: there is no other account"
    volume = "of like volume" if like else "nearest in volume"
    who = f"{'' if like else 'the '}{count(n, 'account')} {volume}"
    if shared and main is not None:
        return f"compared with {who} that ask{'s' if n == 1 else ''} mostly in {language_name(main)}"
    if not by_language:
        why = "this snapshot is of a version that did not look at languages"
    elif main is None:
        why = "its own prompts are in no language that could be told"
    else:
        few = {0: "no other account asks", 1: "only 1 asks"}.get(n_language, f"only {n_language} ask")
        why = f"{few} mostly in {language_name(main)}"
    return f"compared with {who} in any language: {why}"


def describe_peers(peers: Peers) -> str:
    """Say with whom an account is compared, and how many distinct prompts these have."""
    if not peers.account_ids:
        return peers.text
    reach = f"{peers.low:,}" if peers.low == peers.high else f"{peers.low:,} to {peers.high:,}"
    return f"{peers.text} ({reach} distinct prompts)"


def describe_languages(shares: Sequence[LanguageShare], n_untold: int) -> str:
    """Say which languages an account asks in, the four largest by name."""
    named = [f"{share.name} {percent(share.share)}" for share in shares[:_NAMED]]
    if len(shares) > _NAMED:
        rest = sum(share.share for share in shares[_NAMED:])
        named.append(f"{count(len(shares) - _NAMED, 'other')} {percent(rest)}")
    mixed = f"Asks in {', '.join(named)}" if named else "Asks in no language that could be told"
    return f"{mixed}; {count(n_untold, 'prompt')} too short or mixed to tell" if named and n_untold else mixed


def describe_campaign(row: CampaignRow, coverage: UnionCoverage) -> str:
    """Say what the group resembles and what its members cover together."""
    largest = coverage.largest[0][1] if coverage.largest else 0
    return (
        f"{count(len(row.accounts), 'account')} that {_KINDS.get(row.label, _KINDS['undecided'])}: "
        f"{count(row.n_requests, 'request')} over {coverage.cells:,} of {coverage.of:,} cells, "
        f"where the widest member alone reaches {largest:,}."
    )


def describe_rarity(row: CampaignRow) -> str:
    """Say how rare such a group is among those of honest accounts, and after how many tests; empty where none says."""
    if row.p_value is None:
        return ""
    return f"of the groups that honest accounts form, {_at_most(row.p_value)} or fewer are as strong{_corrected(row)}"


def describe_chance(row: AccountRow) -> str:
    """Say how rare so high a score is among honest accounts, and after how many tests; empty where none says."""
    if row.p_value is None:
        return ""
    raised = any(reason.signal == CAMPAIGN for reason in row.reasons)
    high = "as high as it does without its campaign" if raised else "as high"
    return f"of honest accounts, {_at_most(row.p_value)} or fewer score {high}{_corrected(row)}"


def describe_dealing(evidence: Mapping[str, Any]) -> list[str]:
    """Say how members split the ground between them, and whether their prompts come from a known set."""
    ratio, shared, expected = (evidence.get(k) for k in ("dealing_ratio", "shared_prompts", "expected_shared"))
    dealt = _DEALT.get(str(evidence.get("dealing")))
    said = [dealt.format(ratio=ratio)] if dealt and isinstance(ratio, int | float) else []
    if isinstance(shared, int | float) and isinstance(expected, int | float):
        said.append(
            f"{percent(float(shared))} of their prompts were sent by several members, where draws at random from all "
            f"of them would give {percent(float(expected))}"
        )
    if evidence.get("known_set") is not None:
        said.append(
            f"{percent(float(evidence['known_share']))} of their prompts come from the known set "
            f"{one_line(str(evidence['known_set']), 60)}"
        )
    return said


def mid_sentence(name: str) -> str:
    """Return a name as it stands inside a sentence: its capital goes, that of an acronym stays."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def describe_cluster(row: ClusterRow) -> str:
    """Say how large the cluster is, whose it is, and how much of it comes from flagged accounts."""
    known = row.capability != UNASSIGNED
    topic = f"on {mid_sentence(row.capability_name)}" if known else "of no known capability"
    return (
        f"{count(row.n_prompts, 'prompt')} of {count(row.n_accounts, 'account')} {topic}: "
        f"{percent(row.flagged_share)} of its {count(row.n_requests, 'request')} "
        f"come{'s' if row.n_requests == 1 else ''} from accounts at review or high."
    )


def describe_sum(whole: "Contributions") -> str:
    """Say how the score comes about, in log-odds: every part of the sum, and the score that it is."""
    score = 1.0 / (1.0 + math.exp(-whole.total))
    parts = [f"{signed(whole.base)} to start with", f"{signed(whole.signals)} from its signals"]
    parts += [f"{signed(whole.kin)} from accounts that ask alike"] if whole.kin else []
    parts += [f"{signed(whole.campaign)} from its campaign"] if whole.campaign else []
    return f"In log-odds: {', '.join(parts)}. That makes {signed(whole.total)}, a score of {score:.2f}."


def signed(adds: float) -> str:
    """Return what is added with its sign, such as +1.31."""
    text = f"{abs(adds):.2f}"
    return text if text == "0.00" else f"{'+' if adds > 0 else '−'}{text}"


def odds(adds: float) -> str:
    """Say in words what so many log-odds do."""
    return f"{'multiplies' if adds > 0 else 'divides'} the odds by {math.exp(min(50.0, abs(adds))):,.3g}"


def shown_text(text: str | None) -> str:
    """Return a prompt's text, or what stands in its place where the snapshot keeps none or the desk hides it."""
    return "(text not shown)" if text is None else text


def count(n: int, noun: str) -> str:
    """Return a number with its noun, such as 1,204 accounts."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def percent(share: float) -> str:
    """Return a share (0-1) as a percentage that says 0 or 100 only where that is exact."""
    value = 100.0 * share
    if value in {0.0, 100.0}:
        return f"{value:.0f} %"
    return f"{min(99.9, max(0.1, value)):.1f} %"


def _at_most(p: float) -> str:
    """Return a p as a percentage, rounded up: one that is rounded down would promise too much."""
    return percent(math.ceil(1000 * p - 1e-9) / 1000)


def _corrected(row: AccountRow | CampaignRow) -> str:
    return "" if row.q_value is None else f" (q {row.q_value:.2g} after correction for all that was tested)"


def _group(campaign: CampaignRow) -> str:
    kind = "" if campaign.label == "sweep" else f"{campaign.label}, "
    return f"{campaign.campaign_id} ({kind}{count(len(campaign.accounts), 'account')})"


def _without_campaign(row: AccountRow) -> float | None:
    """Return the score without what the campaign added to its log-odds; None where there is too little to judge."""
    added = sum(reason.weight or 0.0 for reason in row.reasons if reason.signal == CAMPAIGN)
    if row.score is None or row.n_prompts < LEAST:
        return None
    odds = row.score / max(1e-12, 1.0 - row.score) * math.exp(-added)
    return odds / (1.0 + odds)


def _against(score: float, peers: Peers) -> str:
    if peers.score_above is None:
        return f"{score:.2f}, and there is no account of like volume to compare it with"
    reach = f"{peers.low:,}" if peers.low == peers.high else f"{peers.low:,} to {peers.high:,}"
    alike = "like volume" if peers.language is None else "like volume and language"
    volume = alike if peers.like else f"the nearest volumes ({reach} prompts)"
    among = f"{'only ' if peers.n_scored < _FEW else ''}{count(peers.n_scored, 'account')} of {volume}"
    lower = round(peers.score_above * peers.n_scored)
    if lower in {0, peers.n_scored}:
        part = "all of" if lower else "none of"
    elif peers.n_scored < _FEW:
        part = f"{lower} of"
    else:
        part = f"{percent(peers.score_above)} of"
    return f"{score:.2f}, above {part} {among}"
