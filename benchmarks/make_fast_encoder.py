"""Make the weights of the fast encoder: python benchmarks/make_fast_encoder.py CORPORA_DIR [--evaluate].

CORPORA_DIR holds one corpus of prompts in each *.jsonl.gz, whose rows have a field `prompt` (and `topic`, which only
the evaluation reads). Only weights come out of it, no text.

The rows of the word pieces are those whose mean over a text is nearest to the default encoder's vector of that text:
a least-squares fit with a prior, and twice more with weights that turn the squared error into that of the cosine. The
prior, which words that the corpora lack keep, is the default encoder's vector of the word piece alone, without what all
share, weighted by a/(a + frequency) (Arora, Liang, Ma, 2017). Vectors are turned into the 256 directions that hold most
of the default encoder's vectors; nothing is subtracted, so that cosines stay comparable. Rows are stored as int8 with a
scale each.

With --evaluate a second fit leaves the corpora HELD_OUT out and is measured on them; the figures go to
benchmarks/results/fast-encoder.{json,md}.
"""

import argparse
import gzip
import hashlib
import json
import logging
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from safetensors.numpy import save

from sweeplens.embed.minilm import MiniLM, load_minilm
from sweeplens.embed.windows import LongText, token_ids

WINDOW = LongText(keep="head", window=64, most=1, chars=16_384)
PER_CORPUS = 1000
DIM, WORDS = 256, 30_522
CLS, SEP, UNKNOWN = 101, 102, 100
SIF = 1e-3
PRIOR = 0.1
STEPS, REWEIGHTS = 25, 2
HELD_OUT = (
    "banking77", "clinc150", "wildchat_convs", "gsm8k", "zh_belle", "evol_code", "simple_qa", "lima_prompts",
    "oasst_fr_zh",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"
OUT = Path(__file__).parent.parent / "coverage/sweeplens/embed/data/fast.safetensors"

Floats = npt.NDArray[np.float32]


class Text:
    """One text to fit to or to measure on: its corpus, topic and word pieces."""

    def __init__(self, corpus: str, topic: str | None, ids: list[int]) -> None:
        self.corpus = corpus
        self.topic = topic
        self.ids = ids[: WINDOW.window - 2]


def read_texts(folder: Path, encoder: MiniLM) -> list[Text]:
    """Return up to PER_CORPUS distinct prompts of each corpus, chosen by their hashes."""
    texts = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        topics: dict[str, str | None] = {}
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                topics.setdefault(row["prompt"], row.get("topic"))
        order = sorted(filter(str.strip, topics), key=lambda text: hashlib.sha256(text.encode()).digest())[:PER_CORPUS]
        corpus = path.name.split(".")[0]
        pieces = token_ids(encoder._tokenizer, order, WINDOW.chars)
        texts += [Text(corpus, topics[text], ids) for text, ids in zip(order, pieces, strict=True)]
    return texts


def bag(texts: list[Text]) -> sp.csr_matrix:
    """Return [texts, words]: the share of each word piece in each text."""
    ids = [text.ids or [UNKNOWN] for text in texts]
    counts = np.array([len(i) for i in ids])
    columns = np.concatenate([np.array(i) for i in ids])
    values = np.repeat((1 / counts).astype(np.float32), counts)
    matrix = sp.csr_matrix((values, (np.repeat(np.arange(len(ids)), counts), columns)), shape=(len(ids), WORDS))
    matrix.sum_duplicates()
    return matrix


def solve(bags: sp.csr_matrix, weights: Floats, target: Floats) -> Floats:
    """Return D [words, dim] with the least weights * |bags D - target|^2 + PRIOR |D|^2, by conjugate gradients."""
    turned = bags.T.tocsr()
    scale = (turned.multiply(turned) @ weights + PRIOR)[:, None]
    found = np.zeros((WORDS, target.shape[1]), np.float32)
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


def fit(texts: list[Text], vectors: Floats, alone: Floats) -> tuple[Floats, Floats]:
    """Return the rows [words, 256] of the word pieces, and the directions [384, 256] that they are written in.

    `vectors` are the default encoder's of the texts, `alone` those of each word piece.
    """
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    directions = np.ascontiguousarray(directions[:, ::-1][:, :DIM])
    target = vectors @ directions
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    bags = bag(texts)
    frequency = np.bincount(np.concatenate([np.array(t.ids, dtype=np.int64) for t in texts]), minlength=WORDS) + 0.5
    frequency = frequency / frequency.sum()
    prior = ((alone - alone.mean(0)) @ directions * (SIF / (SIF + frequency))[:, None]).astype(np.float32)
    mean, guess = target.mean(0), bags @ prior
    prior = prior * ((guess * (target - mean)).sum() / (guess * guess).sum()) + mean
    base = bags @ prior
    weights = np.sqrt([max(1, len(t.ids)) for t in texts]).astype(np.float32)
    rows = prior + solve(bags, weights, target - base)
    for _ in range(REWEIGHTS):
        # |s/|s| - t|^2 = |s - |s| t|^2 / |s|^2: the cosine's error as a squared one, with |s| of the round before.
        length = np.clip(np.linalg.norm(bags @ rows, axis=1), 0.3, 1.2)[:, None]
        length /= length.mean()
        rows = prior + solve(bags, weights / length[:, 0] ** 2, 0.9 * length * target - base)
    return rows.astype(np.float32), directions


def pack(rows: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Return the rows as int8 and the scale of each."""
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float32)
    return np.round(rows / scales[:, None]).astype(np.int8), scales


def unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def measure(texts: list[Text], fast: Floats, default: Floats, k: int = 10) -> dict[str, float]:
    """Compare the two encoders' vectors of the same texts: similarities of pairs, neighbours and, by topic, groups."""
    from scipy.stats import spearmanr
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score

    pairs = np.random.default_rng(0).integers(0, len(texts), (2, 20_000))
    pairs = pairs[:, pairs[0] != pairs[1]]
    near, row = [], {"texts": float(len(texts))}
    cosines = []
    for vectors in (fast, default):
        cosines.append((vectors[pairs[0]] * vectors[pairs[1]]).sum(1))
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -2)
        near.append(np.argsort(-similar, axis=1, kind="stable")[:, :k])
    row["rank correlation of cosines"] = float(spearmanr(*cosines)[0])
    row[f"shared of {k} neighbours"] = float(np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)]))
    topics = np.array([str(t.topic) for t in texts])
    if all(t.topic is not None for t in texts) and 2 < len(set(topics)) < len(texts) / 4:
        for name, vectors, neighbours in (("fast", fast, near[0]), ("default", default, near[1])):
            row[f"nearest has the topic, {name}"] = float((topics[neighbours[:, 0]] == topics).mean())
            groups = KMeans(len(set(topics)), n_init=1, random_state=0).fit_predict(vectors)
            row[f"AMI of k-means with topics, {name}"] = float(adjusted_mutual_info_score(topics, groups))
    return row


def evaluate(texts: list[Text], vectors: Floats, alone: Floats) -> dict[str, dict[str, float]]:
    """Fit without the corpora HELD_OUT and measure on each of them, and on all together."""
    held = np.array([t.corpus in HELD_OUT for t in texts])
    rows, _ = fit([t for t, h in zip(texts, held, strict=True) if not h], vectors[~held], alone)
    codes, scales = pack(rows)
    fast = unit(bag(texts) @ (codes * scales[:, None]))
    table = {}
    for name in (*HELD_OUT, "all nine"):
        part = np.flatnonzero(held if name == "all nine" else [t.corpus == name for t in texts])
        if len(part):
            table[name] = measure([texts[i] for i in part], fast[part], vectors[part])
    return table


def write_results(table: dict[str, dict[str, float]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fast-encoder.json").write_text(json.dumps(table, indent=1) + "\n")
    columns = list(max(table.values(), key=len))
    lines = ["# The fast encoder beside the default one, on corpora that its fit did not see", ""]
    lines += ["| corpus | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in table.items():
        cells = [f"{row[c]:.3f}" if c in row and c != "texts" else f"{row[c]:.0f}" if c in row else "" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    (RESULTS / "fast-encoder.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache/sweeplens")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    start = time.perf_counter()
    encoder = load_minilm(models=args.models, threads=args.threads, long=WINDOW)
    texts = read_texts(args.corpora, encoder)
    alone = encoder.encode_windows([[CLS, word, SEP] for word in range(WORDS)])
    vectors = encoder.encode_windows([[CLS, *t.ids, SEP] for t in texts])
    print(f"{len(texts):,} texts, {WORDS:,} word pieces encoded in {time.perf_counter() - start:.0f} s", flush=True)
    if args.evaluate:
        write_results(evaluate(texts, vectors, alone))
    rows, _ = fit(texts, vectors, alone)
    codes, scales = pack(rows)
    data = save({"rows": codes, "scales": scales})
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(data)
    print(f"{args.out}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
