"""Make a store of any size without a log: python benchmarks/make_big_store.py STORE [--prompts N ...].

Prompts are drawn around the shipped taxonomy's examples, as vectors and as texts made of their words, so that search,
clusters and the map look as they do on a log; accounts are people, apps and the members of sweeps, whose signals are
drawn too. What is written is a snapshot and, behind it, the update with the last 5 % of the requests: prompts, vectors
and index in two parts, as `sweeplens update` leaves them. `sweeplens verify --deep` finds nothing wrong with the store.
A million prompts and 2.5 million requests take two to four minutes on two cores, 3 GB of memory and 2 GB of disk. It
needs no network; an encoder other than "fast" must be at hand, because the examples are put into its space.
"""

import argparse
import dataclasses
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from drawn_log import (
    DAYS,
    START,
    Log,
    Size,
    draw_log,
    draw_vectors,
    first_prompts,
    make_atlas,
    make_topics,
    write_texts,
)  # fmt: skip
from numpy.typing import NDArray

from sweeplens import __version__
from sweeplens.atlas.aligning import Lineage
from sweeplens.atlas.atlas import Atlas
from sweeplens.config import Settings, load_settings
from sweeplens.detect.accounts import AccountScores
from sweeplens.detect.calibration import adjust, levels_of
from sweeplens.detect.campaigns import SWEEP, Campaign
from sweeplens.detect.kin import Kin
from sweeplens.detect.links import find_links
from sweeplens.detect.raising import Raised, raise_members
from sweeplens.detect.reasons import Reason
from sweeplens.embed.encoder import Encoder, load_encoder
from sweeplens.index import build_index
from sweeplens.pipeline import tables
from sweeplens.signals.account import Accounts, group_codes
from sweeplens.signals.catalog import BY_KEY, KEYS
from sweeplens.signals.ground import FORM, TextNumbers
from sweeplens.signals.measure import LEAST, Peers
from sweeplens.store.publish import SnapshotWriter, write_snapshot
from sweeplens.store.schema import CELLS, INDEX, REJECTS, VECTORS, make_table
from sweeplens.store.snapshot import Snapshot
from sweeplens.text import content_hash

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = NDArray[np.float64]
EARLIER = 0.95  # of the requests: what the parent has
_LABELS = ("sweep",) * 12 + ("tenant", "template", "benchmark", "undecided") * 2
_MODELS = ("model-large", "model-medium", "model-small", "model-code", "model-vision")
_LANGUAGES = ("en", "de", "fr", "es", "zh", "ja", "ru", "vi")


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What `pipeline.judge.Judged` has of the accounts, drawn instead of measured."""

    values: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    peers: Peers
    raised: Raised
    campaigns: tuple[Campaign, ...]


def judge(log: Log, accounts: Accounts, codes: NDArray[np.int64], atlas: Atlas, seed: int) -> Verdicts:
    """Draw the signals of the accounts, and score them by these. `codes` are the accounts' places in the log."""
    rng = np.random.default_rng(seed)
    n, total = len(codes), len(log.names)
    leaning = rng.choice([-1.0, 1.0], len(KEYS))
    sweeping = (np.where(log.broad, 0.5, 0.0) + np.where(log.group >= 0, 0.9, 0.0))[:, None]
    values = (0.5 + 0.12 * leaning * sweeping + 0.12 * rng.standard_normal((total, len(KEYS)))).clip(0.0, 1.0)[codes]
    values[accounts.volumes < LEAST] = np.nan
    able = ~np.isnan(values[:, 0])
    percentile = np.full(values.shape, np.nan)
    ranks = np.argsort(np.argsort(values[able], axis=0), axis=0)
    percentile[able] = 100.0 * (ranks + 0.5) / max(1, int(able.sum()))
    weights = np.nan_to_num(leaning * (percentile - 50.0) / 100.0)
    own = np.where(able, weights.sum(1) - 4.0, np.nan)
    honest = np.sort(own[able & ~log.broad[codes]])
    p = np.where(able, 1.0 - np.searchsorted(honest, own, side="left") / (len(honest) + 1.0), np.nan).clip(1e-4)
    median = np.tile(np.nanmedian(values, axis=0), (n, 1))
    kin = Kin(own, np.zeros(n), np.zeros(n, np.int64), np.full(n, np.nan))
    reasons = tuple(_reasons(*row) for row in zip(values, percentile, median, weights, strict=True))
    scores = AccountScores(own, weights, kin, 1 / (1 + np.exp(-own)), reasons)
    campaigns = tuple(_campaigns(log, accounts, codes, atlas))
    raised = raise_members(scores, levels_of(p, scores.score, 0.5), campaigns)
    q = np.full(n, np.nan)
    q[able] = adjust(p[able])
    return Verdicts(values, p, q, Peers(percentile, median), raised, campaigns)


def _reasons(value: Numbers, percentile: Numbers, median: Numbers, weight: Numbers) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            KEYS[i], float(value[i]), float(percentile[i]), float(weight[i]),
            BY_KEY[KEYS[i]].sentence(float(value[i]), float(median[i])),
        )
        for i in np.argsort(-weight, kind="stable")[:6].tolist() if weight[i] > 0.1
    )  # fmt: skip


def _campaigns(log: Log, accounts: Accounts, codes: NDArray[np.int64], atlas: Atlas) -> list[Campaign]:
    found = []
    for number, label in enumerate(_LABELS):
        members = np.flatnonzero(log.group[codes] == number)
        if len(members) < 2:
            continue
        together = accounts.union(members.tolist())
        cells = [len(np.unique(atlas.cell[accounts.distinct(m)])) for m in members.tolist()]
        score = 0.99 - 0.01 * number if label == SWEEP else 0.2
        found.append(
            Campaign(
                f"C-{number + 1:02d}", label, tuple(members.tolist()), len(together.requests), len(together.distinct),
                score, ("high" if number < 8 else "review") if label == SWEEP else "none",
                {
                    "union_cells": len(np.unique(atlas.cell[together.distinct])), "largest_member_cells": max(cells),
                    "union_score": score, "mean_score": score - 0.1, "n_scored": len(members), "mean_likeness": 0.7,
                    "dealing": "random", "dealing_ratio": 0.99, "shared_prompts": 0.02, "expected_shared": 0.03,
                    "n_accounts": len(members), "time_overlap": 0.9, "starts_within_days": 3.0, "links": [],
                },
                0.001 if label == SWEEP else 0.5, 0.004 if label == SWEEP else 0.5,
            )
        )  # fmt: skip
    return found


# -- the store ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Drawn:
    """Everything that is written: the log, its prompts, the map, the requests as a table; and from what it is made."""

    log: Log
    vectors: NDArray[np.float16]
    texts: list[str]
    atlas: Atlas
    requests: "pa.Table"
    settings: Settings
    encoder: Encoder


@dataclass(frozen=True, eq=False)
class Stage:
    """One of the two snapshots: the parent's and its own number of requests and of prompts."""

    parent: Snapshot | None
    rows: tuple[int, int]
    ids: tuple[int, int]

    @property
    def part(self) -> int | None:
        """The number of the files that hold what is new."""
        return None if self.parent is None else 1


def write_big_store(store: Path, size: Size, settings: Settings, encoder: Encoder) -> Snapshot:
    """Publish the earlier snapshot and the update behind it, and return the latter."""
    clock = time.perf_counter()
    rng = np.random.default_rng(size.seed)
    log, topics = draw_log(size, rng), make_topics(encoder, rng)
    atlas = make_atlas(log, topics, rng)
    vectors, texts = draw_vectors(log, topics, rng), write_texts(log, topics, rng)
    drawn = Drawn(log, vectors, texts, atlas, _requests_table(log, rng), settings, encoder)
    print(f"drawn after {time.perf_counter() - clock:.0f} s", flush=True)
    before, rows, ids = None, 0, 0
    for upto in (int(EARLIER * size.requests), size.requests):
        stage = Stage(before, (rows, upto), (ids, int(log.prompt[:upto].max()) + 1))
        with write_snapshot(store) as writer:
            published = _write(writer, drawn, stage)
        print(f"{published.snapshot_id} published after {time.perf_counter() - clock:.0f} s", flush=True)
        before, rows, ids = published, upto, stage.ids[1]
    return published


def _write(writer: SnapshotWriter, drawn: Drawn, stage: Stage) -> Snapshot:
    """Write what the requests up to the stage's make, on top of the parent where there is one."""
    log, upto, prompts = drawn.log, stage.rows[1], stage.ids[1]
    present = np.unique(log.account[:upto])
    codes = present[np.argsort(log.names[present].astype(str))]
    place = np.full(len(log.names), -1, np.int64)
    place[codes] = np.arange(len(codes))
    accounts = group_codes(log.names[codes].tolist(), place[log.account[:upto]], log.prompt[:upto], log.ts[:upto])
    atlas = first_prompts(drawn.atlas, prompts)
    verdicts = judge(log, accounts, codes, atlas, drawn.settings.seed)
    _write_prompts(writer, drawn, stage)
    for name, table in {
        "use": tables.use_table(accounts, prompts),
        "membership": tables.membership_table(atlas),
        "clusters": tables.clusters_table(atlas, accounts),
        "capabilities": tables.capabilities_table(atlas, accounts),
        "accounts": tables.accounts_table(accounts, verdicts),  # type: ignore[arg-type] # has what is asked for
        "signals": tables.signals_table(accounts, verdicts.values, verdicts.peers),
        "curves": tables.curves_table(accounts, atlas.cell),
        "links": tables.links_table(find_links(drawn.requests.slice(0, upto), len(codes))),
        "campaigns": tables.campaigns_table(accounts, verdicts.campaigns),
        "lineage": tables.lineage_table(_lineage(atlas, verdicts, stage.parent)),
    }.items():
        writer.add_table(name, table)
    writer.add_array(CELLS, atlas.cells)
    with writer.create(REJECTS):
        pass
    return writer.publish(_manifest(drawn, stage, atlas, len(accounts), verdicts))


def _write_prompts(writer: SnapshotWriter, drawn: Drawn, stage: Stage) -> None:
    """Write requests, prompts, vectors and index: the parent's, and a part with what came since."""
    fresh, part = slice(*stage.ids), stage.part
    if stage.parent is not None:
        for name in ("requests", "prompts", "texts", VECTORS, INDEX):
            writer.adopt(stage.parent, name)
    writer.add_table("requests", drawn.requests.slice(stage.rows[0], stage.rows[1] - stage.rows[0]), part=part)
    texts = drawn.texts[fresh]
    rng, n = np.random.default_rng(stage.ids[1]), len(texts)
    languages = [_LANGUAGES[k] for k in rng.choice(len(_LANGUAGES), n, p=[0.72, *[0.04] * 7]).tolist()]
    hashes = [content_hash(t) for t in texts]
    writer.add_table("prompts", tables.prompts_table(hashes, texts, languages, first=stage.ids[0]), part=part)
    numbers = TextNumbers(
        rng.random((n, len(FORM)), np.float32), rng.random(n, np.float32), rng.integers(40, 90, n, dtype=np.int32),
        rng.random(n, np.float32), rng.integers(0, 2**32, n),
    )  # fmt: skip
    writer.add_table("texts", tables.texts_table(numbers, first=stage.ids[0]), part=part)
    writer.add_vectors(drawn.vectors[fresh], part=part)
    writer.add_index(build_index(drawn.vectors[fresh], threads=drawn.settings.threads), part=part)


def _requests_table(log: Log, rng: np.random.Generator) -> "pa.Table":
    """Return the requests with what accounts share: organisations, addresses, clients, system prompts."""
    n, total = len(log.account), len(log.names)
    # Members of a group share addresses and clients more than others do.
    ring = np.where(log.group >= 0, log.group * 40 + rng.integers(0, 40, total), 1000 + rng.permutation(total) // 2)
    hosts = rng.integers(1, 250, total)
    address = np.array([f"10.{r // 250}.{r % 250}.{h}" for r, h in zip(ring.tolist(), hosts.tolist(), strict=True)])
    client = np.array([f"client/{v}.0" for v in rng.geometric(0.05, total).tolist()])
    org = np.array([f"org-{r}" if r % 3 == 0 else None for r in ring.tolist()], object)
    prompt = np.array(
        [f"System prompt {s}" if s < 300 else None for s in rng.integers(0, 1500, total).tolist()], object
    )
    who = log.account
    return make_table(
        "requests",
        {
            "request_id": [f"req_{i:08d}" for i in range(n)], "account_id": log.names[who], "prompt_id": log.prompt,
            "ts": log.ts, "session_id": [f"s-{k}" for k in (who * DAYS + (log.ts - START) // 86_400_000_000).tolist()],
            "model": np.array(_MODELS)[rng.choice(len(_MODELS), n, p=(0.5, 0.25, 0.15, 0.07, 0.03))],
            "org_id": org[who], "ip": address[who], "user_agent": client[who], "system_prompt": prompt[who],
            "tokens_in": rng.integers(8, 900, n), "tokens_out": rng.integers(8, 2000, n),
            "source": np.full(n, "drawn.jsonl.gz"), "request_key": rng.integers(0, 2**63, n).astype(np.uint64),
        },
    )  # fmt: skip


def _lineage(atlas: Atlas, verdicts: Verdicts, parent: Snapshot | None) -> list[Lineage]:
    """Say that every cluster and campaign of the parent goes on."""
    if parent is None:
        return []
    clusters, groups = parent.table("clusters").to_pylist(), parent.table("campaigns").to_pylist()
    before = {row["cluster_id"]: row["n_prompts"] for row in clusters}
    sizes = {row["campaign_id"]: len(row["accounts"]) for row in groups}
    rows = [(str(c.cluster_id), before.get(c.cluster_id, 0), c.n_prompts, "cluster") for c in atlas.clusters]
    rows += [(c.campaign_id, sizes.get(c.campaign_id, 0), len(c.codes), "campaign") for c in verdicts.campaigns]
    return [
        Lineage(kind, name, "kept" if old else "born", (name,) if old else (), old, new, min(old, new))
        for name, old, new, kind in rows
    ]


def _manifest(drawn: Drawn, stage: Stage, atlas: Atlas, n_accounts: int, verdicts: Verdicts) -> dict[str, Any]:
    levels = Counter(verdicts.raised.level)
    fresh = stage.rows[1] - stage.rows[0]
    config = dataclasses.asdict(drawn.settings)
    return {
        "sweeplens": __version__,
        "parent": None if stage.parent is None else stage.parent.snapshot_id,
        "text": "kept",
        "key": None,
        "config": {k: str(v) if isinstance(v, Path) else v for k, v in config.items()},
        "encoder": {"fingerprint": drawn.encoder.fingerprint, **drawn.encoder.describe()},
        "detector": {"name": "drawn", "version": "1", "fallback": False},
        "reference": {"accounts": 1000, "corpora": 1, "groups": 20, "source": "drawn at random"},
        "log": {"files": 1, "rows": fresh, "rejected": 0, "reasons": {}, "redactions": {}, "languages": {}},
        "laid_out": atlas.laid_out,
        "next_cluster": atlas.next_id,
        "next_campaign": len(_LABELS) + 1,
        "drift": None,
        "counts": {
            "rows": fresh, "rejected": 0, "requests": stage.rows[1], "accounts": n_accounts,
            "prompts": stage.ids[1], "new_prompts": stage.ids[1] - stage.ids[0], "clusters": len(atlas.clusters),
            "cells": len(atlas.cells), "noise_share": round(float((atlas.cluster < 0).mean()), 4),
            "campaigns": sum(c.label == SWEEP for c in verdicts.campaigns),
        },
        "levels": {k: levels.get(k, 0) for k in ("high", "review", "watch", "none", "insufficient")},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a store of any size without a log.")
    parser.add_argument("store", type=Path)
    for name, default in dataclasses.asdict(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--encoder", default="default", help="whose space the prompts lie in: default, fast or a name")
    args = parser.parse_args()
    settings = load_settings({"store": args.store, "encoder": args.encoder, "seed": args.seed})
    encoder = load_encoder(args.encoder, models=settings.models, threads=settings.threads)
    size = Size(args.prompts, args.accounts, args.requests, args.seed)
    snapshot = write_big_store(args.store, size, settings, encoder)
    print(f"{args.store}: {snapshot.snapshot_id}, {snapshot.manifest['counts']}")


if __name__ == "__main__":
    main()
