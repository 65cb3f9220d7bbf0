"""Scores, levels and groups of a sample against its labels; other detectors' scores beside them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeplens.evaluate.bootstrap import Draws, Figure, figure, in_blocks, make_draws
from sweeplens.evaluate.campaigns import Groups, judge_groups
from sweeplens.evaluate.measures import (
    Floats,
    auroc,
    ratio,
    same_volume_auroc,
    same_volume_pairs,
    tpr_at,
)
from sweeplens.evaluate.sample import OURS, Sample

ALL = "attack"  # the name of all attacks together
NAMED = "named_user"  # the type of benign accounts that are one real person's
_FIRST = ("solo", "solo_blend", "hydra")  # types that are shown first, where the labels have them

Where = NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """How one detector ranks attacks above benign accounts; an account without a score counts as the lowest."""

    detector: str
    auroc: Figure
    same_volume: Figure
    named_users: Figure
    tpr_at_1: Figure
    tpr_at_5: Figure


@dataclass(frozen=True)
class Comparison:
    """Attacks of one kind, or in one language, against benign accounts.

    `lead` is the same-volume AUROC of our ranking less that of the best peer, drawn in pairs.
    """

    name: str
    n_attack: int
    n_benign: int
    rankings: tuple[Ranking, ...]
    best_peer: str | None
    lead: Figure


@dataclass(frozen=True)
class Flags:
    """What is flagged for review or high; `dual` accounts are neither attacks nor false alarms.

    `precision_at_attacks` is the share of attacks among as many accounts at the top as there are attacks.
    """

    attacks: int
    caught: int
    benign: int
    false: int
    dual: int
    dual_flagged: int
    recall: Figure
    precision: Figure
    false_alarm_rate: Figure
    dual_share: Figure
    precision_at_attacks: float
    false_by_type: Mapping[str, int]
    benign_by_type: Mapping[str, int]


@dataclass(frozen=True)
class Evaluation:
    """Everything that is measured of one sample; `unit` is what the intervals draw again."""

    n_accounts: int
    by_label: Mapping[str, int]
    absent: int
    unlabelled: int
    unit: str
    n_units: int
    n_draws: int
    kinds: tuple[Comparison, ...]
    languages: tuple[Comparison, ...]
    flagged: Flags
    campaigns: Groups


def evaluate(
    sample: Sample, peers: Mapping[str, Floats] | None = None, *, n_draws: int = 1000, seed: int = 1
) -> Evaluation:
    """Measure a sample. `peers` are the scores [n] of other detectors, NaN for none, by name."""
    draws = make_draws(sample.labels, n_draws, seed)
    label = np.array([x.label for x in sample.labels])
    kind = np.array([x.type for x in sample.labels])
    scores = {name: lowest_for_none(s) for name, s in {OURS: sample.score, **(peers or {})}.items()}
    attack, benign = label == "attack", label == "benign"
    named = np.flatnonzero(benign & (kind == NAMED))
    kinds = [ALL, *_in_order(set(kind[attack].tolist()) - {"", ALL})]
    language = np.array(sample.language)
    spoken = Counter(language[attack | benign].tolist())

    arena = _Arena(sample.volume, named, draws)

    return Evaluation(
        n_accounts=len(label),
        by_label={name: int((label == name).sum()) for name in ("attack", "benign", "dual")},
        absent=sample.absent,
        unlabelled=sample.unlabelled,
        unit=draws.kind,
        n_units=draws.found,
        n_draws=n_draws,
        kinds=tuple(arena.compare(k, attack & ((kind == k) | (k == ALL)), benign, scores) for k in kinds),
        languages=tuple(
            arena.compare(word, attack & (language == word), benign & (language == word), {OURS: scores[OURS]})
            for word, _ in sorted(spoken.items(), key=lambda item: (-item[1], item[0]))
        ),
        flagged=_judge_flags(sample, label, kind, scores[OURS], draws),
        campaigns=judge_groups(sample.labels, sample.groups, n_draws, seed),
    )


def lowest_for_none(score: Floats) -> Floats:
    """Put accounts without a score below all others."""
    lowest = np.nanmin(score, initial=np.inf)
    return np.where(np.isnan(score), 0.0 if np.isinf(lowest) else lowest - 1.0, score)


def _in_order(types: set[str]) -> list[str]:
    return [t for t in _FIRST if t in types] + sorted(types - set(_FIRST))


@dataclass(frozen=True)
class _Arena:
    """What all comparisons of one sample share."""

    volume: Where
    named: Where
    draws: Draws

    def compare(
        self, name: str, attack: NDArray[np.bool_], benign: NDArray[np.bool_], scores: Mapping[str, Floats]
    ) -> Comparison:
        """Rank the attacks against the benign accounts by each detector."""
        a, b = np.flatnonzero(attack), np.flatnonzero(benign)
        same = {detector: self._same_volume(score, a, b) for detector, score in scores.items()}
        rankings = tuple(self._rank(detector, score, a, b, same[detector]) for detector, score in scores.items())
        peers = [d for d in scores if d != OURS and not np.isnan(same[d][0])]
        best = max(peers, key=lambda d: float(same[d][0]), default=None)
        lead = Figure(None) if best is None else figure(same[OURS] - same[best], apart=self.draws.apart(a, b))
        return Comparison(name, len(a), len(b), rankings, best, lead)

    def _rank(self, detector: str, score: Floats, attack: Where, benign: Where, same: Floats) -> Ranking:
        weigh, a = self.draws.weights, score[attack]

        def against(who: Where) -> Figure:
            values = in_blocks(
                self.draws,
                len(attack) + len(who),
                lambda rows: auroc(a, score[who], weigh(attack, rows), weigh(who, rows)),
            )
            return figure(values, apart=self.draws.apart(attack, who))

        def caught(fpr: float) -> Figure:
            values = in_blocks(
                self.draws,
                len(attack) + len(benign),
                lambda rows: tpr_at(a, score[benign], weigh(attack, rows), weigh(benign, rows), fpr),
            )
            return figure(values, apart=apart)

        apart = self.draws.apart(attack, benign)
        return Ranking(
            detector=detector,
            auroc=against(benign),
            same_volume=figure(same, apart=apart),
            named_users=against(self.named),
            tpr_at_1=caught(0.01),
            tpr_at_5=caught(0.05),
        )

    def _same_volume(self, score: Floats, attack: Where, benign: Where) -> Floats:
        """Return the same-volume AUROC in each draw."""
        unit, volume = self.draws.unit, self.volume
        won, pairs = same_volume_pairs(
            score[attack],
            score[benign],
            (volume[attack], volume[benign]),
            (unit[attack], unit[benign]),
            self.draws.counts.shape[1],
        )
        return same_volume_auroc(won, pairs, self.draws.counts)


def _judge_flags(sample: Sample, label: NDArray[np.str_], kind: NDArray[np.str_], score: Floats, draws: Draws) -> Flags:
    attack, benign, dual = (label == name for name in ("attack", "benign", "dual"))
    hit = sample.flagged

    def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Figure:
        inside = np.flatnonzero(whole)
        marks = part[inside].astype(float)
        values = in_blocks(
            draws,
            len(inside),
            lambda rows: ratio(draws.weights(inside, rows) @ marks, draws.weights(inside, rows).sum(1)),
        )
        return Figure(0.0) if np.isnan(values[0]) else figure(values, apart=draws.apart(inside))

    n = int(attack.sum())
    ranked = np.flatnonzero(~dual)
    top = ranked[np.argsort(-score[ranked], kind="stable")][:n]
    types = Counter(kind[benign].tolist())
    return Flags(
        attacks=n,
        caught=int((hit & attack).sum()),
        benign=int(benign.sum()),
        false=int((hit & benign).sum()),
        dual=int(dual.sum()),
        dual_flagged=int((hit & dual).sum()),
        recall=share(hit & attack, attack),
        precision=share(hit & attack, hit & ~dual),
        false_alarm_rate=share(hit & benign, benign),
        dual_share=share(hit & dual, dual),
        precision_at_attacks=float(attack[top].sum() / max(1, n)),
        false_by_type=dict(sorted(Counter(kind[hit & benign].tolist()).items())),
        benign_by_type=dict(sorted(types.items())),
    )
