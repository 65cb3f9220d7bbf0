import io

import faiss
import numpy as np
import pytest

from sweeplens.errors import StoreError
from sweeplens.index import all_neighbours, build_index, neighbours_of, stack
from sweeplens.index.reading import read_index

K = 10


class Slices:
    """Rows that can only be sliced, as those of a snapshot's files."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows, self.shape = rows, rows.shape

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice) -> np.ndarray:
        assert isinstance(rows, slice)
        return self._rows[rows]


@pytest.fixture(autouse=True)
def _low_threshold(monkeypatch):
    monkeypatch.setattr("sweeplens.index.building.FLAT_UP_TO", 1000)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Return 12,000 unit rows in 300 clusters of unlike density, float16."""
    rng = np.random.default_rng(11)
    centres = rng.normal(size=(300, 48))
    spread = rng.uniform(0.2, 1.0, 300)
    label = rng.choice(300, 12_000, p=rng.dirichlet(np.ones(300)))
    rows = centres[label] + spread[label, None] * rng.normal(size=(12_000, 48))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture(scope="module")
def exact(vectors) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows asked for, their 31 highest similarities, the row itself among them)."""
    rows = np.random.default_rng(12).choice(len(vectors), 400, replace=False)
    similarity = vectors[rows].astype(np.float32) @ vectors.astype(np.float32).T
    return rows, -np.sort(-similarity, axis=1)[:, :31]


def written(index) -> bytes:
    stream = io.BytesIO()
    index.write(stream)
    return stream.getvalue()


def test_up_to_the_threshold_it_is_flat_and_above_inverted(vectors):
    assert build_index(vectors[:1000]).kind == "flat"
    index = build_index(vectors[:1001])
    assert (index.kind, index.size, index.dim) == ("ivf126,fp16", 1001, 48)


def test_it_finds_nearly_all_that_an_exact_search_finds(vectors, exact):
    rows, best = exact
    similarity, ids = build_index(Slices(vectors)).search(vectors[rows], K)
    assert (similarity >= best[:, [K - 1]] - 1e-5).mean() >= 0.98
    assert (ids >= 0).all()
    assert (np.diff(similarity, axis=1) <= 0).all()
    true = np.einsum("ij,ikj->ik", vectors[rows].astype(np.float32), vectors[ids].astype(np.float32))
    np.testing.assert_allclose(similarity, true, atol=1e-5)  # half-precision rows are kept without loss


def test_neighbours_of_all_rows_are_nearly_the_exact_ones(vectors, exact):
    rows, best = exact
    seen = []
    found = all_neighbours(Slices(vectors), 30, threads=1, progress=lambda done, n: seen.append((done, n)))
    assert seen == [(12_000, 12_000)]
    assert (found.similarity[rows] >= best[:, [30]] - 1e-5).mean() >= 0.95
    assert not (found.ids == np.arange(len(vectors))[:, None]).any()
    assert found.ids.min() >= 0
    assert (np.diff(np.sort(found.ids, axis=1), axis=1) > 0).all()


def test_neighbours_of_some_rows_are_those_of_all(vectors, monkeypatch):
    monkeypatch.setattr("sweeplens.index.neighbours._ROWS_INVERTED", 5000)
    index = build_index(vectors)
    whole = all_neighbours(vectors, 12, threads=1, index=index)
    rows = np.random.default_rng(13).permutation(len(vectors))[:3000]
    some = neighbours_of(rows, vectors, index, 12)
    np.testing.assert_allclose(some.similarity, whole.similarity[rows], atol=1e-5)
    assert (some.ids == whole.ids[rows]).mean() > 0.999


def test_asked_for_every_row_it_looks_through_every_list(vectors):
    index = build_index(vectors[:1500])
    similarity, ids = index.search(vectors[:3], 5000)
    assert [sorted(row) for row in ids.tolist()] == [list(range(1500))] * 3
    assert np.isfinite(similarity).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_rows_and_threads_give_the_same_bytes(vectors, threads):
    first, second = build_index(vectors[:4000], threads=threads), build_index(Slices(vectors[:4000]), threads=threads)
    assert written(first) == written(second)
    near = [all_neighbours(vectors[:4000], 9, threads=threads).ids.tobytes() for _ in range(2)]
    assert near[0] == near[1]


def test_a_written_index_answers_as_before_and_stacks_with_a_flat_delta(vectors, tmp_path):
    base, delta = build_index(vectors[:11_500]), build_index(vectors[11_500:])
    (tmp_path / "base").write_bytes(written(base))
    (tmp_path / "delta").write_bytes(written(delta))
    again = read_index([tmp_path / "base"])
    for left, right in zip(base.search(vectors[:50], K), again.search(vectors[:50], K), strict=True):
        np.testing.assert_array_equal(left, right)
    both = read_index([tmp_path / "base", tmp_path / "delta"])
    assert (both.kind, both.size) == ("ivf428,fp16+flat", 12_000)
    similarity, ids = both.search(vectors, 1)
    np.testing.assert_allclose(similarity[:, 0], (vectors.astype(np.float32) ** 2).sum(1), atol=1e-3)
    assert (ids[:, 0] == np.arange(12_000)).mean() > 0.999
    assert stack([base, delta]).search(vectors[:5], K)[1].tolist() == both.search(vectors[:5], K)[1].tolist()


def test_more_copies_of_one_prompt_than_lists_are_no_hindrance():
    vectors = np.repeat(np.eye(3, 8, dtype=np.float16), [1400, 1, 1], axis=0)
    similarity, ids = build_index(vectors).search(np.eye(3, 8), 4)
    np.testing.assert_array_equal(similarity[:, 0], [1, 1, 1])
    assert ids[1:, 0].tolist() == [1400, 1401]
    assert all_neighbours(vectors, 5, threads=1).similarity[:1400].min() == 1


def test_damaged_files_and_other_inverted_indexes_are_one_sentence(vectors, tmp_path):
    data = written(build_index(vectors[:1200]))
    for number, length in enumerate((3, 60, 5000, len(data) // 2, len(data) - 1)):
        (tmp_path / f"cut{number}").write_bytes(data[:length])
    rows = vectors[:1200].astype(np.float32)
    other = faiss.IndexIVFFlat(faiss.IndexFlatIP(48), 48, 10, faiss.METRIC_INNER_PRODUCT)
    coarse = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(48), 48, 10, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    for name, index in (("other", other), ("coarse", coarse)):
        index.train(rows)
        index.add(rows)
        faiss.write_index(index, str(tmp_path / name))
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(StoreError, match=r"cannot be read: a file that SweepLens wrote was expected$"):
            read_index([path])
