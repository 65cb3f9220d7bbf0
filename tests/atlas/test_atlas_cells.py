import numpy as np
import pytest

from sweeplens.atlas.cells import find_cells, make_cells


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_every_prompt_is_in_the_cell_of_the_nearest_centre():
    vectors = unit(np.random.default_rng(0).normal(size=(500, 12)))
    centres, cell = make_cells(vectors, cells=16, seed=1, threads=1)
    assert centres.shape == (16, 12)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    brute = [max(range(16), key=lambda k, v=v: float(centres[k].astype(float) @ v)) for v in vectors.astype(float)]
    assert cell.tolist() == brute


def test_blobs_on_the_sphere_become_cells():
    rng = np.random.default_rng(2)
    middle = unit(rng.normal(size=(4, 20)))
    vectors = unit(np.repeat(middle, 50, axis=0) + 0.02 * rng.normal(size=(200, 20)))
    _, cell = make_cells(vectors, cells=4, seed=1, threads=1)
    assert sorted({tuple(sorted(set(cell[i : i + 50].tolist()))) for i in range(0, 200, 50)}) == [
        (0,),
        (1,),
        (2,),
        (3,),
    ]


@pytest.mark.parametrize(
    ("n", "cells", "expected"), [(1, 512, 1), (2, 512, 2), (3, 512, 2), (100, 512, 5), (100, 3, 3)]
)
def test_the_number_of_cells_follows_the_number_of_prompts(n, cells, expected):
    vectors = unit(np.random.default_rng(1).normal(size=(n, 6)))
    centres, cell = make_cells(vectors, cells=cells, seed=1, threads=1)
    assert len(centres) == expected
    assert cell.max() < expected


def test_copies_and_opposites_keep_centres_on_the_sphere():
    for vectors in (np.ones((40, 4), np.float32) / 2, np.array([[1, 0], [-1, 0]] * 30, np.float32)):
        centres, _ = make_cells(vectors, cells=8, seed=1, threads=1)
        np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)


def test_the_seed_decides():
    vectors = unit(np.random.default_rng(3).normal(size=(300, 8))).astype(np.float16)
    first, again = (make_cells(vectors, cells=9, seed=4, threads=2) for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1].tobytes() == again[1].tobytes()
    assert make_cells(vectors, cells=9, seed=5, threads=2)[0].tobytes() != first[0].tobytes()


def test_new_prompts_find_their_cell_in_blocks(monkeypatch):
    vectors = unit(np.random.default_rng(6).normal(size=(50, 8)))
    centres, cell = make_cells(vectors, cells=4, seed=1, threads=1)
    monkeypatch.setattr("sweeplens.atlas.cells._ROWS", 7)
    assert find_cells(vectors, centres).tolist() == cell.tolist()
