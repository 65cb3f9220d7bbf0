"""Each family on small literal accounts, against the plain definition of its numbers."""

import zlib

import numpy as np
import pytest

from sweeplens.index.neighbours import Neighbours, all_neighbours
from sweeplens.signals.account import MISSING, first_arrivals, group_accounts
from sweeplens.signals.closeness import measure_closeness
from sweeplens.signals.form import measure_form
from sweeplens.signals.ground import FORM, SHARED, find_owners, fit_whitening, make_ground, measure_pack
from sweeplens.signals.order import measure_locality, measure_order
from sweeplens.signals.spacing import SPACING, entropy, measure_spacing, spectrum


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def scene():
    """Three accounts of 14 prompts: one stays on each of two topics in turn, one jumps, one repeats itself."""
    rng = np.random.default_rng(3)
    topics = unit(rng.normal(size=(6, 8)))
    ids = np.arange(42)
    kind = np.r_[np.repeat([0, 1], 7), np.tile([0, 1, 2, 3, 4, 5, 0], 2), np.full(14, 2)]
    vectors = unit(topics[kind] + 0.25 * rng.normal(size=(42, 8)))
    names = ["stays"] * 14 + ["jumps"] * 14 + ["repeats"] * 28
    prompts = np.r_[ids[:28], np.repeat(ids[28:], 2)].astype(np.int32)
    texts = [f"word{i} asks about topic {kind[i]}" for i in ids]
    accounts = group_accounts(names, prompts, np.arange(len(prompts)))
    ground = make_ground(
        vectors, all_neighbours(vectors, 12, threads=1), texts, accounts,
        cell=kind.astype(np.int32), cluster=kind.astype(np.int32), capability=kind.astype(np.int32), threads=1,
    )  # fmt: skip
    return accounts, ground


def one(scene, name):
    accounts, ground = scene
    return accounts.one(accounts.names.index(name)), ground


def test_locality_is_lag_cosine_less_mean_pair_cosine():
    v = unit(np.random.default_rng(0).normal(size=(9, 5)))
    pairs = (v @ v.T)[np.triu_indices(9, 1)]
    measured = measure_locality(v)
    assert measured["locality"] == pytest.approx(np.mean([v[i] @ v[i + 1] for i in range(8)]) - pairs.mean(), abs=1e-6)
    assert measured["locality_wide"] == pytest.approx(
        np.mean([v[i] @ v[i + 4] for i in range(5)]) - pairs.mean(), abs=1e-6
    )
    near = [max(v[i] @ v[j] for j in range(9) if 0 < abs(i - j) <= 3) for i in range(9)]
    assert measured["near_low"] == pytest.approx(np.quantile(near, 0.25), abs=1e-6)
    assert measured["alone"] == np.mean(near < np.quantile(pairs, 0.9))


def test_staying_is_more_local_than_jumping(scene):
    stays, jumps = (measure_order(*one(scene, n)) for n in ("stays", "jumps"))
    assert stays["locality"] > jumps["locality"] + 0.2


def test_repeats_and_runs_are_counted(scene):
    measured = measure_order(*one(scene, "repeats"))
    assert measured["repeats"] == 0.5
    assert measured["most_repeated"] == pytest.approx(np.log(3))
    assert measured["runs"] == pytest.approx(14 / 27)


def test_order_is_missing_without_times():
    accounts = group_accounts(["a"] * 12, np.arange(12), np.full(12, MISSING))
    v = unit(np.random.default_rng(1).normal(size=(12, 4)))
    ground = make_ground(
        v, all_neighbours(v, 3, threads=1), ["text"] * 12, accounts, cell=np.zeros(12, np.int32),
        cluster=np.zeros(12, np.int32), capability=np.zeros(12, np.int32), threads=1,
    )  # fmt: skip
    measured = measure_order(accounts.one(0), ground)
    assert np.isnan(measured["locality"])
    assert measured["repeats"] == 0


def test_spectrum_counts_effective_rows():
    largest, effective = spectrum(np.eye(5))
    assert (largest, effective) == (pytest.approx(0.2), pytest.approx(5))
    largest, effective = spectrum(np.ones((5, 5)))
    assert (largest, effective) == (pytest.approx(1), pytest.approx(1))


def test_spacing_of_an_account_that_fits_one_draw_is_exact(scene):
    account, ground = one(scene, "jumps")
    measured = measure_spacing(account, ground)
    v = ground.vectors[account.distinct]
    gram = v @ v.T
    pairs = gram[np.triu_indices(14, 1)]
    np.fill_diagonal(gram, -1)
    heads = [ground.heads[i] for i in account.distinct]
    assert tuple(measured) == SPACING
    assert measured["pair_mean"] == pytest.approx(pairs.mean(), abs=1e-6)
    assert measured["nearest"] == pytest.approx(gram.max(1).mean(), abs=1e-6)
    assert measured["joint_pack"] == len(zlib.compress(b"\n".join(heads), 9)) / sum(
        len(zlib.compress(h, 9)) for h in heads
    )
    assert measured["first_words"] == pytest.approx(1)


def test_entropy_of_equal_shares_is_the_log_of_their_number():
    assert entropy(np.array([3, 3, 3])) == pytest.approx(np.log(3))
    assert entropy(np.array([7])) == 0


def test_owners_name_the_only_sender():
    accounts = group_accounts(["a", "a", "b", "b"], np.array([0, 1, 1, 2]), np.arange(4))
    assert find_owners(accounts, 4).tolist() == [0, SHARED, 1, -2]


def test_closeness_counts_own_and_foreign_neighbours(scene):
    account, ground = one(scene, "repeats")
    measured = measure_closeness(account, ground)
    owners = ground.owner[ground.near.ids[account.distinct]]
    mine = owners == account.members[0]
    assert measured["own_near"] == mine[:, :10].mean()
    best = np.where(mine, -1, ground.near.similarity[account.distinct]).max(1)
    assert measured["other_near"] == pytest.approx(best.mean())
    others = np.unique(owners[~mine], return_counts=True)[1]
    assert measured["other_top"] == pytest.approx(others.max() / others.sum())
    assert measured["shared"] == 0


def test_a_union_owns_what_its_members_own(scene):
    accounts, ground = scene
    union = accounts.union([0, 1, 2])
    assert len(union.distinct) == 42
    assert measure_closeness(union, ground)["own_near"] == 1


def test_whitened_population_has_unit_covariance():
    rng = np.random.default_rng(2)
    v = unit(rng.normal(size=(4000, 6)) * [3, 1, 1, 1, 0.5, 0.2])
    accounts = group_accounts([f"a{i % 200:03d}" for i in range(4000)], np.arange(4000), np.arange(4000))
    z, length = fit_whitening(v, accounts).apply(v)
    spread = np.cov((z * length[:, None]).T)
    assert np.allclose(spread, np.eye(6), atol=0.05)
    assert np.allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)


def test_form_is_the_spread_of_what_texts_look_like(scene):
    account, ground = one(scene, "jumps")
    measured = measure_form(account, ground)
    assert measured["spread_digits"] == pytest.approx(ground.form[account.distinct][:, FORM.index("digits")].std())
    assert set(measured) == {*(f"spread_{k}" for k in FORM), "pack", "pack_spread"}


def test_pack_of_a_repetitive_text_is_small():
    assert measure_pack("abc " * 500) < 0.05 < measure_pack("The quick brown fox jumps over the lazy dog")
    assert measure_pack("") > 0


def test_first_arrivals_keep_their_order():
    assert first_arrivals(np.array([4, 2, 4, 9, 2])).tolist() == [4, 2, 9]


def test_requests_of_equal_time_keep_the_order_of_the_log():
    accounts = group_accounts(["b", "a", "b", "a"], np.array([1, 2, 3, 4]), np.array([5, 5, 5, 1]))
    assert accounts.names == ["a", "b"]
    assert accounts.one(0).requests.tolist() == [4, 2]
    assert accounts.one(1).requests.tolist() == [1, 3]


def test_closeness_without_neighbours_is_missing():
    none = Neighbours(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32))
    accounts = group_accounts(["a"], np.array([0]), np.array([0]))
    v = np.ones((1, 1), np.float32)
    ground = make_ground(
        v, none, ["x"], accounts, cell=np.zeros(1, np.int32), cluster=np.zeros(1, np.int32),
        capability=np.zeros(1, np.int32), threads=1,
    )  # fmt: skip
    assert np.isnan(measure_closeness(accounts.one(0), ground)["other_near"])
