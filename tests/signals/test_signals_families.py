"""Each family on small literal accounts, against the plain definition of its numbers."""

import zlib

import numpy as np
import pytest

from sweeplens.signals import ground as ground_module
from sweeplens.signals.account import MISSING, first_arrivals, group_accounts
from sweeplens.signals.form import measure_form
from sweeplens.signals.ground import FORM, measure_ground, measure_leaning, measure_pack
from sweeplens.signals.measure import measure_account
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
    ground = measure_ground(
        vectors, texts, ["en"] * 42,
        cell=kind.astype(np.int32), cluster=kind.astype(np.int32), capability=kind.astype(np.int32),
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
    for key, q in (("lowest", 0.1), ("low", 0.25), ("middle", 0.5), ("high", 0.75), ("highest", 0.9)):
        assert measured[f"near_{key}"] == pytest.approx(np.quantile(near, q), abs=1e-6)
    assert measured["alone"] == np.mean(near < np.quantile(pairs, 0.9))


def test_staying_is_more_local_than_jumping(scene):
    stays, jumps = (measure_order(*one(scene, n)) for n in ("stays", "jumps"))
    assert stays["locality"] > jumps["locality"] + 0.2


def test_repeats_and_runs_are_counted(scene):
    measured = measure_order(*one(scene, "repeats"))
    assert measured["repeats"] == 0.5
    assert measured["most_repeated"] == pytest.approx(np.log(3))
    assert measured["runs"] == pytest.approx(14 / 27)
    assert measured["resent"] == 1
    assert measured["repeat_middle"] == pytest.approx(np.log(3))


def test_order_is_missing_without_times():
    accounts = group_accounts(["a"] * 12, np.arange(12), np.full(12, MISSING))
    v = unit(np.random.default_rng(1).normal(size=(12, 4)))
    ground = measure_ground(
        v, ["text"] * 12, ["en"] * 12, cell=np.zeros(12, np.int32), cluster=np.zeros(12, np.int32),
        capability=np.zeros(12, np.int32),
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


def test_form_is_the_spread_of_what_texts_look_like(scene):
    account, ground = one(scene, "jumps")
    measured = measure_form(account, ground)
    assert measured["spread_digits"] == pytest.approx(ground.form[account.distinct][:, FORM.index("digits")].std())
    assert set(measured) == {*(f"spread_{k}" for k in FORM), "pack", "pack_spread", "leaning"}


def test_pack_of_a_repetitive_text_is_small():
    assert measure_pack("abc " * 500) < 0.05 < measure_pack("The quick brown fox jumps over the lazy dog")
    assert measure_pack("") > 0


def test_leaning_counts_words_that_need_what_was_said():
    assert measure_leaning("and now do that again please") == pytest.approx(4 / 6)
    assert measure_leaning("Describe the water cycle in the Alps") == 0
    assert measure_leaning("") == 0


def test_leaning_is_of_english_prompts_and_missing_under_ten():
    texts = ["Do it again"] * 10 + ["it it it"] * 4
    accounts = group_accounts(["a"] * 14 + ["b"] * 9, np.r_[np.arange(14), np.arange(9)], np.arange(23))
    v = unit(np.random.default_rng(4).normal(size=(14, 4)))
    none = np.zeros(14, np.int32)
    ground = measure_ground(v, texts, ["en"] * 10 + ["fi"] * 4, cell=none, cluster=none, capability=none)
    assert measure_form(accounts.one(0), ground)["leaning"] == pytest.approx(2 / 3)
    assert np.isnan(measure_form(accounts.one(1), ground)["leaning"])


def test_an_account_is_measured_the_same_in_any_log(scene):
    accounts, ground = scene
    alone = accounts.only(np.array([name == "jumps" for name in accounts.names]))
    assert alone.names == ["jumps"]
    measured, again = measure_account(alone.one(0), ground), measure_account(one(scene, "jumps")[0], ground)
    assert np.array_equal(measured, again, equal_nan=True)
    assert np.isfinite(measured).sum() > 30


def test_texts_measured_by_processes_are_the_same(monkeypatch):
    monkeypatch.setattr(ground_module, "_PART", 5)
    texts = [f"Say {i} times that it is so" for i in range(23)]
    v, none = np.ones((23, 2), np.float32), np.zeros(23, np.int32)
    alone, together = (
        measure_ground(v, texts, ["en"] * 23, cell=none, cluster=none, capability=none, workers=w) for w in (1, 2)
    )
    for name in ("form", "pack", "packed", "leaning", "first_word"):
        assert np.array_equal(getattr(alone, name), getattr(together, name))


def test_first_arrivals_keep_their_order():
    assert first_arrivals(np.array([4, 2, 4, 9, 2])).tolist() == [4, 2, 9]


def test_requests_of_equal_time_keep_the_order_of_the_log():
    accounts = group_accounts(["b", "a", "b", "a"], np.array([1, 2, 3, 4]), np.array([5, 5, 5, 1]))
    assert accounts.names == ["a", "b"]
    assert accounts.one(0).requests.tolist() == [4, 2]
    assert accounts.one(1).requests.tolist() == [1, 3]
