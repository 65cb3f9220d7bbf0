"""Which encoders there are, whether each can be loaded here, and how fast each is on this machine."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweeplens.embed.calibrate import remembered_rate
from sweeplens.embed.centre import CENTRE_FILES
from sweeplens.embed.encoder import Encoder, known_name, load_encoder
from sweeplens.embed.named import check_named
from sweeplens.embed.running import has_gpu, has_onnx
from sweeplens.embed.shipped import SHIPPED, Shipped
from sweeplens.embed.static import DATA, FAST_ENGLISH_FILES, FAST_FILES
from sweeplens.embed.weights import E5_FILE, MINILM_FILES, check_files, find_e5, find_minilm
from sweeplens.errors import EncoderError

# Word pieces of a prompt on average, as in real logs (benchmarks/results/encoding.md).
_PIECES = 50
_LEAST_SECONDS = 1.0  # that a measurement goes on for
_READS = {True: "many languages", False: "English", None: "not known"}


@dataclass(frozen=True)
class Standing:
    """How an encoder stands on this machine.

    reads       the languages whose meaning it keeps
    dim         the length of a vector; None where it is not known
    megabytes   of its files on disk; None where it does not ship
    per_second  prompts a second; None where nothing is known
    measured    whether that was measured on this machine; else it is typical
    problem     why it cannot be loaded, and what to do; None where it can
    """

    name: str
    reads: str
    dim: int | None
    megabytes: int | None
    per_second: float | None
    measured: bool
    problem: str | None


def take_stock(models: Path, threads: int, store: Mapping[str, Any] | None = None) -> list[Standing]:
    """Return how the encoders stand that ship, and the one of the store where it is another.

    `store` is what the manifest of the store's snapshot says of its encoder. Nothing is loaded or fetched.
    """
    rows = [_shipped(each, models, threads) for each in SHIPPED]
    if store is None or known_name(store) in {row.name for row in rows}:
        return rows
    name, dim, multilingual = known_name(store), store.get("dim"), store.get("multilingual")
    reads = _READS[multilingual if isinstance(multilingual, bool) else None]
    problem = find_problem(name, models)
    return [*rows, Standing(name, reads, dim if isinstance(dim, int) else None, None, None, False, problem)]


def find_problem(name: str, models: Path) -> str | None:
    """Return why the encoder of that name cannot be loaded here, in one sentence; None where its files are in order."""
    try:
        if name == "default":
            check_files(find_minilm(), MINILM_FILES)
        elif name == "multilingual":
            check_files(find_e5(models), E5_FILE)
            check_files(DATA, CENTRE_FILES)
        elif name == "fast":
            check_files(DATA, FAST_FILES)
        elif name == "fast-english":
            check_files(DATA, FAST_ENGLISH_FILES)
            check_files(find_minilm(), MINILM_FILES, ["tokenizer.json"])
        else:
            check_named(name)
    except EncoderError as error:
        return str(error)
    return None


def measure(standing: Standing, models: Path, threads: int, texts: Sequence[str]) -> Standing:
    """Return how the encoder stands after it has encoded the texts; one that cannot be loaded is not measured."""
    if standing.problem is not None:
        return standing
    try:
        encoder = load_encoder(standing.name, models=models, threads=threads)
    except EncoderError as error:
        return replace(standing, problem=str(error))
    return replace(standing, dim=encoder.dim, per_second=_rate(encoder, texts), measured=True)


def demo_texts(n: int) -> list[str]:
    """Return n prompts of the synthetic log, from all over it."""
    from sweeplens.demo import make_demo

    rows = make_demo().requests
    step = max(1, len(rows) // n)
    return [str(row["prompt"]) for row in rows[::step][:n]]


def _shipped(each: Shipped, models: Path, threads: int) -> Standing:
    # What is remembered was measured on the processor, and a GPU would be used where there is one.
    here = has_onnx() and not has_gpu() and each.graph
    pieces = remembered_rate(each.graph, models, threads) if here else None
    rate = float(each.per_second) if pieces is None else pieces / _PIECES
    problem = find_problem(each.name, models)
    return Standing(each.name, each.reads, each.dim, each.megabytes, rate, pieces is not None, problem)


def _rate(encoder: Encoder, texts: Sequence[str]) -> float:
    encoder.encode(texts)  # the first call finds the plan for this processor
    begin, done, seconds = time.perf_counter(), 0, 0.0
    while seconds < _LEAST_SECONDS:
        encoder.encode(texts)
        done += len(texts)
        seconds = time.perf_counter() - begin
    return done / seconds
