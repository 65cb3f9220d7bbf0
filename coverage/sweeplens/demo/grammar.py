"""Sentences from grammars: templates whose slots are filled at random, read from the TOML files beside this module."""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_LEFT_OVER = re.compile(r"(?<=\S) {2,}")
_NUMBER = re.compile(r"([#$])(\d+)-(\d+)")
# Literal braces are written as the digraphs that C has for them.
_DIGRAPHS = (("<%", "{"), ("%>", "}"))
# The slot that a conversation is about: it keeps its filler until the conversation ends.
HELD = "subject"

Slots = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Topic:
    """Something that people ask about, with its templates and the words that fill them."""

    name: str
    capability: str
    language: str
    who: tuple[str, ...]
    weight: float
    templates: tuple[str, ...]
    followups: tuple[str, ...]
    system: str | None
    slots: Slots


@dataclass(frozen=True)
class Grammars:
    """All topics by name, the words they share, and the ways to dress a prompt."""

    topics: Mapping[str, Topic]
    words: Slots
    dress: Slots
    frames: Slots
    followups: tuple[str, ...]
    hostile: tuple[str, ...]
    secrets: tuple[str, ...]

    def of(self, who: str, language: str | None = None) -> list[Topic]:
        """Return the topics that this kind of account uses, in the order of their names."""
        found = [t for t in self.topics.values() if who in t.who and language in (None, t.language)]
        return sorted(found, key=lambda t: t.name)

    def capabilities(self) -> dict[str, list[Topic]]:
        """Return the English topics of each capability that a sweep can ask for."""
        groups: dict[str, list[Topic]] = {}
        for topic in self.of("sweep", "en"):
            groups.setdefault(topic.capability, []).append(topic)
        return dict(sorted(groups.items()))


@cache
def load_grammars() -> Grammars:
    """Read the grammars that ship with the package."""
    shared: dict[str, Any] = {}
    topics: dict[str, Topic] = {}
    folder = resources.files("sweeplens.demo") / "grammars"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        topics.update({name: _topic(name, entry) for name, entry in data.pop("topics", {}).items()})
        shared.update(data)
    return Grammars(
        topics=topics,
        words=shared["slots"],
        dress=shared["dress"],
        frames=shared["frames"],
        followups=tuple(shared["followups"]["any"]),
        hostile=tuple(shared["hostile"]["any"]),
        secrets=tuple(shared["secrets"]["any"]),
    )


def _topic(name: str, entry: Mapping[str, Any]) -> Topic:
    language = entry.get("language", "en")
    return Topic(
        name=name,
        capability=entry["capability"],
        language=language,
        who=tuple(entry.get("who", ("people", "sweep") if language == "en" else ("people",))),
        weight=float(entry.get("weight", 1.0)),
        templates=tuple(entry["templates"]),
        followups=tuple(entry.get("followups", ())),
        system=entry.get("system"),
        slots=entry.get("slots", {}),
    )


def fill(template: str, words: Slots, slots: Slots, rng: random.Random, held: Mapping[str, str] | None = None) -> str:
    """Return one sentence of `template`.

    ``{name}`` takes a filler of the topic's `slots`, else of the shared `words`, unless `held` gives it; ``{name:1}``
    takes the same filler wherever it stands and another one than ``{name:2}``; ``{a|b}`` takes one part; ``{#2-9}`` is
    a whole number and ``{$2-9}`` an amount with cents. Fillers may hold slots themselves.
    """
    labelled: dict[str, str] = {}
    used: dict[str, set[str]] = {}

    def one(match: re.Match[str]) -> str:
        inner: str = match.group(1)
        number = _NUMBER.fullmatch(inner)
        if number:
            low, high = int(number.group(2)), int(number.group(3))
            return str(rng.randint(low, high)) if number.group(1) == "#" else f"{rng.uniform(low, high):.2f}"
        if "|" in inner:
            return rng.choice(inner.split("|"))
        if held and inner in held:
            return held[inner]
        if inner in labelled:
            return labelled[inner]
        name, _, label = inner.partition(":")
        fillers = slots.get(name) or words[name]
        free = [f for f in fillers if f not in used.get(name, ())] if label else fillers
        chosen: str = rng.choice(free or fillers)
        if label:
            used.setdefault(name, set()).add(chosen)
            chosen = labelled[inner] = fill(chosen, words, slots, rng)
        return chosen

    text = template
    while "{" in text:
        filled = _INNERMOST.sub(one, text)
        if filled == text:
            break
        text = filled
    return text


def literal(text: str) -> str:
    """Turn the digraphs for braces into braces, begin with a capital, and drop spaces that empty fillers left."""
    for digraph, brace in _DIGRAPHS:
        text = text.replace(digraph, brace)
    text = _LEFT_OVER.sub(" ", text.strip()).replace(" \n", "\n")
    return text if text.startswith("def ") else text[:1].upper() + text[1:]


def ask(grammars: Grammars, topic: Topic, rng: random.Random, held: Mapping[str, str] | None = None) -> str:
    """Return a first question on `topic`, about the held subject if there is one."""
    return literal(fill(rng.choice(topic.templates), grammars.words, topic.slots, rng, held))


def follow(grammars: Grammars, topic: Topic, rng: random.Random, held: Mapping[str, str]) -> str:
    """Return what somebody says next in a conversation on `topic`: something of the topic's own, or of any talk."""
    own = topic.followups and (topic.language != "en" or rng.random() < 0.6)
    return fill(rng.choice(topic.followups if own else grammars.followups), grammars.words, topic.slots, rng, held)


def subject(grammars: Grammars, topic: Topic, rng: random.Random) -> dict[str, str]:
    """Draw what a conversation on `topic` is about; empty where the topic has no subject."""
    fillers = topic.slots.get(HELD)
    return {HELD: fill(rng.choice(fillers), grammars.words, topic.slots, rng)} if fillers else {}
