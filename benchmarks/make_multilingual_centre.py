"""Make the centre of the encoder `multilingual`: python benchmarks/make_multilingual_centre.py CORPORA TEXTS.

CORPORA and TEXTS are as for make_fast_encoder.py. Writes the mean of the vectors of prompts, each corpus with the same
say, and the directions in which the means of the languages differ most: what a text says of its language, not of its
topic (Yang et al., 2021, arXiv:2109.04727). `multilingual` takes both away, so that cosines use their whole range and
neighbours are sought by meaning. Prints how often the translation of a sentence is the nearest one before and after.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from fast_encoder_figures import measure_languages
from make_fast_encoder import read_corpora, read_languages
from safetensors.numpy import save

from sweeplens.embed.cache import VectorCache
from sweeplens.embed.centre import Centre
from sweeplens.embed.e5 import load_e5
from sweeplens.embed.prompts import embed_prompts

LANGUAGE = 16  # directions: with more, translations are found no better
PER_LANGUAGE = 800
LEAST = 200  # texts of a corpus or language whose mean counts
OUT = Path(__file__).parent.parent / "coverage/sweeplens/embed/data/multilingual-centre.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--models", type=Path, default=Path.home() / ".cache/sweeplens")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    texts = read_corpora(args.corpora) + read_languages(args.texts, PER_LANGUAGE)
    encoder = load_e5(models=args.models, threads=args.threads, centred=False)
    cache = VectorCache(args.cache, encoder.fingerprint, encoder.dim)
    hashes = [hashlib.sha256(t.text.encode("utf-8", "surrogatepass")).hexdigest()[:32] for t in texts]
    vectors = embed_prompts(encoder, hashes, [t.text for t in texts], cache).vectors.astype(np.float32)
    rows: dict[tuple[bool, str], list[int]] = {}
    for i, text in enumerate(texts):
        rows.setdefault((text.prompt, text.source), []).append(i)
    means = {key: vectors[own].mean(0) for key, own in rows.items() if len(own) >= LEAST}
    mean = np.mean([m for (prompt, _), m in means.items() if prompt], axis=0)
    spoken = np.stack([m for (prompt, _), m in means.items() if not prompt])
    language = np.linalg.svd(spoken - spoken.mean(0), full_matrices=False)[2][:LANGUAGE]
    data = save({"mean": mean.astype(np.float32), "language": np.ascontiguousarray(language, np.float32)})
    args.out.write_bytes(data)
    print(f"{args.out}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    after = Centre(mean.astype(np.float32), language.astype(np.float32))(vectors)
    table = measure_languages(texts, after, vectors, np.zeros(len(texts), bool))
    for name in ("multilingual", "fast"):
        share = np.mean([row[f"translation is nearest, {name}"] for row in table.values()])
        print(f"translation is nearest, {'before' if name == 'multilingual' else 'after'}: {share:.3f}")


if __name__ == "__main__":
    main()
