"""Measure what the encoders make of many languages: bench_languages.py [--corpora DIR] [--write].

For each of 32 scripts, 400 distinct prompts of real words: how many distinct vectors they get. With CORPORA_DIR, whose
*.jsonl.gz hold prompts with a `topic`, also whether prompts of one topic are nearer to each other than to the others of
their corpus: the share of pairs of prompts in which the one of the same topic is the nearer one (AUROC; 0.5 is chance),
for corpora in languages other than English beside three in English. Figures go to benchmarks/results/languages.md and
.json.
"""

import argparse
import gzip
import json
import sys
from pathlib import Path

import numpy as np

from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder, load_encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.embed.shipped import NAMES
from sweeplens.text import content_hash

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.scripts import SCRIPTS, script_prompts  # noqa: E402

RESULTS = Path(__file__).parent / "results"
EACH, LEAST_TOPIC = 1000, 5
NO_TOPICS = ("oasst_fr_zh", "xquad_docqa")  # what they call topic is the language
ENGLISH = ("banking77", "harmfulqa", "metatool_queries")


def keep_vectors(encoder: Encoder, texts: list[str], cache: VectorCache) -> np.ndarray:
    """Return float32 vectors of the texts, from the cache where it has them."""
    return embed_prompts(encoder, [content_hash(t) for t in texts], texts, cache).vectors.astype(np.float32)


def distinct(encoder: Encoder, cache: VectorCache) -> dict[str, int]:
    """Return how many distinct vectors, as they are kept, 400 distinct prompts of each script get."""
    return {name: len(np.unique(keep_vectors(encoder, script_prompts(name), cache), axis=0)) for name in SCRIPTS}


def read_topics(folder: Path) -> dict[str, tuple[list[str], np.ndarray, str]]:
    """Return prompts, topics and the main language of each corpus that has several topics and is not in English."""
    found = {}
    for path in sorted(folder.glob("*.jsonl.gz")):
        if path.name.split(".")[0] in NO_TOPICS:
            continue
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        topics = {r["prompt"]: str(r["topic"]) for r in rows if r["prompt"] and r.get("topic") is not None}
        texts = sorted(topics, key=content_hash)[:EACH]
        name = path.name.split(".")[0]
        codes = detect_languages(texts)
        language = max(set(codes), key=codes.count) if codes else "und"
        counts = {t: sum(topics[x] == t for x in texts) for t in set(topics.values())}
        texts = [t for t in texts if counts[topics[t]] >= LEAST_TOPIC]
        kinds = {topics[t] for t in texts}
        if 1 < len(kinds) < len(texts) / LEAST_TOPIC and (language not in {"en", "und"} or name in ENGLISH):
            found[name] = (texts, np.array([topics[t] for t in texts]), language)
    return found


def nearness(vectors: np.ndarray, topics: np.ndarray) -> float:
    """Return the mean over prompts of the AUROC of cosines: those of its topic against the others."""
    cosine = vectors @ vectors.T
    own = []
    for i, row in enumerate(cosine):
        same = topics == topics[i]
        same[i] = False
        other = topics != topics[i]
        order = np.argsort(np.argsort(row))
        n, m = same.sum(), other.sum()
        keep = same | other
        ranks = np.argsort(np.argsort(order[keep]))
        own.append((ranks[same[keep]].sum() - n * (n - 1) / 2) / (n * m))
    return float(np.mean(own))


def render(results: dict[str, dict]) -> str:
    """Return the figures as Markdown."""
    names = list(results)
    lines = ["# Encoders and languages", "", "Made by `benchmarks/bench_languages.py`.", ""]
    topics = next(iter(results.values())).get("topics")
    if topics:
        lines += [
            "## Prompts of one topic are nearer than others of their corpus",
            "",
            "AUROC of cosines; 0.5 is chance.",
            "",
        ]
        lines += ["| corpus | language | topics | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
        for corpus, about in topics.items():
            cells = " | ".join(f"{results[n]['topics'][corpus]['nearer']:.3f}" for n in names)
            lines.append(f"| {corpus} | {about['language']} | {about['topics']} | {cells} |")
        lines.append("")
    lines += ["## Distinct vectors of 400 distinct prompts", ""]
    lines += ["| script | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    for script in SCRIPTS:
        lines.append(f"| {script} | " + " | ".join(str(results[n]["distinct"][script]) for n in names) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--encoders", nargs="+", default=list(NAMES))
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache/sweeplens")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"))
    parser.add_argument("--write", action="store_true", help="keep the figures in benchmarks/results/")
    args = parser.parse_args()
    corpora = read_topics(args.corpora) if args.corpora else {}
    results: dict[str, dict] = {}
    for name in args.encoders:
        encoder = load_encoder(name, models=args.models, threads=2)
        cache = VectorCache(args.cache, encoder.fingerprint, encoder.dim)
        results[name] = {"distinct": distinct(encoder, cache)}
        if corpora:
            results[name]["topics"] = {
                corpus: {
                    "language": language,
                    "topics": len(set(topics)),
                    "nearer": nearness(keep_vectors(encoder, texts, cache), topics),
                }
                for corpus, (texts, topics, language) in corpora.items()
            }
    if args.write:
        (RESULTS / "languages.json").write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / "languages.md").write_text(render(results))
    print(render(results))


if __name__ == "__main__":
    main()
