"""A store of many accounts with made-up signals of the fast encoder, whose labels follow a detector of their own.

Half of the default detector's signals say nothing about these labels, the other half twice as much as it thinks.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from sweeplens.detect.detector import load_detector
from sweeplens.detect.population import load_population
from sweeplens.signals.catalog import KEYS
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, make_table
from sweeplens.store.snapshot import Snapshot

PROMPTS, EACH = 600, 12


class Labelled(NamedTuple):
    """The snapshot, the ids of its accounts, and which of them attack; the last two accounts have no signals."""

    snapshot: Snapshot
    accounts: list[str]
    attack: np.ndarray


def write_labelled_store(
    store: Path, n: int = 700, *, differs: bool = True, leave_out: str = "", encoder: str = "fast"
) -> Labelled:
    """Publish the snapshot; with `differs` false the labels are as the default detector thinks."""
    rng = np.random.default_rng(11)
    default = load_detector("fast")
    values = _values(rng, n)
    parts = default.contributions(values)
    count = np.where(np.arange(len(KEYS)) % 2 == 0, 2.0, 0.0) if differs else np.ones(len(KEYS))
    odds = parts @ count
    attack = rng.random(n) < 1 / (1 + np.exp(-(odds - np.quantile(odds, 0.6))))
    names = [f"acct-{i:04d}" for i in range(n)]
    with write_snapshot(store) as writer:
        for name, columns in _tables(rng, names, values, leave_out).items():
            writer.add_table(name, make_table(name, columns))
        known = load_population("fast")
        vectors = rng.normal(size=(PROMPTS, 32 if known is None else len(known.centre)))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        writer.add_vectors(vectors.astype(np.float16))
        writer.add_array(CELLS, vectors[:2].astype(np.float32))
        snapshot = writer.publish({"encoder": {"name": encoder}, "detector": {"name": default.name}})
    return Labelled(snapshot, names, attack)


def _values(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw one step of each signal's function for each account."""
    values = np.full((n, len(KEYS)), np.nan)
    for key, shape in load_detector("fast").shapes.items():
        middles = np.r_[shape.edges, shape.edges[-1] + 1.0]
        values[:, KEYS.index(key)] = middles[rng.integers(0, len(middles), n)]
    return values


def _tables(
    rng: np.random.Generator, names: list[str], values: np.ndarray, leave_out: str
) -> dict[str, dict[str, object]]:
    n, able = len(names), names[:-2]
    kept = [key for key in KEYS if key != leave_out]
    sent = np.concatenate([rng.choice(PROMPTS, EACH, replace=False) for _ in names])
    return {
        "requests": {
            "request_id": [f"r{i}" for i in range(n * EACH)],
            "account_id": [name for name in names for _ in range(EACH)],
            "prompt_id": sent,
        },
        "prompts": {
            "prompt_id": range(PROMPTS), "prompt_hash": [f"{i:032x}" for i in range(PROMPTS)],
            "text": [f"Say something about number {i}" for i in range(PROMPTS)], "n_chars": [27] * PROMPTS,
            "language": ["en"] * PROMPTS,
        },
        "use": {
            "prompt_id": range(PROMPTS), "n_requests": np.bincount(sent, minlength=PROMPTS),
            "n_accounts": np.bincount(sent, minlength=PROMPTS),
        },
        "membership": {
            "prompt_id": range(PROMPTS), "cell": [0] * PROMPTS, "cluster": [-1] * PROMPTS, "kind": ["noise"] * PROMPTS,
            "probability": [0.0] * PROMPTS, "x": [0.0] * PROMPTS, "y": [0.0] * PROMPTS,
        },
        "accounts": {
            "account_id": names, "n_requests": [EACH] * n, "n_prompts": [EACH] * n, "level": ["none"] * n,
            "level_from": ["account"] * n, "reasons": [[]] * n, "campaign_id": [*["C-01"] * 3, *[None] * (n - 3)],
        },
        "signals": {
            "account_id": [name for name in able for _ in kept],
            "signal": kept * len(able),
            "value": values[:-2][:, [KEYS.index(k) for k in kept]].ravel(),
            "peer_percentile": [None] * (len(able) * len(kept)),
        },
        "campaigns": {
            "campaign_id": ["C-01"], "label": ["sweep"], "accounts": [names[:3]], "n_requests": [36],
            "n_prompts": [36], "score": [0.9], "level": ["review"], "evidence": ["{}"],
        },
    }  # fmt: skip
