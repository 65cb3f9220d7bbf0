"""The default encoder as an ONNX file: made once from its weights, kept under `models`, checked before it is read."""

import logging
import os
import tempfile
import time
import warnings
from pathlib import Path

from filelock import FileLock

from sweeplens.embed.weights import MINILM_FILES, file_sha256
from sweeplens.errors import EncoderError

log = logging.getLogger(__name__)

# Raise it when the exported graph changes, so that a kept file of the old one is not taken for it.
EXPORT_VERSION = 1
_OPSET = 17
_LOCK_SECONDS = 600


def exported_minilm(folder: Path, models: Path) -> Path:
    """Return the ONNX file of the model in `folder` (whose files were checked), exporting it when `models` lacks it.

    A file whose SHA-256 is not the one beside it is made again. Of two processes that ask at once, one exports and the
    other waits.
    """
    path = models / f"minilm-{MINILM_FILES['model.safetensors'][:16]}-v{EXPORT_VERSION}.onnx"
    try:
        models.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_whole(path):
            return path
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_SECONDS, mode=0o600):
            if _is_whole(path):
                return path
            if path.exists():
                log.warning("the exported encoder %s is not what was written and is made again", path)
            _export(folder, path)
    except TimeoutError:
        raise EncoderError(f"another process has been exporting the encoder to {models} for over ten minutes") from None
    except OSError as error:
        raise EncoderError(
            f"the folder for the exported encoder, {models}, must be writable, but: {error.strerror}; choose another"
            " one with the setting models"
        ) from None
    return path


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _is_whole(path: Path) -> bool:
    try:
        expected = _sidecar(path).read_text("ascii", "replace").strip()
        return file_sha256(path) == expected
    except FileNotFoundError:
        return False


def _export(folder: Path, path: Path) -> None:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as scratch:
        temporary = Path(scratch) / "model.onnx"
        _trace(folder, temporary)
        digest = Path(scratch) / "model.sha256"
        digest.write_text(file_sha256(temporary) + "\n", "ascii")
        for made, target in ((temporary, path), (digest, _sidecar(path))):
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            made.chmod(0o600)
            made.replace(target)
    log.info("exported the default encoder to %s in %.0f s", path, time.perf_counter() - start)


def _trace(folder: Path, target: Path) -> None:
    import torch
    from transformers import AutoModel
    from transformers.utils import logging as chatter

    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = AutoModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="eager"
    ).eval()

    class Pooled(torch.nn.Module):
        """Mean over all word pieces, then unit length: batches hold no padding, so that there is nothing to mask.

        The mean is a product with ones: ONNX Runtime reduces a batch of one in another order than larger batches, and a
        text's vector must not depend on what it shares a batch with, not even in its last bit.
        """

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            ones = torch.ones_like(input_ids)
            hidden = self.model(input_ids=input_ids, attention_mask=ones).last_hidden_state
            return torch.nn.functional.normalize(
                torch.matmul(ones.unsqueeze(1).to(hidden.dtype), hidden).squeeze(1), dim=1
            )

    with warnings.catch_warnings(), torch.no_grad():
        # The exporter by tracing is deprecated; the new one needs onnxscript and is no faster for this model.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled().eval(),
            (torch.ones((2, 9), dtype=torch.int64),),
            str(target),
            input_names=["input_ids"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": {0: "batch", 1: "pieces"}, "vectors": {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
        )
