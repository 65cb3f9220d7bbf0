"""Fit the test of groups: logistic regression on the ranks of a group's facts, written down as step functions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from variants import Part

from sweeplens.detect.detector import Shape
from sweeplens.detect.group_facts import FACTS, Group, measure_group, measure_union
from sweeplens.detect.group_test import GroupTest
from sweeplens.detect.groups import find_groups
from sweeplens.detect.halves import take_halves
from sweeplens.detect.nulls import Null
from sweeplens.detect.partition import split_ground
from sweeplens.detect.population import Population
from sweeplens.detect.prints import take_prints
from sweeplens.signals.measure import LEAST as LEAST_PROMPTS

_PULL = 0.1  # inverse of the penalty; of 0.01 to 0.2, held out, it found most groups
_RARELY = -0.4  # power of how often a collection's groups appear
_SMALL = 0.2  # weight of the groups whose accounts are too small for a score, beside that of the others
_TAIL = (0.005, 0.01, 0.02)
_RANKS = np.array([*_TAIL, *np.linspace(0, 1, 33)[1:-1], *(1 - q for q in reversed(_TAIL))])  # where a fact's steps lie
_OUTER = 0.005  # of the ranks: further out, groups of training say nothing
_MOST, _LEAST = 0.7, 0.3  # share of attackers from which on a group is one, and under which it is honest
_SCORES = [FACTS.index("score_mean"), FACTS.index("score_low")]


@dataclass(frozen=True)
class GroupRow:
    """A group to learn from.

    facts    float64 [F]
    rows     places of its members in the whole log
    kind     1 for a group of attackers, 0 for an honest one, -1 for one that is neither
    corpus   the collections that most of its members were composed from
    prompts  distinct prompts
    fold     that of the log it is from
    """

    facts: np.ndarray
    rows: np.ndarray
    kind: int
    corpus: str
    prompts: int
    fold: str

    def with_odds(self, odds: np.ndarray) -> "GroupRow":
        """Return the group with its members' log-odds among its facts; `odds` are those of the whole log's accounts."""
        known = odds[self.rows[self.rows >= 0]]
        known = known[~np.isnan(known)]
        facts = self.facts.copy()
        facts[_SCORES] = (known.mean(), np.quantile(known, 0.25)) if len(known) else np.nan
        return replace(self, facts=facts)


def measure_groups(part: Part, keys: np.ndarray, population: Population) -> list[GroupRow]:
    """Return the groups that the product finds in a part of a log, with their facts; those of scores come later."""
    log = part.log
    halves = take_halves(take_prints(log.ground.vectors, log.accounts, keys, population), population)
    out = []
    for members in find_groups(halves):
        own = [log.accounts.distinct(c) for c in members.tolist()]
        union = log.accounts.union(members.tolist())
        nothing = np.full(len(members), np.nan)
        group = Group(
            own, measure_union(union, own, log.ground), log.values[members], nothing,
            split_ground(own, log.ground.cell),
        )  # fmt: skip
        labels = [log.labels[c] for c in members.tolist()]
        attack, dual = (float(np.mean([k.label == name for k in labels])) for name in ("attack", "dual"))
        kind = 1 if attack >= _MOST else 0 if attack + dual <= _LEAST else -1
        corpus = Counter("+".join(k.corpora) for k in labels).most_common(1)[0][0]
        facts = measure_group(group, halves, halves.places(members))
        small = log.accounts.volumes[members] < LEAST_PROMPTS  # such an account has no score in its group either
        rows = np.where(small, -1, part.rows[members])
        out.append(GroupRow(facts, rows, kind, corpus, len(union.distinct), log.fold))
    return out


def fit_groups(rows: Sequence[GroupRow], name: str, version: str) -> GroupTest:
    """Fit the test on groups that are either; an honest kind and a kind of attack weigh the same together."""
    model, x = _fit(rows)
    base, shapes = _shapes(model, x)
    return GroupTest(name, version, base, shapes)


def null_groups(rows: Sequence[GroupRow]) -> list[Null]:
    """Return the honest groups, each with the log-odds of a test that saw no log of its fold."""
    found: list[Null] = []
    for fold in sorted({r.fold for r in rows}):
        test = fit_groups([r for r in rows if r.fold != fold], "held-out", "0")
        held = [r for r in rows if r.fold == fold and r.kind == 0]
        found += [(round(test.log_odds(r.facts), 4), len(r.rows), r.prompts) for r in held]
    return found


def _fit(rows: Sequence[GroupRow]) -> tuple[Pipeline, np.ndarray]:
    able = [r for r in rows if r.kind >= 0]
    x, y = np.array([r.facts for r in able]), np.array([r.kind for r in able])
    weight = _weights(able)
    scores = np.column_stack([_normal(x[:, at], x[:, at]) for at in range(x.shape[1])])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_PULL, max_iter=3000))
    return model.fit(scores, y, logisticregression__sample_weight=weight), x


def _normal(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the normal score of each value's rank among the `known`, ties by their middle rank; 0 for a missing one.

    Many facts are the same for most groups: no prompt sent twice is no rarity, and must not look like one.
    """
    ranked = np.sort(known[~np.isnan(known)])
    if not len(ranked):
        return np.zeros(len(values))
    middle = (np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")) / (2 * len(ranked))
    scores: np.ndarray = np.where(np.isnan(values), 0.0, norm.ppf(middle.clip(_OUTER, 1 - _OUTER)))
    return scores


def _weights(rows: Sequence[GroupRow]) -> np.ndarray:
    """Return weights: honest groups and attacks alike, groups of accounts without scores a tenth of the others."""
    kinds = [(r.corpus, r.kind, bool((r.rows < 0).mean() > 1 / 2)) for r in rows]
    often = Counter(kinds)
    weight = np.array([float(often[k]) ** _RARELY for k in kinds])
    for small in (False, True):
        for kind in (0, 1):
            mine = np.array([k[1:] == (kind, small) for k in kinds])
            weight[mine] *= (_SMALL if small else 1.0) / max(weight[mine].sum(), 1e-12)
    weights: np.ndarray = weight * len(weight) / weight.sum()
    return weights


def _shapes(model: Pipeline, x: np.ndarray) -> tuple[float, dict[str, Shape]]:
    """Write each fact's function down as steps between the quantiles of training; what is missing adds nothing."""
    scaler, last = model[0], model[-1]
    slope = last.coef_[0] / scaler.scale_
    base = float(last.intercept_[0] - scaler.mean_ @ slope)
    shapes = {}
    for at, key in enumerate(FACTS):
        known = x[:, at][~np.isnan(x[:, at])]
        if not len(known):
            continue
        edges = np.unique([float(f"{e:.6g}") for e in np.quantile(known, _RANKS)])
        # A step stands for the middle one of its values: the outermost value has a rank that hardly any group has.
        step = np.searchsorted(edges, known, side="left")
        inside = [known[step == k] if (step == k).any() else known for k in range(len(edges) + 1)]
        points = np.array([np.median(values) for values in inside])
        shapes[key] = Shape(edges, np.round(_normal(points, known) * slope[at], 4), 0.0)
    return round(base, 4), shapes
