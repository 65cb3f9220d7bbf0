import numpy as np
import pytest

from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.taxonomy import Capability, Taxonomy


class TableEncoder:
    """Looks each text up in a table of vectors."""

    name, dim, fingerprint = "table", 3, "0"

    def __init__(self, table: dict[str, list[float]], multilingual: bool | None = None) -> None:
        self.table, self.multilingual = table, multilingual

    def encode(self, texts) -> np.ndarray:
        rows = np.array([self.table[t] for t in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def describe(self) -> dict[str, object]:
        return {}


TABLE = {
    "a1": [1, 0, 0], "a2": [1, 0.1, 0], "a3": [1, 0, 0.1], "a4": [0.5, 0.5, 0],
    "b1": [0, 1, 0], "o1": [0, 0, 1],
}  # fmt: skip
TAXONOMY = Taxonomy(
    (Capability("a", "A", "", ("a1", "a2", "a3", "a4")), Capability("b", "B", "", ("b1",))), others=("o1",)
)


def test_a_score_is_the_mean_of_the_three_nearest_seeds_around_the_capabilities_middle():
    encoder = TableEncoder(TABLE)
    query = encoder.encode(["a1"]) * 0 + np.array([[0.6, 0.8, 0]], np.float32)
    a, b = encoder.encode(["a1", "a2", "a3", "a4"]), encoder.encode(["b1"])
    middle = (a.mean(0) + b.mean(0)) / 2

    def cosine(x: np.ndarray, y: np.ndarray) -> float:
        x, y = x - middle, y - middle
        return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))

    scores = CapabilityFinder(TAXONOMY, encoder).score(query)[0]
    assert scores[0] == pytest.approx(np.mean(sorted(cosine(query[0], s) for s in a)[1:]), abs=1e-5)
    assert scores[1] == pytest.approx(cosine(query[0], b[0]), abs=1e-5)
    assert scores[2] == pytest.approx(cosine(query[0], encoder.encode(["o1"])[0]), abs=1e-5)


def test_the_nearest_capability_wins_and_the_others_leave_unassigned():
    encoder = TableEncoder(TABLE)
    finder = CapabilityFinder(TAXONOMY, encoder)
    capability, score = finder.decide(finder.score(encoder.encode(["a1", "b1", "o1"])))
    assert capability.tolist() == [0, 1, -1]
    assert capability.dtype == np.int16
    assert score[:2] == pytest.approx([1, 1], abs=0.05)


def test_an_encoder_of_many_languages_needs_no_others():
    encoder = TableEncoder(TABLE, multilingual=True)
    assert CapabilityFinder(TAXONOMY, encoder).score(encoder.encode(["a1"])).shape == (1, 2)


def test_what_is_near_to_nothing_is_unassigned():
    finder = CapabilityFinder(TAXONOMY, TableEncoder(TABLE))
    capability, score = finder.decide(np.array([[0.05, 0.01, -0.3], [0.5, 0.1, -0.3]], np.float32))
    assert capability.tolist() == [-1, 0]
    assert score.tolist() == pytest.approx([0.05, 0.5])


def test_blocks_change_nothing(monkeypatch):
    encoder = TableEncoder(TABLE)
    finder = CapabilityFinder(TAXONOMY, encoder)
    vectors = encoder.encode(list(TABLE))
    whole = finder.score(vectors)
    monkeypatch.setattr("sweeplens.atlas.capabilities._ROWS", 2)
    np.testing.assert_allclose(finder.score(vectors), whole, atol=1e-6)
