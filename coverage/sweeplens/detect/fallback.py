"""A score without training: how far an account stands, among its peers, on the side where sweeps stand."""

import numpy as np

from sweeplens.signals.catalog import KEYS

# The side of its peers on which a sweep stands, by what the signal means: new ground without return or locality.
SIDES = {
    "cells": 1, "cells_once": 1, "cell_evenness": 1, "discovery": 1, "locality": -1, "locality_wide": -1, "alone": 1,
    "near_low": -1, "near_high": -1, "pair_high": -1, "nearest_spread": -1, "leaning": -1,
}  # fmt: skip


def fallback_contributions(percentile: np.ndarray) -> np.ndarray:
    """Return what each signal adds to the log-odds, [N, signals], from peer percentiles (0-100) of the same shape.

    Each of the signals in SIDES adds the logit of its percentile on the sweep's side, over the root of their number:
    the sum of independent uniform percentiles then has the spread of one of them.
    """
    added = np.zeros(percentile.shape)
    for key, side in SIDES.items():
        p = percentile[:, KEYS.index(key)] / 100
        p = np.clip(np.where(np.isnan(p), 0.5, p if side > 0 else 1 - p), 0.01, 0.99)
        added[:, KEYS.index(key)] = np.log(p / (1 - p)) / np.sqrt(len(SIDES))
    return added
