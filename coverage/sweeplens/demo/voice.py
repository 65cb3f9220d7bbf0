"""How an account writes: its care, its haste and its habits, laid over what the grammars give."""

import random
import re
from dataclasses import dataclass

from sweeplens.demo.grammar import Grammars, fill

_WORD = re.compile(r"[a-z]{5,}")
_CODE = ("`", "\n", "{", "Traceback", "SELECT", "=")


@dataclass(frozen=True)
class Voice:
    """Chances, from 0 to 1 and for each prompt, that an account writes in a certain way."""

    lower: float = 0.0
    typo: float = 0.0
    opening: float = 0.0
    closing: float = 0.0
    careful: float = 0.0
    form: float = 0.0
    study: float = 0.0
    brief: float = 0.0


def draw_voice(rng: random.Random) -> Voice:
    """Draw one of the voices that people have: hasty, plain, polite, thorough, studious or briefing."""
    kind = rng.choices(("hasty", "plain", "polite", "thorough", "studious", "briefing"), (26, 29, 17, 14, 8, 6))[0]
    if kind == "hasty":
        return Voice(lower=rng.uniform(0.4, 0.95), typo=rng.uniform(0.1, 0.5), opening=0.08, closing=0.08)
    if kind == "plain":
        return Voice(lower=0.05, typo=rng.uniform(0.0, 0.12), closing=0.1, form=0.06)
    if kind == "polite":
        return Voice(typo=0.05, opening=rng.uniform(0.25, 0.6), closing=rng.uniform(0.25, 0.5), form=0.08)
    if kind == "thorough":
        return Voice(typo=0.02, careful=rng.uniform(0.15, 0.5), form=rng.uniform(0.2, 0.5))
    if kind == "studious":
        return Voice(typo=0.05, lower=0.1, careful=0.25, study=rng.uniform(0.15, 0.4))
    return Voice(typo=0.05, form=0.1, brief=rng.uniform(0.15, 0.4))


def speak(text: str, voice: Voice, grammars: Grammars, rng: random.Random, *, english: bool = True) -> str:
    """Return `text` as this voice writes it; only typing habits apply where the text is not English."""
    code = any(mark in text for mark in _CODE)
    if english and not code and rng.random() < voice.opening:
        text = rng.choice(grammars.dress["opening"]) + text[:1].lower() + text[1:]
    if english and rng.random() < voice.careful:
        text = _stopped(text) + rng.choice(grammars.dress["careful"])
    if english and rng.random() < voice.form:
        text = _stopped(text) + fill(rng.choice(grammars.dress["form"]), grammars.words, {}, rng)
    if english and rng.random() < voice.closing:
        text = _stopped(text) + rng.choice(grammars.dress["closing"])
    if english and rng.random() < voice.study:
        text = _framed(text, "study", grammars, rng)
    elif english and rng.random() < voice.brief:
        text = _framed(text, "brief", grammars, rng)
    if not code and rng.random() < voice.lower:
        text = text.lower()
        text = text.rstrip("?.!") if rng.random() < 0.5 else text
    if not code and rng.random() < voice.typo:
        text = _mistype(text, rng)
    return text


def _framed(text: str, frame: str, grammars: Grammars, rng: random.Random) -> str:
    words = {**grammars.words, "prompt": ["{prompt}"]}
    return fill(rng.choice(grammars.frames[frame]), words, {}, rng).replace("{prompt}", text)


def _stopped(text: str) -> str:
    return text + "." if text[-1:].isalnum() else text


def _mistype(text: str, rng: random.Random) -> str:
    """Swap, drop or double one letter inside one longer word."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 2)
    a, b = text[at], text[at + 1]
    return text[:at] + rng.choice((b + a, b, a + a + b)) + text[at + 2 :]
