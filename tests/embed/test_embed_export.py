"""The exported file: made once, checked before it is read, made again when it is damaged."""

import logging
import stat
import threading

import pytest

from sweeplens.embed.export import exported
from sweeplens.errors import EncoderError

GRAPH = b"graph" * 1000


@pytest.fixture
def traces():
    """Where graphs were written; the real tracing takes seconds, and these tests are about the file around it."""
    return []


@pytest.fixture
def trace(traces):
    def write(target):
        traces.append(target)
        target.write_bytes(GRAPH)

    return write


def test_it_is_made_once_and_private(tmp_path, trace, traces):
    models = tmp_path / "models"
    path = exported("tiny-v1", trace, models)
    assert exported("tiny-v1", trace, models) == path == models / "tiny-v1.onnx"
    assert len(traces) == 1
    assert path.read_bytes() == GRAPH
    assert stat.S_IMODE(models.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {p.suffix for p in models.iterdir()} <= {".onnx", ".sha256", ".lock"}


def test_graphs_of_two_encoders_lie_side_by_side(tmp_path, trace, traces):
    one, two = exported("one", trace, tmp_path), exported("two", lambda target: target.write_bytes(b"2"), tmp_path)
    assert (one.read_bytes(), two.read_bytes()) == (GRAPH, b"2")
    assert exported("one", trace, tmp_path).read_bytes() == GRAPH
    assert len(traces) == 1


@pytest.mark.parametrize("harm", ["flip", "no sidecar", "no file"])
def test_a_damaged_one_is_made_again(tmp_path, trace, traces, caplog, harm):
    path = exported("tiny-v1", trace, tmp_path)
    if harm == "flip":
        path.write_bytes(b"grapH" * 1000)
    elif harm == "no sidecar":
        path.with_suffix(".sha256").unlink()
    else:
        path.unlink()
    with caplog.at_level(logging.WARNING):
        assert exported("tiny-v1", trace, tmp_path).read_bytes() == GRAPH
    assert len(traces) == 2
    assert ("made again" in caplog.text) == (harm != "no file")


def test_of_two_at_once_one_makes_it(tmp_path, trace, traces):
    threads = [threading.Thread(target=exported, args=("tiny-v1", trace, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(traces) == 1


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path, trace, traces):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncoderError, match="must be writable"):
        exported("tiny-v1", trace, tmp_path / "file" / "models")
    assert not traces
