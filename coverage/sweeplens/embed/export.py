"""Transformers as ONNX files: made once from checked weights, kept in the folder of models, checked before each use."""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from sweeplens.embed.weights import file_sha256
from sweeplens.errors import EncoderError

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

_OPSET = 17
_LOCK_SECONDS = 600

Trace = Callable[[Path], None]


def exported(name: str, trace: Trace, models: Path) -> Path:
    """Return the ONNX file `name`.onnx in `models`; where it lacks, `trace` writes it.

    The name says what the graph was made from: the hash of the weights and a version to raise when the graph changes. A
    file whose SHA-256 is not the one beside it is made again. Of two processes that ask at once, one exports and the
    other waits. Raises `EncoderError` when the folder cannot be written.
    """
    path = models / f"{name}.onnx"
    try:
        models.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_whole(path):
            return path
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_SECONDS, mode=0o600):
            if _is_whole(path):
                return path
            if path.exists():
                log.warning("the exported encoder %s is not what was written and is made again", path)
            _export(trace, path)
    except TimeoutError:
        raise EncoderError(f"another process has been exporting the encoder to {models} for over ten minutes") from None
    except OSError as error:
        raise EncoderError(
            f"the folder for the exported encoder, {models}, must be writable, but: {error.strerror}; choose another"
            " one with the setting models"
        ) from None
    return path


def trace_pooled(network: "torch.nn.Module", example: "torch.Tensor", name: str) -> Trace:
    """Return what writes the graph of `network`, then the mean over word pieces, then unit length.

    The network takes [n, length, ...] and gives [n, length, dim]; `name` is that of the graph's input. Batches hold no
    padding, so that there is nothing to mask. The mean is a product with ones: ONNX Runtime reduces a batch of one in
    another order than larger batches, and a text's vector must not depend on what it shares a batch with, not even in
    its last bit.
    """

    def trace(target: Path) -> None:
        import torch

        class Pooled(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, values: torch.Tensor) -> torch.Tensor:
                return pool(self.network(values))

        with warnings.catch_warnings(), torch.no_grad():
            # The exporter by tracing is deprecated; the new one needs onnxscript and is no faster for these models.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Pooled().eval(),
                (example,),
                str(target),
                input_names=[name],
                output_names=["vectors"],
                dynamic_axes={name: {0: "batch", 1: "pieces"}, "vectors": {0: "batch"}},
                opset_version=_OPSET,
                dynamo=False,
            )

    return trace


def pool(hidden: "torch.Tensor") -> "torch.Tensor":
    """Return unit vectors [n, dim]: the means of [n, length, dim] over the length."""
    import torch

    ones = torch.ones_like(hidden[:, :, 0]).unsqueeze(1)
    return torch.nn.functional.normalize(torch.matmul(ones, hidden).squeeze(1), dim=1)


def load_quietly(load: Callable[[], Any]) -> Any:  # noqa: ANN401 - a model of transformers
    """Return what `load` returns, without the progress bars of transformers."""
    from transformers.utils import logging as chatter

    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    return load()


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _is_whole(path: Path) -> bool:
    try:
        expected = _sidecar(path).read_text("ascii", "replace").strip()
        return file_sha256(path) == expected
    except FileNotFoundError:
        return False


def _export(trace: Trace, path: Path) -> None:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as scratch:
        temporary = Path(scratch) / "model.onnx"
        trace(temporary)
        digest = Path(scratch) / "model.sha256"
        digest.write_text(file_sha256(temporary) + "\n", "ascii")
        for made, target in ((temporary, path), (digest, _sidecar(path))):
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            made.chmod(0o600)
            made.replace(target)
    log.info("exported an encoder to %s in %.0f s", path, time.perf_counter() - start)
