"""The additive detector: what it reads, what it refuses, and that reasons add up to the score."""

import json

import numpy as np
import pytest

from sweeplens.detect.accounts import score_accounts
from sweeplens.detect.detector import Detector, Shape, load_detector, parse_detector, read_detector
from sweeplens.detect.fallback import SIDES, fallback_contributions
from sweeplens.detect.fingerprints import Fingerprints
from sweeplens.detect.reasons import explain
from sweeplens.embed.shipped import NAMES
from sweeplens.errors import DetectorError
from sweeplens.signals.catalog import BY_KEY, KEYS
from sweeplens.signals.measure import Peers

PLAIN = {
    "format": 1, "name": "plain", "version": "7", "base": -1.0,
    "levels": {"watch": 0.5, "review": 0.8, "high": 0.9, "campaign": 0.6},
    "signals": {
        "cells": {"edges": [0.2, 0.5], "steps": [-1.0, 0.5, 2.0], "missing": 0.25},
        "locality": {"edges": [0.1], "steps": [1.5, -0.5], "missing": 0.0},
    },
}  # fmt: skip

NOBODY = Fingerprints(np.empty(0, np.int64), np.empty((0, 0), np.float32), np.empty(0))


def detector(**changes):
    return parse_detector(json.dumps(PLAIN | changes).encode(), "plain.json")


def rows(*pairs):
    values = np.full((len(pairs), len(KEYS)), np.nan)
    for i, (cells, locality) in enumerate(pairs):
        values[i, KEYS.index("cells")], values[i, KEYS.index("locality")] = cells, locality
    return values


def test_a_step_function_counts_an_edge_as_below_it():
    shape = Shape(np.array([0.2, 0.5]), np.array([-1.0, 0.5, 2.0]), 0.25)
    assert shape.add(np.array([0.1, 0.2, 0.21, 0.5, 0.6, np.nan])).tolist() == [-1, -1, 0.5, 0.5, 2, 0.25]


def test_contributions_add_up_to_the_log_odds_of_the_score():
    d = detector()
    values = rows((0.6, 0.05), (0.1, 0.4), (np.nan, 0.05))
    assert np.allclose(d.log_odds(values), -1 + np.array([3.5, -1.5, 1.75]))
    assert np.allclose(d.contributions(values).sum(1), [3.5, -1.5, 1.75])


def test_an_account_without_signals_has_no_score_and_is_insufficient():
    d = detector()
    assert np.isnan(d.log_odds(rows((np.nan, np.nan)))).all()
    assert d.level(float("nan")) == "insufficient"
    assert [d.level(s) for s in (0.1, 0.5, 0.8, 0.95)] == ["none", "watch", "review", "high"]


def test_reasons_are_what_raises_the_score_strongest_first():
    values = rows((0.6, 0.05), (0.1, 0.4))
    peers = Peers(np.full(values.shape, 97.0), np.full(values.shape, 0.3))
    scored = score_accounts(values, peers, detector(), NOBODY, np.full(len(values), 40))
    first, second = scored.reasons
    assert [r.signal for r in first] == ["cells", "locality"]
    assert first[0].weight == 2.0
    assert first[0].peer_percentile == 97
    assert "24 in 40" in first[0].text
    assert "12 in 40" in first[0].text
    assert second == ()
    assert np.allclose(scored.log_odds, [2.5, -2.5])
    assert np.allclose(scored.score, 1 / (1 + np.exp([-2.5, 2.5])))


def test_kin_are_a_reason_and_all_reasons_add_up():
    values = rows((0.6, 0.4), (0.6, 0.05), (0.6, 0.05))
    peers = Peers(np.full(values.shape, 97.0), np.full(values.shape, 0.3))
    alike = Fingerprints(np.arange(3), np.ones((3, 1), np.float32), np.ones(3))
    scored = score_accounts(values, peers, detector(), alike, np.full(len(values), 40))
    assert scored.own.tolist() == [0.5, 2.5, 2.5]
    kin = next(r for r in scored.reasons[0] if r.signal == "kin")
    assert kin.text == "the 2 accounts that ask most like it score 0.92"
    assert scored.log_odds[0] == pytest.approx(-1 + scored.weights[0].sum() + kin.weight)
    assert "kin" not in {r.signal for r in scored.reasons[1]}


def test_an_account_that_is_too_small_is_explained_by_its_kin_alone():
    values = rows((np.nan, np.nan), (0.6, 0.05))
    peers = Peers(np.full(values.shape, 97.0), np.full(values.shape, 0.3))
    alike = Fingerprints(np.arange(2), np.ones((2, 1), np.float32), np.ones(2))
    scored = score_accounts(values, peers, detector(), alike, np.full(len(values), 40))
    assert np.isnan(scored.own[0])
    assert scored.log_odds[0] == 2.5
    (reason,) = scored.reasons[0]
    assert (reason.signal, reason.text) == ("kin", "the account that asks most like it scores 0.92")


def explained(*, value=0.5, percentile=97.0, median=0.4, at_peers=0.0, weight=None, **more):
    n = len(KEYS)
    weight = np.arange(n) * 1.0 if weight is None else weight
    return explain(*(np.full(n, x) for x in (value, percentile, median)), weight, np.full(n, at_peers), 40, **more)


def test_explain_keeps_the_most_important_one_of_each_theme():
    reasons = explained(most=4)
    strongest = {}
    for key in KEYS[::-1]:
        strongest.setdefault(BY_KEY[key].theme, key)
    assert [r.signal for r in reasons] == list(strongest.values())[:4]
    assert [r.weight for r in reasons] == [float(KEYS.index(r.signal)) for r in reasons]


def test_what_an_account_has_in_common_with_its_peers_is_no_reason_beside_what_it_has_not():
    n = len(KEYS)
    weight, at_peers, percentile = np.full(n, 2.0), np.full(n, 2.0), np.full(n, 97.0)
    weight[KEYS.index("leaning")], at_peers[KEYS.index("runs")] = 0.5, 0.1
    percentile[KEYS.index("runs")], at_peers[KEYS.index("leaning")] = 52.0, 0.0
    (reason,) = explain(np.full(n, 0.5), percentile, np.full(n, 0.4), weight, at_peers, 40)
    assert reason.signal == "leaning"
    assert reason.text.endswith("; more than 97 in 100 peers")


def test_an_account_like_its_peers_in_all_has_two_reasons_that_say_so():
    reasons = explained(median=0.5, at_peers=50.0)
    assert len(reasons) == 2
    assert all("in any log that counts towards a sweep" in r.text for r in reasons)


def test_how_spaced_its_prompts_are_stands_beside_the_ground_that_they_cover():
    n = len(KEYS)
    weight, value, median = np.zeros(n), np.full(n, 0.8), np.full(n, 0.4)
    weight[KEYS.index("pair_mean")] = 1.0
    value[KEYS.index("capabilities")], median[KEYS.index("capabilities")] = 9.2, 1.0

    def said(volume):
        (reason,) = explain(value, np.full(n, 97.0), median, weight, np.zeros(n), volume)
        return reason.text.partition("; its prompts are ")[0]

    assert said(500) == "40 of its prompts visit 32 clusters of 9 capabilities (peers: 16 clusters of 1 capability)"
    assert said(13) == "13 of its prompts visit 10 clusters of 9 capabilities (peers: 5 clusters of 1 capability)"
    value[KEYS.index("clusters")] = np.nan
    assert said(500).startswith("its prompts are alike")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 9}, "format 9"),
        ({"signals": {"phase_of_moon": {"edges": [], "steps": [0], "missing": 0}}}, "phase_of_moon"),
        ({"signals": {"cells": {"edges": [0.5, 0.2], "steps": [0, 0, 0], "missing": 0}}}, "not a detector"),
        ({"signals": {"cells": {"edges": [0.5], "steps": [0], "missing": 0}}}, "not a detector"),
        ({"levels": {"watch": 0.5}}, "not a detector"),
        ({"base": "much"}, "not a detector"),
    ],
)
def test_what_is_no_detector_is_refused_in_one_sentence(change, says):
    with pytest.raises(DetectorError, match=says):
        detector(**change)


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path):
    with pytest.raises(DetectorError, match="cannot be read"):
        read_detector(tmp_path / "none.json")
    (tmp_path / "junk.json").write_bytes(b"\x80not json")
    with pytest.raises(DetectorError, match="not a detector"):
        read_detector(tmp_path / "junk.json")


@pytest.mark.parametrize("encoder", NAMES)
def test_the_detectors_that_ship_can_be_read_and_have_rising_levels(encoder):
    shipped = load_detector(encoder)
    assert not shipped.fallback
    assert 0 < shipped.levels["watch"] < 1 < shipped.levels["review"]  # review takes p from a reference
    assert len(shipped.shapes) >= 15


def test_unknown_encoders_get_the_fallback_that_never_goes_above_watch():
    fallback = load_detector("somebody/elses-model")
    assert fallback.fallback
    assert fallback.level(0.999999) == "watch"
    percentile = np.full((2, len(KEYS)), 50.0)
    for key, side in SIDES.items():
        percentile[1, KEYS.index(key)] = 99 if side > 0 else 1
    added = fallback_contributions(percentile)
    assert np.allclose(added[0], 0)
    values = np.zeros_like(percentile)
    scored = score_accounts(
        values, Peers(percentile, np.zeros_like(values)), fallback, NOBODY, np.full(len(values), 40)
    )
    assert scored.score[0] == pytest.approx(0.5)
    assert scored.score[1] > 0.99
    assert np.allclose(scored.weights, added)


def test_a_detector_is_a_value():
    assert isinstance(detector(), Detector)
    assert detector().name == "plain"
