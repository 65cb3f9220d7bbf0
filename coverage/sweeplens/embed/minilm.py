"""The encoder `default`: all-MiniLM-L6-v2, on a CPU by ONNX Runtime, else by sentence-transformers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sweeplens.embed.calibrate import calibrated
from sweeplens.embed.export import exported, load_quietly, trace_pooled
from sweeplens.embed.running import Plan, Run, Runner, has_gpu, has_onnx, onnx_session, torch_plan, torch_run
from sweeplens.embed.transformer import Model, Transformer
from sweeplens.embed.weights import MINILM_FILES, check_files, combined_sha256, find_minilm
from sweeplens.embed.windows import LongText, token_ids

if TYPE_CHECKING:
    import torch

DIM = 384
# Chosen by measuring whether the halves of long prompts find each other (benchmarks/results/encoding.md): better than
# one window of 256 at the same cost; four windows cost twice as much and bring little.
LONG = LongText(keep="spread", window=128, most=2, chars=16_384)
_CLS, _SEP = 101, 102
# Raise the version when the exported graph changes, so that a kept file of the old one is not taken for it.
_GRAPH = f"minilm-{MINILM_FILES['model.safetensors'][:16]}-v2"


def describe_minilm(long: LongText = LONG) -> Model:
    """Return what is known of all-MiniLM-L6-v2 without loading it."""
    return Model(
        name="default",
        model="sentence-transformers/all-MiniLM-L6-v2",
        dim=DIM,
        multilingual=False,
        weights_sha256=MINILM_FILES["model.safetensors"],
        tokenizer_sha256=MINILM_FILES["tokenizer.json"],
        fingerprint=combined_sha256({**MINILM_FILES, **long._asdict(), "pooling": "mean", "reader": 1}),
        first=(_CLS,),
        last=_SEP,
        long=long,
    )


def load_minilm(*, models: Path, threads: int, folder: Path | None = None, long: LongText = LONG) -> Transformer:
    """Return the encoder after checking its files; `folder` is used instead of the installed package's.

    Raises `EncoderError` when a file is missing or is not the one that was pinned.
    """
    folder = folder or find_minilm()
    check_files(folder, MINILM_FILES)
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokens = partial(token_ids, tokenizer, chars=long.chars)
    return Transformer(describe_minilm(long), tokens, _runner(folder, models, threads))


def _runner(folder: Path, models: Path, threads: int) -> Runner:
    if has_gpu() or not has_onnx():
        forward, device = _sentence_transformer(folder)
        return Runner(lambda _: torch_run(forward, device), f"torch ({device})", DIM, torch_plan(device, threads))
    graph = exported(_GRAPH, lambda target: _trace(folder, target), models)

    def start(inner: int) -> Run:
        return onnx_session(graph, inner, "input_ids")

    plan = Plan(threads=threads)
    return Runner(start, "onnxruntime (cpu)", DIM, plan, lambda: calibrated(start, _GRAPH, models, threads))


def _trace(folder: Path, target: Path) -> None:
    import torch
    from transformers import AutoModel

    model = load_quietly(
        lambda: AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="eager"
        )
    ).eval()

    class Forward(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            return hidden

    trace_pooled(Forward(), torch.ones((2, 9), dtype=torch.int64), "input_ids")(target)


def _sentence_transformer(folder: Path) -> "tuple[Callable[[torch.Tensor], torch.Tensor], str]":
    import torch
    from sentence_transformers import SentenceTransformer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_quietly(
        lambda: SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    ).eval()

    def forward(ids: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})["sentence_embedding"]
        return out

    return forward, device
