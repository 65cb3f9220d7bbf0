"""How a static encoder compares with the transformer that it was distilled from, and the table of that."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RESULTS = Path(__file__).parent / "results"
PAIRS = 400  # sentences of a language whose translation is looked for among as many

Floats = npt.NDArray[np.float32]


def measure(fast: Floats, slow: Floats, topics: Sequence[str | None], k: int = 10) -> dict[str, float]:
    """Compare the two encoders' vectors of the same texts: similarities of pairs, neighbours and, by topic, groups."""
    from scipy.stats import spearmanr
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score

    pairs = np.random.default_rng(0).integers(0, len(topics), (2, 20_000))
    pairs = pairs[:, pairs[0] != pairs[1]]
    near, row = [], {"texts": float(len(topics))}
    cosines = []
    for vectors in (fast, slow):
        cosines.append((vectors[pairs[0]] * vectors[pairs[1]]).sum(1))
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -2)
        near.append(np.argsort(-similar, axis=1, kind="stable")[:, :k])
    row["rank correlation of cosines"] = float(spearmanr(*cosines)[0])
    row[f"shared of {k} neighbours"] = float(np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)]))
    named = np.array([str(t) for t in topics])
    if all(t is not None for t in topics) and 2 < len(set(topics)) < len(topics) / 4:
        for name, vectors, neighbours in (("fast", fast, near[0]), ("multilingual", slow, near[1])):
            row[f"nearest has the topic, {name}"] = float((named[neighbours[:, 0]] == named).mean())
            groups = KMeans(len(set(topics)), n_init=1, random_state=0).fit_predict(vectors)
            row[f"AMI of k-means with topics, {name}"] = float(adjusted_mutual_info_score(named, groups))
    return row


def measure_languages(
    texts: Sequence[Any], fast: Floats, slow: Floats, held: npt.NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """For each language: how often a sentence's translation is the nearest among 400, both ways, beside English."""
    places: dict[str, dict[str, int]] = {}
    for i, text in enumerate(texts):
        if not text.prompt and text.topic:
            places.setdefault(text.source, {})[text.topic] = i
    table = {}
    english = places.get("en", {})
    for language, own in sorted(places.items()):
        common = sorted(own.keys() & english.keys())[:PAIRS]
        if language == "en" or len(common) < 100:
            continue
        a, b = [english[k] for k in common], [own[k] for k in common]
        row = {"texts": float(len(common)), "held out": float(held[b].all())}
        for name, vectors in (("fast", fast), ("multilingual", slow)):
            cosine = vectors[a] @ vectors[b].T
            right = (cosine.argmax(0) == np.arange(len(common))).mean() + (
                cosine.argmax(1) == np.arange(len(common))
            ).mean()
            row[f"translation is nearest, {name}"] = float(right / 2)
        table[f"en-{language}"] = row
    return table


def write_results(table: dict[str, dict[str, float]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fast-encoder.json").write_text(json.dumps(table, indent=1) + "\n")
    lines = ["# The encoder `fast` beside `multilingual`, on corpora and languages that its fit did not see", ""]
    corpora = {name: row for name, row in table.items() if not name.startswith("en-")}
    languages = {name: row for name, row in table.items() if name.startswith("en-")}
    lines += _lines(corpora)
    lines += [
        "",
        "## Translations",
        "",
        "Both ways, among at most 400 sentences of a language and English.",
        "",
        *_lines(languages),
    ]
    (RESULTS / "fast-encoder.md").write_text("\n".join(lines) + "\n")


def _lines(table: dict[str, dict[str, float]]) -> list[str]:
    columns = list(max(table.values(), key=len, default={}))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in table.items():
        whole = ("texts", "held out")
        cells = [(f"{row[c]:.0f}" if c in whole else f"{row[c]:.3f}") if c in row else "" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines
