"""The whole atlas on prompts of known topics, encoded by a tiny real encoder: hashed words."""

import numpy as np
import pytest

from support.word_topics import TAXONOMY, TOPICS, WordEncoder, make_atlas, make_prompts
from sweeplens.atlas import KINDS, build_atlas
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.index import all_neighbours


@pytest.fixture(scope="module")
def topics():
    return make_prompts(40)


@pytest.fixture(scope="module")
def atlas(topics):
    return make_atlas(topics[0], min_cluster=15)


def test_topics_become_clusters(atlas, topics):
    from sklearn.metrics import adjusted_mutual_info_score

    assert adjusted_mutual_info_score(topics[1], atlas.cluster) > 0.9


def test_clusters_are_numbered_by_size_and_counted(atlas):
    sizes = [c.n_prompts for c in atlas.clusters]
    assert sizes == sorted(sizes, reverse=True)
    for c in atlas.clusters:
        inside = atlas.cluster == c.cluster_id
        assert c.n_prompts == inside.sum() == c.n_core + c.n_placed
        assert c.n_core == (inside & (atlas.kind == KINDS.index("core"))).sum()
        assert c.n_placed == (inside & (atlas.kind == KINDS.index("placed"))).sum()
        assert not (atlas.kind[inside] == KINDS.index("noise")).any()


def test_clusters_are_named_by_the_words_of_their_topic(atlas, topics):
    assert len({c.name for c in atlas.clusters}) == len(atlas.clusters)
    for c in atlas.clusters:
        words = list(TOPICS.values())[np.bincount(topics[1][atlas.cluster == c.cluster_id]).argmax()].split()
        assert set(c.terms[:3]) <= set(words)
        assert c.name == ", ".join(c.terms[:3])


def test_exemplars_are_core_prompts_of_their_cluster(atlas):
    for c in atlas.clusters:
        assert 1 <= len(set(c.exemplars)) == len(c.exemplars) <= 8
        assert (atlas.cluster[list(c.exemplars)] == c.cluster_id).all()
        assert (atlas.kind[list(c.exemplars)] == KINDS.index("core")).all()


def test_clusters_get_the_capability_of_their_seeds_and_the_others_none(atlas, topics):
    expected = {"garden": "plants", "kitchen": "cooking", "money": "accounts", "harbour": "unassigned"}
    seen = set()
    for c in atlas.clusters:
        topic = list(TOPICS)[np.bincount(topics[1][atlas.cluster == c.cluster_id]).argmax()]
        if topic in expected:
            assert c.capability == expected[topic]
            seen.add(topic)
        inside = atlas.capability[atlas.cluster == c.cluster_id]
        assert {TAXONOMY.key_at(int(i)) for i in inside} == {c.capability}
    assert seen == set(expected)


def test_arrays_have_their_types_and_ranges(atlas, topics):
    n = len(topics[0])
    for array, kind in (
        (atlas.cell, "int32"), (atlas.cluster, "int32"), (atlas.kind, "int8"), (atlas.probability, "float32"),
        (atlas.capability, "int16"),
    ):  # fmt: skip
        assert (array.shape, array.dtype) == ((n,), np.dtype(kind))
    assert atlas.xy.shape == (n, 2)
    assert np.isfinite(atlas.xy).all()
    assert ((atlas.probability >= 0) & (atlas.probability <= 1)).all()
    assert (atlas.probability[atlas.kind == KINDS.index("noise")] == 0).all()
    np.testing.assert_array_equal(atlas.kind == KINDS.index("noise"), atlas.cluster < 0)


def test_two_processes_give_the_bytes_of_one(atlas, topics):
    again = make_atlas(topics[0], min_cluster=15, threads=2)
    for name in ("cluster", "kind", "probability", "xy", "capability"):
        assert getattr(again, name).tobytes() == getattr(atlas, name).tobytes(), name
    assert again.clusters == atlas.clusters


def test_twice_gives_the_same_bytes(atlas, topics):
    again = make_atlas(topics[0], min_cluster=15)
    for name in ("cells", "cell", "cluster", "kind", "probability", "xy", "capability"):
        assert getattr(again, name).tobytes() == getattr(atlas, name).tobytes(), name
    assert again.clusters == atlas.clusters


@pytest.mark.parametrize(("n", "clusters"), [(1, 0), (2, 0), (3, 0), (7, 1), (10, 1)])
def test_few_prompts_are_no_cluster_or_one(topics, n, clusters):
    atlas = make_atlas(topics[0][:n])
    assert len(atlas.clusters) == clusters
    assert (len(atlas.cell), atlas.xy.shape) == (n, (n, 2))
    assert np.isfinite(atlas.xy).all()
    np.testing.assert_allclose(np.linalg.norm(atlas.cells, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("n", [3, 12, 40])
def test_copies_of_one_vector_are_mapped(n):
    encoder = WordEncoder()
    vectors = np.repeat(encoder.encode(["anchor tide"]), n, axis=0)
    texts = [f"anchor tide {'!' * i}" for i in range(n)]
    near = all_neighbours(vectors, 30, threads=1)
    atlas = build_atlas(vectors, texts, near, CapabilityFinder(TAXONOMY, encoder), taxonomy=TAXONOMY)
    assert np.isfinite(atlas.xy).all()
    assert set(atlas.capability.tolist()) == {-1}


def test_min_cluster_is_the_smallest_number_of_core_prompts(topics):
    atlas = make_atlas(topics[0], min_cluster=30)
    assert atlas.clusters
    assert all(c.n_core >= 30 for c in atlas.clusters)


def test_without_texts_clusters_are_the_same_and_named_by_capability(atlas, topics):
    bare = make_atlas(topics[0], min_cluster=15, keep_text=False)
    np.testing.assert_array_equal(bare.cluster, atlas.cluster)
    titles = {c.key: c.name for c in TAXONOMY.capabilities} | {"unassigned": "Unassigned"}
    for bald, c in zip(bare.clusters, atlas.clusters, strict=True):
        assert (bald.terms, bald.exemplars) == ((), ())
        assert bald.name.rsplit(" ", 1)[0] == titles[c.capability]
    assert len({c.name for c in bare.clusters}) == len(bare.clusters)


def test_given_centres_are_kept_and_each_prompt_is_in_the_nearest(atlas, topics):
    centres = atlas.cells[:7]
    again = make_atlas(topics[0], min_cluster=15, centres=centres)
    assert again.cells is centres
    vectors = WordEncoder().encode(topics[0]).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(again.cell, (vectors @ centres.T).argmax(1))


def test_a_map_says_how_large_it_was_and_which_id_comes_next(atlas, topics):
    assert atlas.laid_out == len(topics[0])
    assert atlas.next_id == len(atlas.clusters)
    assert atlas.lineage == ()
