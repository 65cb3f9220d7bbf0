"""Fit what detection needs from composed logs: step functions, population, benign reference, test of groups."""

from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import variants
from composed import Composed, stack
from group_fitting import GroupRow, fit_groups, measure_groups, null_groups
from sklearn.ensemble import HistGradientBoostingClassifier

from sweeplens.detect.calibration import Reference, make_reference
from sweeplens.detect.detector import Detector, Shape
from sweeplens.detect.fingerprints import Fingerprints, take_fingerprints
from sweeplens.detect.group_test import GroupTest
from sweeplens.detect.kin import pool_kin
from sweeplens.detect.neighbourhood import KIN_KEYS, fill_neighbourhood
from sweeplens.detect.population import Population, fit_population
from sweeplens.detect.prints import mean_features, mean_prompt, take_prints
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.measure import LEAST
from sweeplens.signals.sample import hash_keys

# The signals that carry over to collections that no model has seen. Left out: the order of requests, which an attacker
# chooses at no cost; the map's cells and clusters, which are others in every log; how texts are written, which depends
# on the script ("pack" alone flags honest people whose script training lacks, and costs 2 points of AUROC).
OWN = (
    "repeats", "most_repeated", "repeat_middle", "resent", "runs", "pair_mean", "pair_spread", "pair_high",
    "nearest_spread", "leaning",
)  # fmt: skip
BESIDE = (*OWN, *KIN_KEYS)
# What a model of lone attackers looks at, and one of attackers among their like; and the weight that each gives to the
# variants of logs in which nobody has companions.
LONE_SHARE = {OWN: 0.5, BESIDE: 0.0}
_SCALE = 0.75  # of each model's log-odds in their sum: two models that know the same would say it twice
_RARELY = -0.5  # power of how often a collection appears: one collection in many logs is not many collections
SEEDS = 4
_ROUNDS, _RATE, _LEAF, _L2, MOST_EDGES = 400, 0.06, 20, 5.0, 24
GROUPS = 8  # parts of the collections that out-of-fold scores leave out in turn
LEVELS = {"watch": 0.9, "review": 1.1, "high": 1.1}  # without a reference nothing goes above watch


@dataclass(frozen=True)
class Fitted:
    """What was fitted on some logs: an additive detector, the population, the test of groups, the reference."""

    detector: Detector
    population: Population
    groups: GroupTest
    reference: Reference


@dataclass(frozen=True)
class Rows:
    """Accounts to learn from: signals, whether they attack, their collections, and 1 for those without companions."""

    values: np.ndarray
    attack: np.ndarray
    corpus: np.ndarray
    lone: np.ndarray

    def take(self, which: np.ndarray) -> "Rows":
        """Return some of them."""
        return Rows(self.values[which], self.attack[which], self.corpus[which], self.lone[which])


@dataclass(frozen=True)
class Seen:
    """A log beside a population that knows none of its collections: signals with those of kin, and what learns."""

    log: Composed
    prints: Fingerprints
    rows: Rows
    groups: list[GroupRow]


def fit(logs: Sequence[Composed], name: str, version: str, workers: int = 1) -> Fitted:
    """Fit everything on these logs, which are of two folds at least. Raises `ValueError` if they are not."""
    if len({k.fold for k in logs}) < 2:
        raise ValueError("the reference takes logs of two folds at least: each is scored by models of the other folds")
    seen = see(logs, workers)
    rows = join([k.rows for k in seen])
    models = [fit_models(rows, s) for s in range(SEEDS)]
    honest = np.concatenate([k.log.values[k.log.honest] for k in seen])
    base, shapes = shapes_of(models, honest)
    detector = Detector(name, version, base, shapes, LEVELS)
    found = [row.with_odds(odds) for k, odds in zip(seen, score_new_collections(seen), strict=True) for row in k.groups]
    groups = fit_groups(found, name, version)
    return Fitted(detector, population_of(logs), groups, reference_of(seen, found, detector))


def see(logs: Sequence[Composed], workers: int = 1) -> list[Seen]:
    """Measure what takes a population, each log by that of the other folds' logs: new people meet one without them."""
    folds = sorted({k.fold for k in logs})
    of_fold = {f: population_of([k for k in logs if k.fold != f]) for f in folds}
    if workers == 1:
        return [_see(k, of_fold[k.fold]) for k in logs]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(_see, logs, [of_fold[k.fold] for k in logs]))


def _see(log: Composed, population: Population) -> Seen:
    keys = hash_keys(log.hashes)
    filled, prints = _fill(log, keys, population)
    rows = [_rows(filled, 0)]
    if log.attack.any():
        rows += [_rows(_fill(part.log, keys, population)[0], 1) for part in variants.lone_parts(log)]
    else:
        rows.append(_rows(filled, 1))
    groups = [row for part in variants.group_parts(log) for row in measure_groups(part, keys, population)]
    return Seen(filled, prints, join(rows), groups)


def _fill(log: Composed, keys: np.ndarray, population: Population) -> tuple[Composed, Fingerprints]:
    prints = take_fingerprints(take_prints(log.ground.vectors, log.accounts, keys, population), population)
    return replace(log, values=fill_neighbourhood(log.values, log.accounts, prints)), prints


def _rows(log: Composed, lone: int) -> Rows:
    use = (log.attack | log.honest) & (log.volume >= LEAST)
    return Rows(log.values[use], log.attack[use], log.corpus[use], np.full(int(use.sum()), lone))


def join(parts: Sequence[Rows]) -> Rows:
    """Return all rows, one part after another."""
    return Rows(*(np.concatenate([getattr(p, k) for p in parts]) for k in Rows.__dataclass_fields__))


def fit_models(rows: Rows, seed: int) -> tuple[HistGradientBoostingClassifier, ...]:
    """Fit boosted stumps, a sum of one step function a signal: for lone attackers, and for those among their like.

    Each round sees few signals, so that many are heard.
    """
    models = []
    for keys, share in LONE_SHARE.items():
        weight = weights_of(rows, share)
        use = weight > 0
        model = HistGradientBoostingClassifier(
            max_leaf_nodes=2, max_iter=_ROUNDS, learning_rate=_RATE, min_samples_leaf=_LEAF, l2_regularization=_L2,
            max_bins=MOST_EDGES, max_features=2 / len(keys), random_state=seed,
        )  # fmt: skip
        columns = [KEYS.index(k) for k in keys]
        models.append(model.fit(rows.values[use][:, columns], rows.attack[use], sample_weight=weight[use]))
    return tuple(models)


def weights_of(rows: Rows, lone: float) -> np.ndarray:
    """Return the weight of each row: attacks and honest accounts alike, `lone` of it for those without companions."""
    kinds = list(zip(rows.corpus.tolist(), rows.attack.tolist(), rows.lone.tolist(), strict=True))
    often = Counter(kinds)
    weight = np.array([float(often[k]) ** _RARELY for k in kinds])
    for part, share in ((0, 1 - lone), (1, lone)):
        for attack in (False, True):
            mine = (rows.lone == part) & (rows.attack == attack)
            weight[mine] *= share / max(weight[mine].sum(), 1e-12)
    return weight * len(weight) / weight.sum()


def decide(models: Sequence[HistGradientBoostingClassifier], values: np.ndarray) -> np.ndarray:
    """Return the log-odds of signals [N, S] by the models of one seed."""
    columns = [[KEYS.index(k) for k in keys] for keys in LONE_SHARE]
    parts = [m.decision_function(values[:, c]) for m, c in zip(models, columns, strict=True)]
    return _SCALE * np.sum(parts, axis=0)


def shapes_of(
    models: Sequence[tuple[HistGradientBoostingClassifier, ...]], honest: np.ndarray
) -> tuple[float, dict[str, Shape]]:
    """Read the function of each signal out of additive models, centred on honest accounts."""
    honest = honest[~np.isnan(honest).all(1)]
    centre = np.nanmedian(honest, axis=0)
    score = lambda x: np.mean([decide(m, x) for m in models], axis=0)  # noqa: E731
    start = float(score(centre[None])[0])
    base, shapes = start, {}
    for key in BESIDE:
        at = KEYS.index(key)
        edges = np.unique(np.concatenate([
            m._bin_mapper.bin_thresholds_[keys.index(key)]
            for seed in models for m, keys in zip(seed, LONE_SHARE, strict=True) if key in keys
        ]))  # fmt: skip
        # A value equal to an edge lies below it; so does the middle between two edges.
        middles = np.r_[edges[:1] - 1, (edges[:-1] + edges[1:]) / 2, edges[-1:] + 1]
        if not len(edges):
            continue
        rows = np.repeat(centre[None], len(middles) + 1, 0)
        rows[:-1, at], rows[-1, at] = middles, np.nan
        steps = score(rows) - start
        keep = np.flatnonzero(np.abs(np.diff(steps[:-1])) > 1e-6)
        edges, levels = edges[keep], steps[:-1][np.r_[keep, len(middles) - 1]]
        own = honest[:, at]
        added = np.where(np.isnan(own), steps[-1], levels[np.searchsorted(edges, own, side="left")])
        shift = float(added.mean())
        base += shift
        if len(edges):
            shapes[key] = rounded_shape(edges, levels - shift, float(steps[-1] - shift))
    return round(base, 4), shapes


def rounded_shape(edges: np.ndarray, steps: np.ndarray, missing: float) -> Shape:
    """Return a step function with short numbers; edges that fall together are one."""
    short = np.array([float(f"{e:.6g}") for e in edges])
    keep = np.r_[np.diff(short) > 0, True]
    return Shape(short[keep], np.round(np.r_[steps[:-1][keep], steps[-1]], 4), round(missing, 4))


def population_of(logs: Sequence[Composed]) -> Population:
    """Fit the frozen population on the honest accounts of these logs."""
    own = [[a.distinct for a, h in zip(k.accounts, k.honest, strict=True) if h and len(a.distinct) >= 10] for k in logs]
    centre = np.mean([mean_prompt(k.ground.vectors, d) for k, d in zip(logs, own, strict=True)], 0)
    features = [mean_features(k.ground.vectors, d, centre, np.float32) for k, d in zip(logs, own, strict=True)]
    return fit_population(centre, np.concatenate(features))


def deal_collections(corpora: Collection[str]) -> dict[str, int]:
    """Deal collections into the parts that out-of-fold scores leave out in turn."""
    names = sorted({c for own in corpora for c in own.split("+")})
    order = np.random.default_rng(0).permutation(len(names))
    return {names[i]: int(at % GROUPS) for at, i in enumerate(order)}


def score_new_logs(seen: Sequence[Seen]) -> list[np.ndarray]:
    """Return each account's own log-odds by models that saw no log of its fold, one array a log.

    What honest people of a new log score is seen here alone: a model that knows other accounts of the same fold knows
    attackers who hide under chat of the very collections that are left out, and takes those people for such attackers.
    """
    models = {}
    for fold in {k.log.fold for k in seen}:
        others = join([k.rows for k in seen if k.log.fold != fold])
        models[fold] = [fit_models(others, s) for s in range(2)]
    return [_score(models[k.log.fold], k.log.values, k.log.volume >= LEAST) for k in seen]


def _score(
    models: Sequence[tuple[HistGradientBoostingClassifier, ...]], values: np.ndarray, able: np.ndarray
) -> np.ndarray:
    own = np.full(len(values), np.nan)
    if able.any():
        own[able] = np.mean([decide(m, values[able]) for m in models], axis=0)
    return own


def score_new_collections(seen: Sequence[Seen]) -> list[np.ndarray]:
    """Return each account's own log-odds by models that saw no account of its collections, one array a log.

    These models know almost as much as those that ship, so the test of groups learns from them.
    """
    rows = join([k.rows for k in seen])
    part = deal_collections(rows.corpus.tolist())
    held = [{part[c] for c in own.split("+")} for own in rows.corpus.tolist()]
    out = [np.full(len(k.log.labels), np.nan) for k in seen]
    for g in range(GROUPS):
        known = rows.take(np.array([g not in h for h in held]))
        models = [fit_models(known, s) for s in range(2)]
        for k, own in zip(seen, out, strict=True):
            first = np.array([part.get(c.split("+")[0], 0) for c in k.log.corpus.tolist()])
            mine = (first == g) & (k.log.volume >= LEAST)
            own[mine] = _score(models, k.log.values, mine)[mine]
    return out


def collections(logs: Sequence[Composed]) -> set[str]:
    """Return the names of all collections that these logs were composed from."""
    return {c for own in stack(logs, "corpus") for c in own.split("+")}


def reference_of(seen: Sequence[Seen], groups: Sequence[GroupRow], detector: Detector) -> Reference:
    """Return the honest accounts of these logs with the log-odds that models of the other folds give them.

    With them come the honest groups, each with the log-odds of a test that saw no group of its fold.
    """
    own = score_new_logs(seen)
    log_odds = [pool_kin(o, k.prints).log_odds[k.log.honest] for k, o in zip(seen, own, strict=True)]
    volume = np.concatenate([k.log.volume[k.log.honest] for k in seen])
    honest = {c for k in seen for c, h in zip(k.log.corpus, k.log.honest, strict=True) if h for c in c.split("+")}
    return make_reference(
        np.concatenate(log_odds), volume, corpora=len(honest),
        source="honest accounts composed from public prompt collections, each scored by models of other collections",
        encoder=detector.name, detector=detector, groups=null_groups(groups),
    )  # fmt: skip
