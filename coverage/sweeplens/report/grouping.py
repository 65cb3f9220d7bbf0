"""What the detector wrote down when it put accounts together, as sentences."""

from collections.abc import Callable, Mapping

from sweeplens.report.facts import CampaignRow
from sweeplens.report.sentences import describe_dealing, percent
from sweeplens.report.wording import counted

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


def describe_label(label: str) -> str:
    """Say what a campaign's label means."""
    return LABELS.get(label, LABELS["undecided"])


def describe_grouping(row: CampaignRow, n_shared_prompts: int) -> list[str]:
    """Say what speaks for it that these accounts belong together, and for what kind of group."""
    known = row.evidence
    said = [write(float(v)) for key, write in _SENTENCES.items() if isinstance(v := known.get(key), int | float)]
    said += describe_dealing(known)
    return [*said, f"{counted(n_shared_prompts, 'prompt')} sent word for word by more than one member"]
