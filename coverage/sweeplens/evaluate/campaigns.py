"""How well the reported groups are the true campaigns."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from sweeplens.evaluate.bootstrap import Figure, draw_counts, figure
from sweeplens.evaluate.labels import Label
from sweeplens.evaluate.measures import ratio

FOUND = 0.5  # Jaccard index from which a campaign counts as found
PURE = 0.8  # share of a group that must be of one campaign, or it is a false group


@dataclass(frozen=True)
class Groups:
    """Reported groups beside the true campaigns.

    A group is false unless at least 0.8 of it belongs to one campaign, with the lone attacks on that campaign's
    corpora, or to lone attacks on one corpus. Lone attacks on a campaign's corpora may be in its group: the Jaccard
    index does not count them against it, and pairs leave all lone attacks out. Figures of campaigns come with intervals
    over campaigns, those of groups with intervals over groups.
    """

    true: int
    reported: int
    found: int
    false: int
    found_share: Figure
    false_share: Figure
    mean_jaccard: Figure
    mean_recall: Figure
    pair_precision: Figure
    pair_recall: Figure
    jaccard: Mapping[str, float]


def judge_groups(labels: Sequence[Label], groups: Sequence[Set[str]], n_draws: int, seed: int) -> Groups:
    """Compare disjoint groups of account ids with the campaigns that the labels name among attacks."""
    truth: dict[str, set[str]] = defaultdict(set)
    corpora: dict[str, set[str]] = defaultdict(set)
    lone: dict[str, set[tuple[str, ...]]] = {}
    for label in (x for x in labels if x.label == "attack"):
        if label.campaign:
            truth[label.campaign].add(label.account_id)
            corpora[label.campaign].update(label.corpora)
        else:
            lone[label.account_id] = {label.corpora} if label.corpora else set()
    names = sorted(truth)
    joins = {c: {a for a, sets in lone.items() if any(len(s) == 1 and s[0] in corpora[c] for s in sets)} for c in names}
    kin: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for account, sets in lone.items():
        for s in sets:
            kin[s].add(account)
    allowed = [truth[c] | joins[c] for c in names] + list(kin.values())
    false = np.array([max((len(g & m) for m in allowed), default=0) < PURE * len(g) for g in groups], float)
    jaccard = np.array(
        [max((len(truth[c] & g) / len(truth[c] | (g - joins[c])) for g in groups), default=0.0) for c in names]
    )
    recall = np.array([max((len(truth[c] & g) / len(truth[c]) for g in groups), default=0.0) for c in names])
    campaign = {a: c for c in names for a in truth[c]}
    members = [Counter(campaign.get(a) for a in g - lone.keys()) for g in groups]
    in_group = np.array([_pairs(m.total()) for m in members], float)
    right = np.array([sum(_pairs(n) for c, n in m.items() if c is not None) for m in members], float)
    in_campaign = np.array([_pairs(len(truth[c])) for c in names], float)
    joined = np.array([sum(_pairs(m[c]) for m in members) for c in names], float)

    rng = np.random.default_rng(seed)
    by_campaign, by_group = draw_counts(len(names), n_draws, rng), draw_counts(len(groups), n_draws, rng)
    return Groups(
        true=len(names),
        reported=len(groups),
        found=int((jaccard >= FOUND).sum()),
        false=int(false.sum()),
        found_share=_mean((jaccard >= FOUND).astype(float), None, by_campaign),
        false_share=_mean(false, None, by_group),
        mean_jaccard=_mean(jaccard, None, by_campaign),
        mean_recall=_mean(recall, None, by_campaign),
        pair_precision=_mean(right, in_group, by_group),
        pair_recall=_mean(joined, in_campaign, by_campaign),
        jaccard={c: float(j) for c, j in zip(names, jaccard, strict=True)},
    )


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _mean(part: np.ndarray, whole: np.ndarray | None, draws: np.ndarray) -> Figure:
    """Return the sum of `part` over the sum of `whole` (or the number of units), 0 where there is nothing."""
    whole = np.ones(len(part)) if whole is None else whole
    values = ratio(draws @ part, draws @ whole)
    if np.isnan(values[0]):
        return Figure(0.0)
    return figure(values, apart=len(part) > 1)
