"""Measure the encoders: bench_encoding.py [--corpora DIR] [--n 3000] [--rounds 3] [--long 700] [--write].

Rates: the same prompts, cut at the same word piece, through `SentenceTransformer.encode` as it comes and through the
encoders that ship, in turn within each round, so that what else the machine does falls on all of them; medians over the
rounds. Beside them stands what the processor would reach if it multiplied matrices and did nothing else.

Long prompts (--long): for each way to read a text that is longer than the encoder's window, whether the halves of
prompts of at least 520 word pieces, which belong together, find each other and are found by the whole, among those of
all others and among those of the same corpus; against what it costs. A half is read in the same way as the whole.

CORPORA_DIR holds one corpus of prompts in each *.jsonl.gz, with a field `prompt`. Figures go to
benchmarks/results/encoding.{json,md}; a part that was not measured keeps its last ones.
"""

import argparse
import gzip
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from encoding_rates import measure_rates, render_rates

from sweeplens.demo import make_demo
from sweeplens.embed.minilm import LONG, load_minilm
from sweeplens.embed.transformer import Transformer
from sweeplens.embed.weights import find_minilm
from sweeplens.embed.windows import LongText, encodable

RESULTS = Path(__file__).parent / "results"
LEAST_PIECES, PER_CORPUS, CORPUS_LEAST = 520, 60, 20
POLICIES = [
    LongText("head", 128, 1, LONG.chars),
    LongText("head", 256, 1, LONG.chars),
    LongText("ends", 128, 1, LONG.chars),
    LongText("ends", 256, 1, LONG.chars),
    LongText("spread", 128, 2, LONG.chars),
    LongText("spread", 128, 4, LONG.chars),
]

Floats = npt.NDArray[np.float32]


def read_prompts(folder: Path | None, least_chars: int = 1) -> list[tuple[str, str]]:
    """Return (corpus, prompt) of every distinct prompt of a folder, else of the demo log, by their hashes."""
    if folder is None:
        return sorted({("demo", str(r["prompt"])) for r in make_demo().requests}, key=_by_hash)
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                text = encodable(json.loads(line)["prompt"])
                if len(text.strip()) >= least_chars:
                    found.setdefault(text, path.name.split(".")[0])
    return sorted(((c, t) for t, c in found.items()), key=_by_hash)


def _by_hash(row: tuple[str, str]) -> bytes:
    return hashlib.sha256(row[1].encode()).digest()


def pieces(texts: list[str]) -> list[list[tuple[int, int]]]:
    """Return where each word piece of `default` begins and ends in each text."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(find_minilm() / "tokenizer.json"))
    tokenizer.no_truncation()
    return [e.offsets for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def measure_long(folder: Path, models: Path, n: int, threads: int) -> list[dict[str, object]]:
    """Return a row for each policy."""
    encoder = load_minilm(models=models, threads=threads)
    prompts = read_prompts(folder, least_chars=1200)
    chosen: list[tuple[str, str, str, str]] = []
    taken: dict[str, int] = {}
    for begin in range(0, len(prompts), 512):
        part = prompts[begin : begin + 512]
        for (corpus, text), spans in zip(part, pieces([t for _, t in part]), strict=True):
            if len(spans) >= LEAST_PIECES and taken.get(corpus, 0) < PER_CORPUS and len(chosen) < n:
                taken[corpus] = taken.get(corpus, 0) + 1
                middle = spans[len(spans) // 2][0]
                chosen.append((corpus, text, text[:middle], text[middle:]))
    corpora = np.array([row[0] for row in chosen])
    return [_judge(encoder, policy, corpora, chosen) for policy in POLICIES]


def _judge(
    encoder: Transformer, policy: LongText, corpora: npt.NDArray[np.str_], rows: list[tuple[str, ...]]
) -> dict[str, object]:
    encoder.model = replace(encoder.model, long=policy)
    start = time.process_time()
    whole = encoder.encode([row[1] for row in rows])
    cost = time.process_time() - start
    first, second = encoder.encode([row[2] for row in rows]), encoder.encode([row[3] for row in rows])
    same = corpora[:, None] == corpora[None, :]
    many = same.sum(axis=1) >= CORPUS_LEAST
    similar = whole @ whole.T
    np.fill_diagonal(similar, -2)
    pairs = {
        "first half finds second": (first, second),
        "whole finds first half": (whole, first),
        "whole finds second half": (whole, second),
    }
    row: dict[str, object] = {
        "policy": policy.describe(),
        "prompts": len(rows),
        "processor ms a prompt": round(1000 * cost / len(rows), 1),
    }
    for name, (query, target) in pairs.items():
        row[name] = round(_mrr(query, target, np.ones_like(same)), 3)
        row[f"{name}, same corpus"] = round(_mrr(query[many], target[many], same[np.ix_(many, many)]), 3)
    row["nearest prompt is of the corpus"] = round(float((corpora[similar.argmax(axis=1)] == corpora).mean()), 3)
    return row


def _mrr(query: Floats, target: Floats, among: npt.NDArray[np.bool_]) -> float:
    similar = query @ target.T
    better = (similar > np.diag(similar)[:, None]) & among
    return float((1 / (better.sum(axis=1) + 1)).mean())


def render(results: dict[str, object]) -> str:
    """Return the figures as Markdown."""
    lines = ["# Encoding", ""]
    rates = results.get("rates")
    if isinstance(rates, dict):
        lines += render_rates(rates)
    rows = results.get("long prompts")
    if isinstance(rows, list) and rows:
        lines += [
            "## Long prompts",
            "",
            f"{rows[0]['prompts']} prompts of at least {LEAST_PIECES} word pieces, at most {PER_CORPUS} of a corpus.",
            "Mean reciprocal rank of the right one among all, and among those of its corpus where that has",
            f"{CORPUS_LEAST} or more prompts.",
            "",
            "| " + " | ".join(k for k in rows[0] if k != "prompts") + " |",
            "|---" * (len(rows[0]) - 1) + "|",
        ]
        lines += ["| " + " | ".join(str(v) for k, v in row.items() if k != "prompts") + " |" for row in rows]
    notes = RESULTS / "encoding-notes.md"
    return "\n".join(lines).rstrip() + "\n" + ("\n" + notes.read_text() if notes.exists() else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, help="folder of NAME.jsonl.gz; without it the demo log is encoded")
    parser.add_argument("--n", type=int, default=0, help="prompts; 0: 3000 of corpora, 600 of the demo log")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache/sweeplens")
    parser.add_argument("--write", action="store_true", help="keep the figures in benchmarks/results/")
    args = parser.parse_args()
    file = RESULTS / "encoding.json"
    results = json.loads(file.read_text()) if args.write and file.exists() else {}
    n = args.n or (3000 if args.corpora else 600)
    texts = [text for _, text in read_prompts(args.corpora)[:n]]
    results["rates"] = measure_rates(texts, args.models, args.rounds, args.threads)
    if args.long:
        if args.corpora is None:
            parser.error("--long needs --corpora: the demo log has no long prompts")
        results["long prompts"] = measure_long(args.corpora, args.models, args.long, args.threads)
    if args.write:
        RESULTS.mkdir(exist_ok=True)
        file.write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / "encoding.md").write_text(render(results))
    print(render(results))


if __name__ == "__main__":
    main()
