import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.atlas.placing import place, place_on_map


def place_one(labels: list[int], similarity: list[float], **options):
    """Place one prompt whose neighbours 0, 1, 2 ... have these clusters."""
    ids = np.arange(len(labels), dtype=np.int32)[None]
    found = place(ids, np.array([similarity], np.float32), np.array(labels, np.int32), **options)
    return int(found.cluster[0]), float(found.share[0])


def test_neighbours_that_agree_place_a_prompt():
    assert place_one([4, 4, 4], [0.8, 0.7, 0.6]) == (4, 1.0)


def test_a_neighbour_weighs_its_cosine_above_the_floor():
    cluster, share = place_one([0, 1, 1], [0.9, 0.5, 0.5], near=0.3, agreement=0.5)
    assert cluster == 0
    assert share == pytest.approx(0.6 / (0.6 + 0.2 + 0.2))


def test_neighbours_without_a_cluster_weigh_against_all():
    assert place_one([2, -1, -1, -1], [0.6, 0.6, 0.6, 0.6], agreement=0.5) == (-1, 0.0)
    assert place_one([2, -1, -1, -1], [0.6, 0.6, 0.6, 0.6], agreement=0.25)[0] == 2


def test_far_neighbours_have_no_say():
    assert place_one([1, 1, 1], [0.29, 0.2, -0.4], near=0.3) == (-1, 0.0)


def test_of_equal_clusters_the_lower_id_wins():
    assert place_one([7, 3], [0.8, 0.8], agreement=0.5)[0] == 3


def test_a_map_without_clusters_places_nothing():
    assert place_one([-1, -1], [0.9, 0.9]) == (-1, 0.0)
    empty = place(np.empty((2, 0), np.int32), np.empty((2, 0), np.float32), np.empty(0, np.int32))
    assert empty.cluster.tolist() == [-1, -1]


@given(
    rows=st.lists(
        st.lists(st.tuples(st.integers(-1, 4), st.floats(-1, 1, width=32)), min_size=5, max_size=5), max_size=6
    ),
    agreement=st.floats(0.05, 1),
    near=st.floats(0, 0.5),
)
def test_placing_is_the_weighted_majority_of_brute_force(rows, agreement, near):
    labels = np.array([label for row in rows for label, _ in row], np.int32)
    similarity = np.array([[s for _, s in row] for row in rows], np.float32).reshape(len(rows), 5)
    ids = np.arange(labels.size).reshape(len(rows), 5)
    found = place(ids, similarity, labels, agreement=agreement, near=near)
    for i, row in enumerate(rows):
        weight = {}
        for label, s in row:
            weight[label] = weight.get(label, 0.0) + max(float(np.float32(s)) - near, 0.0)
        total = sum(weight.values())
        best = max((w for label, w in weight.items() if label >= 0), default=0.0)
        if abs(best - agreement * total) < 1e-9 or best <= 0:
            continue
        if best < agreement * total:
            assert found.cluster[i] == -1
        else:
            assert weight[int(found.cluster[i])] == pytest.approx(best)
            assert found.share[i] == pytest.approx(best / total, rel=1e-5)


def test_a_new_prompt_lands_among_neighbours_of_its_cluster():
    xy = np.array([[0, 0], [2, 0], [100, 100]], np.float32)
    ids, similarity = np.array([[0, 1, 2]]), np.array([[0.7, 0.7, 0.7]], np.float32)
    inside = place_on_map(ids, similarity, xy, np.array([0, 0, 1], np.int32), np.array([0], np.int32))
    assert inside[0] == pytest.approx([1, 0])
    anywhere = place_on_map(ids, similarity, xy)
    assert anywhere[0] == pytest.approx([34, 100 / 3])


def test_without_a_neighbour_of_its_cluster_all_count():
    xy = np.array([[0, 0], [4, 0]], np.float32)
    found = place_on_map(
        np.array([[0, 1]]), np.array([[0.5, 0.5]]), xy, np.array([0, 0], np.int32), np.array([-1], np.int32)
    )
    assert found[0] == pytest.approx([2, 0])
