"""How an account moves over the map in the order of its requests: stays, returns, repeats."""

import numpy as np

from sweeplens.signals.account import Account
from sweeplens.signals.ground import Ground

_NEAR = {"near_lowest": 0.1, "near_low": 0.25, "near_middle": 0.5, "near_high": 0.75, "near_highest": 0.9}
_LONGEST = 1500  # distinct prompts whose pairs are compared; longer accounts give their first so many


def measure_order(account: Account, ground: Ground) -> dict[str, float]:
    """Return locality in time, and repeats and runs of the same prompt.

    repeats          share of the requests that repeat an earlier prompt
    most_repeated, repeat_middle   log(1 + n): times that the most repeated, and the median, prompt was sent
    resent           share of the prompts that were sent more than once
    runs             share of the requests that send the prompt of the request before

    Locality is the cosine of prompts that follow one another, less the cosine of any two: people stay with a topic,
    a shuffled prompt set does not. Missing where the log has no times.
    """
    requests, own = account.requests, account.distinct
    repeats = np.unique(requests, return_counts=True)[1]
    out = {
        "repeats": 1.0 - len(own) / len(requests),
        "most_repeated": float(np.log1p(repeats.max())),
        "repeat_middle": float(np.log1p(np.median(repeats))),
        "resent": float((repeats > 1).mean()),
        "runs": float((np.diff(requests) == 0).mean()) if len(requests) > 1 else np.nan,
    }
    return out | (measure_locality(ground.rows(own[:_LONGEST])) if account.timed else dict.fromkeys(LOCAL, np.nan))


LOCAL = ("locality", "locality_wide", "alone", *_NEAR)


def measure_locality(v: np.ndarray) -> dict[str, float]:
    """Return the locality signals of unit rows [n, d] in order of arrival; NaN under 4 rows.

    locality, locality_wide   mean cosine at lag 1 and 4, less the mean cosine of all pairs
    near_*     quantiles (10, 25, 50, 75, 90 %) of each prompt's largest cosine with the three before and after it
    alone      share of prompts that are near none of those, by the 90th percentile of all pairs
    """
    n = len(v)
    if n < 4:
        return dict.fromkeys(LOCAL, float("nan"))
    total = v.sum(0, dtype=np.float64)
    mean = (float(total @ total) - float((v * v).sum())) / (n * (n - 1))
    near = np.full(n, -1.0, np.float32)
    for lag in (1, 2, 3):
        cosine = (v[lag:] * v[:-lag]).sum(1)
        np.maximum(near[lag:], cosine, out=near[lag:])
        np.maximum(near[:-lag], cosine, out=near[:-lag])
    lag = min(4, n - 1)
    quantiles = np.quantile(near, list(_NEAR.values()))
    return {
        "locality": float((v[1:] * v[:-1]).sum(1).mean()) - mean,
        "locality_wide": float((v[lag:] * v[:-lag]).sum(1).mean()) - mean,
        "alone": float((near < _pair_quantile(v, 0.9)).mean()),
    } | dict(zip(_NEAR, quantiles.tolist(), strict=True))


def _pair_quantile(v: np.ndarray, q: float, most: int = 300) -> float:
    """Return a quantile of the cosines of all pairs, from at most `most` rows spread over the order."""
    rows = v if len(v) <= most else v[np.linspace(0, len(v) - 1, most).astype(int)]
    pairs = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return float(np.quantile(pairs, q))
