"""Prompts of known topics, a tiny real encoder for them (hashed words), and the atlas of both."""

import zlib
from collections.abc import Sequence

import numpy as np

from sweeplens.atlas import Atlas, Taxonomy, build_atlas
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.taxonomy import Capability
from sweeplens.index import all_neighbours

TOPICS = {
    "garden": "tulip spade compost hedge lawn seedling trowel orchard",
    "kitchen": "saucepan simmer garlic oven whisk recipe dough ladle",
    "harbour": "anchor trawler tide mooring gull lighthouse hull rudder",
    "music": "violin chord tempo sonata octave conductor flute refrain",
    "money": "invoice ledger mortgage dividend budget cheque audit loan",
}


class WordEncoder:
    """Each word has a fixed random direction; a text is their sum, on the sphere."""

    name, dim, fingerprint, multilingual = "words", 256, "0", None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for i, text in enumerate(texts):
            for word in text.lower().split():
                rows[i] += np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.dim)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def describe(self) -> dict[str, object]:
        return {}


TAXONOMY = Taxonomy(
    (
        Capability("plants", "Plants", "", ("tulip hedge lawn", "compost spade orchard", "seedling trowel")),
        Capability("cooking", "Cooking", "", ("garlic oven dough", "simmer recipe whisk", "saucepan ladle")),
        Capability("accounts", "Accounts", "", ("invoice ledger audit", "loan mortgage budget", "cheque dividend")),
    ),
    others=("anchor trawler tide mooring", "gull lighthouse hull rudder"),
)


def make_prompts(per_topic: int, seed: int = 5) -> tuple[list[str], np.ndarray]:
    """Return prompts, the topics in turn, and the number of each one's topic."""
    rng = np.random.default_rng(seed)
    texts, topic = [], []
    for i in range(per_topic):
        for t, words in enumerate(TOPICS.values()):
            some = rng.choice(words.split(), 6, replace=False)
            texts.append(f"tell me number{i} of {' '.join(some)}")
            topic.append(t)
    return texts, np.array(topic)


def make_atlas(texts: Sequence[str], *, threads: int = 1, keep_text: bool = True, **options: object) -> Atlas:
    """Return the atlas of some prompts."""
    encoder = WordEncoder()
    vectors = encoder.encode(texts).astype(np.float16)
    near = all_neighbours(vectors, 30, threads=1)
    finder = CapabilityFinder(TAXONOMY, encoder)
    return build_atlas(
        vectors, texts if keep_text else None, near, finder, taxonomy=TAXONOMY, threads=threads, **options
    )
