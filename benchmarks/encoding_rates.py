"""How fast the encoders are beside sentence-transformers and beside what the processor can multiply."""

import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sweeplens.embed.calibrate import processor
from sweeplens.embed.e5 import load_e5
from sweeplens.embed.e5file import E5File, read_blocks, read_e5
from sweeplens.embed.encoder import load_encoder
from sweeplens.embed.minilm import load_minilm
from sweeplens.embed.vocabulary import unigram_tokenizer
from sweeplens.embed.weights import find_e5, find_minilm
from sweeplens.embed.windows import LongText

TOKENS = 128
PLAIN, PLAIN_E5 = "SentenceTransformer.encode", "SentenceTransformer.encode, multilingual-e5-small"
# What a word piece costs in the matrices of a layer, additions counted: 4 of hidden x hidden, 2 of hidden x inner.
LAYER = 2 * (4 * 384 * 384 + 2 * 384 * 1536)
LAYERS = {"default": 6, "multilingual": 12}

Floats = npt.NDArray[np.float32]
Way = Callable[[list[str]], Floats]


def measure_rates(texts: list[str], models: Path, rounds: int, threads: int) -> dict[str, object]:
    """Return prompts a second, ratios, and how near vectors are to those of sentence-transformers.

    `texts` are cut first, so that all read the whole. Ways take turns in each round; so does the product of matrices.
    """
    texts, pieces = cut_texts(texts)
    ways = make_ways(models, threads)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors: dict[str, Floats] = {}
    flops = []
    for way in ways.values():
        way(texts[:600])  # what is made or tried on the first call is not measured
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            vectors[name] = way(texts)
            seconds[name].append(time.perf_counter() - start)
        flops.append(measure_flops(threads))
    median = {name: statistics.median(times) for name, times in seconds.items()}
    best = {name: max(round_[name] for round_ in flops) for name in flops[0]}
    limit = {name: max(best.values()) / (layers * LAYER * pieces[name]) for name, layers in LAYERS.items()}
    return {
        "prompts": len(texts),
        "pieces a prompt, mean": {name: round(value, 1) for name, value in pieces.items()},
        "rounds": rounds,
        "threads": threads,
        "processor": processor() or platform.processor(),
        "prompts a second": {name: round(len(texts) / median[name], 1) for name in ways},
        "times SentenceTransformer.encode": {n: round(median[PLAIN] / median[n], 2) for n in ways},
        "times its own SentenceTransformer.encode": {
            "multilingual": round(median[PLAIN_E5] / median["multilingual"], 2)
        },
        "GFLOP/s of a product of matrices": {name: round(value / 1e9) for name, value in best.items()},
        "prompts a second if only matrices were multiplied": {name: round(value, 1) for name, value in limit.items()},
        "share of that": {n: round(len(texts) / median[n] / limit[n], 2) for n in limit},
        "cosine of default": _spread(vectors["default"], vectors[PLAIN]),
        "cosine of multilingual": _spread(vectors["multilingual"], vectors[PLAIN_E5]),
    }


def cut_texts(texts: list[str]) -> tuple[list[str], dict[str, float]]:
    """Return the texts cut so that both transformers read all of them, and the mean length of a window in each."""
    from tokenizers import Tokenizer

    plain = Tokenizer.from_file(str(find_minilm() / "tokenizer.json"))
    plain.no_truncation()
    plain.no_padding()
    spans = [e.offsets for e in plain.encode_batch(texts, add_special_tokens=False)]
    # A quarter less than a window: the other vocabulary cuts some texts finer.
    room = 3 * TOKENS // 4
    texts = [t[: s[room - 1][1]] if len(s) > room else t for t, s in zip(texts, spans, strict=True)]
    file = read_e5(find_e5(Path()) / "e5-small-q4.bin")
    other = unigram_tokenizer(file.pieces, file.scores.tolist(), file.unknown)
    lengths = [len(e.ids) for e in other.encode_batch(texts, add_special_tokens=False)]
    return texts, {
        "default": statistics.mean(min(len(s), room) + 2 for s in spans),
        "multilingual": statistics.mean(min(n + 5, TOKENS) for n in lengths),
    }


def make_ways(models: Path, threads: int) -> dict[str, Way]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    long = LongText("head", TOKENS, 1, 10**9)
    plain = SentenceTransformer(str(find_minilm()), device="cpu", local_files_only=True)
    plain.max_seq_length = TOKENS
    e5 = sentence_transformer_of_e5(read_e5(find_e5(models) / "e5-small-q4.bin"))
    multilingual = load_e5(models=models, threads=threads, long=long, centred=False)
    return {
        PLAIN: lambda part: plain.encode(part, normalize_embeddings=True, show_progress_bar=False),
        PLAIN_E5: lambda part: e5.encode(part, prompt="query: ", normalize_embeddings=True, show_progress_bar=False),
        "default": load_minilm(models=models, threads=threads, long=long).encode,
        "multilingual": multilingual.encode,
        "fast": load_encoder("fast", models=models, threads=threads).encode,
        "fast-english": load_encoder("fast-english", models=models, threads=threads).encode,
    }


def sentence_transformer_of_e5(file: E5File) -> Any:  # noqa: ANN401
    """Return the same weights as a sentence-transformers model, as somebody would load them who had the original."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from sweeplens.embed.e5 import make_network

    network = make_network(file).model
    words = torch.from_numpy(read_blocks(np.asarray(file.words)))
    sizes = BertConfig.from_dict(network.config.to_dict() | {"vocab_size": len(words)})
    model = BertModel(sizes, add_pooling_layer=False)
    state = network.state_dict() | {"embeddings.word_embeddings.weight": words}
    model.load_state_dict(state)
    tokenizer = unigram_tokenizer(file.pieces, file.scores.tolist(), file.unknown)
    from tokenizers.processors import TemplateProcessing

    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", file.start), ("</s>", file.end)]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", model_max_length=TOKENS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        wrapped.save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=TOKENS)
    return SentenceTransformer(modules=[transformer, Pooling(file.hidden, pooling_mode="mean")], device="cpu")


def measure_flops(threads: int, repeats: int = 40) -> dict[str, float]:
    """Return the operations a second that products of matrices of a layer's size reach."""
    import torch

    a, b = np.random.default_rng(0).random((2, 1024, 1536), dtype=np.float32)
    a, b = np.ascontiguousarray(a[:, :384]), np.ascontiguousarray(b[:384])
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    session = _product(a.shape[1], b, threads)
    ways: dict[str, Callable[[], object]] = {
        "numpy": lambda: a @ b,
        "torch": lambda: x @ y,
        "ONNX Runtime": lambda: session.run(None, {"a": a}),
    }
    rates = {}
    for name, way in ways.items():
        way()
        start = time.perf_counter()
        for _ in range(repeats):
            way()
        rates[name] = repeats * 2 * a.shape[0] * a.shape[1] * b.shape[1] / (time.perf_counter() - start)
    return rates


def _product(inner: int, matrix: Floats, threads: int) -> Any:  # noqa: ANN401
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, ["n", inner])],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, ["n", matrix.shape[1]])],
        [numpy_helper.from_array(matrix, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _spread(found: Floats, expected: Floats) -> dict[str, float]:
    cosines = (found * expected).sum(axis=1)
    return {
        "lowest": float(cosines.min()),
        "1st percentile": float(np.percentile(cosines, 1)),
        "median": float(np.median(cosines)),
    }


def render_rates(rates: dict[str, Any]) -> list[str]:
    """Return the figures as lines of Markdown."""
    mean = ", ".join(f"{value} for `{name}`" for name, value in rates["pieces a prompt, mean"].items())
    lines = [
        f"{rates['prompts']:,} real prompts, cut at {3 * TOKENS // 4} word pieces; {mean} on average with the marks;",
        f"{rates['threads']} threads of {rates['processor']}; medians of {rates['rounds']} rounds.",
        "",
        "| way | prompts a second | times SentenceTransformer.encode | of the limit by matrices |",
        "|---|---|---|---|",
    ]
    for name, rate in rates["prompts a second"].items():
        share = rates["share of that"].get(name)
        times = rates["times SentenceTransformer.encode"][name]
        lines.append(f"| {name} | {rate:,.0f} | {times:.2f} | {'' if share is None else f'{share:.0%}'} |")
    own = rates["times its own SentenceTransformer.encode"]["multilingual"]
    flops = ", ".join(f"{name} {value}" for name, value in rates["GFLOP/s of a product of matrices"].items())
    lines += ["", f"`multilingual` is {own:.2f} times as fast as the same weights in `SentenceTransformer.encode`.", ""]
    lines += [f"Products of matrices [1024, 384] x [384, 1536], GFLOP/s, the best of the rounds: {flops}.", ""]
    for name in ("default", "multilingual"):
        cosines = rates[f"cosine of {name}"]
        lines.append(f"Cosine of `{name}` with its own: " + ", ".join(f"{k} {v:.6f}" for k, v in cosines.items()) + ".")
    return [*lines, ""]
