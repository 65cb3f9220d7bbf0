"""Reasons as a list has room for them: the strongest ones in a few words."""

import re

from sweeplens.detect.raising import CAMPAIGN
from sweeplens.report.facts import AccountRow, CampaignRow, Reason
from sweeplens.report.wording import count, score
from sweeplens.text import one_line

_REST = re.compile(r"; | \(|, which together ")  # from here on a reason tells of the peers, or how it was measured
_LONGEST = 120
_EVIDENCE = (("union_cells", "together"), ("largest_member_cells", "the widest alone"))


def brief_account(row: AccountRow, most: int = 2) -> str:
    """Return the `most` strongest reasons of an account in one line, or why there are none.

    That its campaign raised it is left out where there is another one: lists say of which campaign it is.
    """
    if not row.reasons:
        return "Too few prompts to be judged alone" if row.score is None else ""
    return " · ".join(brief_reason(reason) for reason in _own(row)[:most])


def lead_reason(row: AccountRow) -> str:
    """Return the sentence of the strongest reason, of one that is the account's own where there is one."""
    own = _own(row)
    return own[0].text if own else ""


def _own(row: AccountRow) -> list[Reason]:
    return sorted([r for r in row.reasons if r.signal != CAMPAIGN] or row.reasons, key=_strength)


def brief_reason(reason: Reason) -> str:
    """Return a reason without what its sentence says of peers and in brackets."""
    text = one_line(_REST.split(reason.text, maxsplit=1)[0], _LONGEST)
    return text[:1].upper() + text[1:]


def brief_campaign(row: CampaignRow) -> str:
    """Return what speaks for a campaign, from the evidence that the detector wrote down."""
    e = row.evidence
    parts = [f"{lead} {count(e[key])} cells" for key, lead in _EVIDENCE if isinstance(e.get(key), int | float)]
    if isinstance(e.get("union_score"), int | float):  # a snapshot of an earlier version has it
        parts.append(f"scored as one {score(e['union_score'])}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _strength(reason: Reason) -> float:
    return -(reason.weight or 0.0)
