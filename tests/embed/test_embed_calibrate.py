"""The plan of a processor is tried once, remembered, and tried anew where what is remembered does not hold."""

import json
import stat

import numpy as np
import pytest

from sweeplens.embed import calibrate
from sweeplens.embed.calibrate import calibrated, measure, plans, processor, remembered_rate
from sweeplens.embed.running import Plan, Runner


class _Model:
    """Gives empty vectors at once, and counts the batches that it is asked for."""

    def __init__(self):
        self.batches = 0

    def __call__(self, threads):
        def run(ids):
            self.batches += 1
            return np.empty((len(ids), 0), dtype=np.float32)

        return run


@pytest.fixture
def model():
    return _Model()


def _file(folder):
    return folder / "calibration.json"


def test_a_plan_is_found_and_remembered(tmp_path, model):
    plan = calibrated(model, "tiny", tmp_path, 2)
    assert plan in plans(2)
    assert model.batches > len(plans(2))
    (place,) = json.loads(_file(tmp_path).read_text()).items()
    assert "tiny" in place[0]
    assert processor() in place[0]
    assert place[1].pop("pieces_per_second") > 0
    assert Plan(**place[1]) == plan
    assert stat.S_IMODE(_file(tmp_path).stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [_file(tmp_path)]


def test_what_is_remembered_is_not_tried_again(tmp_path, model):
    calibrated(model, "tiny", tmp_path, 2)
    kept = json.loads(_file(tmp_path).read_text())
    (place,) = kept
    # A plan that no trial would choose tells that it was read.
    _file(tmp_path).write_text(json.dumps({place: {"lanes": 5, "threads": 3, "budget": 77}}))
    before = model.batches
    assert calibrated(model, "tiny", tmp_path, 2) == Plan(5, 3, 77)
    assert model.batches == before


@pytest.mark.parametrize(
    "change",
    [
        {"key": "other"},
        {"threads": 1},
        {"processor": "Another Processor 9000"},
        {"version": "0.0.1"},
    ],
    ids=str,
)
def test_another_graph_processor_or_runtime_is_tried_anew_and_kept_beside_it(tmp_path, model, monkeypatch, change):
    import onnxruntime

    first = calibrated(model, "tiny", tmp_path, 2)
    kept, before = json.loads(_file(tmp_path).read_text()), model.batches
    if "processor" in change:
        monkeypatch.setattr(calibrate, "processor", lambda: change["processor"])
    if "version" in change:
        monkeypatch.setattr(onnxruntime, "__version__", change["version"])
    calibrated(model, change.get("key", "tiny"), tmp_path, change.get("threads", 2))
    assert model.batches > before
    now = json.loads(_file(tmp_path).read_text())
    assert kept.items() < now.items()
    assert len(now) == 2
    monkeypatch.undo()
    assert calibrated(model, "tiny", tmp_path, 2) == first


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"\0" * 100, b'{"x": 1}'], ids=lambda content: content[:8]
)
def test_a_damaged_file_is_written_anew(tmp_path, model, content):
    _file(tmp_path).write_bytes(content)
    assert calibrated(model, "tiny", tmp_path, 1) in plans(1)
    assert any("tiny" in place for place in json.loads(_file(tmp_path).read_text()))


@pytest.mark.parametrize(
    "fact",
    [
        None,
        7,
        [],
        {},
        {"lanes": 2, "threads": 1},
        {"lanes": 0, "threads": 1, "budget": 512},
        {"lanes": 1, "threads": -2, "budget": 512},
        {"lanes": 1, "threads": 2, "budget": 10**12},
        {"lanes": "1", "threads": 2, "budget": 512},
        {"lanes": 1.5, "threads": 2, "budget": 512},
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_is_tried_anew(tmp_path, model, fact):
    calibrated(model, "tiny", tmp_path, 2)
    (place,) = json.loads(_file(tmp_path).read_text())
    _file(tmp_path).write_text(json.dumps({place: fact}))
    before = model.batches
    assert calibrated(model, "tiny", tmp_path, 2) in plans(2)
    assert model.batches > before


def test_a_folder_that_cannot_be_written_remembers_nothing(tmp_path, model):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "none"):
        assert calibrated(model, "tiny", folder, 2) in plans(2)
        before = model.batches
        assert calibrated(model, "tiny", folder, 2) in plans(2)
        assert model.batches > before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_rate_of_a_remembered_plan_is_told(tmp_path, model, monkeypatch):
    assert remembered_rate("tiny", tmp_path, 2) is None
    calibrated(model, "tiny-0123-v1", tmp_path, 2)
    (fact,) = json.loads(_file(tmp_path).read_text()).values()
    assert remembered_rate("tiny", tmp_path, 2) == fact["pieces_per_second"]
    assert remembered_rate("tin", tmp_path, 2) is None
    assert remembered_rate("tiny", tmp_path, 1) is None
    monkeypatch.setattr(calibrate, "processor", lambda: "Another Processor 9000")
    assert remembered_rate("tiny", tmp_path, 2) is None


@pytest.mark.parametrize("fact", [None, 7, {}, {"pieces_per_second": "many"}, {"pieces_per_second": 0}], ids=str)
def test_a_rate_that_cannot_be_is_none(tmp_path, model, fact):
    calibrated(model, "tiny-v1", tmp_path, 2)
    (place,) = json.loads(_file(tmp_path).read_text())
    _file(tmp_path).write_text(json.dumps({place: fact}))
    assert remembered_rate("tiny", tmp_path, 2) is None


def test_all_threads_are_used_one_way_or_the_other():
    assert {(plan.lanes, plan.threads) for plan in plans(4)} == {(4, 1), (1, 4)}
    assert {(plan.lanes, plan.threads) for plan in plans(1)} == {(1, 1)}
    assert len(set(plans(4))) == len(plans(4))


def test_every_plan_is_measured(model):
    rates = measure(model, plans(2))
    assert rates.keys() == set(plans(2))
    assert all(rate > 0 for rate in rates.values())


def test_every_plan_gives_the_same_vectors():
    def start(threads):
        return lambda ids: np.stack([ids.sum(1), ids.max(1)], axis=1).astype(np.float32)

    windows = [[i, *range(i % 90)] for i in range(700)]
    expected = Runner(start, "", 2, Plan()).encode(windows)
    for plan in plans(3):
        np.testing.assert_array_equal(Runner(start, "", 2, plan).encode(windows), expected)
