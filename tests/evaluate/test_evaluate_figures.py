"""The figures: numbers worked out by hand, and brute force over pairs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.evaluate.campaigns import judge_groups
from sweeplens.evaluate.evaluate import Evaluation, evaluate, lowest_for_none
from sweeplens.evaluate.labels import Label
from sweeplens.evaluate.measures import auroc, same_volume_auroc, same_volume_pairs, tpr_at
from sweeplens.evaluate.sample import Sample

NONE = math.nan
# label, score, whether flagged, main language
ROWS = [
    (Label("a1", "attack", "solo", "", ("poems",), 100), 0.9, True, "en"),
    (Label("a2", "attack", "solo", "", ("songs",), 50), 0.5, False, "en"),
    (Label("h1", "attack", "hydra", "c1", ("riddles",), 20), 0.7, True, "fr"),
    (Label("h2", "attack", "hydra", "c1", ("riddles",), 22), 0.7, False, "fr"),
    (Label("h3", "attack", "hydra", "c1", ("riddles",), 21), NONE, False, "en"),
    (Label("b1", "benign", "user", "", ("talk",), 90), 0.6, True, "en"),
    (Label("b2", "benign", "named_user", "", ("talk",), 60), 0.5, False, "fr"),
    (Label("b3", "benign", "tenant", "", ("forms",), 20), 0.1, False, "fr"),
    (Label("b4", "benign", "named_user", "", ("forum",), 200), 0.2, False, "de"),
    (Label("d1", "dual", "benchmark", "", ("quiz",), 400), 0.95, True, "en"),
]
GROUPS = (frozenset({"h1", "h2", "b1"}), frozenset({"b3", "b4"}))


def sample(rows=ROWS, groups=GROUPS) -> Sample:
    return Sample(
        labels=tuple(label for label, *_ in rows),
        volume=np.array([label.n for label, *_ in rows]),
        score=np.array([score for _, score, *_ in rows], float),
        flagged=np.array([flagged for *_, flagged, _ in rows]),
        language=tuple(language for *_, language in rows),
        groups=groups,
        absent=0,
        unlabelled=0,
    )


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return evaluate(sample(), n_draws=0)


# Pairs of `attack`: a1 beats all four, a2 beats b3 and b4 and ties with b2, h1 and h2 beat all four, h3 none.
# Of like volume: a1-b1, a2-b2 (a tie), h1-b3, h2-b3, h3-b3 (lost). Against named users: b2 and b4.
# No benign account may pass at 1 % or 5 % of four, so the cut-off is 0.6: a1, h1 and h2 are above it.
@pytest.mark.parametrize(
    ("kind", "auroc", "same_volume", "named", "tpr"),
    [
        ("attack", 14.5 / 20, 3.5 / 5, (2 + 1.5 + 2 + 2 + 0) / 10, 3 / 5),
        ("solo", 6.5 / 8, 1.5 / 2, 3.5 / 4, 1 / 2),
        ("hydra", 8 / 12, 2 / 3, 4 / 6, 2 / 3),
    ],
)
def test_rankings_by_hand(found: Evaluation, kind, auroc, same_volume, named, tpr) -> None:
    (row,) = [k for k in found.kinds if k.name == kind]
    (ranking,) = row.rankings
    values = [ranking.auroc, ranking.same_volume, ranking.named_users, ranking.tpr_at_1, ranking.tpr_at_5]
    assert [v.value for v in values] == pytest.approx([auroc, same_volume, named, tpr, tpr], abs=1e-12)


def test_flags_by_hand(found: Evaluation) -> None:
    f = found.flagged
    assert (f.attacks, f.caught, f.benign, f.false, f.dual, f.dual_flagged) == (5, 2, 4, 1, 1, 1)
    shares = [f.recall, f.precision, f.false_alarm_rate, f.dual_share]
    assert [s.value for s in shares] == pytest.approx([2 / 5, 2 / 3, 1 / 4, 1.0])
    assert f.false_by_type == {"user": 1}
    assert f.benign_by_type == {"named_user": 2, "tenant": 1, "user": 1}
    # At the top: a1, h1, h2, b1, and of a2 and b2, which tie, the one that the labels name first.
    assert f.precision_at_attacks == pytest.approx(4 / 5)


def test_languages_compare_within_a_language(found: Evaluation) -> None:
    rows = {c.name: (c.n_attack, c.n_benign, c.rankings[0].auroc.value) for c in found.languages}
    # en: a1 beats b1, a2 and h3 lose to it. fr: h1 and h2 beat b2 and b3. de has no attack.
    assert rows == {"en": (3, 1, pytest.approx(1 / 3)), "fr": (2, 2, 1.0), "de": (0, 1, None)}
    assert [c.name for c in found.languages] == ["en", "fr", "de"]


def test_campaigns_by_hand(found: Evaluation) -> None:
    c = found.campaigns
    # {h1, h2, b1} against {h1, h2, h3}: two of four. Two thirds of that group are of the campaign: less than 0.8.
    assert (c.true, c.reported, c.found, c.false) == (1, 2, 1, 2)
    figures = [c.mean_jaccard, c.mean_recall, c.pair_precision, c.pair_recall]
    assert [f.value for f in figures] == pytest.approx([2 / 4, 2 / 3, 1 / 4, 1 / 3])
    assert c.jaccard == {"c1": 0.5}


def test_lone_sweeps_of_its_corpora_may_join_a_campaign() -> None:
    labels = [label for label, *_ in ROWS]
    labels[0] = Label("a1", "attack", "solo", "", ("riddles",))
    groups = judge_groups(labels, [frozenset({"h1", "h2", "h3", "a1"})], 0, 1)
    assert (groups.found, groups.false, groups.jaccard) == (1, 0, {"c1": 1.0})
    assert (groups.pair_precision.value, groups.pair_recall.value) == (1.0, 1.0)
    strangers = judge_groups(labels, [frozenset({"h1", "h2", "h3", "a2"})], 0, 1)
    assert (strangers.false, strangers.jaccard) == (1, {"c1": 0.75})


def test_lone_sweeps_of_one_corpus_are_no_false_group_and_keys_of_a_tenant_are() -> None:
    lone = [Label(f"s{i}", "attack", "solo", "", ("poems",)) for i in range(4)]
    keys = [Label(f"k{i}", "benign", "tenant_key", "tenant-1", ("forms",)) for i in range(4)]
    groups = [frozenset(x.account_id for x in part) for part in (lone, keys)]
    assert judge_groups([*lone, *keys], groups[:1], 0, 1).false == 0
    assert judge_groups([*lone, *keys], groups[1:], 0, 1).false == 1
    assert judge_groups([*lone, *keys], groups, 0, 1).true == 0


def test_lone_attacks_of_unknown_corpora_excuse_nothing() -> None:
    labels = [
        Label("h1", "attack", "", "c"),
        Label("h2", "attack", "", "c"),
        Label("x", "attack"),
        Label("y", "attack"),
    ]
    groups = judge_groups(labels, [frozenset({"h1", "h2", "x"}), frozenset({"y"})], 0, 1)
    assert (groups.false, groups.jaccard) == (2, {"c": pytest.approx(2 / 3)})


def test_two_campaigns_in_one_group_are_a_false_group() -> None:
    labels = [Label(f"{c}{i}", "attack", "hydra", c, (c,)) for c in "pq" for i in range(3)]
    groups = judge_groups(labels, [frozenset(x.account_id for x in labels)], 0, 1)
    assert (groups.false, groups.found, groups.jaccard) == (1, 2, {"p": 0.5, "q": 0.5})
    assert groups.pair_precision.value == pytest.approx(6 / 15)


def test_nothing_to_find_is_no_failure() -> None:
    benign = [row for row in ROWS if row[0].label != "attack"]
    found = evaluate(sample(benign, groups=()), n_draws=20)
    assert found.kinds[0].rankings[0].auroc.value is None
    assert (found.flagged.recall.value, found.flagged.false_alarm_rate.value) == (0.0, 0.25)
    assert (found.campaigns.true, found.campaigns.reported, found.campaigns.mean_jaccard.value) == (0, 0, 0.0)


def test_accounts_without_a_score_are_the_lowest() -> None:
    assert lowest_for_none(np.array([0.2, NONE, -3.0])).tolist() == [0.2, -4.0, -3.0]
    assert lowest_for_none(np.array([NONE, NONE])).tolist() == [0.0, 0.0]


def test_the_best_peer_is_measured_in_the_same_draws() -> None:
    good = np.where(np.array([label.label == "attack" for label, *_ in ROWS]), 1.0, 0.0)
    found = evaluate(sample(), {"right": good, "wrong": -good}, n_draws=50)
    kind = found.kinds[0]
    assert [r.detector for r in kind.rankings] == ["sweeplens", "right", "wrong"]
    assert [r.same_volume.value for r in kind.rankings[1:]] == [1.0, 0.0]
    assert (kind.best_peer, kind.lead.value) == ("right", pytest.approx(0.7 - 1.0))
    assert all(len(c.rankings) == 1 for c in found.languages)


# -- brute force: a weight of k is the account k times over ------------------------------------------------

side = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=8)


def expand(rows):
    return [(score, volume) for score, volume, weight in rows for _ in range(weight)]


def arrays(rows):
    score, volume, weight = (np.array(c) for c in zip(*rows, strict=True))
    return score.astype(float), volume, weight[None].astype(float)


@given(side, side)
def test_auroc_is_the_share_of_pairs(attack, benign) -> None:
    (a, _, aw), (b, _, bw) = arrays(attack), arrays(benign)
    pairs = [(s > t) + (s == t) / 2 for s, _ in expand(attack) for t, _ in expand(benign)]
    assert auroc(a, b, aw, bw)[0] == pytest.approx(np.mean(pairs) if pairs else NONE, nan_ok=True)


@given(side, side)
def test_same_volume_auroc_is_the_share_of_near_pairs(attack, benign) -> None:
    (a, n, aw), (b, m, bw) = arrays(attack), arrays(benign)
    # Every account is a unit of its own; the draw says how often it counts.
    unit = np.arange(len(a)), len(a) + np.arange(len(b))
    won, pairs = same_volume_pairs(a, b, (n, m), unit, len(a) + len(b))
    near = [
        (s > t) + (s == t) / 2 for s, x in expand(attack) for t, y in expand(benign) if max(x, y) <= 1.5 * min(x, y)
    ]
    value = same_volume_auroc(won, pairs, np.concatenate([aw, bw], 1))[0]
    assert value == pytest.approx(np.mean(near) if near else NONE, nan_ok=True)
    one = same_volume_pairs(a, b, (n, m), (np.zeros(len(a), int), np.zeros(len(b), int)), 1)
    assert (one[0].item(), one[1].item()) == (won.sum(), pairs.sum())


@given(side, side, st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.5]))
def test_tpr_is_the_share_above_the_benign_account_that_first_may_not_pass(attack, benign, fpr) -> None:
    (a, _, aw), (b, _, bw) = arrays(attack), arrays(benign)
    mine, others = [s for s, _ in expand(attack)], sorted((s for s, _ in expand(benign)), reverse=True)
    want = np.mean([s > others[int(fpr * len(others))] for s in mine]) if mine and others else NONE
    assert tpr_at(a, b, aw, bw, fpr)[0] == pytest.approx(want, nan_ok=True)
