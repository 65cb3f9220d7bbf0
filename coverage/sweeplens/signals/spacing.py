"""How far an account's prompts stand from one another, and how alike their text is, in samples of a fixed size."""

import zlib

import numpy as np

from sweeplens.signals.account import Account
from sweeplens.signals.coverage import SAMPLE
from sweeplens.signals.ground import Ground

_DRAWS = 8
_SEED = 0  # the same draws for an account whatever else the log holds


def measure_spacing(account: Account, ground: Ground) -> dict[str, float]:
    """Return means over 8 draws of 40 distinct prompts.

    pair_mean, pair_spread, pair_high   mean, standard deviation, 95th percentile of the pairs' cosines
    nearest, nearest_spread             cosine of each prompt's nearest in the draw: mean, standard deviation
    vendi                               Vendi score over the draw's size (Friedman and Dieng 2023)
    first_axis                          largest share of variance on one axis
    joint_pack                          compressed length of all texts together over the sum of each alone
    first_words, first_word_top         entropy of the first words (1: all differ); share of the commonest

    The last three are missing where the text of any prompt in the draws is not known.
    """
    own = account.distinct
    n, m = len(own), min(SAMPLE, len(own))
    if m < 4:
        return dict.fromkeys(SPACING, float("nan"))
    rng = np.random.default_rng(_SEED)
    draws = [own] if n == m else [own[rng.choice(n, m, replace=False)] for _ in range(_DRAWS)]
    vectors = np.split(ground.rows(np.concatenate(draws)), len(draws))
    values = np.array([(*_measure_vectors(v), *_measure_texts(d, ground)) for v, d in zip(vectors, draws, strict=True)])
    return dict(zip(SPACING, values.mean(0).tolist(), strict=True))


SPACING = (
    "pair_mean", "pair_spread", "pair_high", "nearest", "nearest_spread", "vendi", "first_axis", "joint_pack",
    "first_words", "first_word_top",
)  # fmt: skip


def _measure_vectors(v: np.ndarray) -> tuple[float, ...]:
    m = len(v)
    gram = v @ v.T
    pairs = gram[np.triu_indices(m, 1)]
    first_axis, vendi = spectrum(gram)
    np.fill_diagonal(gram, -1.0)
    nearest = gram.max(1)
    return (
        float(pairs.mean()), float(pairs.std()), float(np.quantile(pairs, 0.95)), float(nearest.mean()),
        float(nearest.std()), vendi / m, first_axis,
    )  # fmt: skip


def _measure_texts(own: np.ndarray, ground: Ground) -> tuple[float, float, float]:
    if not ground.is_read(own):
        return (float("nan"),) * 3
    joint = len(zlib.compress(b"\n".join(ground.heads[i] for i in own.tolist()), 9))
    words = np.unique(ground.first_word[own], return_counts=True)[1]
    m = len(own)
    return joint / max(1, int(ground.packed[own].sum())), entropy(words) / float(np.log(m)), float(words.max() / m)


def spectrum(gram: np.ndarray) -> tuple[float, float]:
    """Return (largest eigenvalue, Vendi score) of a Gram matrix of unit rows divided by their number.

    The Vendi score is the exponential of the entropy of the eigenvalues: an effective number of different rows.
    """
    values = np.linalg.eigvalsh(gram.astype(np.float64) / len(gram))
    values = values[values > 1e-9]
    return float(values.max()), float(np.exp(-(values * np.log(values)).sum()))


def entropy(count: np.ndarray) -> float:
    """Return the Shannon entropy, in nats, of labels that appear so often."""
    q = count / count.sum()
    return float(-(q * np.log(q)).sum())
