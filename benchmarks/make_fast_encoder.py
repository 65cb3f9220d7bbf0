"""Make the weights of the encoder `fast`: python benchmarks/make_fast_encoder.py CORPORA TEXTS [--evaluate].

CORPORA holds one corpus of prompts in each *.jsonl.gz, whose rows have a field `prompt` (and `topic`, which only the
evaluation reads). TEXTS holds a file <language>.jsonl for each language, whose rows have a field `text` (and `key`, the
same for translations of one sentence, which only the evaluation reads). Weights and a vocabulary come out of it, but no
text.

The vocabulary is the part of multilingual-e5-small's that these texts use most, each language with the same say, and
every single character of it: a script that is cut into characters still has a row for each. Characters that the
vocabulary lacks are spelled out (sweeplens.embed.spelling).

The rows of the word pieces are those whose mean over a text is nearest to the vector that `multilingual` gives it: a
least-squares fit with a prior, and twice more with weights that turn the squared error into that of the cosine. The
prior, which pieces that the texts lack keep, is the vector of the piece alone, without what all share, weighted by
a/(a + frequency) (Arora, Liang, Ma, 2017). Vectors are turned into the 256 directions that hold most of them; nothing
is subtracted, so that cosines stay comparable. Rows are stored as int8 with a scale each.

With --evaluate a second fit leaves the corpora and languages HELD_OUT out and is measured on them; the figures go to
benchmarks/results/fast-encoder.{json,md}.
"""

import argparse
import gzip
import hashlib
import json
import logging
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from fast_encoder_figures import measure, measure_languages, write_results
from safetensors.numpy import save

from sweeplens.embed.cache import VectorCache
from sweeplens.embed.e5 import load_e5
from sweeplens.embed.e5file import read_e5
from sweeplens.embed.prompts import embed_prompts
from sweeplens.embed.spelling import make_reader
from sweeplens.embed.static import CHARS, DIM, pack_vocabulary
from sweeplens.embed.vocabulary import META, characters_of, unigram_tokenizer
from sweeplens.embed.weights import find_e5
from sweeplens.embed.windows import token_ids

PER_CORPUS, PER_LANGUAGE = 1000, 2000
COUNTED = 12_000  # texts of each language whose pieces are counted
PIECES = 112_000
DENSE = ("zh", "ja", "ko")  # languages that say in 20 characters what others say in 45
SIF = 1e-3
PRIOR = 0.1
STEPS, REWEIGHTS = 25, 2
PROMPTS = 2.0  # weight of a prompt beside that of a sentence of a translated program
HELD_OUT = (
    "banking77", "clinc150", "wildchat_convs", "gsm8k", "crosswoz_zh", "evol_code", "ko_movie_reviews", "lima_prompts",
    "rulm_ru", "th", "sw", "ta",
)  # fmt: skip
OUT = Path(__file__).parent.parent / "coverage/sweeplens/embed/data/fast.safetensors"

Floats = npt.NDArray[np.float32]


@dataclass
class Text:
    """One text to fit to or to measure on: its corpus or language, and its topic or the key of its sentence."""

    source: str
    text: str
    topic: str | None
    prompt: bool
    ids: list[int] | None = None


def chosen(rows: dict[str, str | None], most: int) -> list[str]:
    """Return at most so many texts, chosen by hashes: of their keys, so that translations of a sentence go together."""
    order = {text: hashlib.sha256((rows[text] or text).encode("utf-8", "replace")).digest() for text in rows}
    return sorted(rows, key=lambda text: order[text])[:most]


def read_corpora(folder: Path) -> list[Text]:
    texts = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        rows = [r for r in rows if r["prompt"] and r["prompt"].strip()][:PER_CORPUS]
        topics = {r["prompt"]: r.get("topic") for r in rows}
        texts += [Text(path.name.split(".")[0], text, topics[text], True) for text in topics]
    return texts


def read_languages(folder: Path, most: int) -> list[Text]:
    texts = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        # Short strings are buttons and labels: two thirds are to be longer than that.
        least, low, high = (20, 5, 200) if path.stem[:2] in DENSE else (45, 12, 300)
        keys = {r["text"]: r.get("key") for r in rows if low <= len(r["text"]) <= high}
        long = chosen({t: k for t, k in keys.items() if len(t) > least}, 2 * most // 3)
        taken = set(long)
        rest = chosen({t: k for t, k in keys.items() if t not in taken}, most - len(long))
        texts += [Text(path.stem, text, keys[text], False) for text in [*long, *rest]]
    return texts


class Vocabulary:
    """The pieces that are kept of the file's, the one for what is unknown first."""

    def __init__(self, texts: list[Text], counted: list[Text]) -> None:
        file = read_e5(find_e5(Path()) / "e5-small-q4.bin")
        self.replaced = file.replaced
        whole = unigram_tokenizer(file.pieces, file.scores.tolist(), file.unknown)
        read = make_reader(file.replaced, characters_of(file.pieces))
        say = np.zeros(len(file.pieces))
        by_source: dict[str, Counter[int]] = {}
        for text, ids in zip([*texts, *counted], _cut(whole, [*texts, *counted], read), strict=True):
            by_source.setdefault(text.source, Counter()).update(ids)
        for counts in by_source.values():
            total = sum(counts.values())
            for piece, n in counts.items():
                # The square root: what a language says often is in, whatever its weight; what it says at times counts.
                say[piece] += np.sqrt(n / total) if n > 1 else 0.0
        # Marks belong to no text; pieces that no text has come last, in the order of their probability.
        marks = {file.start, file.end, file.unknown, 1, len(file.pieces) - 1}
        single = [i for i, p in enumerate(file.pieces) if len(p.removeprefix(META)) == 1 or p == META]
        order = np.lexsort((-file.scores, -say))
        kept = dict.fromkeys(i for i in [*single, *order.tolist()] if i not in marks)
        self.rows = list(kept)[: PIECES - 1]
        self.pieces = ["<unk>", *(file.pieces[i] for i in self.rows)]
        self.scores = np.array([0.0, *(float(file.scores[i]) for i in self.rows)], dtype=np.float32)
        self.read = make_reader(self.replaced, characters_of(self.pieces))
        self.tokenizer = unigram_tokenizer(self.pieces, self.scores.tolist(), 0)
        self.share = float(say[self.rows].sum() / say.sum())

    def cut(self, texts: list[Text]) -> None:
        """Write the numbers of their pieces into the texts."""
        for text, ids in zip(texts, _cut(self.tokenizer, texts, self.read), strict=True):
            text.ids = ids


def _cut(tokenizer: object, texts: list[Text], read: object) -> list[list[int]]:
    return list(token_ids(tokenizer, [t.text for t in texts], CHARS, read))  # type: ignore[arg-type]


def bag(texts: list[Text], words: int) -> sp.csr_matrix:
    """Return [texts, words]: the share of each word piece in each text."""
    ids = [text.ids or [0] for text in texts]
    counts = np.array([len(i) for i in ids])
    columns = np.concatenate([np.array(i) for i in ids])
    values = np.repeat((1 / counts).astype(np.float32), counts)
    matrix = sp.csr_matrix((values, (np.repeat(np.arange(len(ids)), counts), columns)), shape=(len(ids), words))
    matrix.sum_duplicates()
    return matrix


def solve(bags: sp.csr_matrix, weights: Floats, target: Floats) -> Floats:
    """Return D [words, dim] with the least weights * |bags D - target|^2 + PRIOR |D|^2, by conjugate gradients."""
    turned = bags.T.tocsr()
    scale = (turned.multiply(turned) @ weights + PRIOR)[:, None]
    found = np.zeros((bags.shape[1], target.shape[1]), np.float32)
    left = turned @ (weights[:, None] * target)
    ready = left / scale
    way, size = ready.copy(), (left * ready).sum(0)
    for _ in range(STEPS):
        moved = turned @ (weights[:, None] * (bags @ way)) + PRIOR * way
        step = size / np.maximum((way * moved).sum(0), 1e-12)
        found += step * way
        left -= step * moved
        ready = left / scale
        last, size = size, (left * ready).sum(0)
        way = ready + (size / np.maximum(last, 1e-12)) * way
    return found


def fit(texts: list[Text], vectors: Floats, alone: Floats) -> Floats:
    """Return the rows [words, 256] of the word pieces.

    `vectors` are those of `multilingual` for the texts, `alone` those of each word piece.
    """
    say = _say(texts)
    _, directions = np.linalg.eigh((vectors * say[:, None]).T @ vectors)
    directions = np.ascontiguousarray(directions[:, ::-1][:, :DIM])
    target = vectors @ directions
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    bags = bag(texts, len(alone))
    frequency = (
        np.bincount(np.concatenate([np.array(t.ids, dtype=np.int64) for t in texts]), minlength=len(alone)) + 0.5
    )
    frequency = frequency / frequency.sum()
    prior = ((alone - alone.mean(0)) @ directions * (SIF / (SIF + frequency))[:, None]).astype(np.float32)
    mean, guess = target.mean(0), bags @ prior
    prior = prior * ((guess * (target - mean)).sum() / (guess * guess).sum()) + mean
    base = bags @ prior
    weights = (say * np.sqrt([max(1, len(t.ids or ())) for t in texts])).astype(np.float32)
    rows = prior + solve(bags, weights, target - base)
    for _ in range(REWEIGHTS):
        # |s/|s| - t|^2 = |s - |s| t|^2 / |s|^2: the cosine's error as a squared one, with |s| of the round before.
        length = np.clip(np.linalg.norm(bags @ rows, axis=1), 0.3, 1.2)[:, None]
        length /= length.mean()
        rows = prior + solve(bags, weights / length[:, 0] ** 2, 0.9 * length * target - base)
    return rows.astype(np.float32)


def _say(texts: list[Text]) -> Floats:
    return np.array([PROMPTS if t.prompt else 1.0 for t in texts], dtype=np.float32)


def pack(rows: Floats) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Return the rows as int8 and the scale of each."""
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float16)
    return np.clip(np.round(rows / scales.astype(np.float32)[:, None]), -127, 127).astype(np.int8), scales


def unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def evaluate(texts: list[Text], vectors: Floats, alone: Floats) -> dict[str, dict[str, float]]:
    """Fit without the sources HELD_OUT and measure on each of them, and on translations of the same sentences."""
    held = np.array([t.source in HELD_OUT for t in texts])
    rows = fit([t for t, h in zip(texts, held, strict=True) if not h], vectors[~held], alone)
    codes, scales = pack(rows)
    fast = unit(bag(texts, len(alone)) @ (codes * scales.astype(np.float32)[:, None]))
    table = {}
    for name in HELD_OUT:
        part = np.flatnonzero([t.source == name for t in texts])
        if len(part):
            topics = [texts[i].topic if texts[i].prompt else None for i in part]
            table[name] = measure(fast[part], vectors[part], topics)
    return table | measure_languages(texts, fast, vectors, held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache/sweeplens")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    start = time.perf_counter()
    texts = read_corpora(args.corpora) + read_languages(args.texts, PER_LANGUAGE)
    vocabulary = Vocabulary(texts, read_languages(args.texts, COUNTED))
    vocabulary.cut(texts)
    print(
        f"{len(texts):,} texts; {len(vocabulary.pieces):,} pieces, {vocabulary.share:.2%} of what is used", flush=True
    )
    encoder = load_e5(models=args.models, threads=args.threads)
    cache = VectorCache(args.cache, encoder.fingerprint, encoder.dim)
    hashes = [hashlib.sha256(t.text.encode("utf-8", "surrogatepass")).hexdigest()[:32] for t in texts]
    vectors = embed_prompts(encoder, hashes, [t.text for t in texts], cache).vectors.astype(np.float32)
    words = [piece.replace(META, " ").strip() or piece for piece in vocabulary.pieces]
    marks = [hashlib.sha256(f"word {word}".encode()).hexdigest()[:32] for word in words]
    alone = embed_prompts(encoder, marks, words, cache).vectors.astype(np.float32)
    print(f"encoded in {time.perf_counter() - start:.0f} s", flush=True)
    if args.evaluate:
        write_results(evaluate(texts, vectors, alone))
    codes, scales = pack(fit(texts, vectors, alone))
    data = save(
        {"rows": codes, "scales": scales} | pack_vocabulary(vocabulary.pieces, vocabulary.scores, vocabulary.replaced)
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(data)
    print(f"{args.out}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
