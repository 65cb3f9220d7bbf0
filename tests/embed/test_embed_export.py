"""The exported file: made once, checked before it is read, made again when it is damaged."""

import logging
import stat
import threading

import pytest

from sweeplens.embed import export
from sweeplens.errors import EncoderError


@pytest.fixture
def traces(monkeypatch):
    """The real tracing takes seconds; these tests are about the file around it."""
    made = []

    def trace(folder, target):
        made.append(target)
        target.write_bytes(b"graph" * 1000)

    monkeypatch.setattr(export, "_trace", trace)
    return made


def test_it_is_made_once_and_private(tmp_path, traces):
    models = tmp_path / "models"
    path = export.exported_minilm(tmp_path, models)
    assert export.exported_minilm(tmp_path, models) == path
    assert len(traces) == 1
    assert path.read_bytes() == b"graph" * 1000
    assert stat.S_IMODE(models.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {p.suffix for p in models.iterdir()} <= {".onnx", ".sha256", ".lock"}


@pytest.mark.parametrize("harm", ["flip", "no sidecar", "no file"])
def test_a_damaged_one_is_made_again(tmp_path, traces, caplog, harm):
    path = export.exported_minilm(tmp_path, tmp_path)
    if harm == "flip":
        path.write_bytes(b"grapH" * 1000)
    elif harm == "no sidecar":
        path.with_suffix(".sha256").unlink()
    else:
        path.unlink()
    with caplog.at_level(logging.WARNING):
        assert export.exported_minilm(tmp_path, tmp_path).read_bytes() == b"graph" * 1000
    assert len(traces) == 2
    assert ("made again" in caplog.text) == (harm != "no file")


def test_of_two_at_once_one_makes_it(tmp_path, traces):
    threads = [threading.Thread(target=export.exported_minilm, args=(tmp_path, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(traces) == 1


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path, traces):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncoderError, match="must be writable"):
        export.exported_minilm(tmp_path, tmp_path / "file" / "models")
    assert not traces
