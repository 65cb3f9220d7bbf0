"""The published detectors, each against its definition written out."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import shapiro

from sweeplens.evaluate import peers
from sweeplens.evaluate.labels import Label
from sweeplens.evaluate.rivals import KIN, NAMES, score_peers, split_folds
from sweeplens.evaluate.sample import Sample, Traffic, pool_samples, pool_traffic

D = 6


def unit_rows(n: int, seed: int, dim: int = D) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, dim)) + 0.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def benign() -> np.ndarray:
    return unit_rows(80, 1)


@pytest.fixture(scope="module")
def reference(benign: np.ndarray) -> peers.Reference:
    return peers.fit_reference(benign, benign[:40], np.arange(40) % 8, seed=5)


ROWS = unit_rows(15, 2)


def test_mahalanobis_is_the_mean_quadratic_form_of_the_inverse_covariance(benign, reference) -> None:
    exact = benign.astype(np.float64)
    inverse = np.linalg.inv(np.cov(exact.T, bias=True) + 3e-4 * np.eye(D))
    steps = ROWS - exact.mean(0)
    want = np.mean([step @ inverse @ step for step in steps])
    assert peers.mahalanobis(ROWS, reference) == pytest.approx(want, rel=1e-4)
    assert peers.mahalanobis(benign, reference) == pytest.approx(D, rel=0.05)


def test_mmd_is_the_unbiased_statistic(benign, reference) -> None:
    some = benign[:40].astype(np.float64)
    own = ROWS.astype(np.float64)
    between = [((x - y) ** 2).sum() for x, y in itertools.combinations(some, 2)]
    assert reference.width == pytest.approx(np.median(between), rel=1e-5)

    def kernel(x, y):
        return math.exp(-((x - y) ** 2).sum() / (2 * reference.width))

    within = np.mean([kernel(x, y) for x, y in itertools.permutations(own, 2)])
    apart = np.mean([kernel(x, y) for x, y in itertools.permutations(some, 2)])
    cross = np.mean([kernel(x, y) for x in own for y in some])
    assert peers.mmd(ROWS, reference) == pytest.approx(within + apart - 2 * cross, abs=1e-6)
    assert abs(peers.mmd(benign[40:], reference)) < 0.02 < peers.mmd(unit_rows(20, 3) * [1, 1, 1, 0, 0, 0], reference)


def test_prada_is_one_less_shapiro_wilk_of_distances_to_what_came_before() -> None:
    rows = np.concatenate([ROWS, ROWS[:3] + np.float32(0.01)])  # the last are too near to join the set
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    grown, near = [rows[0]], []
    kept_steps, least = [0.0], 0.0
    for row in rows[1:]:
        step = min(float(np.linalg.norm(row - old)) for old in grown)
        near.append(step)
        if step > least:
            grown.append(row)
            kept_steps.append(step)
            least = max(least, np.mean(kept_steps) - np.std(kept_steps))
    near = [x for x in near if abs(x - np.mean(near)) <= 3 * np.std(near)]
    assert len(grown) < len(rows)
    assert peers.prada(rows) == pytest.approx(1 - shapiro(near).statistic, abs=1e-4)


def test_prada_sees_a_sequence_that_is_not_normal() -> None:
    # Pairs of near twins: half of the distances are tiny, half are not.
    twins = np.repeat(unit_rows(40, 4, 32), 2, axis=0) + np.random.default_rng(0).normal(0, 1e-4, (80, 32))
    assert peers.prada(twins.astype(np.float32)) > 3 * peers.prada(unit_rows(80, 4, 32))


def test_seat_counts_pairs_beyond_the_benign_threshold(benign, reference) -> None:
    some, sender = benign[:40].astype(np.float64), np.arange(40) % 8
    apart = [float(some[i] @ some[j]) for i, j in itertools.combinations(range(40), 2) if sender[i] != sender[j]]
    assert reference.similar == pytest.approx(np.quantile(apart, 1 - 1e-4), abs=1e-5)
    twins = np.concatenate([ROWS, ROWS[:4], ROWS[:1]])  # one prompt three times, three twice
    alike = sum(float(x @ y) > reference.similar for x, y in itertools.combinations(ROWS.astype(float), 2))
    again = sum(float(x @ y) > reference.similar for x, y in itertools.combinations(twins.astype(float), 2))
    assert peers.seat(ROWS, reference) == alike
    assert peers.seat(twins, reference) == again >= alike + 6


def test_cap_adds_cost_of_coverage_novelty_and_spread(benign, reference) -> None:
    def bucket(row):
        sides = [(row - benign.mean(0)) @ plane > 0 for plane in reference.planes.T]
        return sum(2**i for i, side in enumerate(sides) if side)

    mine, theirs = [bucket(row) for row in ROWS], {bucket(row) for row in benign}
    assert reference.buckets == theirs
    share = len(set(mine)) / 2048
    cost = 0.0005 * (math.exp(share / 0.19 * math.log(8 / 0.0005)) - 1)
    novelty = np.mean([b not in theirs for b in mine])
    spread = np.mean([1 - float(x @ y) for x, y in itertools.combinations(ROWS, 2)])
    assert peers.cap(ROWS, reference) == pytest.approx(0.05 * cost + 0.35 * novelty + 0.45 * spread, abs=1e-6)


def test_vendi_counts_prompts_that_have_nothing_in_common() -> None:
    assert peers.vendi(np.repeat(np.eye(4, dtype=np.float32)[:1], 9, axis=0)) == pytest.approx(1.0)
    assert peers.vendi(np.eye(5, dtype=np.float32)) == pytest.approx(5.0)
    assert peers.vendi(np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)) == pytest.approx(3.0)
    assert peers.vendi(np.eye(300, dtype=np.float32)) == pytest.approx(256.0)


@pytest.mark.parametrize("n", [0, 1])
def test_too_little_gets_no_score(n: int, reference) -> None:
    few = ROWS[:n]
    found = [peers.mmd(few, reference), peers.prada(few), peers.seat(few, reference), peers.cap(few, reference)]
    assert np.isnan([*found, peers.vendi(few)]).all()
    assert np.isnan(peers.mahalanobis(few, reference)) == (n == 0)
    assert np.isnan(peers.prada(np.repeat(ROWS[:1], 9, axis=0)))


# -- samples ------------------------------------------------------------------------------------------------


def make_sample(labels: list[Label]) -> Sample:
    n = len(labels)
    return Sample(
        labels=tuple(labels),
        volume=np.arange(n) + 5,
        score=np.full(n, 0.5),
        flagged=np.zeros(n, bool),
        language=("en",) * n,
        groups=(frozenset({labels[0].account_id}),),
        absent=1,
        unlabelled=2,
    )


CORPORA = {
    "talk": "benign",
    "forms": "benign",
    "forum": "benign",
    "mail": "benign",
    "poems": "attack",
    "songs": "attack",
}
LABELS = [Label(f"{c}-{i}", kind, corpora=(c,)) for c, kind in CORPORA.items() for i in range(3)]


def test_folds_hold_corpora_whole_and_split_the_benign_ones() -> None:
    fold = split_folds(LABELS)
    by_corpus = {x.corpora: set(fold[[y.corpora == x.corpora for y in LABELS]]) for x in LABELS}
    assert all(len(folds) == 1 for folds in by_corpus.values())
    benign = [fold[i] for i, x in enumerate(LABELS) if x.label == "benign"]
    assert sum(benign) == len(benign) / 2
    assert (split_folds(LABELS[::-1])[::-1] == fold).all()
    one_corpus = [Label(str(i), "benign", corpora=("talk",)) for i in range(6)]
    assert sorted(split_folds(one_corpus)) == [0, 0, 0, 1, 1, 1]
    assert sorted(split_folds(LABELS, accounts=True)[:12]) == [0] * 6 + [1] * 6


@pytest.fixture
def traffic() -> Traffic:
    """Accounts whose prompts lie around an axis of their corpus; the last one sent nothing."""
    rng = np.random.default_rng(6)
    rows = np.concatenate([np.eye(D)[place] + rng.normal(0, 0.05, (12, D)) for place in range(6) for _ in range(3)])
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    prompts = [np.arange(12 * i, 12 * i + 12, dtype=np.int32) for i in range(18)]
    prompts[-1] = prompts[-1][:0]
    return Traffic((rows,), np.zeros(18, np.int64), tuple(prompts))


def test_the_reference_holds_nothing_of_the_own_corpus_but_for_the_starred_one(traffic: Traffic) -> None:
    steps = []
    scores = score_peers(make_sample(LABELS), traffic, progress=lambda done, total: steps.append((done, total)))
    assert set(scores) == {*NAMES, KIN}
    assert steps[-1] == (18, 18)
    fold = split_folds(LABELS)
    # Benign accounts are far from the benign corpora of the other fold, and near their own.
    assert scores["Mahalanobis"][:12].min() > 10 * np.median(scores[KIN][:12])
    rows = np.concatenate([traffic.rows(i) for i in range(12) if fold[i] != fold[0]])
    gaussian = peers.fit_gaussian(rows)
    steps_of = (traffic.rows(0) - gaussian.mean) @ gaussian.axes
    assert scores["Mahalanobis"][0] == pytest.approx((steps_of**2 / gaussian.variance).sum(1).mean(), rel=1e-4)


def test_an_account_that_sent_nothing_has_no_score(traffic: Traffic) -> None:
    scores = score_peers(make_sample(LABELS), traffic)
    assert all(np.isnan(s[-1]) and not np.isnan(s[:-1]).any() for s in scores.values())
    assert (scores["volume"][:3] == [5, 6, 7]).all()


def test_without_benign_accounts_detectors_that_need_them_are_silent(traffic: Traffic) -> None:
    scores = score_peers(make_sample([Label(x.account_id, "attack") for x in LABELS]), traffic)
    assert KIN not in scores
    silent = {name for name, s in scores.items() if np.isnan(s).all()}
    assert silent == {"Mahalanobis", "MMD", "SEAT", "CAP"}


def test_pools_keep_accounts_apart_and_share_corpora(traffic: Traffic) -> None:
    labels = [Label("a", "attack", "hydra", "c", ("poems",)), Label("b", "benign", corpora=("talk",))]
    one, other = make_sample(labels), make_sample(labels)
    pooled = pool_samples([one, other])
    assert [x.account_id for x in pooled.labels] == ["0/a", "0/b", "1/a", "1/b"]
    assert [x.campaign for x in pooled.labels] == ["0/c", "", "1/c", ""]
    assert pooled.labels[0].corpora == pooled.labels[2].corpora == ("poems",)
    assert pooled.groups == (frozenset({"0/a"}), frozenset({"1/a"}))
    assert (pooled.absent, pooled.unlabelled, pooled.volume.tolist()) == (2, 4, [5, 6, 5, 6])
    both = pool_traffic([traffic, traffic])
    assert both.log.tolist() == [0] * 18 + [1] * 18
    assert (both.rows(20) == traffic.rows(2)).all()


def test_some_rows_of_an_account_are_spread_evenly(traffic: Traffic) -> None:
    assert (traffic.rows(1, 3) == np.asarray(traffic.vectors[0][[12, 17, 23]], np.float32)).all()
    assert traffic.rows(1, 99).shape == (12, D)
