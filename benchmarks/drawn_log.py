"""A log that nobody wrote: who asks what and when, drawn at random, and the map of it. `make_big_store.py` uses it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.atlas import CORE, NOISE, PLACED, Atlas, settle
from sweeplens.atlas.description import Cluster
from sweeplens.atlas.taxonomy import read_taxonomy
from sweeplens.embed.encoder import Encoder

DAYS, START = 42, 1_772_409_600_000_000  # of the log; 2 March 2026
CLUSTERS, CELLS_OF = 400, 512
_FAVOURITES, _SHARE_NOISE, _SHARE_BROAD = 8, 0.12, 0.06
_DAY = 86_400_000_000
_BLOCK = 65_536
_GROUPS = (0.2, 0.048, 0.024, 0.012, 0.006, 0.0032, 0.0024, 0.0016, 0.0012, 0.001)  # of the accounts, then a handful
_FEW = (16, 14, 12, 10, 8, 8, 6, 6, 5, 5)
_WORDS = (
    "small", "large", "old", "new", "quiet", "busy", "simple", "long", "short", "careful", "early", "late", "plain",
    "harbour", "kitchen", "garden", "ledger", "station", "library", "orchard", "workshop", "letter", "market", "river",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How large the store is, and from which seed."""

    prompts: int = 1_000_000
    accounts: int = 25_000
    requests: int = 2_500_000
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Log:
    """Requests in order of time, prompts numbered as they first appear, and where each prompt lies.

    account, prompt, ts   one entry a request
    broad                 bool [accounts]: whether it asks about everything
    group                 int [accounts]: its campaign, -1 for none
    topic                 int [prompts]: the centre that it was drawn around
    noise                 bool [prompts]: whether it lies too far off to be in the cluster
    """

    names: NDArray[np.object_]
    account: NDArray[np.int64]
    prompt: NDArray[np.int64]
    ts: NDArray[np.int64]
    broad: NDArray[np.bool_]
    group: NDArray[np.int64]
    topic: NDArray[np.int64]
    noise: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Topics:
    """The centres: an example text, the key of its capability and a unit vector each, and a place on the map."""

    texts: list[str]
    keys: list[str]
    vectors: NDArray[np.float32]
    places: NDArray[np.float32]


# -- the log -----------------------------------------------------------------------------------------------------------


def draw_log(size: Size, rng: np.random.Generator) -> Log:
    """Draw who asks what, when."""
    volumes = _volumes(size, rng)
    group = _groups(size.accounts, rng)
    broad = (group >= 0) | (rng.random(size.accounts) < _SHARE_BROAD)
    account = np.repeat(np.arange(size.accounts), volumes)
    popular = 1.0 / (np.arange(CLUSTERS) + 5.0) ** 0.8
    likes = rng.choice(CLUSTERS, (size.accounts, _FAVOURITES), p=popular / popular.sum())
    rank = np.minimum(rng.geometric(0.35, len(account)) - 1, _FAVOURITES - 1)
    topic = np.where(broad[account], rng.integers(0, CLUSTERS, len(account)), likes[account, rank])
    prompt, of = _deal(topic, account, size.prompts, rng)
    day, hour = rng.integers(0, DAYS, len(account)), rng.normal(14.0, 3.5, len(account)) % 24
    hour = np.where(broad[account], rng.random(len(account)) * 24, hour)
    ts = START + day * _DAY + (hour * 3_600_000_000).astype(np.int64)
    order = np.argsort(ts, kind="stable")
    account, prompt, ts = account[order], prompt[order], ts[order]
    first = np.sort(np.unique(prompt, return_index=True)[1])
    number = np.empty(size.prompts, np.int64)
    number[prompt[first]] = np.arange(size.prompts)
    names = np.array([f"acct_{i:05d}" for i in rng.permutation(size.accounts)], object)
    noise = rng.random(size.prompts) < _SHARE_NOISE
    return Log(names, account, number[prompt], ts, broad, group, of[prompt[first]], noise)


def _volumes(size: Size, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the requests of each account: most have some dozens, three apps have a twentieth of all."""
    wish = rng.lognormal(0.0, 1.4, size.accounts)
    wish[:3] = wish.sum() * 0.016
    volumes = 1 + np.floor(wish / wish.sum() * (size.requests - size.accounts)).astype(np.int64)
    volumes[: size.requests - int(volumes.sum())] += 1
    return volumes


def _groups(accounts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    sizes = [max(4, round(s * accounts)) for s in _GROUPS] + list(_FEW)
    group = np.full(accounts, -1, np.int64)
    free = 3 + rng.permutation(accounts - 3)
    for number, (start, n) in enumerate(zip(np.cumsum([0, *sizes]), sizes, strict=False)):
        group[free[start : start + n]] = number
    return group


def _deal(
    topic: NDArray[np.int64], account: NDArray[np.int64], prompts: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each request a prompt of its topic, and each prompt at least one; return also the topic of each prompt."""
    asked = np.bincount(topic, minlength=CLUSTERS)
    n = np.maximum(asked > 0, np.floor(prompts / len(topic) * asked).astype(np.int64))
    n[np.argmax(n)] += prompts - n.sum()
    if (n > asked).any():
        raise SystemExit("expected at least a quarter more requests than prompts, and 20 prompts for each topic")
    starts, shuffled = np.cumsum(n) - n, rng.permutation(len(topic))
    order = shuffled[np.argsort(topic[shuffled], kind="stable")]
    place = np.arange(len(topic)) - np.repeat(np.cumsum(asked) - asked, asked)
    mine = n[topic[order]]
    again = place >= mine
    chosen = np.where(again, np.floor(mine * rng.random(len(topic)) ** 2).astype(np.int64), place)
    prompt, repeat = np.empty(len(topic), np.int64), np.zeros(len(topic), bool)
    prompt[order] = starts[topic[order]] + chosen
    repeat[order] = again & (rng.random(len(topic)) < 0.3)
    repeat[1:] &= account[1:] == account[:-1]
    repeat[0] = False
    prompt[repeat] = prompt[np.flatnonzero(repeat) - 1]
    return prompt, np.repeat(np.arange(CLUSTERS), n)


# -- the map -----------------------------------------------------------------------------------------------------------


def make_topics(encoder: Encoder, rng: np.random.Generator) -> Topics:
    """Take the taxonomy's examples as centres; where they do not suffice, means of two of one capability."""
    pairs = [(seed, c.key) for c in read_taxonomy().capabilities for seed in c.seeds]
    texts, keys = [t for t, _ in pairs], [k for _, k in pairs]
    base = encoder.encode(texts)
    vectors = list(base)
    while len(texts) < CLUSTERS:
        at = int(rng.integers(0, len(pairs)))
        other = int(rng.choice([i for i, key in enumerate(keys[: len(pairs)]) if key == keys[at] and i != at]))
        texts.append(texts[at])
        keys.append(keys[at])
        vectors.append(0.7 * base[at] + 0.5 * base[other])
    order = rng.permutation(len(texts))[:CLUSTERS]
    known = sorted(set(keys))
    angle = np.array([known.index(k) for k in keys]) / len(known) * 2 * np.pi
    middle = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.choice([4.0, 7.0, 10.0], (len(keys), 1))
    places = (middle + rng.normal(0, 0.8, middle.shape)).astype(np.float32)
    return Topics([texts[i] for i in order], [keys[i] for i in order], _unit(np.stack(vectors))[order], places[order])


def draw_vectors(log: Log, topics: Topics, rng: np.random.Generator) -> NDArray[np.float16]:
    """Draw unit rows around the centres: a cosine of 0.75 to them in the cluster, of 0.45 outside."""
    n, dim = len(log.topic), topics.vectors.shape[1]
    out = np.empty((n, dim), np.float16)
    for start in range(0, n, _BLOCK):
        part = slice(start, min(n, start + _BLOCK))
        wide = np.where(log.noise[part], 2.0, 0.9).astype(np.float32)[:, None] / np.sqrt(np.float32(dim))
        off = rng.standard_normal((part.stop - start, dim), np.float32)
        out[part] = _unit(topics.vectors[log.topic[part]] + wide * off)
    return out


def write_texts(log: Log, topics: Topics, rng: np.random.Generator) -> list[str]:
    """Write a text for each prompt: its topic's example, made distinct."""
    first, second = (rng.integers(0, len(_WORDS), len(log.topic)).tolist() for _ in range(2))
    lead = [text.rstrip(".?!") for text in topics.texts]
    return [
        f"{lead[t]}, for the {_WORDS[a]} {_WORDS[b]} number {i}."
        for i, (t, a, b) in enumerate(zip(log.topic.tolist(), first, second, strict=True))
    ]


def make_atlas(log: Log, topics: Topics, rng: np.random.Generator) -> Atlas:
    """Place all prompts on the map."""
    taxonomy = read_taxonomy()
    n, topic = len(log.topic), log.topic
    kind = np.where(log.noise, NOISE, np.where(rng.random(n) < 0.15, PLACED, CORE)).astype(np.int8)
    spread = np.where(log.noise, 0.9, 0.22).astype(np.float32)[:, None]
    xy = topics.places[topic] + spread * rng.standard_normal((n, 2), np.float32)
    cell = np.where((topic < CELLS_OF - CLUSTERS) & (rng.random(n) < 0.5), topic + CLUSTERS, topic).astype(np.int32)
    cells = _unit(np.concatenate([topics.vectors, topics.vectors[: CELLS_OF - CLUSTERS] + np.float32(0.01)]))
    cluster = np.where(log.noise, -1, topic).astype(np.int32)
    rows = tuple(_cluster(c, topics, np.flatnonzero(cluster == c)[:8]) for c in range(CLUSTERS))
    probability = np.where(log.noise, 0.0, 1.0 - 0.5 * rng.random(n) ** 3).astype(np.float32)
    atlas = Atlas(
        cells, cell, cluster, kind, probability, xy, rows, np.full(n, -1, np.int16), taxonomy, laid_out=n,
        next_id=CLUSTERS,
    )  # fmt: skip
    return settle(atlas)


def first_prompts(atlas: Atlas, n: int) -> Atlas:
    """Return the map as it was when there were n prompts."""
    names = ("cell", "cluster", "kind", "probability", "xy", "capability")
    rows = tuple(replace(c, exemplars=tuple(e for e in c.exemplars if e < n)) for c in atlas.clusters)
    return settle(replace(atlas, **{name: getattr(atlas, name)[:n] for name in names}, clusters=rows, laid_out=n))


def _cluster(number: int, topics: Topics, exemplars: NDArray[np.int64]) -> Cluster:
    words = dict.fromkeys(w.strip(".,?!:;'\"").lower() for w in topics.texts[number].split() if len(w) > 4)
    terms = tuple(words)[:5] or (topics.keys[number],)
    x, y = topics.places[number].tolist()
    return Cluster(
        number, ", ".join(terms[:3]), terms, tuple(exemplars.tolist()), topics.keys[number], 0.6, 0, 0, 0, x, y
    )


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
