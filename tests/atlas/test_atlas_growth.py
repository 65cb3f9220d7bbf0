"""A map that goes on: new prompts find their place, new clusters come up, ids and names stay."""

from dataclasses import replace

import numpy as np
import pytest

from support.word_topics import TAXONOMY, TOPICS, WordEncoder, make_atlas, make_prompts
from sweeplens.atlas.atlas import CORE, NOISE, PLACED
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.description import keep_names
from sweeplens.atlas.growth import Former, align_atlas, grow_atlas
from sweeplens.index import build_index

STARS = "comet nebula telescope orbit eclipse galaxy meteor quasar"
EACH = ("cell", "cluster", "kind", "probability", "capability")


def encode(texts):
    return WordEncoder().encode(texts).astype(np.float16)


def make_stars(n, seed=9):
    """Prompts of a topic that the map does not have."""
    rng = np.random.default_rng(seed)
    return [f"number{i} {' '.join(rng.choice(STARS.split(), 6, replace=False))}" for i in range(n)]


def make_strays(n, seed=3):
    """Prompts that have nothing in common with one another."""
    rng = np.random.default_rng(seed)
    return [" ".join(f"word{rng.integers(10**9)}" for _ in range(6)) for _ in range(n)]


def grow(atlas, texts, fresh, *, keep_text=True, **options):
    vectors = encode([*texts, *fresh])
    every = [*texts, *fresh] if keep_text else None
    finder = CapabilityFinder(TAXONOMY, WordEncoder())
    return grow_atlas(atlas, vectors, every, build_index(vectors[: len(texts)]), finder, **options)


def check_sound(atlas, n):
    """What must hold of any map."""
    for name in EACH:
        assert getattr(atlas, name).shape == (n,), name
    assert atlas.xy.shape == (n, 2)
    assert np.isfinite(atlas.xy).all()
    np.testing.assert_array_equal(atlas.kind == NOISE, atlas.cluster < 0)
    ids = [c.cluster_id for c in atlas.clusters]
    assert len(set(ids)) == len(ids)
    assert len({c.name for c in atlas.clusters}) == len(ids)
    assert set(np.unique(atlas.cluster).tolist()) - {-1} == set(ids)
    assert atlas.next_id > max(ids, default=-1)
    for c in atlas.clusters:
        inside = atlas.cluster == c.cluster_id
        assert (c.n_prompts, c.n_core) == (inside.sum(), (inside & (atlas.kind == CORE)).sum())
        assert c.n_prompts == c.n_core + c.n_placed
        assert {TAXONOMY.key_at(int(k)) for k in atlas.capability[inside]} == {c.capability}
        assert all(inside[e] for e in c.exemplars)


@pytest.fixture(scope="module")
def topics():
    return make_prompts(40)


@pytest.fixture(scope="module")
def atlas(topics):
    return make_atlas(topics[0], min_cluster=15)


@pytest.fixture(scope="module")
def grown(atlas, topics):
    """The map with more of its topics on it, and with a topic that is new to it."""
    more, topic = make_prompts(12, seed=6)
    return grow(atlas, topics[0], [*more, *make_stars(30)], min_cluster=15), topic


def test_old_prompts_stay_where_they_are(atlas, grown):
    n = len(atlas.cell)
    placed = atlas.cluster >= 0
    for name in EACH:
        np.testing.assert_array_equal(getattr(grown[0], name)[:n][placed], getattr(atlas, name)[placed], err_msg=name)
    np.testing.assert_array_equal(grown[0].xy[:n][placed], atlas.xy[placed])
    assert grown[0].cells is atlas.cells
    assert grown[0].laid_out == atlas.laid_out


def test_new_prompts_join_the_clusters_of_their_topic(atlas, topics, grown):
    n, m = len(atlas.cell), len(grown[1])
    of_cluster = {c.cluster_id: int(np.bincount(topics[1][atlas.cluster == c.cluster_id]).argmax())
                  for c in atlas.clusters}  # fmt: skip
    found = grown[0].cluster[n : n + m]
    right = [of_cluster.get(c) == t for c, t in zip(found.tolist(), grown[1].tolist(), strict=True)]
    assert np.mean(right) > 0.95
    assert set(grown[0].kind[n : n + m][found >= 0]) == {PLACED}


def test_what_is_dense_and_fits_nowhere_is_a_new_cluster_with_names_of_its_own(atlas, grown):
    n, m = len(atlas.cell), len(grown[1])
    (star,) = {c.cluster_id for c in grown[0].clusters} - {c.cluster_id for c in atlas.clusters}
    assert star == atlas.next_id
    assert grown[0].next_id == star + 1
    assert (grown[0].cluster[n + m :] == star).sum() >= 15
    assert not (grown[0].cluster[: n + m] == star).any()
    (born,) = (c for c in grown[0].clusters if c.cluster_id == star)
    assert set(born.terms[:3]) <= set(STARS.split())
    assert born.n_core == born.n_prompts >= 15
    assert all(e >= n for e in born.exemplars)


def test_old_clusters_keep_ids_names_terms_and_exemplars(atlas, grown):
    after = {c.cluster_id: c for c in grown[0].clusters}
    for c in atlas.clusters:
        kept = after[c.cluster_id]
        assert (kept.name, kept.terms, kept.exemplars, kept.capability) == (c.name, c.terms, c.exemplars, c.capability)
        assert kept.n_prompts >= c.n_prompts
        assert kept.n_core == c.n_core


def test_lineage_says_kept_and_born(atlas, grown):
    rows = {r.id: r for r in grown[0].lineage}
    assert {r.event for r in rows.values()} == {"kept", "born"}
    for c in grown[0].clusters:
        row = rows[str(c.cluster_id)]
        assert (row.kind, row.n_after) == ("cluster", c.n_prompts)
        if row.event == "born":
            assert (row.parents, row.n_before, row.n_shared) == ((), 0, 0)
        else:
            assert row.parents == (row.id,)
            assert row.n_before == row.n_shared


def test_a_grown_map_is_sound(grown):
    check_sound(grown[0], len(grown[0].cell))


def test_without_texts_it_grows_as_well(atlas, topics, grown):
    more, _ = make_prompts(12, seed=6)
    bare = replace(atlas, clusters=tuple(replace(c, terms=(), exemplars=()) for c in atlas.clusters))
    again = grow(bare, topics[0], [*more, *make_stars(30)], min_cluster=15, keep_text=False)
    np.testing.assert_array_equal(again.cluster, grown[0].cluster)
    assert again.clusters[-1].terms == again.clusters[-1].exemplars == ()
    assert again.clusters[-1].name
    check_sound(again, len(again.cell))


def test_few_new_prompts_and_strays_are_no_cluster(atlas, topics):
    for fresh in (make_stars(10), make_strays(40)):
        again = grow(atlas, topics[0], fresh, min_cluster=15)
        assert [c.cluster_id for c in again.clusters] == [c.cluster_id for c in atlas.clusters]
        assert (again.cluster[len(topics[0]) :] < 0).mean() > 0.5
        check_sound(again, len(topics[0]) + len(fresh))


def test_old_prompts_without_a_cluster_join_one_that_comes_up_around_them(atlas, topics):
    first = grow(atlas, topics[0], make_stars(8), min_cluster=15)
    n = len(topics[0])
    assert (first.cluster[n:] < 0).all()
    second = grow(first, [*topics[0], *make_stars(8)], make_stars(30, seed=10), min_cluster=15)
    assert len(second.clusters) == len(atlas.clusters) + 1
    assert (second.cluster[n : n + 8] == atlas.next_id).any()
    assert set(second.kind[n : n + 8][second.cluster[n : n + 8] >= 0].tolist()) == {CORE}
    check_sound(second, n + 38)


def test_old_noise_alone_is_no_new_cluster(atlas, topics):
    # What was noise in the last map is not made a cluster by a few more: most of a new one must be new.
    texts = [*topics[0], *make_stars(20)]
    lost = grow(atlas, topics[0], make_stars(20), min_cluster=30)
    again = grow(lost, texts, [*make_stars(10, seed=10), *make_strays(10)], min_cluster=15)
    assert [c.cluster_id for c in again.clusters] == [c.cluster_id for c in atlas.clusters]


def test_nothing_new_changes_nothing(atlas, topics):
    again = grow(atlas, topics[0], [], min_cluster=15)
    for name in (*EACH, "xy"):
        np.testing.assert_array_equal(getattr(again, name), getattr(atlas, name))
    assert again.clusters == atlas.clusters
    assert {r.event for r in again.lineage} == {"kept"}


def test_a_map_without_a_cluster_can_get_its_first():
    strays = make_strays(2)
    empty = make_atlas(strays)
    assert not empty.clusters
    grown = grow(empty, strays, make_stars(30), min_cluster=15)
    assert [c.cluster_id for c in grown.clusters] == [0]
    check_sound(grown, 32)


def test_a_cluster_whose_prompts_all_went_is_dead_and_its_id_stays_taken(atlas, topics):
    gone = atlas.clusters[1].cluster_id
    stay = np.flatnonzero(atlas.cluster != gone)
    to = np.full(len(atlas.cell), -1)
    to[stay] = np.arange(len(stay))
    clusters = tuple(replace(c, exemplars=tuple(int(to[e]) for e in c.exemplars if to[e] >= 0)) for c in atlas.clusters)
    less = replace(atlas, xy=atlas.xy[stay], clusters=clusters, **{k: getattr(atlas, k)[stay] for k in EACH})
    grown = grow(less, [topics[0][i] for i in stay.tolist()], make_stars(30), min_cluster=15)
    ids = [c.cluster_id for c in grown.clusters]
    assert gone not in ids
    assert ids[-1] == atlas.next_id
    (row,) = (r for r in grown.lineage if r.event == "died")
    assert (row.id, row.parents, row.n_before, row.n_after) == (str(gone), (str(gone),), atlas.clusters[1].n_prompts, 0)
    check_sound(grown, len(stay) + 30)


def test_a_map_laid_out_anew_keeps_ids_and_names(atlas, topics, grown):
    more, _ = make_prompts(12, seed=6)
    texts = [*topics[0], *more, *make_stars(30)]
    fresh = make_atlas(texts, min_cluster=15)
    former = Former(grown[0].cluster, np.ones(len(texts), bool), grown[0].clusters, grown[0].next_id)
    again = align_atlas(fresh, former)
    both = (again.cluster >= 0) & (grown[0].cluster >= 0)
    assert (again.cluster[both] == grown[0].cluster[both]).mean() > 0.95
    before = {c.cluster_id: c.name for c in grown[0].clusters}
    for c in again.clusters:
        if c.cluster_id in before:
            assert c.name == before[c.cluster_id]
        assert c.n_prompts == (again.cluster == c.cluster_id).sum()
    assert again.next_id >= grown[0].next_id
    assert {r.event for r in again.lineage} >= {"kept"}
    check_sound(again, len(texts))


def test_only_common_prompts_say_which_cluster_goes_on(atlas, topics):
    # Half of the prompts are unknown to the snapshot before, and its ids are high: they go to the same topics.
    known = np.arange(len(topics[0])) < 120
    ids = {c.cluster_id: 70 + c.cluster_id for c in atlas.clusters}
    old = np.array([ids.get(c, -1) for c in atlas.cluster.tolist()], np.int32)
    clusters = tuple(replace(c, cluster_id=ids[c.cluster_id], name=f"old {c.name}") for c in atlas.clusters)
    again = align_atlas(atlas, Former(np.where(known, old, -1), known, clusters, 90))
    np.testing.assert_array_equal(again.cluster, old)
    assert {c.name for c in again.clusters} == {c.name for c in clusters}
    assert again.next_id == 90


def test_clusters_that_nobody_had_before_get_fresh_ids(atlas, topics):
    strangers = np.zeros(len(topics[0]), bool)
    again = align_atlas(atlas, Former(np.full(len(topics[0]), -1, np.int32), strangers, (), 12))
    assert sorted(c.cluster_id for c in again.clusters) == list(range(12, 12 + len(atlas.clusters)))
    assert {r.event for r in again.lineage} == {"born"}


def test_names_stay_with_ids_and_new_ones_that_are_taken_say_which(atlas):
    a, b, *_ = atlas.clusters
    newcomer = replace(b, cluster_id=50, name=a.name)
    renamed = replace(a, name="something else")
    kept = keep_names([renamed, newcomer], atlas.clusters)
    assert [c.name for c in kept] == [a.name, f"{a.name} (50)"]


def test_an_old_name_that_must_not_go_on_does_not(atlas):
    a, *_ = atlas.clusters
    assert keep_names([a], [replace(a, name="")])[0].name == a.name


def test_topics_do_not_hold_the_planted_words():
    assert not set(STARS.split()) & {word for words in TOPICS.values() for word in words.split()}
