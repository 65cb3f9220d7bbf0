"""Published detectors of model extraction, ported to accounts that send text: one number an account.

They were made for image classifiers or for windows of traffic. Common to all ports: a query is a distinct prompt as the
snapshot's encoder sees it, in order of first sending; distances are Euclidean between unit rows; an account is scored
as a whole, higher for more suspicious, and no alarm threshold is set; where an account has too little for a detector
it has no score (NaN). What each port changes besides is in its docstring.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Floats = NDArray[np.float64]

_RIDGE = 3e-4  # added to the variances of a reference: unit rows in d dimensions have variances near 1/d
_SIMILAR = 1e-4  # share of pairs of benign prompts that may count as similar (SEAT)
_VENDI_MOST = 256  # prompts of an account whose effective number is taken
_BITS = 11  # hyperplanes of CAP's hash: 2,048 buckets
_CAP_WEIGHTS = (0.05, 0.35, 0.45)  # coverage, novelty, spread
_LAMBDA, _ALPHA, _BETA = 5e-4, 8.0, 0.19  # of the cost of coverage


@dataclass(frozen=True)
class Gaussian:
    """Mean [d], principal axes [d, d] and variances along them [d] of benign prompts."""

    mean: Floats
    axes: Floats
    variance: Floats


@dataclass(frozen=True)
class Reference:
    """What the detectors that need one know of benign traffic.

    gaussian   of its prompts
    prompts    float32 [m, d]: some of its prompts
    width      squared width of MMD's kernel: the median squared distance of two of those prompts
    within     mean kernel of two different ones of them
    similar    cosine from which two prompts are similar (SEAT)
    planes     float32 [d, 11]: normals of the planes that cut the space into CAP's buckets
    buckets    those that its prompts fall into
    """

    gaussian: Gaussian
    prompts: Rows
    width: float
    within: float
    similar: float
    planes: Rows
    buckets: frozenset[int]


def fit_reference(rows: Rows, sample: Rows, sender: NDArray[np.int64], seed: int) -> Reference:
    """Learn from benign prompts `rows`, and from fewer of them (`sample`, with the account that sent each)."""
    gram = sample @ sample.T
    upper = np.triu_indices(len(sample), 1)
    width = float(np.median(squared_distances(gram)[upper])) or 1.0
    kernel = np.exp(-squared_distances(gram) / (2 * width))
    m = len(sample)
    between = gram[upper][sender[upper[0]] != sender[upper[1]]]
    planes = np.random.default_rng(seed).normal(size=(rows.shape[1], _BITS)).astype(np.float32)
    gaussian = fit_gaussian(rows)
    return Reference(
        gaussian=gaussian,
        prompts=sample,
        width=width,
        within=float((kernel.sum() - np.trace(kernel)) / max(1, m * (m - 1))),
        similar=float(np.quantile(between if len(between) else gram[upper], 1 - _SIMILAR)) if len(upper[0]) else 1.0,
        planes=planes,
        buckets=frozenset(hash_buckets(rows, gaussian.mean, planes).tolist()),
    )


def fit_gaussian(rows: Rows) -> Gaussian:
    """Fit mean and covariance."""
    mean = rows.mean(0, dtype=np.float64)
    centred = (rows - mean).astype(np.float64)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(rows))
    return Gaussian(mean, axes, np.maximum(variance, 0.0) + _RIDGE)


def squared_distances(gram: Rows) -> Floats:
    """Return squared distances of unit rows from their inner products."""
    out: Floats = np.maximum(0.0, 2.0 - 2.0 * gram.astype(np.float64))
    return out


def volume(n_requests: int) -> float:
    """Count requests: what a rate limit sees."""
    return float(n_requests)


def mahalanobis(rows: Rows, reference: Reference) -> float:
    """Return the mean squared Mahalanobis distance of an account's prompts from benign prompts.

    Lee, Lee, Lee and Shin 2018 (NeurIPS), in the marginal form without classes of Kamoi and Kobayashi 2020
    (arXiv:2003.00402), averaged over traffic as in Liu, Guo and Dong 2026 (arXiv:2606.05725). Adapted: a window of
    traffic is an account; a ridge of 3e-4 keeps axes that the reference hardly uses from deciding alone.
    """
    if not len(rows):
        return math.nan
    g = reference.gaussian
    return float((((rows - g.mean) @ g.axes) ** 2 / g.variance).sum(1).mean())


def mmd(rows: Rows, reference: Reference) -> float:
    """Return the unbiased squared maximum mean discrepancy of an account's prompts and benign prompts.

    Gretton, Borgwardt, Rasch, Schölkopf and Smola 2012 (JMLR 13, lemma 6), used on LLM traffic by Liu, Guo and Dong
    2026 (arXiv:2606.05725): Gaussian kernel, median heuristic on the reference. Adapted: a window of traffic is an
    account, of any size; the statistic itself is the score, since each account rejects a null of benign traffic that
    is drawn from many people at once.
    """
    n = len(rows)
    if n < 2:
        return math.nan
    own = np.exp(-squared_distances(rows @ rows.T) / (2 * reference.width))
    cross = np.exp(-squared_distances(rows @ reference.prompts.T) / (2 * reference.width))
    return float((own.sum() - np.trace(own)) / (n * (n - 1)) + reference.within - 2 * cross.mean())


def prada(rows: Rows) -> float:
    """Return 1 - W, W the Shapiro-Wilk statistic of each prompt's distance to the nearest earlier one.

    Juuti, Szyller, Marchal and Asokan 2019 (EuroS&P, algorithm 1): benign queries have normally distributed minimum
    distances, a made-up sequence has not. As there, a prompt joins the set that later ones are measured against only
    when it is farther than the mean less one standard deviation of that set's distances, and distances beyond three
    standard deviations are left out of W. Adapted: a language model has no classes, so there is one set; W is taken
    from three distances on, where the paper waits for a hundred.
    """
    if len(rows) < 4:
        return math.nan
    from scipy.stats import shapiro

    distance = np.sqrt(squared_distances(rows @ rows.T))
    nearest = np.zeros(len(rows))
    grown, steps, least = [0], [0.0], 0.0
    for i in range(1, len(rows)):
        nearest[i] = distance[i, grown].min()
        if nearest[i] > least:
            grown.append(i)
            steps.append(float(nearest[i]))
            least = max(least, float(np.mean(steps) - np.std(steps)))
    kept = nearest[1:][np.abs(nearest[1:] - nearest[1:].mean()) <= 3 * nearest[1:].std()]
    if len(kept) < 3 or np.ptp(kept) < 1e-9:
        return math.nan
    return 1.0 - float(shapiro(kept).statistic)


def seat(rows: Rows, reference: Reference) -> float:
    """Count pairs of an account's prompts that are more similar than all but 0.01 % of pairs of benign accounts.

    Zhang, Chen and Wagner 2021 (AISec): an attack perturbs its own queries, and so sends pairs that a similarity
    encoder finds alike. Adapted: the snapshot's encoder takes the place of one trained on adversarial perturbations;
    the threshold is set as there, by the false positives among pairs of benign queries.
    """
    if len(rows) < 2:
        return math.nan
    gram = rows @ rows.T
    return float((gram[np.triu_indices(len(rows), 1)] > reference.similar).sum())


def cap(rows: Rows, reference: Reference) -> float:
    """Score coverage of the embedding space, with novelty and spread.

    The coverage detector that Liu, Guo and Dong 2026 (arXiv:2606.05725) name CAP and run on LLM traffic, with their
    2,048 buckets, weights and cost. The cost of coverage is that of B4B (Dubiński, Pawlak, Boenisch, Trzciński and
    Dziedzic 2023, NeurIPS): lambda (exp(F log(alpha / lambda) / beta) - 1) for the share F of buckets that are
    occupied. Adapted: buckets are the sides of random hyperplanes through the benign mean; novelty is the share of
    prompts in buckets that benign prompts leave empty, spread the mean cosine distance of two prompts; the parts are
    read from the published settings, not from the authors' code. Coverage is not corrected for volume, as there.
    """
    n = len(rows)
    if n < 2:
        return math.nan
    buckets = hash_buckets(rows, reference.gaussian.mean, reference.planes)
    covered = len(np.unique(buckets)) / 2**_BITS
    cost = _LAMBDA * (math.exp(covered * math.log(_ALPHA / _LAMBDA) / _BETA) - 1)
    novelty = float(np.mean([b not in reference.buckets for b in buckets.tolist()]))
    total = rows.sum(0, dtype=np.float64)
    spread = min(1.0, 1 - (float(total @ total) - n) / (n * (n - 1)))
    parts = (cost, novelty, spread)
    return float(sum(w * p for w, p in zip(_CAP_WEIGHTS, parts, strict=True)))


def hash_buckets(rows: Rows, mean: Floats, planes: Rows) -> NDArray[np.int64]:
    """Return the bucket of each row: on which side of each plane it lies (Charikar 2002)."""
    sides = (rows - mean.astype(np.float32)) @ planes > 0
    out: NDArray[np.int64] = sides @ (1 << np.arange(planes.shape[1]))
    return out


def vendi(rows: Rows) -> float:
    """Return the effective number of an account's prompts: exp of the entropy of their Gram matrix's eigenvalues.

    Friedman and Dieng 2023 (TMLR). No detector, but the usual measure of diversity, which copying a model needs.
    Adapted: at most 256 prompts of an account, spread evenly.
    """
    if len(rows) < 2:
        return math.nan
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _VENDI_MOST)).astype(int)].astype(np.float64)
    values = np.linalg.eigvalsh(some @ some.T / len(some))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))
