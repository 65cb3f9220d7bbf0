"""What stands out about a campaign, in a few words: the one or two facts that speak most for what it looks like."""

from collections.abc import Callable, Mapping
from typing import Any

from sweeplens.report.facts import CampaignRow
from sweeplens.report.sentences import percent
from sweeplens.report.wording import LINK_WORDS
from sweeplens.text import one_line

_Facts = Mapping[str, Any]
_KNOWN, _ORG, _LINKED, _WIDER, _ALIKE, _QUICK = 0.2, 0.5, 0.3, 1.5, 0.3, 7.0  # from which on each is worth a word


def describe_standout(row: CampaignRow) -> str:
    """Return what stands out most about a campaign, at most two facts; empty where nothing was written down."""
    said = [text for text in (find(row.evidence) for find in _FACTS) if text]
    sentence = "; ".join(said[:2])
    return sentence[:1].upper() + sentence[1:]


def _known_set(e: _Facts) -> str:
    share = _number(e, "known_share")
    return f"{percent(share)} of prompts from {one_line(str(e['known_set']), 40)}" if share >= _KNOWN else ""


def _organisation(e: _Facts) -> str:
    share = _number(e, "same_org")
    return f"{percent(share)} share one organisation" if share >= _ORG else ""


def _link(e: _Facts) -> str:
    links = [k for k in e.get("links", ()) if isinstance(k, Mapping) and k.get("kind") != "org"]
    if not links:
        return ""
    most = max(links, key=lambda k: _number(k, "members"))
    n, total = _number(most, "members"), _number(e, "n_accounts")
    if not total or n < _LINKED * total:
        return ""
    kind = LINK_WORDS.get(str(most.get("kind")), "address")
    return f"{n:.0f} of {total:.0f} share {'an' if kind[:1] in 'aeioAEIO' else 'a'} {kind}"


def _copies(e: _Facts) -> str:
    return "members send copies of one set" if e.get("dealing") == "copies" else ""


def _ground(e: _Facts) -> str:
    together, widest = _number(e, "union_cells"), _number(e, "largest_member_cells")
    if not widest or together < _WIDER * widest:
        return ""
    return f"covers {together / widest:.1f} times the widest"


def _dealt(e: _Facts) -> str:
    return {"random": "dealt at random", "by topic": "topics of their own"}.get(str(e.get("dealing")), "")


def _alike(e: _Facts) -> str:
    likeness = _number(e, "tested_likeness") or _number(e, "mean_likeness")
    return f"prompts {likeness:.2f} alike" if likeness >= _ALIKE else ""


def _began(e: _Facts) -> str:
    days = e.get("starts_within_days")
    return f"began within {days:.1f} days" if isinstance(days, int | float) and days <= _QUICK else ""


def _cells(e: _Facts) -> str:
    together = _number(e, "union_cells")
    return f"together {together:,.0f} cells" if together else ""


def _number(facts: _Facts, key: str) -> float:
    value = facts.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


_FACTS: tuple[Callable[[_Facts], str], ...] = (
    _known_set, _organisation, _copies, _link, _ground, _dealt, _alike, _began, _cells,
)  # fmt: skip
