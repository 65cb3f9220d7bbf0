"""People, and the gateways that forward many people's chats under one key: few topics, follow-ups, many returns."""

import random
from dataclasses import dataclass

from sweeplens.demo import clock, network
from sweeplens.demo.grammar import Grammars, Topic, ask, follow, subject
from sweeplens.demo.truth import Account, Truth, Turn
from sweeplens.demo.voice import Voice, draw_voice, speak

_LANGUAGES = ("de", "de", "es", "es", "fr", "zh", "zh", "pt", "ja", "it")


@dataclass(frozen=True)
class Person:
    """What somebody cares about: topics with the few subjects of each that they come back to, and how they write."""

    interests: list[tuple[Topic, list[dict[str, str]]]]
    voice: Voice
    chatty: float


def draw_person(grammars: Grammars, rng: random.Random, *, curious: bool = False) -> Person:
    """Draw a person; a curious one has more interests than most sweeps have time for."""
    english = grammars.of("people", "en")
    wanted = rng.randint(6, 9) if curious else rng.choice((1, 2, 2, 3, 3, 4))
    topics: list[Topic] = []
    if rng.random() < 0.2:
        topics = grammars.of("people", rng.choice(_LANGUAGES))[:2]
        wanted = rng.choice((0, 0, 1))
    weights = [t.weight for t in english]
    while wanted > 0:
        topic = rng.choices(english, weights)[0]
        if topic not in topics:
            topics.append(topic)
            wanted -= 1
    interests = [(t, [subject(grammars, t, rng) for _ in range(rng.randint(1, 4))]) for t in topics]
    return Person(interests, draw_voice(rng), rng.uniform(0.25, 0.6))


def converse(person: Person, grammars: Grammars, rng: random.Random, size: int) -> list[str]:
    """Return one conversation: a question on a subject of the person's own, then more about it."""
    topic, subjects = rng.choice(person.interests)
    held = rng.choice(subjects)
    turns: list[str] = []
    for i in range(size):
        english = topic.language == "en"
        if turns and rng.random() < 0.04:
            turns.append(turns[-1])  # sent once more for another answer
        elif i and rng.random() < person.chatty:
            turns.append(follow(grammars, topic, rng, held))
        else:
            turns.append(speak(ask(grammars, topic, rng, held), person.voice, grammars, rng, english=english))
    return turns


def chat(person: Person, grammars: Grammars, rng: random.Random, n: int) -> list[list[str]]:
    """Return conversations of one person with `n` turns in total."""
    out: list[list[str]] = []
    while n > 0:
        size = 1
        while size < n and rng.random() < 0.76:
            size += 1
        out.append(converse(person, grammars, rng, size))
        n -= size
    return out


def people(grammars: Grammars, rng: random.Random, count: int) -> list[Account]:
    """Make the accounts of `count` people; a few of them have asked only a handful of things."""
    accounts = []
    for i in range(count):
        person = draw_person(grammars, rng, curious=i % 14 == 5)
        n = rng.randint(3, 9) if i % 16 == 7 else min(70, max(10, round(rng.lognormvariate(3.0, 0.5))))
        talks = chat(person, grammars, rng, n)
        if i % 9 == 4:
            _sprinkle(talks, grammars, rng, i // 9)
        names = ", ".join(t.name.replace("_", " ") for t, _ in person.interests[:3])
        more = f" and {len(person.interests) - 3} more" if len(person.interests) > 3 else ""
        accounts.append(
            Account(
                account_id=network.account_id(rng),
                truth=Truth("benign", "user", "", f"a person: {names}{more}"),
                model=rng.choice(network.MODELS),
                ips=network.home(rng),
                user_agent=rng.choice(network.BROWSERS) if rng.random() < 0.85 else rng.choice(network.CLIENTS),
                turns=timed(talks, rng),
            )
        )
    return accounts


def _sprinkle(talks: list[list[str]], grammars: Grammars, rng: random.Random, k: int) -> None:
    """Slip text that must be shown as plain text, or made-up secrets that must be redacted, into the k-th such chat."""
    pool = grammars.hostile if k % 2 else grammars.secrets
    for i in (k - k % 2, k - k % 2 + 1):
        talk = rng.choice(talks)
        talk.insert(rng.randint(0, len(talk)), _dressed(pool[i % len(pool)], grammars, rng))


def _dressed(text: str, grammars: Grammars, rng: random.Random) -> str:
    for slot in ("first", "last", "company", "weekday"):
        text = text.replace("{" + slot + "}", rng.choice(grammars.words[slot]))
    return text


def timed(
    talks: list[list[str]], rng: random.Random, first: float = 0.0, last: float = float(clock.DAYS)
) -> list[Turn]:
    """Give each conversation a session of its own at a person's hours."""
    times = clock.sessions(rng, [len(t) for t in talks], first, last)
    return [
        Turn(at, s, prompt)
        for s, (talk, when) in enumerate(zip(talks, times, strict=True))
        for prompt, at in zip(talk, when, strict=True)
    ]


def gateways(grammars: Grammars, rng: random.Random, count: int) -> list[Account]:
    """Make apps that forward the general public: many people's conversations interleaved under one key."""
    accounts = []
    for i in range(count):
        turns: list[Turn] = []
        crowd = 45 + 15 * i
        for k in range(crowd):
            person = draw_person(grammars, rng, curious=k % 14 == 5)
            talks = chat(person, grammars, rng, rng.randint(2, 6))
            turns.extend(Turn(t.at, 1000 * k + t.session, t.prompt) for t in timed(talks, rng))
        accounts.append(
            Account(
                account_id=network.account_id(rng),
                truth=Truth("benign", "gateway", "", f"an app that forwards the chats of {crowd} people"),
                model=network.MODELS[1],
                ips=(network.v6(rng, 0x9000 + i),),
                user_agent=network.CLIENTS[i % len(network.CLIENTS)],
                turns=turns,
                org_id=f"org_{rng.getrandbits(24):06x}",
                system_prompt="You are a helpful assistant in a messenger app." if i % 2 else None,
            )
        )
    return accounts
