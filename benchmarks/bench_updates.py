"""A log that comes in day by day, against builds of the whole: python benchmarks/bench_updates.py LOG... --scratch DIR.

Builds the first part, updates it with each of the others, and holds the outcome against two builds of everything with
different seeds: requests and accounts, clusters (adjusted mutual information), scores, how many prompts and campaigns
keep their ids from update to update, and what an update costs.
"""

import argparse
import gzip
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_mutual_info_score

from sweeplens.config import Settings
from sweeplens.demo import write_demo
from sweeplens.logs.read import read_requests
from sweeplens.logs.rows import ReadStats, Request
from sweeplens.pipeline import build, update
from sweeplens.pipeline.writing import BuildResult
from sweeplens.store.snapshot import Snapshot


@dataclass(frozen=True)
class Seen:
    """What one snapshot says: cluster by prompt hash, score by account, accounts by campaign, ids of requests."""

    clusters: dict[str, int]
    scores: dict[str, float]
    campaigns: dict[str, frozenset[str]]
    requests: frozenset[str]


def look(snapshot: Snapshot) -> Seen:
    """Read what is compared."""
    hashes = snapshot.table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist()
    accounts = snapshot.table("accounts")
    groups = snapshot.table("campaigns")
    names = groups["campaign_id"].to_pylist()
    scores = zip(accounts["account_id"].to_pylist(), accounts["score"].to_pylist(), strict=True)
    return Seen(
        dict(zip(hashes, snapshot.table("membership")["cluster"].to_pylist(), strict=True)),
        {account: score for account, score in scores if score is not None},
        {name: frozenset(a) for name, a in zip(names, groups["accounts"].to_pylist(), strict=True)},
        frozenset(snapshot.table("requests", ["request_id"])["request_id"].to_pylist()),
    )


def split_log(logs: list[str], folder: Path, shares: list[float]) -> list[str]:
    """Cut the rows of the logs, by time, into files that hold these shares of them."""
    rows = list(read_requests(logs, stats=ReadStats(), reject=lambda _: None, redact=False))
    rows.sort(key=lambda r: r.ts or 0)
    ends = [round(len(rows) * s) for s in np.cumsum(shares)]
    files = []
    for number, (a, b) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        path = folder / f"part-{number:02d}.jsonl.gz"
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=3) as stream:
            stream.writelines(json.dumps(_row(r)) + "\n" for r in rows[a:b])
        files.append(str(path))
    return files


def _row(request: Request) -> dict[str, object]:
    row = {k: v for k, v in request._asdict().items() if v is not None and k != "source"}
    return {**row, "ts": None if request.ts is None else request.ts / 1e6}


def agreement(a: Seen, b: Seen) -> float:
    """Return the adjusted mutual information of clusters over prompts that are clustered in both."""
    both = [h for h, c in a.clusters.items() if c >= 0 and b.clusters.get(h, -1) >= 0]
    return float(adjusted_mutual_info_score([a.clusters[h] for h in both], [b.clusters[h] for h in both]))


def kept_ids(before: Seen, after: Seen) -> tuple[int, int]:
    """Return (prompts that kept their cluster's id, prompts that had one)."""
    had = {h: c for h, c in before.clusters.items() if c >= 0}
    return sum(after.clusters.get(h) == c for h, c in had.items()), len(had)


def kept_campaigns(before: Seen, after: Seen) -> tuple[int, int]:
    """Return (campaigns whose continuation has their id, campaigns that go on): half of the smaller is shared."""
    kept = on = 0
    for name, members in before.campaigns.items():
        likest = max(after.campaigns.items(), key=lambda c: len(c[1] & members), default=("", frozenset()))
        if 2 * len(likest[1] & members) >= max(1, min(len(members), len(likest[1]))):
            on += 1
            kept += likest[0] == name
    return kept, on


def correlate(a: Seen, b: Seen) -> float:
    """Return Spearman's correlation of the scores of accounts that both have."""
    both = sorted(a.scores.keys() & b.scores.keys())
    return float(spearmanr([a.scores[k] for k in both], [b.scores[k] for k in both]).statistic)


def _settings(args: argparse.Namespace, name: str, *, cold: bool = False) -> Settings:
    store = args.scratch / name
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    if args.cache and not cold:
        (store / ".cache").symlink_to(args.cache.resolve(), target_is_directory=True)
    made = Settings(store=store, encoder=args.encoder)
    return replace(made, models=args.models) if args.models else made


def _timed(name: str, result: BuildResult, start: float) -> float:
    took = time.perf_counter() - start
    about = result.summary
    print(
        f"{name}: {took:.1f} s, {about['prompts']:,} prompts ({about['new_prompts']:,} new), "
        f"{about['clusters']} clusters, noise {about['noise_share']:.1%}, {about['campaigns']} campaigns; "
        + ", ".join(f"{k} {v:.1f}" for k, v in result.seconds.items() if v >= 0.5),
        flush=True,
    )
    return took


def compare_days(args: argparse.Namespace, parts: list[str]) -> None:
    """Build day one, update with the others, and hold the end against builds of everything."""
    fulls = []
    for seed in (1, 2):
        start = time.perf_counter()
        result = build(parts, replace(_settings(args, f"full-{seed}"), seed=seed))
        _timed(f"build of everything, seed {seed}", result, start)
        fulls.append(look(result.snapshot))
    settings = _settings(args, "days")
    start = time.perf_counter()
    result = build(parts[:1], settings)
    _timed("build of part 1", result, start)
    seen, kept, had, named, went_on = look(result.snapshot), 0, 0, 0, 0
    for number, part in enumerate(parts[1:], 2):
        start = time.perf_counter()
        result = update([part], settings)
        _timed(f"update with part {number}", result, start)
        after = look(result.snapshot)
        (k, n), (c, m) = kept_ids(seen, after), kept_campaigns(seen, after)
        print(f"   {k / max(n, 1):.1%} of the prompts kept their cluster's id; {c} of {m} campaigns theirs", flush=True)
        kept, had, named, went_on, seen = kept + k, had + n, named + c, went_on + m, after
    reference = agreement(*fulls)
    reached = float(np.mean([agreement(seen, full) for full in fulls]))
    requests, accounts = seen.requests == fulls[0].requests, seen.scores.keys() == fulls[0].scores.keys()
    print(f"same requests: {requests}; same accounts with a score: {accounts}")
    print(f"AMI of two builds {reference:.3f}, of updates with a build {reached:.3f}: {reached / reference:.3f} of it")
    print(f"scores, Spearman: {correlate(seen, fulls[0]):.4f}; of two builds {correlate(*fulls):.4f}")
    print(f"cluster ids kept, over all updates: {kept / max(had, 1):.1%}; campaign ids {named} of {went_on}")


def compare_costs(args: argparse.Namespace, parts: list[str]) -> None:
    """Time an update with the last 5 % against a build of everything, with what was embedded before and without."""
    for cold in (False, True):
        if cold and not args.cold:
            continue
        how = "cold" if cold else "warm"
        settings = _settings(args, "cost", cold=cold)
        start = time.perf_counter()
        whole = _timed(f"build of everything, {how}", build(parts, settings), start)
        settings = _settings(args, "cost", cold=cold)
        build(parts[:1], settings)
        start = time.perf_counter()
        more = _timed(f"update with the last 5 %, {how}", update(parts[1:], settings), start)
        print(f"   an update costs {more / whole:.1%} of a build", flush=True)


def main() -> None:
    """Run from the command line; without a log, on the demo's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*")
    parser.add_argument("--scratch", type=Path, help="folder for the stores; without it one that goes again")
    parser.add_argument("--cache", type=Path, help="cache of vectors to share, the .cache of a store")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--encoder")
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--cold", action="store_true", help="time a build and an update with an empty cache, too")
    parser.add_argument("--only", choices=("days", "costs"))
    parser.add_argument("--corpora", help="taken by every benchmark; this one does not need it")
    args = parser.parse_args()
    args.encoder = args.encoder or ("default" if args.logs else "fast")
    with tempfile.TemporaryDirectory() as folder:
        args.scratch = args.scratch or Path(folder)
        args.scratch.mkdir(parents=True, exist_ok=True)
        logs = args.logs or [str(write_demo(args.scratch / "log", 7)[0])]
        if args.only != "costs":
            compare_days(args, split_log(logs, args.scratch, [1 / args.days] * args.days))
        if args.only != "days":
            compare_costs(args, split_log(logs, args.scratch, [0.95, 0.05]))


if __name__ == "__main__":
    main()
