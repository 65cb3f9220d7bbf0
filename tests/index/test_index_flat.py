import io

import faiss
import numpy as np
import pytest

from sweeplens.errors import StoreError
from sweeplens.index import build_index
from sweeplens.index.reading import read_index


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def written(index) -> bytes:
    stream = io.BytesIO()
    index.write(stream)
    return stream.getvalue()


def test_search_gives_the_nearest_first_and_equal_ones_by_id():
    vectors = unit(np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, 0.0]]))
    similarity, ids = build_index(vectors).search(np.array([[1.0, 0.0]]), 3)
    assert ids.tolist() == [[1, 3, 2]]
    assert similarity[0] == pytest.approx([1.0, 1.0, np.sqrt(0.5)], abs=1e-6)


def test_one_vector_is_a_query_too_and_k_is_cut_to_the_size():
    index = build_index(unit(np.eye(3)))
    similarity, ids = index.search([0.0, 0.0, 1.0], 10)
    assert ids.tolist() == [[2, 0, 1]]
    assert similarity.shape == (1, 3)


def test_an_empty_index_finds_nothing():
    index = build_index(np.empty((0, 4), np.float16))
    similarity, ids = index.search(np.ones((2, 4)), 5)
    assert (index.size, index.dim, similarity.shape, ids.shape) == (0, 4, (2, 0), (2, 0))


def test_rows_that_only_slice_are_indexed_too():
    class Rows:
        shape = (5, 5)

        def __len__(self):
            return 5

        def __getitem__(self, rows):
            return np.eye(5, dtype=np.float16)[rows]

    assert build_index(Rows()).search(np.eye(5), 1)[1].ravel().tolist() == [0, 1, 2, 3, 4]


def test_a_written_index_answers_as_before(tmp_path):
    vectors = unit(np.random.default_rng(0).normal(size=(50, 8))).astype(np.float16)
    index = build_index(vectors)
    (tmp_path / "index.faiss").write_bytes(written(index))
    again = read_index([tmp_path / "index.faiss"])
    assert (again.kind, again.size, again.dim) == ("flat", 50, 8)
    for left, right in zip(index.search(vectors, 4), again.search(vectors, 4), strict=True):
        np.testing.assert_array_equal(left, right)


def test_two_writes_give_the_same_bytes():
    vectors = unit(np.random.default_rng(1).normal(size=(20, 4)))
    assert written(build_index(vectors)) == written(build_index(vectors))


def test_a_stream_that_fails_says_so_in_its_own_words():
    class Full(io.RawIOBase):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        build_index(unit(np.eye(4))).write(Full())


def test_a_damaged_file_a_missing_one_and_another_kind_are_one_sentence(tmp_path):
    (tmp_path / "junk").write_bytes(b"this is not an index")
    (tmp_path / "short").write_bytes(written(build_index(unit(np.eye(9))))[:-7])
    faiss.write_index(faiss.IndexFlatL2(4), str(tmp_path / "other"))
    for name in ("junk", "short", "other", "missing"):
        with pytest.raises(StoreError, match=r"cannot be read: a file that SweepLens wrote was expected$"):
            read_index([tmp_path / name])
