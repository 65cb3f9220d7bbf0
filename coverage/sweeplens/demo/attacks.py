"""Sweeps by one account, and campaigns that deal one prompt set out over many accounts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from sweeplens.demo import clock, network
from sweeplens.demo.grammar import Grammars, Topic, ask
from sweeplens.demo.people import chat, draw_person, timed
from sweeplens.demo.truth import Account, Truth, Turn
from sweeplens.demo.voice import Voice, draw_voice, speak


@dataclass(frozen=True)
class Plan:
    """How a campaign works: how many accounts, what it collects, how it writes, and how it hides."""

    campaign_id: str
    accounts: int
    capabilities: tuple[str, ...]  # empty: all
    voice: Voice
    low: int  # prompts of an account
    high: int
    chat: float  # largest share of ordinary chat mixed in
    first: float  # days of the log
    last: float
    note: str


_PLANS = (
    Plan(
        "campaign-1",
        24,
        (),
        Voice(lower=0.12, typo=0.06, careful=0.1, form=0.12, brief=0.65),
        25,
        40,
        0.0,
        4.0,
        18.0,
        "all capabilities",
    ),
    Plan(
        "campaign-2",
        16,
        ("maths", "reasoning", "coding", "debugging"),
        Voice(lower=0.08, typo=0.06, careful=0.1, study=0.75),
        26,
        46,
        0.35,
        10.0,
        25.0,
        "maths, reasoning and code, under some chat",
    ),
)


def _collect(
    groups: Sequence[Sequence[Topic]], voice: Voice, grammars: Grammars, rng: random.Random, n: int
) -> list[str]:
    """Return `n` distinct prompts that go round the capabilities, each one on a subject drawn anew."""
    prompts: dict[str, None] = {}
    turn = rng.randrange(len(groups))
    while len(prompts) < n:
        topic = rng.choice(groups[turn % len(groups)])
        prompts[speak(ask(grammars, topic, rng), voice, grammars, rng)] = None
        turn += 1
    return list(prompts)


def sweeps(grammars: Grammars, rng: random.Random, count: int) -> list[Account]:
    """Make `count` accounts that sweep alone; one in four hides under ordinary chat."""
    groups = list(grammars.capabilities().values())
    accounts = []
    for i in range(count):
        n, blended = rng.randint(40, 80), i % 4 == 3
        voice = draw_voice(rng)
        prompts = _collect(groups, voice, grammars, rng, n)
        if i % 3:
            rng.shuffle(prompts)
        times = (clock.steady(rng, n), clock.office(rng, n), clock.batches(rng, n, 2))[i % 3]
        turns = [Turn(at, s, p) for s, (at, p) in enumerate(zip(times, prompts, strict=True))]
        if blended:
            cover = timed(chat(draw_person(grammars, rng), grammars, rng, round(n * rng.uniform(0.4, 0.8))), rng)
            turns += [Turn(t.at, 1000 + t.session, t.prompt) for t in cover]
        hidden = ", under ordinary chat" if blended else ""
        accounts.append(
            Account(
                account_id=network.account_id(rng),
                truth=Truth("attack", "solo_blend" if blended else "solo", "", f"a lone sweep of {n} prompts{hidden}"),
                model=network.MODELS[1],
                ips=network.home(rng),
                user_agent=rng.choice(network.CLIENTS),
                turns=turns,
            )
        )
    return accounts


def campaigns(grammars: Grammars, rng: random.Random) -> list[Account]:
    """Make the accounts of both campaigns."""
    return [account for plan in _PLANS for account in _campaign(plan, grammars, rng)]


def _campaign(plan: Plan, grammars: Grammars, rng: random.Random) -> list[Account]:
    """Generate one prompt set, shuffle it and deal it out, so that no two accounts ask the same."""
    groups = [
        topics for name, topics in grammars.capabilities().items() if not plan.capabilities or name in plan.capabilities
    ]
    sizes = [rng.randint(plan.low, plan.high) for _ in range(plan.accounts)]
    covers = [rng.uniform(0.1, plan.chat) if plan.chat and k % 2 else 0.0 for k in range(plan.accounts)]
    own = [round(n * (1 - cover)) for n, cover in zip(sizes, covers, strict=True)]
    pool = _collect(groups, plan.voice, grammars, rng, sum(own))
    rng.shuffle(pool)
    proxies = [network.v4(rng) for _ in range(max(4, plan.accounts // 2))]
    accounts = []
    for k, (n, part) in enumerate(zip(sizes, own, strict=True)):
        dealt, pool = pool[:part], pool[part:]
        cover = chat(draw_person(grammars, rng), grammars, rng, n - part) if n > part else []
        accounts.append(
            Account(
                account_id=network.account_id(rng),
                truth=Truth("attack", "hydra", plan.campaign_id, f"one of {plan.accounts} accounts: {plan.note}"),
                model=network.MODELS[1],
                ips=tuple(rng.sample(proxies, 2)),
                user_agent=rng.choice(network.CLIENTS[2:5] if k % 3 else network.BROWSERS),
                turns=_hidden(dealt, cover, plan, rng, human=k % 2 == 0),
            )
        )
    return accounts


def _hidden(dealt: list[str], cover: list[list[str]], plan: Plan, rng: random.Random, *, human: bool) -> list[Turn]:
    """Time the dealt prompts in sessions like a person's, or steadily, and lay the chat between them."""
    if human:
        talks, rest = list(cover), list(dealt)
        while rest:
            size = rng.randint(3, 9)
            talks.append(rest[:size])
            rest = rest[size:]
        rng.shuffle(talks)
        return timed(talks, rng, plan.first, plan.last)
    times = clock.steady(rng, len(dealt), plan.first, plan.last)
    turns = [Turn(at, s, p) for s, (at, p) in enumerate(zip(times, dealt, strict=True))]
    return turns + [Turn(t.at, 1000 + t.session, t.prompt) for t in timed(cover, rng, plan.first, plan.last)]
