"""Training: the default without data, better with data that differ, and never worse without being said."""

import json
import logging

import numpy as np
import pytest

from sweeplens.detect.detector import parse_detector
from sweeplens.detect.training import (
    FEWEST,
    FILE,
    FOLDS,
    Examples,
    Fit,
    check_enough,
    choose_detector,
    deal_folds,
    default_json,
    fit_factors,
    load_store_detector,
    measure,
    own_detector,
    read_store_detector,
    train,
)
from sweeplens.errors import DetectorError
from sweeplens.signals.catalog import KEYS

BASE = -3.0
ONES = np.ones(6)
SHIFTED = np.array([0.0, 2.5, 1.0, 0.0, 2.0, 1.0])
DEFAULT = {
    "format": 1, "name": "default", "version": "7", "encoder": "fast", "base": -1.0, "trained_on": {"logs": 3},
    "levels": {"watch": 0.5, "review": 0.8, "high": 0.9, "campaign": 0.6},
    "signals": {
        KEYS[0]: {"edges": [0.2, 0.5], "steps": [-1.0, 0.5, 2.0], "missing": 0.25},
        KEYS[1]: {"edges": [0.1], "steps": [1.5, -0.5], "missing": -0.125},
    },
}  # fmt: skip


def examples(n, factors, *, base=BASE, seed=0, per_group=2):
    """Accounts whose signals count as `factors` says, where the default counts each of them once."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(n, len(factors))) * [0.5, 1.5, 1.0, 1.5, 1.0, 0.3]
    attack = rng.random(n) < 1 / (1 + np.exp(-(base + parts @ factors)))
    return Examples(parts, attack, np.ones(n), np.arange(n) // per_group)


def test_without_examples_the_default_comes_back():
    fit = fit_factors(examples(0, ONES), BASE, 3.0)
    assert fit.base == BASE
    assert fit.factors.tolist() == ONES.tolist()


def test_an_endless_pull_leaves_the_factors_and_fits_the_base():
    known = examples(400, ONES, base=1.0)
    fit = fit_factors(known, BASE, 1e6)
    assert np.allclose(fit.factors, 1, atol=1e-3)
    assert fit.base == pytest.approx(1.0, abs=0.5)


def test_the_fit_is_the_least_of_what_it_says_it_minimises():
    known = examples(300, SHIFTED)
    weighted = Examples(known.parts, known.attack, np.linspace(0.5, 1.5, 300), known.group)

    def objective(base, factors):
        odds = base + weighted.parts @ factors
        loss = np.where(weighted.attack, np.log1p(np.exp(-odds)), np.log1p(np.exp(odds)))
        return weighted.weight @ loss + 10.0 / 2 * ((factors - 1) ** 2).sum() + (base - BASE) ** 2 / 2

    fit = fit_factors(weighted, BASE, 10.0)
    least = objective(fit.base, fit.factors)
    rng = np.random.default_rng(3)
    for _ in range(300):
        step = rng.normal(size=7) * 0.05
        assert objective(fit.base + step[0], np.maximum(fit.factors + step[1:], 0)) >= least - 1e-6


def test_factors_never_go_below_zero_and_come_near_the_truth_with_much_data():
    fit = fit_factors(examples(6000, SHIFTED), BASE, 1.0)
    assert (fit.factors >= 0).all()
    assert np.allclose(fit.factors, SHIFTED, atol=0.35)
    against = fit_factors(examples(2000, -ONES), BASE, 1.0)
    assert np.allclose(against.factors, 0, atol=0.05)


def test_an_account_that_stands_for_three_counts_as_three():
    known = examples(60, SHIFTED)
    many = np.r_[np.arange(60), np.arange(20), np.arange(20)]
    repeated = Examples(known.parts[many], known.attack[many], np.ones(100), known.group[many])
    weight = np.where(np.arange(60) < 20, 3.0, 1.0)
    once = Examples(known.parts, known.attack, weight, known.group)
    a, b = fit_factors(repeated, BASE, 10.0), fit_factors(once, BASE, 10.0)
    assert np.allclose(a.factors, b.factors, atol=1e-3)
    assert measure(a.log_odds(repeated.parts), repeated).auroc == pytest.approx(
        measure(a.log_odds(once.parts), once).auroc
    )


def test_training_gains_where_signals_count_differently():
    trained = train(examples(600, SHIFTED), BASE)
    assert trained.better
    assert trained.after.log_loss < trained.before.log_loss - 3 * trained.error
    assert trained.after.auroc > trained.before.auroc + 0.03
    fresh = examples(4000, SHIFTED, seed=9)
    expected = measure(trained.fit.log_odds(fresh.parts), fresh)
    assert expected.log_loss == pytest.approx(trained.after.log_loss, abs=0.04)


def test_training_stays_with_the_default_where_that_is_right():
    results = [train(examples(300, ONES, seed=seed), BASE) for seed in range(8)]
    assert sum(trained.better for trained in results) <= 1  # two standard errors are no certainty
    fresh = examples(4000, ONES, seed=99)
    default = measure(BASE + fresh.parts.sum(1), fresh)
    for trained in results:
        assert measure(trained.fit.log_odds(fresh.parts), fresh).auroc > default.auroc - 0.01


def test_more_attacks_among_labels_than_in_a_log_are_no_gain():
    trained = train(examples(400, ONES, base=0.5), BASE)
    assert not trained.better
    assert trained.before.log_loss == pytest.approx(trained.after.log_loss, abs=0.01)


def test_what_is_held_out_was_not_seen():
    """With one feature for each group that gives its label away, a leak would show as a perfect ranking."""
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(60), 4)
    attack = rng.random(60)[group] < 0.5
    parts = np.zeros((240, 61))
    parts[np.arange(240), group] = np.where(attack, 5.0, -5.0) * rng.choice([-1, 1], 60)[group]
    trained = train(Examples(parts, attack, np.ones(240), group), 0.0)
    assert trained.after.auroc < 0.7


def test_folds_keep_groups_whole_and_share_out_attacks():
    rng = np.random.default_rng(4)
    group = rng.integers(0, 40, 300)
    attack = np.isin(group, np.arange(12))
    known = Examples(np.zeros((300, 1)), attack, np.ones(300), group)
    fold = deal_folds(known, FOLDS)
    assert all(len(np.unique(fold[group == g])) == 1 for g in np.unique(group))
    groups = [len(np.unique(group[attack & (fold == k)])) for k in range(FOLDS)]
    assert max(groups) - min(groups) <= 1
    assert sorted(np.unique(fold)) == list(range(FOLDS))
    assert (deal_folds(known, FOLDS) == fold).all()


@pytest.mark.parametrize(
    ("n_attack", "n_benign", "groups", "said"),
    [
        (FEWEST - 1, 40, 40, f"20 or more attacks with a score, .* give {FEWEST - 1} from"),
        (40, FEWEST - 1, 40, "20 or more benign accounts"),
        (40, 40, 4, "from 5 or more corpora, campaigns or accounts apart, but the labels give 40 from 4"),
    ],
)
def test_too_few_labels_are_refused_with_what_is_needed(n_attack, n_benign, groups, said):
    n = n_attack + n_benign
    known = Examples(np.zeros((n, 1)), np.arange(n) < n_attack, np.ones(n), np.arange(n) % groups)
    with pytest.raises(DetectorError, match=said):
        check_enough(known)
    with pytest.raises(DetectorError, match=said):
        train(known, 0.0)


def test_the_new_detector_adds_what_the_fit_adds():
    fit = Fit(-2.5, np.array([0.5, 2.0]), 10.0)
    raw = own_detector(DEFAULT, fit, tuple(DEFAULT["signals"]), "20260302", labels=44)
    data = json.loads(raw)
    new, old = parse_detector(raw, "new"), parse_detector(json.dumps(DEFAULT).encode(), "old")
    values = np.full((4, len(KEYS)), np.nan)
    values[:3, :2] = [[0.1, 0.05], [0.4, 0.3], [0.9, np.nan]]
    assert np.allclose(new.base + new.contributions(values).sum(1), fit.log_odds(old.contributions(values)[:, :2]))
    assert new.name == "default"
    assert new.version.startswith("7+local-20260302-")
    assert data["parent"] == {"name": "default", "version": "7"}
    assert data["trained_on"] == {"labels": 44}
    assert (data["encoder"], data["levels"]) == ("fast", DEFAULT["levels"])
    other = own_detector(DEFAULT, Fit(-2.4, fit.factors, 10.0), tuple(DEFAULT["signals"]), "20260302")
    assert parse_detector(other, "other").version != new.version


def write_own(store, **change):
    (store / FILE).write_text(json.dumps(DEFAULT | {"version": "7+local-20260302-abcdef"} | change), encoding="utf-8")


def test_the_stores_own_detector_is_taken_for_its_encoder(tmp_path, caplog):
    assert load_store_detector("fast", tmp_path) is None
    assert read_store_detector(tmp_path) is None
    write_own(tmp_path)
    own = load_store_detector("fast", tmp_path)
    assert own is not None
    assert own.version == "7+local-20260302-abcdef"
    assert choose_detector("fast", tmp_path).version == own.version
    with caplog.at_level(logging.WARNING):
        assert load_store_detector("somebody/elses-model", tmp_path) is None
        assert choose_detector("somebody/elses-model", tmp_path).fallback
    assert "is for the encoder fast and not used with somebody/elses-model" in caplog.text


def test_a_detector_that_cannot_be_used_says_how_to_be_rid_of_it(tmp_path):
    write_own(tmp_path, signals={"phase_of_moon": {"edges": [], "steps": [0], "missing": 0}})
    with pytest.raises(DetectorError, match=r"phase_of_moon.*--remove"):
        load_store_detector("fast", tmp_path)
    (tmp_path / FILE).write_bytes(b"\x80")
    with pytest.raises(DetectorError, match=r"is not a detector.*--remove"):
        load_store_detector("fast", tmp_path)
    (tmp_path / FILE).write_bytes(b"[1]")
    with pytest.raises(DetectorError, match=r"is not a detector.*--remove"):
        read_store_detector(tmp_path)


def test_without_a_default_there_is_nothing_to_start_from():
    with pytest.raises(DetectorError, match="none was made for vectors of the encoder somebody/elses-model"):
        default_json("somebody/elses-model")
