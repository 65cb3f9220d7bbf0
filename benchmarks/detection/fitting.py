"""Fit what detection needs from composed logs: step functions, the population of fingerprints, the benign reference."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from composed import Composed, stack
from sklearn.ensemble import HistGradientBoostingClassifier

from sweeplens.detect.accounts import AccountScores
from sweeplens.detect.calibration import Reference, make_reference
from sweeplens.detect.campaigns import find_campaigns
from sweeplens.detect.detector import Detector, Shape
from sweeplens.detect.fingerprints import take_fingerprints
from sweeplens.detect.kin import Kin, pool_kin
from sweeplens.detect.nulls import Null, nulls_of
from sweeplens.detect.population import Population, fit_population
from sweeplens.detect.prints import Prints, mean_features, mean_prompt, take_prints
from sweeplens.signals.account import Account, first_arrivals
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.measure import measure_account
from sweeplens.signals.sample import hash_keys

# The signals that carry over to collections that no model has seen. Left out: what depends on the log (cells, clusters,
# capabilities), and what made held-out scores worse (spreads of form, shared wording, first words, effective numbers).
USED = (
    "repeats", "most_repeated", "repeat_middle", "resent", "runs", "locality", "locality_wide", "alone", "near_lowest",
    "near_low", "near_middle", "near_high", "near_highest", "pair_mean", "pair_spread", "pair_high", "nearest_spread",
    "pack", "leaning",
)  # fmt: skip
# One prompt set dealt over many accounts gives many rows that say the same: they count less.
WEIGHTS = {"hydra": 0.4}
BLENDED = 0.2  # weight of a blended copy: 0.5 finds a little more of them and costs lone sweeps more
CHAT = ("user", "named_user")  # types of honest account whose requests are mixed in
MEMBERS = 0.3  # share of the campaigns' members that get a blended copy
SEEDS = 5
MOST_EDGES = 24
PARTS = 2  # random parts of each log's honest accounts that groups are looked for in
GROUPS = 12  # parts of the collections that out-of-fold scores leave out in turn
LEVELS = {"watch": 0.9, "review": 1.1, "high": 1.1}  # without a reference nothing goes above watch
_COLUMNS = [KEYS.index(k) for k in USED]


@dataclass(frozen=True)
class Fitted:
    """What was fitted on some logs: an additive detector and the population."""

    detector: Detector
    population: Population


def fit(logs: Sequence[Composed], name: str, version: str, campaign: float) -> Fitted:
    """Fit the detector and the population of fingerprints on these logs."""
    base, shapes = shapes_of(
        [fit_trees(logs, (), s) for s in range(SEEDS)], stack(logs, "values")[stack(logs, "honest")]
    )
    return Fitted(Detector(name, version, base, shapes, LEVELS | {"campaign": campaign}), population_of(logs))


@cache
def blends(log: Composed) -> tuple[np.ndarray, tuple[tuple[str, ...], ...]]:
    """Return (signals, collections) of attacks of a log with an honest person's chat mixed in, a fifth to two thirds.

    Runs of a few of the person's requests are put in at random places, as somebody would who hides a sweep under use.
    """
    rng = np.random.default_rng(0)
    people = np.flatnonzero(log.honest & np.isin(log.kind, CHAT))
    values, corpora = [], []
    for at in np.flatnonzero(log.attack & np.isin(log.kind, ("solo", "hydra"))):
        if not len(people) or (log.kind[at] == "hydra" and rng.random() > MEMBERS):
            continue
        person = int(rng.choice(people))
        mixed = log.accounts.one(int(at)).requests.tolist()
        share = rng.uniform(0.2, 0.67)
        chat = log.accounts.one(person).requests[: int(len(mixed) * share / (1 - share))].tolist()
        start = 0
        while start < len(chat):
            step = 1 + int(rng.geometric(0.25))
            place = int(rng.integers(0, len(mixed) + 1))
            mixed[place:place] = chat[start : start + step]
            start += step
        requests = np.array(mixed, np.int32)
        values.append(measure_account(Account(requests, True, first_arrivals(requests), (0,)), log.ground))
        corpora.append((*log.labels[at].corpora, *log.labels[person].corpora))
    return np.array(values).reshape(-1, len(KEYS)), tuple(corpora)


def fit_trees(logs: Sequence[Composed], held: Collection[str], seed: int) -> HistGradientBoostingClassifier:
    """Fit boosted stumps on accounts without a prompt of the `held` collections: a sum of one step function a signal.

    Each round sees few signals, so that many are heard. Blended copies of attacks count half.
    """
    model = HistGradientBoostingClassifier(
        max_leaf_nodes=2, max_iter=1200, learning_rate=0.06, min_samples_leaf=20, l2_regularization=5.0,
        max_bins=MOST_EDGES, max_features=0.05, random_state=seed,
    )  # fmt: skip
    values, attack, kind = stack(logs, "values"), stack(logs, "attack"), stack(logs, "kind")
    free = np.array([not set(c.split("+")) & set(held) for c in stack(logs, "corpus")])
    use = (attack | stack(logs, "honest")) & ~np.isnan(values).all(1) & free
    more = [
        v for k in logs for v, c in zip(*blends(k), strict=True) if not set(c) & set(held) and not np.isnan(v).all()
    ]
    x = np.concatenate([values[use], np.array(more).reshape(-1, len(KEYS))])[:, _COLUMNS]
    y = np.concatenate([attack[use], np.ones(len(more), bool)])
    weight = np.concatenate([[WEIGHTS.get(k, 1.0) for k in kind[use]], np.full(len(more), BLENDED)])
    weight *= np.where(y, (weight * ~y).sum() / (weight * y).sum(), 1.0)
    return model.fit(x, y, sample_weight=weight)


def shapes_of(models: Sequence[HistGradientBoostingClassifier], honest: np.ndarray) -> tuple[float, dict[str, Shape]]:
    """Read the function of each signal out of additive models, centred on honest accounts."""
    honest = honest[~np.isnan(honest).all(1)][:, _COLUMNS]
    centre = np.nanmedian(honest, axis=0)
    decide = lambda x: np.mean([m.decision_function(x) for m in models], axis=0)  # noqa: E731
    start = float(decide(centre[None])[0])
    base, shapes = start, {}
    for j, key in enumerate(USED):
        edges = np.unique(np.concatenate([m._bin_mapper.bin_thresholds_[j] for m in models]))
        # A value equal to an edge lies below it; so does the middle between two edges.
        middles = (
            np.r_[edges[:1] - 1, (edges[:-1] + edges[1:]) / 2, edges[-1:] + 1] if len(edges) else centre[j : j + 1]
        )
        rows = np.repeat(centre[None], len(middles) + 1, 0)
        rows[:-1, j], rows[-1, j] = middles, np.nan
        steps = decide(rows) - start
        keep = np.flatnonzero(np.abs(np.diff(steps[:-1])) > 1e-6)
        edges, levels = edges[keep], steps[:-1][np.r_[keep, len(middles) - 1]]
        own = honest[:, j]
        added = np.where(np.isnan(own), steps[-1], levels[np.searchsorted(edges, own, side="left")])
        shift = float(added.mean())
        base += shift
        if len(edges):
            rounded = np.array([float(f"{e:.6g}") for e in edges])
            shapes[key] = Shape(rounded, np.round(levels - shift, 4), round(float(steps[-1] - shift), 4))
    return round(base, 4), shapes


def population_of(logs: Sequence[Composed]) -> Population:
    """Fit the frozen population on the honest accounts of these logs."""
    own = [[a.distinct for a, h in zip(k.accounts, k.honest, strict=True) if h and len(a.distinct) >= 10] for k in logs]
    centre = np.mean([mean_prompt(k.ground.vectors, d) for k, d in zip(logs, own, strict=True)], 0)
    features = [mean_features(k.ground.vectors, d, centre, np.float32) for k, d in zip(logs, own, strict=True)]
    return fit_population(centre, np.concatenate(features))


def score_out_of_fold(logs: Sequence[Composed]) -> list[np.ndarray]:
    """Return each account's own log-odds by models that saw no account of its collections, one array a log."""
    corpora = [c.split("+") for c in stack(logs, "corpus")]
    names = sorted({c for own in corpora for c in own})
    order = np.random.default_rng(0).permutation(len(names))
    part = {names[i]: int(at % GROUPS) for at, i in enumerate(order)}
    values = stack(logs, "values")
    own = np.full(len(values), np.nan)
    for g in range(GROUPS):
        held = np.array([any(part[c] == g for c in own_corpora) for own_corpora in corpora])
        models = [fit_trees(logs, [c for c in names if part[c] == g], s) for s in range(2)]
        mine = held & np.array([part[c[0]] == g for c in corpora]) & ~np.isnan(values).all(1)
        if mine.any():
            own[mine] = np.mean([m.decision_function(values[mine][:, _COLUMNS]) for m in models], axis=0)
    ends = np.cumsum([len(k.labels) for k in logs])[:-1]
    return np.split(own, ends)


def collections(logs: Sequence[Composed]) -> set[str]:
    """Return the names of all collections that these logs were composed from."""
    return {c for own in stack(logs, "corpus") for c in own.split("+")}


def reference_of(logs: Sequence[Composed], fitted: Fitted) -> Reference:
    """Return the honest accounts of these logs with the log-odds that models of other collections give them.

    With them come the groups that the same algorithm finds among the honest accounts of each log, and of parts of it.
    """
    log_odds, groups = [], []
    for log, own in zip(logs, score_out_of_fold(logs), strict=True):
        prints = take_prints(log.ground.vectors, log.accounts, hash_keys(log.hashes), fitted.population)
        log_odds.append(pool_kin(own, take_fingerprints(prints, fitted.population)).log_odds[log.honest])
        groups += null_groups(log, own, prints, fitted)
    volume = np.concatenate([k.volume[k.honest] for k in logs])
    honest = {c for k in logs for c, h in zip(k.corpus, k.honest, strict=True) if h for c in c.split("+")}
    return make_reference(
        np.concatenate(log_odds), volume, corpora=len(honest),
        source="honest accounts composed from public prompt collections, each scored by models of other collections",
        encoder=fitted.detector.name, detector=fitted.detector, groups=groups,
    )  # fmt: skip


def null_groups(log: Composed, own: np.ndarray, prints: Prints, fitted: Fitted) -> list[Null]:
    """Return the groups among the honest accounts of a log, and among two thirds of them, drawn a few times."""
    rng = np.random.default_rng(0)
    found: list[Null] = []
    for share in (1.0, *[2 / 3] * PARTS):
        keep = log.honest & (rng.random(len(own)) < share)
        n = int(keep.sum())
        alone = Kin(own[keep], np.zeros(n), np.full(n, np.nan), np.zeros(n, np.int64))
        scores = AccountScores(own[keep], np.zeros((n, len(KEYS))), alone, 1 / (1 + np.exp(-own[keep])), ((),) * n)
        kept = prints.renumber(np.where(keep, np.cumsum(keep) - 1, -1))
        found += nulls_of(
            find_campaigns(
                log.accounts.only(keep), log.ground, scores, fitted.detector, kept, population=fitted.population
            )
        )
    return found
