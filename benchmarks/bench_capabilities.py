"""Measure clusters, placing and capabilities on prompts whose corpus says what they are.

    python benchmarks/bench_capabilities.py --corpora DIR [--encoders default fast] [--output benchmarks/results]

CORPORA_DIR holds one NAME.jsonl.gz for each corpus, with objects {"prompt", "topic"}. Writes capabilities.md and
capabilities.json: numbers only, no prompt.
"""

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sweeplens.atlas import KINDS, build_atlas, read_taxonomy
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder, load_encoder
from sweeplens.embed.prompts import embed_prompts
from sweeplens.embed.shipped import NAMES
from sweeplens.index import all_neighbours
from sweeplens.text import content_hash

# What a corpus may rightly be called. A corpus of mixed tasks is not listed: its prompts are on the map, not judged.
ENGLISH = {
    "agentbench_tasks": "operations sql questions",
    "aider_many": "coding debugging",
    "autoj_critique": "grading",
    "banking77": "service",
    "bfcl_live": "tools service",
    "chatdoctor5k": "medical",
    "clinc150": "service chat",
    "code_review": "debugging grading",
    "deepscaler_math": "maths",
    "email_requests": "classification extraction",
    "evol_code": "coding debugging",
    "fireact": "questions reasoning",
    "gorilla_apibench": "tools",
    "gpteacher_roleplay": "roleplay creative",
    "gpteacher_toolformer": "tools",
    "gsm8k": "maths reasoning",
    "harmfulqa": "safety",
    "health_portal": "medical",
    "loghub_ops": "operations",
    "metatool_queries": "tools service",
    "mmlu": "questions reasoning maths medical legal",
    "policyqa": "reading legal",
    "punie_code": "coding debugging",
    "reasoning_teacher": "reasoning maths",
    "restaurant8k": "service",
    "sealtools": "tools",
    "selfee_code": "coding grading debugging",
    "sgd_dialogues": "service chat",
    "simple_qa": "questions",
    "snips_assistant": "service",
    "specstory_getspecstory": "coding debugging",
    "specstory_many": "coding debugging",
    "sroie_receipts": "extraction",
    "tatqa_rag": "reading sql maths",
    "tm4_coffee": "service",
    "ubuntu_help": "operations",
    "ui_translation": "translation",
    "wikisql": "sql questions",
}
FOREIGN = {
    "crosswoz_zh": "service chat",
    "atis_vi": "service",
    "id_hotel_reviews": "classification extraction",
    "ja_hotel_reviews": "classification",
    "ko_movie_reviews": "classification",
    "lawyer_llama_zh": "legal",
    "zh_huatuo_med": "medical",
    "zh_waimai_reviews": "classification",
}
# Sets whose topics clusters are held against, English ones and others.
TOPICS = {
    "English intents": ("banking77", "clinc150"),
    "Chinese dialogues": ("crosswoz_zh",),
    "Chinese law": ("lawyer_llama_zh",),
    "Korean films": ("ko_movie_reviews",),
}
NEIGHBOURS = 30

Encode = Callable[[list[str]], np.ndarray]


def read(path: Path) -> list[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    return [(r["prompt"], str(r.get("topic"))) for r in rows if r["prompt"] and r["prompt"].strip()]


def keeping(encoder: Encoder, folder: Path) -> Encode:
    """Return what encodes texts as float16 and keeps their vectors in the folder."""
    cache = VectorCache(folder, encoder.fingerprint, encoder.dim)
    return lambda texts: embed_prompts(encoder, [content_hash(t) for t in texts], texts, cache).vectors


def sample(folder: Path, each: int) -> tuple[list[str], np.ndarray]:
    """Distinct prompts of every corpus, at most `each` of one, in an order that mixes the corpora."""
    rng, chosen = random.Random(1), {}
    for path in sorted(folder.glob("*.jsonl.gz")):
        prompts = list(dict.fromkeys(prompt for prompt, _ in read(path)))
        for prompt in rng.sample(prompts, min(each, len(prompts))):
            chosen.setdefault(prompt, path.name.removesuffix(".jsonl.gz"))
    rows = list(chosen.items())
    rng.shuffle(rows)
    return [prompt for prompt, _ in rows], np.array([corpus for _, corpus in rows])


def measure_capabilities(
    texts: list[str], corpus: np.ndarray, encode: Encode, finder: CapabilityFinder, threads: int
) -> dict:
    taxonomy = read_taxonomy()
    vectors = encode(texts)
    near = all_neighbours(vectors, NEIGHBOURS, threads=threads)
    start = time.perf_counter()
    atlas = build_atlas(vectors, texts, near, finder, taxonomy=taxonomy, threads=threads)
    seconds = time.perf_counter() - start
    alone, _ = finder.decide(finder.score(vectors))
    rows = {}
    for name, right in (ENGLISH | FOREIGN).items():
        here = np.flatnonzero(corpus == name)
        if len(here):
            wanted = [taxonomy.keys.index(key) for key in right.split()]
            given = Counter(taxonomy.key_at(int(i)) for i in atlas.capability[here])
            rows[name] = {
                "n": len(here),
                "alone": float(np.isin(alone[here], wanted).mean()),
                "map": float(np.isin(atlas.capability[here], wanted).mean()),
                "unassigned": float((atlas.capability[here] < 0).mean()),
                "most": [f"{key} {count / len(here):.0%}" for key, count in given.most_common(3)],
            }
    return {
        "prompts": len(texts), "clusters": len(atlas.clusters), "seconds": round(seconds, 1),
        "noise": float((atlas.kind == KINDS.index("noise")).mean()),
        "clusters_unassigned": float(np.mean([c.capability == "unassigned" for c in atlas.clusters])),
        "corpora": rows,
    }  # fmt: skip


def measure_topics(
    folder: Path, names: tuple[str, ...], encode: Encode, finder: CapabilityFinder, threads: int
) -> dict:
    """AMI of clusters with labelled topics, without and with placing, and how often placing is right."""
    from sklearn.metrics import adjusted_mutual_info_score as ami

    found = {p: f"{name}/{topic}" for name in names for p, topic in read(folder / f"{name}.jsonl.gz")}
    found = {p: t for p, t in found.items() if not t.endswith("oos/oos")}
    texts, topic = list(found), np.array(list(found.values()))
    vectors = encode(texts)
    near = all_neighbours(vectors, NEIGHBOURS, threads=threads)
    atlas = build_atlas(vectors, texts, near, finder, taxonomy=read_taxonomy(), threads=threads)
    core, placed = atlas.kind == KINDS.index("core"), atlas.kind == KINDS.index("placed")
    of_cluster = {
        c.cluster_id: Counter(topic[core & (atlas.cluster == c.cluster_id)].tolist()).most_common(1)[0][0]
        for c in atlas.clusters
    }
    main = np.array([of_cluster.get(int(c), "") for c in atlas.cluster])
    return {
        "prompts": len(texts), "topics": len(set(topic)), "clusters": len(atlas.clusters),
        "ami_core": float(ami(topic, np.where(core, atlas.cluster, -1))),
        "ami_placed": float(ami(topic, atlas.cluster)),
        "core": float(core.mean()), "placed": float(placed.mean()),
        "right_core": float((main == topic)[core].mean()), "right_placed": float((main == topic)[placed].mean()),
    }  # fmt: skip


def summarise(rows: dict, names: dict) -> dict:
    own = [rows[name] for name in names if name in rows]
    weight = np.array([r["n"] for r in own], float)
    assigned = weight * [1 - r["unassigned"] for r in own]
    right = weight * [r["map"] for r in own]
    return {
        "corpora": len(own), "prompts": int(weight.sum()),
        "alone": float((weight * [r["alone"] for r in own]).sum() / weight.sum()),
        "map": float(right.sum() / weight.sum()),
        "right_of_assigned": float(right.sum() / max(1.0, assigned.sum())),
        "unassigned": float(1 - assigned.sum() / weight.sum()),
    }  # fmt: skip


HEAD = """# Clusters, placing and capabilities, measured

Made by `benchmarks/bench_capabilities.py` on public prompt corpora that are not part of this repository.

## Capabilities

At most {each} prompts of each corpus on one map. *Alone*: each prompt by its own nearest seeds. *Map*: the capability
of its cluster, or its own where it has none; this is what a snapshot holds. A prompt counts as right when its
capability is one of those that its corpus is about; unassigned counts as wrong. The seeds are our own sentences,
written with the kinds of these corpora known and their prompts unused, and extended once after a look at these
figures; the numbers of seeds that count (3 of a capability, 8 of the others), the middle that vectors are centred on,
and the threshold were chosen on a sample of the same corpora. So read the figures as those of familiar kinds of
prompts, not as a promise for new ones.
"""


def write_report(folder: Path, results: dict, each: int) -> None:
    lines = [HEAD.format(each=each)]
    lines += [
        "| encoder | prompts | of | alone | map | right of those assigned | unassigned |",
        "|---|---|---|---|---|---|---|",
    ]
    for encoder, result in results.items():
        for kind, names in (("English", ENGLISH), ("other languages", FOREIGN)):
            s = summarise(result["capabilities"]["corpora"], names)
            lines.append(
                f"| {encoder} | {kind} | {s['prompts']:,} in {s['corpora']} corpora | {s['alone']:.1%} "
                f"| {s['map']:.1%} | {s['right_of_assigned']:.1%} | {s['unassigned']:.1%} |"
            )
    lines += ["", "Encoders that know English only leave other languages unassigned rather than guess.", ""]
    lines += [
        "## Placing",
        "",
        "Clusters against the topics that the prompts are labelled with; right: of its cluster's main topic. "
        + "; ".join(f"{title}: {' and '.join(names)}" for title, names in TOPICS.items())
        + ".",
        "",
    ]
    lines += [
        "| encoder | set | prompts | topics | clusters | AMI core | AMI | core | placed | core right | placed right |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for title in TOPICS:
        for encoder, result in results.items():
            i = result["topics"].get(title)
            if i is None:
                continue
            lines.append(
                f"| {encoder} | {title} | {i['prompts']:,} | {i['topics']} | {i['clusters']} "
                f"| {i['ami_core']:.3f} | {i['ami_placed']:.3f} | {i['core']:.0%} | {i['placed']:.0%} "
                f"| {i['right_core']:.0%} | {i['right_placed']:.0%} |"
            )
    for encoder, result in results.items():
        c = result["capabilities"]
        lines += ["", f"## By corpus: {encoder}", ""]
        lines += [
            f"{c['prompts']:,} prompts, {c['clusters']} clusters, {c['clusters_unassigned']:.0%} of them unassigned."
        ]
        lines += ["", "| corpus | right | alone | map | unassigned | most often |", "|---|---|---|---|---|---|"]
        for name, r in sorted(c["corpora"].items(), key=lambda item: (item[0] in FOREIGN, -item[1]["map"], item[0])):
            right = ", ".join((ENGLISH | FOREIGN)[name].split())
            most = ", ".join(r["most"])
            lines.append(f"| {name} | {right} | {r['alone']:.0%} | {r['map']:.0%} | {r['unassigned']:.0%} | {most} |")
    (folder / "capabilities.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "capabilities.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, help="folder of NAME.jsonl.gz")
    parser.add_argument("--encoders", nargs="+", default=list(NAMES))
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="folder that keeps vectors")
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache" / "sweeplens")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results", help="folder for the report")
    options = parser.parse_args()
    if options.corpora is None:
        print("How often a capability is right can only be measured on labelled prompts: name a folder with --corpora.")
        return
    texts, corpus = sample(options.corpora, options.each)
    results = {}
    for name in options.encoders:
        encoder = load_encoder(name, models=options.models, threads=options.threads)
        encode = keeping(encoder, options.cache)
        finder = CapabilityFinder(read_taxonomy(), encoder)
        results[name] = {
            "capabilities": measure_capabilities(texts, corpus, encode, finder, options.threads),
            "topics": {
                title: measure_topics(options.corpora, names, encode, finder, options.threads)
                for title, names in TOPICS.items()
                if all((options.corpora / f"{n}.jsonl.gz").exists() for n in names)
            },
        }
        write_report(options.output, results, options.each)
        print(
            name,
            json.dumps(summarise(results[name]["capabilities"]["corpora"], ENGLISH)),
            json.dumps(results[name]["topics"]),
        )


if __name__ == "__main__":
    main()
