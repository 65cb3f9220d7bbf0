import io

import numpy as np
import pytest

from sweeplens.errors import StoreError
from sweeplens.index import build_index, stack
from sweeplens.index.reading import read_index


def halves(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    """Return vectors whose inner products are exact in float32, many of them equal."""
    return rng.integers(-1, 2, (n, dim)).astype(np.float16) / 2


@pytest.mark.parametrize("cuts", [[30], [1, 2, 40], [0, 59, 60]])
@pytest.mark.parametrize("k", [1, 7, 60, 100])
def test_parts_answer_as_one_index(cuts, k):
    vectors = halves(np.random.default_rng(5), 60, 24)
    one, parts = build_index(vectors), stack([build_index(part) for part in np.split(vectors, cuts)])
    assert (parts.size, parts.dim) == (60, 24)
    whole, merged = one.search(vectors, k), parts.search(vectors, k)
    np.testing.assert_array_equal(whole[0], merged[0])
    for row, (near, ids) in enumerate(zip(merged[0], merged[1], strict=True)):
        assert len(set(ids.tolist())) == len(ids) == min(k, 60)
        np.testing.assert_array_equal((vectors[ids].astype(np.float32) @ vectors[row].astype(np.float32)), near)
        assert sorted(zip(-near, ids, strict=True)) == list(zip(-near, ids, strict=True))
    if k >= 60:
        np.testing.assert_array_equal(whole[1], merged[1])


def test_a_base_and_its_deltas_are_read_in_the_order_of_the_paths(tmp_path):
    vectors = np.eye(7, dtype=np.float16)
    paths = []
    for number, part in enumerate(np.split(vectors, [4, 6])):
        stream = io.BytesIO()
        build_index(part).write(stream)
        paths.append(tmp_path / f"index-{number:04}.faiss")
        paths[-1].write_bytes(stream.getvalue())
    index = read_index(paths)
    assert (index.kind, index.size) == ("flat*3", 7)
    assert index.search(vectors, 1)[1].ravel().tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert read_index(paths[:1]).kind == "flat"


def test_one_part_is_itself_and_an_empty_part_changes_nothing():
    index = build_index(np.eye(3, dtype=np.float32))
    assert stack([index]) is index
    with_empty = stack([index, build_index(np.empty((0, 3), np.float32))])
    assert with_empty.search(np.eye(3), 2)[1].tolist() == index.search(np.eye(3), 2)[1].tolist()


def test_no_part_unlike_parts_and_a_stack_as_one_file_are_refused():
    with pytest.raises(StoreError, match="none came"):
        stack([])
    one, other = build_index(np.eye(3, dtype=np.float32)), build_index(np.eye(4, dtype=np.float32))
    with pytest.raises(StoreError, match="these have 3 and 4 numbers"):
        stack([one, other])
    with pytest.raises(StoreError, match=r"this one is flat\*2$"):
        stack([one, one]).write(io.BytesIO())
