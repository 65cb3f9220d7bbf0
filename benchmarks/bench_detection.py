"""Time detection alone on a large synthetic log: every signal, scores with kin, campaigns.

    python benchmarks/bench_detection.py --accounts 25000 --prompts 40

Texts and vectors are made up: honest accounts stay with a few of 3,000 topics, and three campaigns of 300 accounts each
deal out one set that spans thirty topics. Prints seconds by step, peak memory, and which campaigns were found.
"""

import argparse
import time

import numpy as np

from sweeplens.detect.calibration import load_reference
from sweeplens.detect.detector import load_detector
from sweeplens.detect.group_test import load_group_test
from sweeplens.detect.population import load_population
from sweeplens.engine.steps import peak_memory
from sweeplens.pipeline.judge import Kit, judge_accounts
from sweeplens.signals.account import Accounts, group_codes
from sweeplens.signals.ground import measure_ground
from sweeplens.signals.measure import measure_accounts
from sweeplens.text import content_hash

_WORDS = 4000
_TOPICS, _CAMPAIGNS, _MEMBERS, _SPAN = 3000, 3, 300, 30
_NOISE = 0.05


def make_log(n_accounts: int, each: int, dim: int, seed: int) -> tuple[Accounts, np.ndarray, list[str], np.ndarray]:
    """Return accounts, unit vectors float32 [prompts, dim], texts, and the campaign of each account (-1: honest)."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(_TOPICS, dim)).astype(np.float32)
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    campaign = np.full(n_accounts, -1)
    for c in range(_CAMPAIGNS):
        campaign[c * _MEMBERS : (c + 1) * _MEMBERS] = c
    topic = np.empty((n_accounts, each), np.int64)
    for i in range(n_accounts):
        if campaign[i] >= 0:
            topic[i] = _SPAN * campaign[i] + rng.integers(0, _SPAN, each)
        else:
            favourites = rng.integers(_CAMPAIGNS * _SPAN, _TOPICS, 4)
            topic[i] = np.repeat(favourites[rng.integers(0, 4, -(-each // 4))], 4)[:each]
    flat = topic.ravel()
    vectors = topics[flat]
    for start in range(0, len(vectors), 100_000):
        part = vectors[start : start + 100_000]
        part += _NOISE * rng.normal(size=part.shape).astype(np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    words = np.array([f"w{k:x}" for k in range(_WORDS)])
    texts = [f"{' '.join(words[(t + rng.integers(0, 40, 12)) % _WORDS])} {i}" for i, t in enumerate(flat.tolist())]
    codes = np.repeat(np.arange(n_accounts), each)
    accounts = group_codes([f"a{i:06d}" for i in range(n_accounts)], codes, np.arange(len(flat)), np.arange(len(flat)))
    return accounts, vectors, texts, campaign


def main() -> None:
    """Make the log, time each step, print."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--accounts", type=int, default=25_000)
    ap.add_argument("--prompts", type=int, default=40)
    ap.add_argument("--workers", type=int, default=2)
    a = ap.parse_args()
    detector, population = load_detector("default"), load_population("default")
    accounts, vectors, texts, campaign = make_log(a.accounts, a.prompts, 384, 1)
    cell = np.arange(len(texts), dtype=np.int32) % 512
    clock = {}
    start = time.perf_counter()
    hashes = [content_hash(t) for t in texts]
    ground = measure_ground(
        vectors, texts, ["en"] * len(texts), cell=cell, cluster=cell, capability=cell % 23, workers=a.workers
    )
    clock["texts"] = time.perf_counter() - start
    start = time.perf_counter()
    values = measure_accounts(accounts, ground, workers=a.workers)
    clock["signals"] = time.perf_counter() - start
    start = time.perf_counter()
    judged = judge_accounts(
        accounts,
        ground,
        values,
        hashes,
        Kit(detector, population, load_reference("default", detector), load_group_test("default")),
    )
    clock["scores and campaigns"] = time.perf_counter() - start
    for name, seconds in clock.items():
        print(f"{name:22s} {seconds:7.1f} s")
    print(f"{'together':22s} {sum(clock.values()):7.1f} s, peak memory {peak_memory() / 2**30:.2f} GiB")
    for c in range(_CAMPAIGNS):
        members = set(np.flatnonzero(campaign == c).tolist())
        best = max((len(members & set(k.codes)) / len(members | set(k.codes)) for k in judged.campaigns), default=0.0)
        print(f"campaign {c}: best overlap {best:.2f}")


if __name__ == "__main__":
    main()
