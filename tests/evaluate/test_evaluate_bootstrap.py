"""What is drawn again, and what comes of it."""

import numpy as np
import pytest

from sweeplens.evaluate.bootstrap import draw_counts, figure, find_units, make_draws
from sweeplens.evaluate.labels import Label


def test_units_are_corpora_and_those_that_an_account_mixes_are_one() -> None:
    labels = [
        Label("a", "attack", corpora=("x", "y")),
        Label("b", "attack", corpora=("y", "z")),
        Label("c", "attack", corpora=("z",)),
        Label("d", "benign", corpora=("w",)),
        Label("e", "benign", campaign="t"),
        Label("f", "benign", campaign="t"),
        Label("g", "benign"),
    ]
    kind, units = find_units(labels)
    assert kind == "corpora"
    assert len(set(units[:3])) == 1
    assert len(set(units[2:5])) == 3
    assert units[4] == units[5] != units[6]


def test_without_corpora_units_are_campaigns_then_accounts() -> None:
    kind, units = find_units(
        [Label("a", "attack", campaign="c"), Label("b", "attack", campaign="c"), Label("d", "dual")]
    )
    assert (kind, units[0] == units[1], len(set(units))) == ("campaigns", True, 2)
    assert find_units([Label("a", "attack"), Label("b", "benign")])[0] == "accounts"


def test_draws_keep_the_number_of_units_of_each_label() -> None:
    kinds = dict.fromkeys("ab", "attack") | dict.fromkeys("cdef", "benign")
    labels = [Label(f"{c}{i}", kind, corpora=(c,)) for c, kind in kinds.items() for i in range(3)]
    draws = make_draws(labels, 200, 7)
    assert (draws.kind, draws.found, draws.counts.shape) == ("corpora", 6, (201, 6))
    assert (draws.counts[0] == 1).all()
    attack = np.unique(draws.unit[:6])
    assert (draws.counts[:, attack].sum(1) == 2).all()
    assert (draws.counts.sum(1) == 6).all()
    weights = draws.weights(np.arange(18))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert not (weights[:, 0] == weights[:, 3]).all()
    assert (make_draws(labels, 200, 7).counts == draws.counts).all()
    assert (make_draws(labels, 200, 8).counts != draws.counts).any()


def test_many_units_are_thrown_together_within_their_label() -> None:
    labels = [Label(f"x{i}", "attack" if i < 300 else "benign") for i in range(1500)]
    draws = make_draws(labels, 3, 1)
    assert (draws.kind, draws.found, draws.counts.shape[1]) == ("accounts", 1500, 500)
    assert len(np.unique(draws.unit[:300])) == 100
    assert not set(draws.unit[:300]) & set(draws.unit[300:])
    assert np.bincount(draws.unit).tolist() == [3] * 500


def test_an_interval_of_a_share_is_about_that_of_the_binomial() -> None:
    hits = np.arange(400) % 4 == 0
    values = draw_counts(400, 2000, np.random.default_rng(3)) @ hits / 400
    found = figure(values)
    spread = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert found.value == 0.25
    assert (found.low, found.high) == (pytest.approx(0.25 - spread, abs=0.006), pytest.approx(0.25 + spread, abs=0.006))


@pytest.mark.parametrize(
    "values",
    [[0.5], [0.5, 0.5, 0.5], [0.5, np.nan, np.nan, 0.4], [np.nan, 0.1, 0.2]],
    ids=["no draws", "draws all alike", "most draws empty", "nothing in the sample"],
)
def test_there_is_no_interval_where_draws_tell_nothing(values: list[float]) -> None:
    found = figure(np.array(values))
    assert (found.low, found.high) == (None, None)
    assert found.value == (None if np.isnan(values[0]) else 0.5)


def test_a_side_in_one_unit_has_no_interval() -> None:
    labels = [Label(str(i), "attack" if i < 4 else "benign", corpora=("one" if i < 4 else f"c{i}",)) for i in range(9)]
    draws = make_draws(labels, 5, 1)
    attack, benign = np.arange(4), np.arange(4, 9)
    assert not draws.apart(attack, benign)
    assert draws.apart(benign)
    assert figure(np.array([0.5, 0.4, 0.6]), apart=False).low is None
