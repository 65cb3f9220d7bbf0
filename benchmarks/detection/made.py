"""Made attacks: one prompt set dealt over accounts, hidden under chat, resent, reworded, by stated numbers."""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_FIXED = "Answer the following as thoroughly as you can. Give only the answer."
# One for each account, used in turn.
_WRAPPERS = (
    "Please help me with this: {}", "{}\n\nExplain step by step.", "Question: {}\nAnswer:",
    "I need this for a project.\n{}", "### Task\n{}\n### Reply", "{} Keep it short, please.",
    "You are an expert in the field. {}", "Hi there! {} Thanks a lot!", "<request>{}</request>",
    "Think carefully before you reply.\n\n{}",
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """What an attack is made by.

    accounts, prompts  how many accounts, and how many different prompts each has of the set; no two share one
    share    of an account's requests that are ordinary chat, added to its prompts
    answers  how often each prompt is sent, in a row
    noise    what is done to the words of each prompt, one of NOISES
    order    of the requests of all accounts in the log, one of ORDERS
    """

    accounts: int = 20
    prompts: int = 40
    share: float = 0.0
    answers: int = 1
    noise: str = "none"
    order: str = "kept"


NOISES = ("none", "fixed instruction", "wrapper by account", "10 % of words dropped", "20 % of words dropped")
ORDERS = ("kept", "shuffled within sessions", "no times")
BASE = Attack()
FACTORS: dict[str, tuple[tuple[str, Attack], ...]] = {
    "share of chat": tuple((f"{s:g}", Attack(share=s)) for s in (0, 0.2, 0.4, 0.6, 0.8, 0.9)),
    "accounts": tuple((str(n), Attack(accounts=n)) for n in (1, 5, 10, 20, 50, 100, 200)),
    "prompts per account": tuple((str(n), Attack(prompts=n)) for n in (15, 30, 60, 120, 250, 500, 1000)),
    "answers per prompt": tuple((str(n), Attack(answers=n)) for n in (1, 2, 4, 8)),
    "noise": tuple((k, Attack(accounts=10, prompts=30, noise=k)) for k in NOISES),
    "order": tuple((k, Attack(order=k)) for k in ORDERS),
    "language": (("", BASE),),  # of each prompt set: one point a language
}


def read_prompts(folder: Path, name: str) -> list[str]:
    """Return the different prompts of a collection."""
    return list(dict.fromkeys(r["prompt"] for r in _rows(folder, name)))


def read_conversations(folder: Path, names: Sequence[str]) -> list[list[list[str]]]:
    """Return the whole conversations of each collection, turn by turn, where it says which prompts are one."""
    out = []
    for name in names:
        talks: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for r in _rows(folder, name):
            if r.get("conv") is not None:
                talks[str(r["conv"])].append((r.get("turn") or 0, r["prompt"]))
        if len(talks) > 1:
            out.append([[p for _, p in sorted(t, key=lambda x: x[0])] for _, t in sorted(talks.items())])
    return out


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        yield from (r for r in map(json.loads, stream) if r["prompt"] and r["prompt"].strip())


class Deck:
    """Conversations of one collection dealt one after another, shuffled, and again from the start when used up."""

    def __init__(self, conversations: Sequence[list[str]], used: Set[str], rng: np.random.Generator) -> None:
        """Those that hold one of the `used` prompts come after the others, the first time round."""
        last = np.array([any(p in used for p in t) for t in conversations])
        order = rng.permutation(len(conversations))
        self._order = order[np.argsort(last[order], kind="stable")].tolist()
        self._conversations, self._at = conversations, 0

    def draw(self) -> list[str]:
        """Return the next conversation."""
        self._at += 1
        return self._conversations[self._order[(self._at - 1) % len(self._order)]]


def size_of(attack: Attack, n: int, *, many: bool) -> tuple[int, int]:
    """Return (accounts, prompts each) that n prompts last for: with `many`, fewer prompts, else fewer accounts."""
    if attack.accounts * attack.prompts <= n:
        return attack.accounts, attack.prompts
    return (attack.accounts, n // attack.accounts) if many else (n // attack.prompts, attack.prompts)


def make_attack(
    name: str, prompts: Sequence[str], attack: Attack, chat: Sequence[Sequence[list[str]]], used: Set[str]
) -> list[list[str]]:
    """Return the requests of each account. The same set gives the same deal whatever else is set.

    An account's chat is of one collection of `chat`, each in its turn; conversations with `used` prompts come last.
    """
    seed = zlib.crc32(name.encode())
    order = np.random.default_rng(seed).permutation(len(prompts)).tolist()
    accounts, each = size_of(attack, len(prompts), many=attack.accounts != BASE.accounts)
    rng = np.random.default_rng(seed + 1)
    decks = [Deck(c, used, rng) for c in chat] if attack.share else []
    made = []
    for k in range(accounts):
        own = [_reword(prompts[i], attack.noise, k, rng) for i in order[k * each : (k + 1) * each]]
        own = [p for p in own for _ in range(attack.answers)]
        made.append(_blend(own, attack.share, decks[k % len(decks)], rng) if decks else own)
    return made


def _reword(prompt: str, noise: str, account: int, rng: np.random.Generator) -> str:
    if noise == "fixed instruction":
        return f"{_FIXED}\n\n{prompt}"
    if noise == "wrapper by account":
        return _WRAPPERS[account % len(_WRAPPERS)].replace("{}", prompt)
    if noise == "none":
        return prompt
    words = prompt.split(" ")
    kept = rng.random(len(words)) >= int(noise.split(maxsplit=1)[0]) / 100
    return " ".join(w for w, k in zip(words, kept, strict=True) if k) or prompt


def _blend(own: list[str], share: float, deck: Deck, rng: np.random.Generator) -> list[str]:
    out = list(own)
    extra = round(len(own) * share / (1 - share))
    while extra > 0:
        talk = deck.draw()[:extra]
        at = int(rng.integers(len(out) + 1))
        out[at:at] = talk
        extra -= len(talk)
    return out
