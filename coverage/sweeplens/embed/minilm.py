"""The default encoder: all-MiniLM-L6-v2, on a CPU by ONNX Runtime, else by sentence-transformers."""

import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sweeplens.embed.encoder import Vectors
from sweeplens.embed.export import exported_minilm
from sweeplens.embed.weights import MINILM_FILES, check_files, combined_sha256, find_minilm
from sweeplens.embed.windows import LongText, cut_windows, plan_batches, token_ids

log = logging.getLogger(__name__)

DIM = 384
# Chosen by measuring whether the halves of long prompts find each other (benchmarks/results/encoding.md): better than
# one window of 256 at the same cost; four windows cost twice as much and bring little.
LONG = LongText(keep="spread", window=128, most=2, chars=16_384)
# Word pieces in a batch. What a layer writes then stays in the processor's cache: 4096 take a quarter longer each.
_BUDGET = 1024
_GPU_BUDGET = 65_536
_CLS, _SEP = 101, 102
_GPU_DEVICES = ("nvidia0", "nvidiactl", "kfd", "dxg")

Run = Callable[[npt.NDArray[np.int64]], Vectors]


class MiniLM:
    """all-MiniLM-L6-v2 (384 dimensions, English), with the files of `folder`."""

    name = "default"
    dim = DIM
    multilingual = False

    def __init__(self, folder: Path, run: Run, runtime: str, long: LongText = LONG, budget: int = _BUDGET) -> None:
        from tokenizers import Tokenizer

        self.long = long
        self._budget = budget
        self.runtime = runtime
        self._run = run
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.fingerprint = combined_sha256({**MINILM_FILES, **long._asdict(), "pooling": "mean", "reader": 1})

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, 384] of unit rows; a text's vector depends on no other text."""
        windows: list[list[int]] = []
        owner: list[int] = []
        for row, ids in enumerate(token_ids(self._tokenizer, texts, self.long.chars)):
            cut = cut_windows(ids, self.long, _CLS, _SEP)
            windows += cut
            owner += [row] * len(cut)
        parts = self.encode_windows(windows)
        if len(windows) == len(texts):
            return parts
        vectors = np.zeros((len(texts), DIM), dtype=np.float32)
        np.add.at(vectors, owner, parts)
        # Only means are made unit length again: the vector of one window must not depend on what else is in the call.
        means = np.bincount(owner) > 1
        vectors[means] /= np.linalg.norm(vectors[means], axis=1, keepdims=True)
        return vectors

    def encode_windows(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """Return float32 [n, 384] of unit rows of windows of word pieces, the marks around them included."""
        lengths = np.fromiter((len(window) for window in windows), dtype=np.int64, count=len(windows))
        vectors = np.empty((len(windows), DIM), dtype=np.float32)
        for batch in plan_batches(lengths, self._budget):
            vectors[batch] = self._run(np.array([windows[i] for i in batch], dtype=np.int64))
        return vectors

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of this encoder."""
        return {
            "name": self.name,
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "weights_sha256": MINILM_FILES["model.safetensors"],
            "tokenizer_sha256": MINILM_FILES["tokenizer.json"],
            "fingerprint": self.fingerprint,
            "runtime": self.runtime,
            "max_tokens": self.long.window,
            "policy": self.long.describe(),
            "dim": self.dim,
            "multilingual": self.multilingual,
        }


def load_minilm(*, models: Path, threads: int, folder: Path | None = None, long: LongText = LONG) -> MiniLM:
    """Return the default encoder after checking its files; `folder` is used instead of the installed package's.

    Raises `EncoderError` when a file is missing or is not the one that was pinned.
    """
    folder = folder or find_minilm()
    check_files(folder, MINILM_FILES)
    if _has_gpu() or not _has_onnx():
        run, device = _torch_run(folder, threads)
        return MiniLM(folder, run, f"torch ({device})", long, _BUDGET if device == "cpu" else _GPU_BUDGET)
    return MiniLM(folder, _onnx_run(exported_minilm(folder, models), threads), "onnxruntime (cpu)", long)


def _has_onnx() -> bool:
    return importlib.util.find_spec("onnxruntime") is not None


def _has_gpu() -> bool:
    # A look at the device files first: to ask torch means to import it, which takes seconds.
    if not any(Path("/dev", name).exists() for name in _GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def _onnx_run(path: Path, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(ids: npt.NDArray[np.int64]) -> Vectors:
        vectors: Vectors = session.run(None, {"input_ids": ids})[0]
        return vectors

    return run


def _torch_run(folder: Path, threads: int) -> tuple[Run, str]:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as chatter

    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(threads)
    model = SentenceTransformer(
        str(folder),
        device=device,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    ).eval()

    def run(ids: npt.NDArray[np.int64]) -> Vectors:
        pieces = torch.from_numpy(ids).to(device)
        with torch.inference_mode():
            out = model({"input_ids": pieces, "attention_mask": torch.ones_like(pieces)})
        vectors: Vectors = out["sentence_embedding"].float().cpu().numpy()
        return vectors

    return run, device
