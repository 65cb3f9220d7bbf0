"""What it costs a campaign to hide, and what is still found: one thing about it is varied at a time, then two.

    python benchmarks/detection/evasion.py --corpora DIR --mix MIX.json --out benchmarks/detection/results \
        FOLDER:FOLD ...

DIR holds NAME.jsonl.gz with prompt, conv and turn; the mix says of which kind (human_chat, distill) and in which fold
each collection is. The honest accounts of a fold's first log are the background. The prompt sets are those of the same
fold; each campaign is written as a log, read as any log is, put among the honest accounts and judged as a build would.
Judged by the detector that ships, or, with --fitted, by one that is fitted on the logs of the other folds, whose
collections it alone has seen. Writes evasion.md, evasion.svg and evasion.json.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import fitting
import numpy as np
from composed import Composed, read_log, read_logs
from evasion_report import write_report
from nearest import Near
from prompt_sets import read_prompts, read_talks
from tactics import PLAIN, SETTINGS, Made, Tactic, has_chat, make_attack
from threadpoolctl import threadpool_limits

from sweeplens.atlas.cells import make_cells
from sweeplens.config import Settings
from sweeplens.detect.campaigns import SWEEP
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import load_encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.evaluate.campaigns import FOUND
from sweeplens.evaluate.measures import auroc, same_volume_auroc, same_volume_pairs
from sweeplens.logs.read import read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.intake import LoneLog, take_alone
from sweeplens.pipeline.judge import Judged, Kit, judge_accounts, load_kit
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.coverage import measure_coverage
from sweeplens.signals.ground import Ground, measure_ground
from sweeplens.signals.measure import LEAST, measure_accounts

_FLAGGED = {"review", "high"}
_HOUR = 3_600_000_000  # microseconds


@dataclass(frozen=True)
class Job:
    """A prompt set of a fold, and the campaigns that are made of it: (group, label) -> tactic."""

    folder: Path
    fold: str
    name: str
    tactics: dict[tuple[str, str], Tactic]
    chat: tuple[str, ...]
    kit: Kit
    encoder: str
    corpora: Path
    cache: Path
    models: Path


@dataclass(frozen=True)
class Background:
    """The honest accounts of one log, by what its times are good for, each with its signals."""

    log: Composed
    honest: dict[str, tuple[Accounts, np.ndarray]]
    near: Near

    @property
    def span(self) -> tuple[int, int]:
        """Return the first and the last time of the log."""
        times = self.honest["kept"][0].times
        return int(times.min()), int(times.max())


@dataclass(frozen=True)
class Scene:
    """A background with all prompts of one job after those of the log; `number` finds them by hash."""

    behind: Background
    ground: Ground
    number: dict[str, int]


# What is asked of the detector stands in these two.


def fit_kit(logs: Sequence[Composed], encoder: str) -> Kit:
    """Return what was fitted on these logs."""
    fitted = fitting.fit(logs, encoder, "held-out")
    return Kit(fitted.detector, fitted.population, fitted.reference, fitted.groups)


def judge(scene: Scene, ground: Ground, accounts: Accounts, values: np.ndarray, kit: Kit) -> Judged:
    """Judge all accounts of a log."""
    near = scene.behind.near.among(ground.vectors, np.unique(accounts.prompts))
    return judge_accounts(accounts, ground, values, list(scene.number), kit, near=near)


@lru_cache(maxsize=1)
def set_background(folder: Path, fold: str, encoder: str, cache: Path, models: Path) -> Background:
    """Measure the honest accounts of a log once, all but their cells."""
    log = read_log(folder, fold, encoder, cache, models)
    accounts = log.accounts.only(log.honest)
    honest = {"kept": (accounts, log.values[log.honest])}
    for clock in ("to the hour", "none"):
        changed = blur(accounts, clock)
        honest[clock] = (changed, measure_accounts(changed, log.ground))
    return Background(log, honest, Near.of(log.ground.vectors, np.unique(accounts.prompts)))


def blur(accounts: Accounts, clock: str) -> Accounts:
    """Return the accounts as a log has them that knows times to the hour only, in any order, or none at all."""
    if clock == "kept":
        return accounts
    if clock == "none":
        return replace(accounts, times=np.full(len(accounts.times), MISSING))
    who = np.repeat(np.arange(len(accounts)), np.diff(accounts.offsets))
    hours = accounts.times // _HOUR * _HOUR
    order = np.lexsort((np.random.default_rng(0).random(len(who)), hours, who))
    return replace(accounts, prompts=accounts.prompts[order], times=hours[order], rows=accounts.rows[order])


def read_attack(made: Made) -> LoneLog:
    """Write a campaign as a log, and read it as the product reads one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.jsonl")
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in made.rows), encoding="utf-8")
        stats = ReadStats()
        taken = take_alone(read_requests([str(path)], stats=stats, reject=lambda _: None))
    if stats.rejected:
        raise ValueError(f"{stats.rejected} of {stats.rows} rows that were made could not be read: {stats.reasons}")
    return taken


def set_scene(behind: Background, attacks: Sequence[LoneLog], job: Job) -> Scene:
    """Measure every prompt that the attacks add."""
    number = {h: i for i, h in enumerate(behind.log.hashes)}
    fresh = {h: t for a in attacks for h, t in zip(a.hashes, a.texts, strict=True) if h not in number}
    number |= {h: len(number) + i for i, h in enumerate(fresh)}
    model = load_encoder(job.encoder, models=job.models, threads=1)
    texts = list(fresh.values())
    cache = VectorCache(job.cache, model.fingerprint, model.dim)
    vectors = embed_prompts(model, list(fresh), texts, cache).vectors
    nowhere = np.zeros(len(texts), np.int32)
    added = measure_ground(vectors, texts, detect_languages(texts), cell=nowhere, cluster=nowhere, capability=nowhere)
    return Scene(behind, _join(behind.log.ground, added), number)


def _join(a: Ground, b: Ground) -> Ground:
    pairs = {k: (getattr(a, k), getattr(b, k)) for k in Ground.__dataclass_fields__}
    return Ground(**{k: [*x, *y] if isinstance(x, list) else np.concatenate([x, y]) for k, (x, y) in pairs.items()})


def cut_cells(ground: Ground, prompts: np.ndarray) -> Ground:
    """Return the ground with the cells of a log of these prompts alone."""
    settings, cell = Settings(), np.zeros(len(ground.cell), np.int32)
    cell[prompts] = make_cells(ground.vectors[prompts], cells=settings.cells, seed=settings.seed, threads=1)[1]
    return replace(ground, cell=cell)


def cover_anew(accounts: Accounts, ground: Ground, values: np.ndarray) -> np.ndarray:
    """Return the signals of accounts with those of coverage measured on this ground."""
    values = values.copy()
    for row, account in zip(values, accounts, strict=True):
        if len(account.distinct) >= LEAST:
            for key, value in measure_coverage(account, ground).items():
                row[KEYS.index(key)] = value
    return values


def judge_attack(scene: Scene, taken: LoneLog, clock: str, kit: Kit) -> dict[str, float | None]:
    """Put one attack among the honest accounts, judge all, and return the figures."""
    honest, values = scene.behind.honest[clock]
    own, number = taken.accounts, np.array([scene.number[h] for h in taken.hashes], np.int32)
    attack = blur(replace(own, prompts=number[own.prompts], rows=own.rows + len(scene.behind.log.accounts.rows)), clock)
    both = Accounts(
        [*honest.names, *attack.names], np.r_[honest.offsets, honest.offsets[-1] + attack.offsets[1:]],
        *(np.concatenate([getattr(honest, k), getattr(attack, k)]) for k in ("prompts", "times", "rows")),
    )  # fmt: skip
    ground = cut_cells(scene.ground, np.unique(both.prompts))
    values = np.concatenate([cover_anew(honest, ground, values), measure_accounts(attack, ground)])
    sizes = np.diff(both.offsets)
    return figures(judge(scene, ground, both, values, kit), len(honest), sizes) | {
        "accounts": len(attack),
        "prompts": float(attack.volumes.mean()),
        "requests": float(sizes[len(honest) :].mean()),
    }


def figures(judged: Judged, n: int, sizes: np.ndarray) -> dict[str, float | None]:
    """Return how the accounts after the first n, the honest ones, are told from them; `sizes` are their requests."""
    flagged = np.array([k in _FLAGGED for k in judged.raised.level])
    truth = set(range(n, len(flagged)))
    groups = [set(c.codes) for c in judged.campaigns if c.label == SWEEP]
    jaccard = max((len(truth & g) / len(truth | g) for g in groups), default=0.0)
    score = np.where(np.isnan(judged.raised.score), -np.inf, judged.raised.score)  # without a score: the lowest
    attack, honest, one = score[n:], score[:n], np.ones
    unit = (np.zeros(len(attack), np.int64), np.zeros(n, np.int64))
    won, pairs = same_volume_pairs(attack, honest, (sizes[n:], sizes[:n]), unit, 1)
    like = float(same_volume_auroc(won, pairs, one((1, 1)))[0])
    return {
        "flagged": float(flagged[n:].mean()), "found": float(jaccard >= FOUND) if len(truth) > 1 else None,
        "jaccard": jaccard if len(truth) > 1 else None, "honest_flagged": int(flagged[:n].sum()), "honest": n,
        "auroc": float(auroc(attack, honest, one((1, len(attack))), one((1, n)))[0]),
        "auroc_same_volume": None if np.isnan(like) else like,
    }  # fmt: skip


def study(job: Job) -> list[dict[str, object]]:
    """Return one record for each campaign of a prompt set."""
    start = time.monotonic()
    behind = set_background(job.folder, job.fold, job.encoder, job.cache, job.models)
    prompts = read_prompts(job.corpora, job.name)
    language = Counter(detect_languages(prompts[:100])).most_common(1)[0][0]
    used = {behind.log.hashes[i] for i in np.unique(behind.honest["kept"][0].prompts).tolist()}
    talks = read_talks(job.corpora, job.chat, used) if any(map(has_chat, job.tactics.values())) else []
    made = {k: make_attack(job.name, prompts, t, talks, behind.span) for k, t in job.tactics.items()}
    taken = {k: read_attack(m) for k, m in made.items()}
    scene = set_scene(behind, list(taken.values()), job)
    records = []
    for (group, label), tactic in job.tactics.items():
        found = judge_attack(scene, taken[group, label], tactic.clock, job.kit)
        record = {"fold": job.fold, "set": job.name, "language": language, "group": group, "label": label}
        records.append(record | made[group, label].costs() | found)
    print(f"fold {job.fold}, {job.name}: {len(records)} campaigns, {time.monotonic() - start:.0f} s", flush=True)
    return records


def alone(job: Job) -> dict[str, object]:
    """Return how many honest accounts of a fold's background are flagged without any attack."""
    behind = set_background(job.folder, job.fold, job.encoder, job.cache, job.models)
    accounts, values = behind.honest["kept"]
    scene = Scene(behind, behind.log.ground, {h: i for i, h in enumerate(behind.log.hashes)})
    ground = cut_cells(scene.ground, np.unique(accounts.prompts))
    judged = judge(scene, ground, accounts, cover_anew(accounts, ground, values), job.kit)
    return {"fold": job.fold, "honest": len(accounts), "flagged": sum(k in _FLAGGED for k in judged.raised.level)}


def plan(a: argparse.Namespace, kits: dict[str, Kit]) -> list[Job]:
    """Return the jobs: every tactic on the largest prompt sets of each fold, the plain one on the others."""
    mix = json.loads(a.mix.read_text(encoding="utf-8"))
    chat = tuple(c for c in mix["human_chat"] if c not in mix.get("no_gateway", ()))
    every = {(g, label): t for g, own in SETTINGS.items() if g in a.groups for label, t in own}
    jobs = []
    for fold, kit in kits.items():
        folder = next(Path(s.rpartition(":")[0]) for s in a.logs if s.rpartition(":")[2] == fold)
        size = {c: len(read_prompts(a.corpora, c)) for c in mix["distill"] if str(mix["fold"][c]) == fold}
        names = sorted((c for c in size if size[c] >= PLAIN.prompts * PLAIN.accounts), key=lambda c: (-size[c], c))
        own = tuple(sorted(chat, key=lambda c: str(mix["fold"][c]) != fold))
        common = {"folder": folder, "fold": fold, "chat": own, "kit": kit, "encoder": a.encoder}
        paths = {"corpora": a.corpora, "cache": a.cache, "models": a.models}
        for at, name in enumerate(names):
            tactics = every if at < a.sets else {k: t for k, t in every.items() if t == PLAIN}
            if tactics:
                jobs.append(Job(name=name, tactics=tactics, **common, **paths))
    return jobs


def kits_of(a: argparse.Namespace) -> dict[str, Kit]:
    """Return what each fold is judged with."""
    folds = sorted({s.rpartition(":")[2] for s in a.logs})
    wanted = [f for f in folds if a.folds is None or f in a.folds]
    if not a.fitted:
        kit = load_kit(a.encoder, Path("no-store"))
        return dict.fromkeys(wanted, kit)
    logs = read_logs(a.logs, a.encoder, a.cache, a.models)
    return {f: fit_kit([k for k in logs if k.fold != f], a.encoder) for f in wanted}


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments, of the command line where none are given."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="FOLDER:FOLD")
    which = ap.add_mutually_exclusive_group()
    which.add_argument("--shipped", action="store_true", help="judge by what ships (the default)")
    which.add_argument("--fitted", action="store_true", help="judge by what is fitted on the other folds' logs")
    ap.add_argument("--encoder", default="fast")
    ap.add_argument("--corpora", type=Path, required=True)
    ap.add_argument("--mix", type=Path, required=True)
    ap.add_argument("--cache", type=Path, default=Path("out/cache"))
    ap.add_argument("--models", type=Path, default=Path("out/models"))
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--sets", type=int, default=3, help="prompt sets of each fold that all is tried on, the largest")
    ap.add_argument("--groups", type=lambda s: s.split(","), default=list(SETTINGS), help="only these, by commas")
    ap.add_argument("--folds", type=lambda s: s.split(","), help="only these, by commas")
    ap.add_argument("--workers", type=int, default=2)
    return ap.parse_args(words)


def main() -> None:
    """Make, judge, write."""
    a = read_arguments()
    a.out.mkdir(parents=True, exist_ok=True)
    jobs = plan(a, kits_of(a))
    first = [next(j for j in jobs if j.fold == f) for f in sorted({j.fold for j in jobs})]
    # New processes, not forked ones: the libraries' threads may hold locks here after fitting.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(a.workers, context, initializer=threadpool_limits, initargs=(1,)) as pool:
        records = [r for own in pool.map(study, jobs) for r in own]
        without = list(pool.map(alone, first))
    detector = jobs[0].kit.detector
    facts = {
        "encoder": a.encoder, "fitted": a.fitted, "sets": a.sets,
        "detector": "fitted on the other folds" if a.fitted else f"{detector.name} {detector.version}, which ships",
        "logs": [Path(s.rpartition(":")[0]).name for s in a.logs], "without_attack": without,
    }  # fmt: skip
    write_report(a.out, facts, records)


if __name__ == "__main__":
    main()
