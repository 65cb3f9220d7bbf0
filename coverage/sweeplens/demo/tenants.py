"""Businesses with narrow, repetitive jobs on one or several keys, and the people who run a public benchmark."""

import random

from sweeplens.demo import clock, network
from sweeplens.demo.grammar import Grammars, Topic, ask, fill, literal
from sweeplens.demo.truth import Account, Truth, Turn

# How many keys each business holds.
_KEYS = (1, 6, 3, 1, 4, 2, 8, 1, 5, 3, 1, 2, 4, 3, 6)


def tenants(grammars: Grammars, rng: random.Random) -> list[Account]:
    """Make every key of every business; keys of one business share its org, network and system prompt."""
    jobs = grammars.of("business")
    accounts = []
    for i, keys in enumerate(_KEYS):
        topic = jobs[i % len(jobs)]
        company = grammars.words["company"][i % len(grammars.words["company"])]
        org, block = f"org_{rng.getrandbits(24):06x}", 0x100 + i
        system = topic.system.replace("{company}", company) if topic.system else None
        template = rng.choice(topic.templates)
        job = topic.name.replace("_", " ")
        name = "tenant-" + "".join(c if c.isalnum() else "-" for c in company.lower()) + f"-{i}"
        for k in range(keys):
            prompts = _shift(grammars, topic, template, rng, rng.randint(18, 36))
            note = f"key {k + 1} of {keys} of {company}: {job}" if keys > 1 else f"{company}: {job}"
            accounts.append(
                Account(
                    account_id=network.account_id(rng),
                    truth=Truth("benign", "tenant_key" if keys > 1 else "tenant", name if keys > 1 else "", note),
                    model=network.MODELS[0],
                    ips=(network.v6(rng, block),),
                    user_agent=network.CLIENTS[i % len(network.CLIENTS)],
                    turns=_scheduled(prompts, rng, i),
                    org_id=org,
                    system_prompt=system,
                )
            )
    return accounts


def _shift(grammars: Grammars, topic: Topic, template: str, rng: random.Random, n: int) -> list[str]:
    """Return `n` requests of one job: mostly one template, with a share of exact repeats."""
    again = rng.choice((0.05, 0.15, 0.35))
    prompts: list[str] = []
    for _ in range(n):
        if prompts and rng.random() < again:
            prompts.append(rng.choice(prompts[:5]))
        elif rng.random() < 0.9:
            prompts.append(literal(fill(template, grammars.words, topic.slots, rng)))
        else:
            prompts.append(ask(grammars, topic, rng))
    return prompts


def _scheduled(prompts: list[str], rng: random.Random, i: int) -> list[Turn]:
    n = len(prompts)
    times = (clock.office(rng, n), clock.batches(rng, n, 3), clock.steady(rng, n))[i % 3]
    return [Turn(at, s, prompt) for s, (at, prompt) in enumerate(zip(times, prompts, strict=True))]


def benchmarks(grammars: Grammars, rng: random.Random, count: int) -> list[Account]:
    """Make accounts that run one and the same exam, in its order, each starting somewhere else."""
    (exam,) = grammars.of("exam")
    questions: dict[str, None] = {}
    while len(questions) < 80:
        questions[ask(grammars, exam, rng)] = None
    pool = list(questions)
    accounts = []
    for i in range(count):
        start, n = rng.randint(0, 20), rng.randint(48, 60)
        part = pool[start : start + n]
        times = clock.batches(rng, len(part))
        accounts.append(
            Account(
                account_id=network.account_id(rng),
                truth=Truth("dual", "benchmark", "", f"runs an exam of {len(pool)} questions, {len(part)} of them"),
                model=rng.choice(network.MODELS),
                ips=(network.v4(rng),),
                user_agent=network.CLIENTS[(2 * i) % len(network.CLIENTS)],
                turns=[Turn(at, 0, prompt) for at, prompt in zip(times, part, strict=True)],
            )
        )
    return accounts
