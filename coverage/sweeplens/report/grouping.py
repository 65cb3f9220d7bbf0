"""What the detector wrote down when it put accounts together, as sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from sweeplens.report.facts import CampaignRow
from sweeplens.report.sentences import describe_dealing, percent, signed
from sweeplens.report.wording import counted
from sweeplens.text import one_line

# What each label means, and which honest use looks like a sweep of many accounts.
LABELS: Mapping[str, str] = {
    "sweep": "Looks like one sweep dealt out over several accounts.",
    "tenant": "Looks like several keys of one business: most members share an organisation.",
    "template": "Looks like users of one template: narrow ground, like wording.",
    "benchmark": "Looks like many runs of one benchmark: members send the same prompts, or those of a known set.",
    "undecided": "The members share ground, for a reason that stays open.",
}
_SENTENCES: Mapping[str, Callable[[float], str]] = {
    "mean_likeness": lambda v: (
        f"the fingerprints of two members are {v:.2f} alike on average, where 0 is any two accounts"
    ),
    "mean_score": lambda v: f"the members alone score {v:.2f} on average",
    "union_score": lambda v: f"taken as one account they score {v:.2f}",
    "union_cells_in_40": lambda v: f"40 of their prompts lie in {v:.0f} different cells",
    "tested_likeness": lambda v: f"in the half of prompts that was kept out of the grouping they are {v:.2f} alike",
    "time_overlap": lambda v: f"two members' spans of time overlap by {percent(v)} of the shorter one, on average",
    "starts_within_days": lambda v: f"eight of ten members began within {v:.1f} days",
    "n_joined": lambda v: f"{v:.0f} joined later, by a part of their prompts",
    "same_org": lambda v: f"{percent(v)} of the members share one organisation" if v else "no organisation is shared",
}
# What each kind of evidence in the test of a group stands for.
KINDS: Mapping[str, str] = {
    "likeness": "how alike its members are",
    "union": "what they ask, taken as one account",
    "dealing": "how prompts are dealt over them",
    "quotas": "how even their shares are",
    "members": "what each of them asks alone",
}
_NAMED = 5  # accounts beside a group that are named; the number of the others follows


def describe_label(label: str) -> str:
    """Say what a campaign's label means."""
    return LABELS.get(label, LABELS["undecided"])


def describe_grouping(row: CampaignRow, n_shared_prompts: int) -> list[str]:
    """Say what speaks for it that these accounts belong together, and for what kind of group."""
    known = row.evidence
    said = _pool(row) + _weights(known)
    said += [write(float(v)) for key, write in _SENTENCES.items() if isinstance(v := known.get(key), int | float)]
    said += describe_dealing(known)
    said.append(f"{counted(n_shared_prompts, 'prompt')} sent word for word by more than one member")
    return said + _beside(known)


def _pool(row: CampaignRow) -> list[str]:
    """Say in one sentence what a sweep looks like as a group; nothing for other groups, or where too little is kept."""
    e = row.evidence
    cells, shared, fewest, most = (
        e.get(k) for k in ("union_cells_in_40", "shared_prompts", "fewest_prompts", "most_prompts")
    )
    numbers = [v for v in (cells, shared, fewest, most) if isinstance(v, int | float)]
    if row.label != "sweep" or e.get("dealing") != "random" or len(numbers) < 4:
        return []
    in_40, twice, low, high = numbers
    again = "no prompt twice" if twice == 0 else f"{percent(float(twice))} of the prompts by more than one"
    size = f"{low:.0f} prompts each" if low == high else f"{low:.0f} to {high:.0f} prompts each"
    who = f"{counted(len(row.accounts), 'account')} ask as if they drew from one pool"
    return [f"{who}: {in_40:.0f} kinds of request in 40 prompts, {again}, {size}"]


def _weights(evidence: Mapping[str, Any]) -> list[str]:
    """Say what each kind of evidence adds to the log-odds that the group is a sweep, strongest first."""
    weights = evidence.get("weights")
    if not isinstance(weights, dict) or not weights:
        return []
    strongest = sorted(((k, float(v)) for k, v in weights.items() if k in KINDS), key=lambda pair: -abs(pair[1]))
    parts = [f"{signed(weight)} for {KINDS[kind]}" for kind, weight in strongest]
    return [f"in the test of the group, in log-odds: {', '.join(parts)}"]


def _beside(evidence: Mapping[str, Any]) -> list[str]:
    """Name the small accounts that share a rare value with the group and say too little to be counted with it."""
    names = evidence.get("beside")
    if not isinstance(names, list) or not names:
        return []
    shown = ", ".join(one_line(str(name), 60) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    why = "they share something rare with its members and have too few prompts to say more"
    return [f"beside it, not counted and not raised with it: {shown}{more}; {why}"]
