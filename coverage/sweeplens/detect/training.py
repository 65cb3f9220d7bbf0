"""Fit the detector to an operator's own labels, with the default detector as the prior."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.detector import Detector, encoder_of, load_detector, parse_detector, shipped_file
from sweeplens.errors import DetectorError

FILE = "detector.json"  # of a store: its own detector
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # of the pull towards the default that are tried
_BASE_STRENGTH = 1.0
_STIFF = 1e6  # a pull under which factors stay at 1
FOLDS = 5
FEWEST, FEWEST_GROUPS = 20, 5  # labelled accounts of each kind, and groups that they come from: one a fold
_ERRORS, _LEAST_GAIN = 2.0, 0.01  # standard errors, and share of the log loss, that a gain must be more than
_WORSE = 0.002  # loss of AUROC that is no more than noise
log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Labelled accounts.

    parts   float64 [n, signals]: what each signal adds to the log-odds by the default detector
    attack  bool [n]
    weight  float64 [n]: how many accounts each stands for, in units of their mean
    group   int64 [n]: accounts that belong together, and so are never in training and in the test at once
    """

    parts: Floats
    attack: Marks
    weight: Floats
    group: Groups

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.attack)

    def take(self, which: Marks) -> "Examples":
        """Return some of them."""
        return Examples(self.parts[which], self.attack[which], self.weight[which], self.group[which])


@dataclass(frozen=True)
class Fit:
    """log-odds = base + the sum over signals of factor x what the default adds. `strength` is that of the pull."""

    base: float
    factors: Floats
    strength: float

    def log_odds(self, parts: Floats) -> Floats:
        """Return the log-odds of accounts, float64 [n]."""
        odds: Floats = self.base + parts @ self.factors
        return odds


@dataclass(frozen=True)
class Quality:
    """How well log-odds fit labels: mean log loss in nats, lower is better, and AUROC."""

    log_loss: float
    auroc: float


@dataclass(frozen=True)
class Trained:
    """A fit on all examples, and what is to be expected of it, from folds that were left out.

    before    the default detector, with its base fitted like that of `after`
    after     the new one
    error     standard error of the difference of their log losses, with whole groups as units
    held_out  float64 [n]: log-odds of each account by a fit that did not see its group
    """

    fit: Fit
    before: Quality
    after: Quality
    error: float
    held_out: Floats

    @property
    def better(self) -> bool:
        """Whether accounts left out are judged better, by more than chance may give, and not ranked worse."""
        gain = self.before.log_loss - self.after.log_loss
        least = max(_ERRORS * self.error, _LEAST_GAIN * self.before.log_loss)
        return gain > least and self.after.auroc >= self.before.auroc - _WORSE


def train(examples: Examples, base: float) -> Trained:
    """Fit on all examples, and measure the gain by cross-validation over whole groups.

    The strength of the pull is chosen inside each training part by a cross-validation of its own (nested: Varma and
    Simon 2006), so that the choice does not flatter the gain. The default gets a base of its own from the same parts:
    that labels hold more attacks than a log does is no gain. Raises `DetectorError` for too few examples.
    """
    check_enough(examples)
    fold = deal_folds(examples, FOLDS)
    before, after = np.empty(len(examples)), np.empty(len(examples))
    for k in range(FOLDS):
        known = fold != k
        part, rest = examples.take(known), examples.parts[~known]
        before[~known] = fit_factors(part, base, _STIFF).log_odds(rest)
        after[~known] = fit_best(part, fold[known], base).log_odds(rest)
    group = np.unique(examples.group, return_inverse=True)[1]
    difference = examples.weight * (_losses(before, examples.attack) - _losses(after, examples.attack))
    by_group = np.bincount(group, weights=difference)
    error = float(by_group.std() * np.sqrt(len(by_group)) / examples.weight.sum())
    fit = fit_best(examples, fold, base)
    return Trained(fit, measure(before, examples), measure(after, examples), error, after)


def fit_best(examples: Examples, fold: Groups, base: float) -> Fit:
    """Fit with the strongest pull whose loss over folds is within one standard error of the least.

    That rule is Breiman et al.'s (1984); the error is of the difference between the two, with whole groups as units.
    """
    group = np.unique(examples.group, return_inverse=True)[1]
    losses = np.array([_fold_losses(examples, fold, base, strength) for strength in STRENGTHS])
    by_group = np.array([np.bincount(group, weights=row) for row in losses])
    more = by_group - by_group[by_group.sum(1).argmin()]
    error = more.std(axis=1) * np.sqrt(more.shape[1])
    return fit_factors(examples, base, max(s for s, d, e in zip(STRENGTHS, more.sum(1), error, strict=True) if d <= e))


def fit_factors(examples: Examples, base: float, strength: float) -> Fit:
    """Fit base and factors, none below 0, to the labels.

    Logistic regression on what the default's signals add, by maximum a posteriori: the weighted log loss plus half the
    squared distances of all factors from 1, times `strength`, and of the base from the default's, times 1: how many
    attacks there are among labels says little of a log, and must not bend the factors. Without examples the result is
    the default itself.
    """
    from scipy.optimize import minimize

    k = examples.parts.shape[1]
    prior = np.append(np.ones(k), base)
    strengths = np.append(np.full(k, strength), _BASE_STRENGTH)
    columns = np.column_stack([examples.parts, np.ones(len(examples))])
    target = examples.attack.astype(float)

    def loss(x: Floats) -> tuple[float, Floats]:
        odds, pull = columns @ x, x - prior
        slope = examples.weight * (_chance(odds) - target)
        value = float(examples.weight @ _losses(odds, examples.attack) + strengths @ pull**2 / 2)
        return value, columns.T @ slope + strengths * pull

    bounds = [(0.0, None)] * k + [(None, None)]
    found = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000, "ftol": 1e-12})
    return Fit(float(found.x[-1]), found.x[:-1], strength)


def deal_folds(examples: Examples, k: int) -> Groups:
    """Deal whole groups into k folds, int64 [n]: largest first, each to the fold that has fewest of its kind."""
    names, group = np.unique(examples.group, return_inverse=True)
    sizes = np.bincount(group)
    attacks = np.bincount(group, weights=examples.attack) > 0
    fold_of = np.empty(len(names), np.int64)
    for side in (True, False):
        load = np.zeros((k, 2))
        for g in sorted(np.flatnonzero(attacks == side), key=lambda g: (-sizes[g], g)):
            fold_of[g] = min(range(k), key=lambda f: (*load[f], f))
            load[fold_of[g]] += (1, sizes[g])
    return fold_of[group]


def measure(log_odds: Floats, examples: Examples) -> Quality:
    """Hold log-odds against the labels, each account by its weight."""
    from sklearn.metrics import roc_auc_score

    loss = float(np.average(_losses(log_odds, examples.attack), weights=examples.weight))
    return Quality(loss, float(roc_auc_score(examples.attack, log_odds, sample_weight=examples.weight)))


def check_enough(examples: Examples) -> None:
    """Raise `DetectorError` where there are too few examples, or they come from too few groups."""
    for name, which in (("attacks", examples.attack), ("benign accounts", ~examples.attack)):
        n, groups = int(which.sum()), len(np.unique(examples.group[which]))
        if n < FEWEST or groups < FEWEST_GROUPS:
            raise DetectorError(
                f"training needs {FEWEST} or more {name} with a score, from {FEWEST_GROUPS} or more corpora, "
                f"campaigns or accounts apart, but the labels give {n} from {groups}"
            )


def own_detector(default: Mapping[str, Any], fit: Fit, keys: tuple[str, ...], day: str, **facts: object) -> bytes:
    """Return the JSON of the default with a fit laid on; `keys` name the fit's factors, `facts` say what it is from.

    Its version names its parent's, the day and a hash of its content, so that a calibration fits one detector alone.
    """
    factor = dict(zip(keys, fit.factors.tolist(), strict=True))
    signals = {key: _scaled(shape, factor[key]) for key, shape in default["signals"].items()}
    base = round(fit.base, 4)
    digest = hashlib.sha256(json.dumps([base, signals], sort_keys=True).encode()).hexdigest()
    new = {
        **default,
        "version": f"{default['version']}+local-{day}-{digest[:6]}",
        "parent": {"name": default["name"], "version": default["version"]},
        "base": base,
        "trained_on": facts,
        "signals": signals,
    }
    return (json.dumps(new, indent=1) + "\n").encode()


def default_json(encoder: str) -> dict[str, Any]:
    """Return the JSON of the default detector for that encoder. Raises `DetectorError` where none was trained."""
    if load_detector(encoder).fallback:
        raise DetectorError(
            f"training starts from the default detector, but none was made for vectors of the encoder {encoder}"
        )
    source = shipped_file(encoder, ".json")
    data: dict[str, Any] = {} if source is None else json.loads(source.read_bytes())
    return data


def load_store_detector(encoder: str, store: Path) -> Detector | None:
    """Return the store's own detector where it has one for that encoder, else None.

    Raises `DetectorError` for a file that is no detector, or one with signals that are no longer measured.
    """
    data = read_store_detector(store)
    if data is None:
        return None
    if encoder_of(str(data.get("encoder")), str(data.get("version"))) != encoder:
        log.warning("the store's own detector is for the encoder %s and not used with %s", data.get("encoder"), encoder)
        return None
    try:
        return parse_detector(json.dumps(data).encode(), str(store / FILE))
    except DetectorError as error:
        raise DetectorError(f"{error}: `sweeplens train` makes one anew, with --remove it goes") from None


def choose_detector(encoder: str, store: Path) -> Detector:
    """Return the store's own detector where it fits, else the one that ships."""
    return load_store_detector(encoder, store) or load_detector(encoder)


def read_store_detector(store: Path) -> dict[str, Any] | None:
    """Return the JSON of the store's own detector, None where it has none. Raises `DetectorError` if it is damaged."""
    path = store / FILE
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DetectorError(f"the detector {path} cannot be read: {error.strerror}") from None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise DetectorError(f"{path} is not a detector: `sweeplens train` makes one anew, with --remove it goes")
    return data


def _scaled(shape: Mapping[str, Any], factor: float) -> dict[str, Any]:
    steps = [round(factor * float(s), 4) for s in shape["steps"]]
    return {**shape, "steps": steps, "missing": round(factor * float(shape["missing"]), 4)}


def _fold_losses(examples: Examples, fold: Groups, base: float, strength: float) -> Floats:
    """Return the weighted log loss of each account by a fit that did not see its fold."""
    odds = np.empty(len(examples))
    for k in np.unique(fold):
        known = fold != k
        odds[~known] = fit_factors(examples.take(known), base, strength).log_odds(examples.parts[~known])
    losses: Floats = examples.weight * _losses(odds, examples.attack)
    return losses


def _losses(log_odds: Floats, attack: Marks) -> Floats:
    """Return -log of the chance that the log-odds give to each label."""
    losses: Floats = np.logaddexp(0.0, np.where(attack, -log_odds, log_odds))
    return losses


def _chance(log_odds: Floats) -> Floats:
    from scipy.special import expit

    chance: Floats = expit(log_odds)
    return chance
