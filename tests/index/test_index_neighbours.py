import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeplens.index import all_neighbours, build_index, neighbours_of, stack


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute_force(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair, in double precision: the k nearest others of each point, nearest first, ties by id."""
    exact = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    ids, similarity = [], []
    for i, row in enumerate(exact):
        order = [j for j in sorted(range(len(row)), key=lambda j: (-row[j], j)) if j != i][:k]
        ids.append(order)
        similarity.append(row[order])
    return np.array(ids).reshape(len(vectors), -1), np.array(similarity).reshape(len(vectors), -1)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 60),
    dim=st.integers(2, 12),
    k=st.integers(1, 70),
    copies=st.integers(0, 10),
    seed=st.integers(0, 99),
)
def test_neighbours_are_those_of_brute_force(n, dim, k, copies, seed):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(n, dim)))
    vectors = np.concatenate([vectors, vectors[rng.integers(0, n, copies)]])
    found = all_neighbours(vectors, k, threads=1)
    _, similarity = brute_force(vectors, k)
    assert found.ids.dtype == np.int32
    assert found.ids.shape == found.similarity.shape == (len(vectors), min(k, len(vectors) - 1))
    np.testing.assert_allclose(found.similarity, similarity, atol=1e-5)
    for i, row in enumerate(found.ids.tolist()):
        assert i not in row
        assert len(set(row)) == len(row)
        exact = vectors[row].astype(np.float64) @ vectors[i].astype(np.float64)
        np.testing.assert_allclose(exact, found.similarity[i], atol=1e-5)


def test_copies_come_in_the_order_of_their_ids_and_never_the_point_itself():
    vectors = unit(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]))
    ids = all_neighbours(vectors, 3, threads=1).ids.tolist()
    assert [ids[i] for i in (0, 1, 3, 4)] == [[1, 3, 4], [0, 3, 4], [0, 1, 4], [0, 1, 3]]


def test_more_copies_than_neighbours_are_found_as_copies():
    vectors = unit(np.array([[1.0, 0.0]] * 40 + [[0.0, 1.0]]))
    found = all_neighbours(vectors, 5, threads=1)
    assert all(i not in row and 40 not in row and row == sorted(row) for i, row in enumerate(found.ids[:40].tolist()))
    np.testing.assert_allclose(found.similarity[:40], 1.0, atol=1e-6)


def test_blocks_of_rows_give_what_one_block_gives(monkeypatch):
    vectors = unit(np.random.default_rng(3).normal(size=(101, 16)))
    whole = all_neighbours(vectors, 5, threads=1)
    monkeypatch.setattr("sweeplens.index.neighbours._ROWS", 7)
    seen = []
    parts = all_neighbours(vectors, 5, threads=1, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(whole.ids, parts.ids)
    assert seen[0] == (7, 101)
    assert seen[-1] == (101, 101)


def test_twice_is_the_same_and_halves_may_be_memory_mapped(tmp_path):
    vectors = unit(np.random.default_rng(4).normal(size=(300, 32))).astype(np.float16)
    np.save(tmp_path / "v.npy", vectors)
    first = all_neighbours(vectors, 9, threads=2)
    second = all_neighbours(np.load(tmp_path / "v.npy", mmap_mode="r"), 9, threads=2)
    assert first.ids.tobytes() == second.ids.tobytes()
    assert first.similarity.tobytes() == second.similarity.tobytes()


@pytest.mark.parametrize("n", [0, 1])
def test_no_others_no_neighbours(n):
    assert all_neighbours(np.ones((n, 3), np.float32), 5, threads=1).ids.shape == (n, 0)


@pytest.mark.parametrize("block", [7, 4096])
def test_neighbours_of_some_rows_are_their_rows_among_all(monkeypatch, block):
    monkeypatch.setattr("sweeplens.index.neighbours._ROWS", block)
    rng = np.random.default_rng(6)
    vectors = rng.integers(-1, 2, (90, 12)).astype(np.float16) / 2  # their products are exact, and many are equal
    vectors = np.concatenate([vectors, vectors[:25], vectors[:25]])
    rows = rng.permutation(len(vectors))[:61]
    whole, some = all_neighbours(vectors, 9, threads=1), neighbours_of(rows, vectors, build_index(vectors), 9)
    assert (some.ids.dtype, some.similarity.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(some.ids, whole.ids[rows])
    np.testing.assert_array_equal(some.similarity, whole.similarity[rows])


def test_neighbours_of_some_rows_differ_from_those_among_all_by_rounding_alone():
    vectors = unit(np.random.default_rng(7).normal(size=(500, 33))).astype(np.float16)
    rows = np.array([499, 3, 250, 3])
    index = build_index(vectors)
    whole, some = all_neighbours(vectors, 20, threads=1, index=index), neighbours_of(rows, vectors, index, 20)
    np.testing.assert_allclose(some.similarity, whole.similarity[rows], atol=2e-6)
    np.testing.assert_array_equal(some.ids, whole.ids[rows])


def test_a_stack_gives_the_neighbours_of_rows_of_every_part():
    vectors = unit(np.random.default_rng(8).normal(size=(120, 16))).astype(np.float16)
    both = stack([build_index(vectors[:100]), build_index(vectors[100:])])
    whole = all_neighbours(vectors, 6, threads=1)
    some = neighbours_of(np.arange(90, 120), vectors, both, 6)
    np.testing.assert_array_equal(some.ids, whole.ids[90:])


def test_no_rows_and_no_others_have_no_neighbours():
    index = build_index(np.eye(4, dtype=np.float32))
    assert neighbours_of(np.empty(0, np.int64), np.eye(4), index, 3).ids.shape == (0, 3)
    one = build_index(np.eye(1, 4, dtype=np.float32))
    assert neighbours_of(np.array([0]), np.eye(1, 4), one, 3).ids.shape == (1, 0)
