"""p from a benign reference, levels by p, q over units; each against brute force or a published table."""

import json
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from sweeplens.detect.calibration import (
    FILE,
    HIGH,
    REVIEW,
    Reference,
    adjust,
    levels_of,
    load_reference,
    make_reference,
    parse_reference,
    read_reference,
    units_of,
    volume_slope,
    write_reference,
)
from sweeplens.detect.detector import Detector
from sweeplens.errors import DetectorError

LOCAL = Detector("default", "9+local-20260302-abcdef", -3.0, {}, {"watch": 0.6})
FALLBACK = Detector("fallback", "1", 0.0, {}, {"watch": 0.9}, fallback=True)


def reference(log_odds, volumes=None, **more):
    x = np.asarray(log_odds, float)
    v = np.full(len(x), 20) if volumes is None else np.asarray(volumes)
    about = {"corpora": 3, "source": "our own", "encoder": "fast", "detector": LOCAL} | more
    return make_reference(x, v, **about)


def p_of(ref, log_odds, volumes=None):
    x = np.asarray(log_odds, float)
    return ref.p_values(x, np.full(len(x), 20) if volumes is None else np.asarray(volumes))


def test_p_counts_the_references_at_least_as_high_and_itself():
    ref = reference([-2.0, 1.0, 0.0, 1.0])
    assert ref.log_odds.tolist() == [-2, 0, 1, 1]
    assert p_of(ref, [-3, -2, -1, 1, 1.5]).tolist() == [1.0, 1.0, 0.8, 0.6, 0.2]
    assert np.isnan(p_of(ref, [np.nan])).all()
    assert len(p_of(ref, [])) == 0


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=40))
def test_an_account_like_those_of_the_reference_has_a_p_under_t_at_most_that_often(values):
    """Any of n + 1 exchangeable accounts may be the new one; its p is at most t in at most a share t of the cases."""
    n = len(values)
    p = np.array([p_of(reference(values[:i] + values[i + 1 :]), [values[i]])[0] for i in range(n)])
    for t in (*p.tolist(), 0.05, 0.3, 0.7):
        assert (p <= t).mean() <= t + 1e-12


def test_high_takes_999_accounts_and_review_199():
    for n, least, level in (
        (999, 1e-3, "high"),
        (998, 1 / 999, "review"),
        (199, 5e-3, "review"),
        (198, 1 / 199, "watch"),
    ):
        ref = reference(np.arange(n) / 100)
        p = p_of(ref, [1e6])
        assert p[0] == ref.least_p == least
        assert levels_of(p, np.array([0.99]), 0.6) == (level,)


def test_the_cutoff_is_where_p_first_is_small_enough():
    ref = reference(np.arange(1000) / 10)
    for level in (HIGH, REVIEW, 0.05, 1.0):
        cut = ref.cutoff(level)
        if np.isfinite(cut):
            assert p_of(ref, [cut + 0.01])[0] <= level < p_of(ref, [cut])[0]
    assert ref.cutoff(1.0) == -np.inf
    assert reference([1.0, 2.0]).cutoff(HIGH) == np.inf


def test_levels_go_by_p_and_without_p_no_higher_than_watch():
    p = np.array([0.001, 0.0011, 0.005, 0.0051, 0.05, 0.051, np.nan, np.nan, np.nan])
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.99, 0.999, 0.3, np.nan])
    assert levels_of(p, score, 0.6) == (
        "high", "review", "review", "watch", "watch", "none", "watch", "none", "insufficient",
    )  # fmt: skip


def test_where_the_tail_does_not_move_with_volume_volume_does_not_count():
    rng = np.random.default_rng(1)
    volumes = rng.integers(10, 800, 1000)
    assert reference(rng.normal(size=1000), volumes).slope == 0
    assert volume_slope(rng.normal(size=50), np.full(50, 30)) == 0
    assert volume_slope(np.empty(0), np.empty(0, int)) == 0


def test_where_it_moves_small_and_large_honest_accounts_are_flagged_alike():
    rng = np.random.default_rng(2)

    def draw(n):
        volumes = np.exp(rng.uniform(np.log(10), np.log(1000), n)).astype(int)
        return rng.normal(size=n) - 0.8 * np.log(volumes), volumes

    ref = reference(*draw(2000))
    assert ref.slope == pytest.approx(-0.8, abs=0.15)
    fresh, volumes = draw(20_000)
    p = ref.p_values(fresh, volumes)
    shares = [(p[part] <= 0.05).mean() for part in (volumes < 30, (volumes >= 30) & (volumes < 300), volumes >= 300)]
    assert max(shares) < 0.075
    assert min(shares) > 0.03
    # The most suspicious account there can be has the smallest p there can be, whatever its volume.
    assert ref.p_values(np.full(2, 50.0), np.array([10, 100_000])).tolist() == [ref.least_p] * 2


def test_q_is_that_of_benjamini_and_hochberg():
    # The fifteen p-values of the example in their paper of 1995; at a rate of 0.05 four are let through.
    p = np.array([
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ])  # fmt: skip
    q = adjust(p)
    assert (q <= 0.05).sum() == 4
    assert q[0] == pytest.approx(0.0015)
    assert np.allclose(q, false_discovery_control(p))


@given(st.lists(st.one_of(st.integers(1, 50).map(lambda k: k / 50), st.just(float("nan"))), max_size=30))
def test_q_agrees_with_scipy_around_what_is_missing(values):
    p = np.array(values, float)
    q, there = adjust(p), ~np.isnan(p)
    assert np.isnan(q[~there]).all()
    if there.any():
        assert np.allclose(q[there], false_discovery_control(p[there]))


def by_hand(p, units):
    """The definition: the least of m t / (units at or under t), over t at or above p."""
    units = units[~np.isnan(units)]
    levels = [p, *units[units >= p]]
    return min(1.0, *(len(units) * t / max(1, (units <= t).sum()) for t in levels))


def test_a_group_is_one_unit_and_its_members_keep_a_q_of_their_own():
    accounts = np.array([0.001, 0.2, 0.03, 0.5, np.nan, 0.04])
    member = np.array([False, True, True, True, True, False])
    groups = np.array([0.002, 0.9])
    units = units_of(accounts, groups, member)
    assert units.tolist() == [0.002, 0.9, 0.001, 0.04]
    assert np.allclose(adjust(groups, units), [0.004, 0.9])
    q = adjust(accounts, units)
    assert np.allclose(q[[0, 1, 2, 3, 5]], [by_hand(p, units) for p in accounts[[0, 1, 2, 3, 5]]])
    assert q[0] == 0.004
    assert np.isnan(q[4])
    assert q[2] == pytest.approx(4 * 0.04 / 3)  # 0.03 stands between 0.002 and 0.04, and is let through with the latter


@given(
    st.lists(st.integers(1, 40).map(lambda k: k / 40), min_size=1, max_size=20),
    st.lists(st.integers(1, 40).map(lambda k: k / 40), min_size=1, max_size=20),
)
def test_q_of_any_p_among_units_rises_with_p(values, units):
    p, family = np.sort(values), np.array(units)
    q = adjust(p, family)
    assert (np.diff(q) >= -1e-12).all()
    assert np.allclose(q, [by_hand(x, family) for x in p])


def test_a_reference_comes_back_as_it_was_written():
    ref = reference([0.12345, -1.0, np.nan], [30, 12, 5], groups=[(1.23456, 4, 80)])
    raw = write_reference(ref, "2026-03-02")
    back = parse_reference(raw, "x")
    assert back.log_odds.tolist() == ref.log_odds.tolist() == [-1.0, 0.1234]
    assert back.volumes.tolist() == [12, 30]
    assert (back.corpora, back.source, back.encoder) == (3, "our own", "fast")
    assert back.detector == "default 9+local-20260302-abcdef"
    assert back.groups == ((1.2346, 4, 80),)
    assert json.loads(raw)["made"] == "2026-03-02"
    assert json.loads(raw)["accounts"] == 2
    assert len(raw.splitlines()) == 13


@pytest.mark.parametrize(
    "change",
    [
        {"log_odds": [1.0, 0.0]}, {"log_odds": [0.0]}, {"log_odds": 3}, {"log_odds": [], "volumes": []},
        {"log_odds": [0.0, float("nan")]}, {"volumes": [0, 3]}, {"groups": [[1, 2]]}, {"corpora": "many"},
        {"slope": None},
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused_in_one_sentence(change):
    whole = json.loads(write_reference(reference([0.0, 1.0]), "2026-03-02"))
    with pytest.raises(DetectorError, match=r"own\.json is not a calibration"):
        parse_reference(json.dumps(whole | change).encode(), "own.json")


def test_junk_newer_formats_and_missing_files_are_refused(tmp_path):
    with pytest.raises(DetectorError, match="not a calibration"):
        parse_reference(b"\x80", "own.json")
    with pytest.raises(DetectorError, match="not a calibration"):
        parse_reference(b"[]", "own.json")
    with pytest.raises(DetectorError, match="reference format 9"):
        parse_reference(b'{"format": 9}', "own.json")
    with pytest.raises(DetectorError, match="cannot be read"):
        read_reference(tmp_path / "none.json")


def test_the_stores_own_reference_is_taken_where_it_fits(tmp_path, caplog):
    (tmp_path / FILE).write_bytes(write_reference(reference([0.0, 1.0]), "2026-03-02"))
    found = load_reference("fast", LOCAL, tmp_path)
    assert isinstance(found, Reference)
    assert found.source == "our own"
    assert caplog.records == []


@pytest.mark.parametrize(
    ("encoder", "version"),
    [("default", LOCAL.version), ("fast", "9+local-20260302-000000"), ("some/model", LOCAL.version)],
)
def test_one_that_does_not_fit_is_said_and_not_taken(tmp_path, caplog, encoder, version):
    (tmp_path / FILE).write_bytes(write_reference(reference([0.0, 1.0]), "2026-03-02"))
    with caplog.at_level(logging.WARNING):
        assert load_reference(encoder, Detector("default", version, 0.0, {}, {}), tmp_path) is None
    assert "sweeplens calibrate" in caplog.text


def test_a_store_without_one_and_the_fallback_have_no_reference(tmp_path):
    assert load_reference("fast", LOCAL, tmp_path) is None
    assert load_reference("fast", LOCAL) is None
    (tmp_path / FILE).write_bytes(write_reference(reference([0.0, 1.0], detector=FALLBACK), "2026-03-02"))
    assert load_reference("fast", FALLBACK, tmp_path) is None
