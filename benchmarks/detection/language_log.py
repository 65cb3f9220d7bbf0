"""Logs in one language each, composed from the templates in languages/: people, businesses, apps, a sweep, a campaign.

All accounts ask at a person's hours over four weeks, so that times tell nothing about who sweeps.
"""

import random
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from sweeplens.demo.grammar import Grammars, Topic, ask, fill, literal, subject
from sweeplens.demo.people import Person, chat, timed
from sweeplens.demo.truth import Turn
from sweeplens.demo.voice import Voice

FOLDER = Path(__file__).parent / "languages"
LANGUAGES = ("th", "ar", "hi", "zh")
PEOPLE, SHOPS, APPS, MEMBERS, EACH, LONE = 46, 12, 2, 12, 40, 45
_TRIES = 200  # draws for each prompt of a set before the templates count as too poor


@dataclass(frozen=True)
class Tongue:
    """The grammars of one language, and how its speakers open and close what they ask."""

    code: str
    grammars: Grammars
    openings: tuple[str, ...]
    closings: tuple[str, ...]

    def kinds(self) -> list[list[Topic]]:
        """Return the topics of each kind of task that a sweep goes through."""
        kinds: dict[str, list[Topic]] = {}
        for topic in self.grammars.of("sweep"):
            kinds.setdefault(topic.capability, []).append(topic)
        return list(kinds.values())


@dataclass(frozen=True)
class Speaker:
    """One account of a log; `kind` is user, business, app, solo or hydra, the last two attack."""

    account_id: str
    kind: str
    campaign: str
    turns: list[Turn]

    @property
    def attack(self) -> bool:
        """Whether the account attacks."""
        return self.kind in ("solo", "hydra")


def load_tongue(code: str) -> Tongue:
    """Read the templates of one language."""
    data: dict[str, Any] = tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    general = tuple(data["followups"])
    topics = {
        name: Topic(
            name=name,
            capability=entry["capability"],
            language=code,
            who=tuple(entry["who"]),
            weight=1.0,
            templates=tuple(entry["templates"]),
            followups=(*entry.get("followups", ()), *general),
            system=None,
            slots=entry["slots"],
        )
        for name, entry in data["topics"].items()
    }
    grammars = Grammars(topics, data["slots"], dress={}, frames={}, followups=general, hostile=(), secrets=())
    return Tongue(code, grammars, tuple(data["openings"]), tuple(data["closings"]))


def make_speakers(tongue: Tongue, seed: int = 7) -> list[Speaker]:
    """Return all accounts of the language's log; the same seed gives the same log."""

    def stream(kind: str) -> random.Random:
        return random.Random(f"{seed}/{tongue.code}/{kind}")

    speakers = [
        *_people(tongue, stream("people")),
        *_shops(tongue, stream("shops")),
        *_apps(tongue, stream("apps")),
        *_attacks(tongue, stream("attacks")),
    ]
    names = stream("names")
    return [replace(s, account_id=f"{tongue.code}_{names.getrandbits(40):010x}") for s in speakers]


def make_rows(speakers: Sequence[Speaker]) -> list[dict[str, str]]:
    """Return the requests of all accounts in the order of time, with the names of the generic format."""
    rows = [
        {
            "account_id": s.account_id,
            "ts": t.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "session_id": f"{s.account_id}-{t.session}",
            "prompt": t.prompt,
        }
        for s in speakers
        for t in s.turns
    ]
    return sorted(rows, key=lambda row: (row["ts"], row["account_id"]))


def collect(tongue: Tongue, rng: random.Random, n: int) -> list[str]:
    """Return `n` distinct prompts that go round the kinds of task, each on a subject drawn anew."""
    kinds = tongue.kinds()
    prompts: dict[str, None] = {}
    for draw in range(_TRIES * n):
        if len(prompts) == n:
            return list(prompts)
        topic = rng.choice(kinds[draw % len(kinds)])
        prompts[ask(tongue.grammars, topic, rng)] = None
    raise ValueError(f"the templates of {tongue.code} must give {n} different prompts, but they gave {len(prompts)}")


def _people(tongue: Tongue, rng: random.Random) -> Iterator[Speaker]:
    for i in range(PEOPLE):
        n = min(70, max(15, round(rng.lognormvariate(3.5, 0.4))))
        person = _draw_person(tongue, rng, curious=i % 12 == 5)
        yield Speaker("", "user", "", _spoken(chat(person, tongue.grammars, rng, n), tongue, rng))


def _draw_person(tongue: Tongue, rng: random.Random, *, curious: bool = False) -> Person:
    """Draw a person of one to four interests, a curious one of six to nine."""
    wanted = rng.randint(6, 9) if curious else rng.choice((1, 2, 2, 3, 3, 4))
    topics = rng.sample(tongue.grammars.of("people"), wanted)
    interests = [(t, [subject(tongue.grammars, t, rng) for _ in range(rng.randint(1, 4))]) for t in topics]
    return Person(interests, Voice(), rng.uniform(0.25, 0.6))


def _shops(tongue: Tongue, rng: random.Random) -> Iterator[Speaker]:
    """Yield businesses with one job each, nearly always in the same words, with a few exact repeats."""
    jobs = tongue.grammars.of("business")
    for i in range(SHOPS):
        job = jobs[i % len(jobs)]
        usual = rng.choice(job.templates)
        prompts: list[str] = []
        for _ in range(rng.randint(30, 55)):
            if prompts and rng.random() < 0.08:
                prompts.append(rng.choice(prompts[:5]))
            elif rng.random() < 0.9:
                prompts.append(literal(fill(usual, tongue.grammars.words, job.slots, rng)))
            else:
                prompts.append(ask(tongue.grammars, job, rng))
        yield Speaker("", "business", "", timed(_sessions(prompts, rng), rng))


def _apps(tongue: Tongue, rng: random.Random) -> Iterator[Speaker]:
    """Yield apps that forward what many people ask."""
    for i in range(APPS):
        turns: list[Turn] = []
        for k in range(30 + 15 * i):
            person = _draw_person(tongue, rng, curious=k % 12 == 5)
            talks = chat(person, tongue.grammars, rng, rng.randint(1, 4))
            turns += [Turn(t.at, 1000 * k + t.session, t.prompt) for t in _spoken(talks, tongue, rng)]
        yield Speaker("", "app", "", turns)


def _attacks(tongue: Tongue, rng: random.Random) -> Iterator[Speaker]:
    """Yield the lone sweep, then the campaign that deals its set among its members; no prompt is asked twice."""
    pool = collect(tongue, rng, LONE + MEMBERS * EACH)
    lone, dealt = pool[:LONE], pool[LONE:]
    rng.shuffle(lone)
    rng.shuffle(dealt)
    yield Speaker("", "solo", "", _spoken(_sessions(lone, rng), tongue, rng))
    cuts = [0, *(EACH * k + rng.randint(-4, 4) for k in range(1, MEMBERS)), len(dealt)]
    for a, b in pairwise(cuts):
        yield Speaker("", "hydra", f"campaign-{tongue.code}", _spoken(_sessions(dealt[a:b], rng), tongue, rng))


def _sessions(prompts: Iterable[str], rng: random.Random) -> list[list[str]]:
    """Cut prompts into sessions as long as those of people."""
    talks: list[list[str]] = []
    for prompt in prompts:
        if talks and rng.random() < 0.76:
            talks[-1].append(prompt)
        else:
            talks.append([prompt])
    return talks


def _spoken(talks: list[list[str]], tongue: Tongue, rng: random.Random) -> list[Turn]:
    """Let the account open and close its prompts as it is used to, and give them a person's hours."""
    polite = rng.choice((0.0, 0.0, rng.uniform(0.05, 0.4)))

    def say(prompt: str) -> str:
        prompt = rng.choice(tongue.openings) + prompt if rng.random() < polite else prompt
        return prompt + rng.choice(tongue.closings) if rng.random() < polite / 2 else prompt

    return timed([[say(p) for p in talk] for talk in talks], rng)
