import numpy as np
import pytest

from sweeplens.atlas.clusters import find_clusters, order_by_size, smallest_cluster


def test_clusters_are_numbered_by_size_then_by_first_row():
    labels = np.array([3, 0, 0, 1, -1, 1, 0, 3, 2])
    assert order_by_size(labels).tolist() == [1, 0, 0, 2, -1, 2, 0, 1, 3]


def test_labels_of_noise_only_stay():
    assert order_by_size(np.array([-1, -1])).tolist() == [-1, -1]
    assert order_by_size(np.array([], np.int32)).tolist() == []


@pytest.mark.parametrize(("n", "least"), [(0, 5), (1000, 5), (57_600, 30), (1_000_000, 125)])
def test_the_smallest_cluster_grows_with_the_log(n, least):
    assert smallest_cluster(n) == least


def test_groups_are_found_and_far_points_are_noise():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(i * 10, 0.3, size=(30, 5)) for i in range(3)] + [[[500.0] * 5]]).astype(
        np.float32
    )
    labels, probability = find_clusters(points)
    assert [len(set(labels[i : i + 30].tolist())) for i in (0, 30, 60)] == [1, 1, 1]
    assert len(set(labels.tolist()) - {-1}) == 3
    assert (labels[90], probability[90]) == (-1, 0)
    assert probability[:90].max() == 1


def test_one_group_is_one_cluster():
    points = np.random.default_rng(1).normal(size=(60, 5)).astype(np.float32)
    labels, _ = find_clusters(points, smallest=25)
    assert set(labels.tolist()) - {-1} == {0}


@pytest.mark.parametrize(
    ("n", "smallest", "label"), [(0, 0, -1), (1, 0, -1), (4, 0, -1), (5, 0, 0), (14, 0, 0), (14, 20, -1)]
)
def test_few_points_are_one_cluster_or_none(n, smallest, label):
    labels, probability = find_clusters(
        np.random.default_rng(2).normal(size=(n, 5)).astype(np.float32), smallest=smallest
    )
    assert labels.tolist() == [label] * n
    assert probability.tolist() == [float(label == 0)] * n
