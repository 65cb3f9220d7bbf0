"""Rows of several files seen as one array."""

import numpy as np
import pytest

from sweeplens.store.rows import RowView

WHOLE = np.arange(30, dtype=np.float16).reshape(10, 3)


@pytest.fixture(params=[(10,), (4, 6), (1, 0, 5, 4), (0, 10)])
def view(request, tmp_path):
    """The ten rows in files of so many rows each, mapped into memory."""
    parts, start = [], 0
    for i, n in enumerate(request.param):
        np.save(tmp_path / f"{i}.npy", WHOLE[start : start + n])
        parts.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
        start += n
    return RowView(parts)


KEYS = [
    0, 9, -1, -10, np.int64(3), slice(None), slice(2, 8), slice(8, 2), slice(None, None, 3), slice(None, None, -1),
    slice(-4, None), slice(5, 5), [], [3], [9, 0, 0, -1, 4], np.array([7, 1], np.uint32), np.array([[1, 9], [4, 4]]),
    np.arange(10) % 3 == 0, np.zeros(10, bool), np.empty((0, 2), np.int64),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_key_gives_what_numpy_gives(view, key):
    want = WHOLE[key] if len(np.shape(key)) == 0 or np.size(key) else WHOLE[np.empty(np.shape(key), np.int64)]
    got = view[key]
    assert isinstance(got, np.ndarray)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert np.array_equal(got, want)


def test_it_looks_like_one_array(view):
    assert (len(view), view.shape, view.ndim, view.dtype, view.nbytes) == (10, (10, 3), 2, np.float16, 60)
    assert np.array_equal(np.asarray(view, np.float32), WHOLE.astype(np.float32))
    assert np.array_equal(np.array(view), WHOLE)
    assert [(start, len(block)) for start, block in view.blocks(4)] == [(0, 4), (4, 4), (8, 2)]
    assert np.array_equal(np.concatenate([block for _, block in view.blocks(3)]), WHOLE)
    assert np.array_equal([row[0] for row in view], WHOLE[:, 0])


@pytest.mark.parametrize("key", [10, -11, [0, 10], [True, False], np.array([0.5])], ids=str)
def test_what_is_not_there_is_an_index_error(view, key):
    with pytest.raises(IndexError):
        view[key]


def test_unlike_parts_are_refused():
    for parts in ([], [WHOLE, WHOLE[:, :2]], [WHOLE, WHOLE.astype(np.float32)]):
        with pytest.raises(ValueError, match="rows of one shape and type"):
            RowView(parts)
