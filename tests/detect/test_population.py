"""The frozen population: what is kept of it, how it is stored, and that it steadies fingerprints."""

import numpy as np
import pytest

from sweeplens.detect.fingerprints import take_fingerprints, whiten
from sweeplens.detect.population import RANK, dump_population, fit_population, load_population, parse_population
from sweeplens.detect.prints import FEATURES, mean_features, mean_prompt, take_prints
from sweeplens.embed.shipped import SHIPPED
from sweeplens.errors import DetectorError
from sweeplens.signals.account import group_accounts


def make_log(n_accounts, seed, topics):
    rng = np.random.default_rng(seed)
    v = np.vstack([topics[rng.integers(0, len(topics))] + 0.4 * rng.normal(size=(20, 16)) for _ in range(n_accounts)])
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
    names = np.repeat([f"a{i:03d}" for i in range(n_accounts)], 20)
    return v, group_accounts(names.tolist(), np.arange(len(v)), np.arange(len(v)))


def features_of(v, accounts):
    own = [a.distinct for a in accounts]
    centre = mean_prompt(v, own)
    return centre, mean_features(v, own, centre, np.float32)


def test_axes_hold_the_covariance():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 12)) * np.arange(1, 13)
    kept = fit_population(np.zeros(3), x)
    assert np.allclose(kept.axes.T @ kept.axes, np.cov(x.T, bias=True), atol=1e-3)
    assert np.allclose(kept.mean, x.mean(0), atol=1e-5)
    assert len(kept.axes) <= RANK


def test_it_comes_back_as_it_was_stored_to_half_precision():
    v, accounts = make_log(30, 2, np.random.default_rng(0).normal(size=(5, 16)))
    kept = fit_population(*features_of(v, accounts))
    back = parse_population(dump_population(kept), "memory")
    assert np.allclose(back.axes, kept.axes, atol=1e-3)
    assert np.allclose(back.mean, kept.mean, atol=1e-3)
    assert back.centre.shape == (16,)


@pytest.mark.parametrize("raw", [b"", b"junk" * 100])
def test_what_is_no_population_is_refused(raw):
    with pytest.raises(DetectorError, match="not a population"):
        parse_population(raw, "junk.safetensors")


@pytest.mark.parametrize(("encoder", "dim"), [(shipped.name, shipped.dim) for shipped in SHIPPED])
def test_those_that_ship_fit_their_encoder(encoder, dim):
    shipped = load_population(encoder)
    assert shipped.centre.shape == (dim,)
    assert shipped.axes.shape[1] == FEATURES == len(shipped.mean)
    assert np.isfinite(shipped.axes).all()


def test_other_encoders_have_none():
    assert load_population("somebody/elses-model") is None


def test_likeness_is_the_dot_product_under_both_populations_inverse_covariance():
    topics = np.random.default_rng(0).normal(size=(8, 16))
    kept = fit_population(*features_of(*make_log(60, 7, topics)))
    v, accounts = make_log(10, 8, topics)
    prints = take_prints(v, accounts, np.arange(len(v), dtype=np.uint64), kept)
    rows = take_fingerprints(prints, kept).rows
    x = mean_features(v, [a.distinct for a in accounts], kept.centre, np.float64)
    mean = 0.7 * x.mean(0) + 0.3 * kept.mean
    apart = kept.mean - mean
    covariance = 0.7 * (x - mean).T @ (x - mean) / 10 + 0.3 * (kept.axes.T @ kept.axes + np.outer(apart, apart))
    inverse = np.linalg.inv(covariance + np.trace(covariance) / 256 * np.eye(FEATURES))
    assert np.allclose(rows @ rows.T, (x - mean) @ inverse @ (x - mean).T, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("n", [30, 400])
@pytest.mark.parametrize("rank", [None, 20])
def test_whitening_of_few_and_of_many_accounts_is_by_the_inverse_covariance(n, rank):
    rng = np.random.default_rng(n)
    scale = 2.0 ** -np.arange(60)
    x = (rng.normal(size=(n, 60)) * scale + 0.5).astype(np.float32)
    mean, turn = whiten(x, None, of_log=0.7, ridge=1e-3, rank=rank)
    values, axes = np.linalg.eigh(np.cov(x.T.astype(np.float64), bias=True))
    values, axes = values[::-1][:rank], axes[:, ::-1][:, :rank]
    own = (x - x.mean(0)) @ axes
    total = np.cov(x.T.astype(np.float64), bias=True).trace()
    assert mean == pytest.approx(x.mean(0), abs=1e-6)
    assert turn.dtype == np.float32
    assert turn.shape[1] <= (rank or 60)
    assert (x - mean) @ turn @ ((x - mean) @ turn).T == pytest.approx(own / (values + 1e-3 * total) @ own.T, abs=2e-3)
