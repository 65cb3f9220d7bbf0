"""A tiny store with literal data: eight accounts, 40 prompts, four clusters, two campaigns.

Prompts 0-9 lie in cluster 0 (coding), 10-19 in cluster 1 (translation), 20-29 in cluster 2 (mathematics) and 30-37 in
cluster 3 (cooking, unassigned); 38 and 39 are noise, and 38 is mathematics all the same. A cell holds two prompts.
Prompt 5 holds escapes and markup.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from sweeplens.index import build_index
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, REJECTS, make_table
from sweeplens.store.snapshot import Snapshot
from sweeplens.text import content_hash

DIM = 16
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOSTILE = "Fix [bold]this[/bold] \x1b[31mred\x1b[0m <script>alert(1)</script> now"
TOPICS = (
    ("python, function", "coding", "Write a Python function that sorts list number {}"),
    ("translate, french", "translation", "Translate sentence number {} into French"),
    ("integral, solve", "maths", "Solve integral number {} step by step"),
    ("soup, recipe", "unassigned", "A recipe for soup number {}"),
)
NAMES = {"coding": "Coding", "translation": "Translation", "maths": "Mathematics", "unassigned": "Unassigned"}

# account -> prompts in the order in which they were sent, one an hour
SENT = {
    "=cmd": [38, 38, 38],
    "chat-1": [30, 31, 30, 32, 33, 30, 31, 34, 35, 36, 37, 0, 1],
    "chat-2": [10, 11, 12, 10, 11, 13, 14, 15, 16, 17, 18, 19],
    "dealt-a": [0, 10, 20, 2, 12, 22, 4, 14, 24, 6],
    "dealt-b": [1, 11, 21, 3, 13, 23, 5, 15, 25, 7],
    "dealt-c": [8, 18, 28, 9, 19, 29, 16, 26, 27],
    "lone": list(range(0, 40, 2)),
    "shop": [30, 31, 32, 33, 34, 30, 35, 36, 37, 20, 21, 30],
}
# An account with fewer than ten distinct prompts has no signals.
ABLE = {account: sent for account, sent in SENT.items() if len(set(sent)) >= 10}
# account -> score, level, level_from, campaign
JUDGED = {
    "=cmd": (None, "insufficient", "account", None),
    "chat-1": (0.12, "none", "account", "K-02"),
    "chat-2": (0.34, "watch", "account", "K-02"),
    "dealt-a": (0.71, "high", "campaign", "C-01"),
    "dealt-b": (0.66, "high", "campaign", "C-01"),
    "dealt-c": (0.58, "high", "campaign", "C-01"),
    "lone": (0.97, "review", "account", None),
    "shop": (0.05, "none", "account", None),
}


def write_small_store(store: Path) -> Snapshot:
    """Publish the snapshot into `store` and return it."""
    vectors = _vectors()
    with write_snapshot(store) as writer:
        for name, columns in _tables(vectors).items():
            writer.add_table(name, make_table(name, columns))
        writer.add_vectors(vectors.astype(np.float16))
        writer.add_array(CELLS, np.stack([vectors[i : i + 2].mean(0) for i in range(0, 40, 2)]).astype(np.float32))
        writer.add_index(build_index(vectors.astype(np.float16)))
        with writer.create(REJECTS):
            pass
        n = sum(len(sent) for sent in SENT.values())
        return writer.publish(
            {
                "encoder": {"name": "handmade", "dim": DIM},
                "detector": {"name": "handmade", "version": 1},
                "counts": {"requests": n, "accounts": len(SENT), "prompts": 40, "rejected": 0},
            }
        )


def prompt_text(prompt: int) -> str:
    """Return the text of a prompt."""
    if prompt == 5:
        return HOSTILE
    return TOPICS[prompt // 10][2].format(prompt) if prompt < 38 else f"Something else {prompt}"


def cluster_of(prompt: int) -> int:
    """Return the cluster of a prompt."""
    return prompt // 10 if prompt < 38 else -1


def _vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0.0, 0.1, (40, DIM))
    for prompt in range(40):
        vectors[prompt, prompt // 10 if prompt < 38 else prompt - 30] += 1.0
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _tables(vectors: np.ndarray) -> dict[str, dict[str, object]]:
    rows = [
        (account, prompt, START + timedelta(days=7 * (account == "lone"), hours=hour))
        for account, sent in SENT.items()
        for hour, prompt in enumerate(sent)
    ]
    rows.sort(key=lambda row: (row[2], row[0]))
    senders = [{account for account, prompt, _ in rows if prompt == p} for p in range(40)]
    timed = [None if account == "=cmd" else ts for account, _, ts in rows]
    return {
        "requests": {
            "request_id": [f"r{i:03d}" for i in range(len(rows))],
            "account_id": [row[0] for row in rows],
            "prompt_id": [row[1] for row in rows],
            "ts": timed,
        },
        "prompts": {
            "prompt_id": range(40),
            "prompt_hash": [content_hash(prompt_text(p)) for p in range(40)],
            "text": [prompt_text(p) for p in range(40)],
            "n_chars": [len(prompt_text(p)) for p in range(40)],
            "language": ["en"] * 40,
        },
        "use": {
            "prompt_id": range(40),
            "n_requests": [sum(row[1] == p for row in rows) for p in range(40)],
            "n_accounts": [len(s) for s in senders],
        },
        "membership": {
            "prompt_id": range(40),
            "cell": [p // 2 for p in range(40)],
            "cluster": [cluster_of(p) for p in range(40)],
            "kind": ["noise" if p >= 38 else "placed" if p % 10 == 9 else "core" for p in range(40)],
            "probability": [0.0 if p >= 38 else 1.0 - (p % 10) / 20 for p in range(40)],
            "x": vectors[:, 0] - vectors[:, 1],
            "y": vectors[:, 2] - vectors[:, 3],
            "capability": [_capability(p) for p in range(40)],
        },
        "clusters": _clusters(rows),
        "capabilities": {
            "capability": list(NAMES),
            "name": list(NAMES.values()),
            "n_prompts": [sum(_capability(p) == key for p in range(40)) for key in NAMES],
            "n_requests": [sum(_capability(row[1]) == key for row in rows) for key in NAMES],
            "n_accounts": [len({row[0] for row in rows if _capability(row[1]) == key}) for key in NAMES],
        },
        "accounts": _accounts(rows),
        "signals": {
            "account_id": [a for a in ABLE for _ in range(3)],
            "signal": ["cells", "locality", "repeats"] * len(ABLE),
            "value": [v for s in ABLE.values() for v in (len({p // 2 for p in s}) / len(set(s)), None, _repeats(s))],
            "peer_percentile": [v for i in range(len(ABLE)) for v in (10.0 * i, None, 50.0)],
        },
        "curves": _curves(),
        "links": {
            "account_id": ["dealt-a", "dealt-b", "chat-1", "dealt-a", "dealt-b", "dealt-c"],
            "kind": ["ip", "ip", "org", "org", "org", "user_agent"],
            "value": ["192.0.2.7", "192.0.2.7", "org-9", "org-9", "org-9", "probe/1.0"],
            "n_accounts": [2, 2, 3, 3, 3, 1],
            "weight": [1.25, 1.25, 0.85, 0.85, 0.85, 1.95],
        },
        "campaigns": {
            "campaign_id": ["C-01", "K-02"],
            "label": ["sweep", "tenant"],
            "accounts": [["dealt-a", "dealt-b", "dealt-c"], ["chat-1", "chat-2"]],
            "n_requests": [29, 25],
            "n_prompts": [29, 20],
            "score": [0.93, 0.2],
            "level": ["high", "none"],
            "evidence": [json.dumps({"union_cells": 15, "cohesion": 0.62}), json.dumps({"union_cells": 10})],
        },
    }


def _capability(prompt: int) -> str:
    return TOPICS[prompt // 10][1] if prompt < 38 else "maths" if prompt == 38 else "unassigned"


def _repeats(sent: list[int]) -> float:
    return 1.0 - len(set(sent)) / len(sent)


def _clusters(rows: list[tuple[str, int, datetime]]) -> dict[str, object]:
    inside = [[row for row in rows if cluster_of(row[1]) == c] for c in range(4)]
    sizes = [sum(cluster_of(p) == c for p in range(40)) for c in range(4)]
    placed = [sum(cluster_of(p) == c and p % 10 == 9 for p in range(40)) for c in range(4)]
    return {
        "cluster_id": range(4),
        "name": [topic[0] for topic in TOPICS],
        "terms": [topic[0].split(", ") for topic in TOPICS],
        "exemplars": [[10 * c + i for i in (1, 3, 5)] for c in range(4)],
        "capability": [topic[1] for topic in TOPICS],
        "capability_score": [0.8, 0.7, 0.9, 0.1],
        "n_prompts": sizes,
        "n_core": [size - few for size, few in zip(sizes, placed, strict=True)],
        "n_placed": placed,
        "n_requests": [len(part) for part in inside],
        "n_accounts": [len({row[0] for row in part}) for part in inside],
        "x": [1.0, -1.0, 0.0, 0.0],
        "y": [0.0, 0.0, 1.0, -1.0],
    }


def _accounts(rows: list[tuple[str, int, datetime]]) -> dict[str, object]:
    times = {a: [row[2] for row in rows if row[0] == a] for a in SENT}
    cells = {"signal": "cells", "value": 0.9, "peer_percentile": 99.0, "weight": 1.5}
    group = {"signal": "campaign", "value": 0.93, "peer_percentile": None, "weight": 2.0}
    reasons: dict[str, list[dict[str, object]]] = {account: [] for account in SENT}
    for account in ("dealt-a", "dealt-b", "dealt-c"):
        reasons[account].append({**group, "text": "asks like 2 other accounts, which together score 0.93"})
    for account in ("dealt-a", "dealt-b", "lone"):
        n = len({p // 2 for p in SENT[account]})
        reasons[account].append({**cells, "text": f"asks in {n} different cells; peers of like volume in 5"})
    return {
        "account_id": list(SENT),
        "n_requests": [len(sent) for sent in SENT.values()],
        "n_prompts": [len(set(sent)) for sent in SENT.values()],
        "first_ts": [None if a == "=cmd" else min(times[a]) for a in SENT],
        "last_ts": [None if a == "=cmd" else max(times[a]) for a in SENT],
        "score": [JUDGED[a][0] for a in SENT],
        "level": [JUDGED[a][1] for a in SENT],
        "level_from": [JUDGED[a][2] for a in SENT],
        "campaign_id": [JUDGED[a][3] for a in SENT],
        "reasons": list(reasons.values()),
    }


def _curves() -> dict[str, object]:
    account, n, cells = [], [], []
    for name, sent in SENT.items():
        distinct = list(dict.fromkeys(sent))
        for m in sorted({m for m in (1, 2, 3, 5, 8, 10, 15, 20) if m <= len(distinct)} | {len(distinct)}):
            account.append(name)
            n.append(m)
            cells.append(len({p // 2 for p in distinct[:m]}))
    return {"account_id": account, "n": n, "cells": cells}
