"""The encoders that ship, what each reads, and which one suits a log."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sweeplens.embed.language import FOREIGN, UNKNOWN, UNREAD

_FEW = 0.002  # share of prompts in scripts that default cannot read at all from which on it is not taken
_NAMED = 3  # languages that are named in the sentence


@dataclass(frozen=True)
class Shipped:
    """An encoder that ships.

    reads       the languages whose meaning it keeps
    megabytes   of its files on disk, with what is exported once
    per_second  prompts a second on two quiet cores (benchmarks/results/encoding.md), to go by until one is measured
    graph       how the names of its exported graphs begin; empty where it has none
    """

    name: str
    reads: str
    about: str
    dim: int
    megabytes: int
    per_second: int
    graph: str = ""


_ALL = "about 100 languages; no script is unknown"
SHIPPED = (
    Shipped("default", "English", "all-MiniLM-L6-v2, a transformer of 6 layers", 384, 180, 350, "minilm"),
    Shipped("multilingual", _ALL, "multilingual-e5-small, a transformer of 12 layers", 384, 160, 150, "e5-small"),
    Shipped("fast", _ALL, "word pieces distilled from multilingual", 256, 30, 20_000),
    Shipped("fast-english", "English", "word pieces distilled from default", 256, 8, 25_000),
)
NAMES = tuple(shipped.name for shipped in SHIPPED)


def choose_encoder(codes: Sequence[str]) -> tuple[str, str]:
    """Return the encoder that suits prompts in these languages, and one sentence that says why."""
    known = Counter(code for code in codes if code != UNKNOWN)
    total = known.total()
    foreign = total - known["en"]
    unread = sum(known[code] for code in UNREAD)
    if not foreign or (foreign < FOREIGN * total and unread <= _FEW * total):
        return "default", f"encoder default: {1 - foreign / max(1, total):.0%} of the prompts are in English"
    del known["en"]
    most = ", ".join(f"{code} {count / total:.1%}" for code, count in known.most_common(_NAMED))
    why = f"{foreign / total:.1%} of the prompts are not in English ({most}), which default does not read"
    return "multilingual", f"encoder multilingual: {why}"
