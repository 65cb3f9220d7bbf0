"""How detection holds when an attack is made harder: one number is varied at a time.

    python benchmarks/detection/robustness.py --encoder default --corpora DIR --mix MIX.json \
        --out benchmarks/detection/results FOLDER:FOLD ...

DIR holds NAME.jsonl.gz with prompt, conv and turn; the mix says of which kind (human_chat, distill) and in which fold
each collection is. For each fold everything is fitted on the other folds' logs. The honest accounts of the fold's first
log are the background; one made attack at a time is put among them and judged as a build would. The part of this
encoder in robustness.json is replaced, and robustness.md and robustness.svg are written from all of it.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path

import fitting
import made
import numpy as np
from composed import Composed, read_log
from made import FACTORS, Attack
from robustness_report import write_report

from sweeplens.atlas.cells import make_cells
from sweeplens.config import Settings
from sweeplens.detect.campaigns import SWEEP
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import load_encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.evaluate.campaigns import FOUND
from sweeplens.evaluate.measures import auroc
from sweeplens.index.neighbours import Neighbours, all_neighbours
from sweeplens.logs.read import read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.judge import Judged, Kit, judge_accounts
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.ground import Ground, measure_ground
from sweeplens.signals.measure import measure_accounts
from sweeplens.text import content_hash

_NEAREST = 30
_NOISED = 2  # prompt sets a fold that noise is tried on: their prompts have to be encoded anew
_FLAGGED = {"review", "high"}


@dataclass(frozen=True)
class Task:
    """One attack to make: the prompt set, its main language, and what it is made by."""

    name: str
    language: str
    attack: Attack


@dataclass(frozen=True)
class Scene:
    """The background of one fold: honest accounts by order of requests, with their signals and prompts' neighbours.

    ground, hashes  of the log's prompts and, after them, those of all made attacks; `number` finds them by hash
    """

    ground: Ground
    hashes: list[str]
    number: dict[str, int]
    honest: dict[str, tuple[Accounts, np.ndarray]]
    old: np.ndarray
    near: Neighbours


def plan(folder: Path, names: list[str], sets: int, factors: list[str]) -> tuple[list[Task], dict[str, list[str]]]:
    """Return what is to be made of a fold's prompt sets, and which sets each factor is tried on: the largest."""
    prompts = {k: made.read_prompts(folder, k) for k in names}
    spoken = {k: Counter(detect_languages(prompts[k][:100])).most_common(1)[0][0] for k in names}
    order = sorted(names, key=lambda k: (-len(prompts[k]), k))
    chosen = dict.fromkeys(factors, order[:sets])
    chosen |= {
        k: v
        for k, v in (("noise", [n for n in order if spoken[n] == "en"][:_NOISED]), ("language", order))
        if k in factors
    }
    tasks = [Task(n, spoken[n], a) for factor, on in chosen.items() for n in on for _, a in FACTORS[factor]]
    return list(dict.fromkeys(tasks)), chosen


def make_all(tasks: list[Task], folder: Path, chat: list[str], used: Set[str]) -> dict[Task, list[list[str]]]:
    """Make the attacks; conversations with prompts that honest accounts sent (their hashes) come last into blends."""
    talks = made.read_conversations(folder, chat)
    known = {p for c in talks for t in c for p in t if content_hash(p) in used}
    prompts = {n: made.read_prompts(folder, n) for n in {t.name for t in tasks}}
    return {t: made.make_attack(t.name, prompts[t.name], t.attack, talks, known) for t in tasks}


def set_scene(log: Composed, folder: Path, texts: list[str], *, encoder: str, cache: Path, models: Path) -> Scene:
    """Measure the background once, and every prompt that the attacks add."""
    number = {h: i for i, h in enumerate(log.hashes)}
    fresh: dict[str, str] = {}
    for text in texts:
        key = content_hash(text)
        if key not in number:
            number[key] = len(number)
            fresh[key] = text
    model = load_encoder(encoder, models=models, threads=1)
    new = list(fresh.values())
    vectors = embed_prompts(model, list(fresh), new, VectorCache(cache, model.fingerprint, model.dim)).vectors
    nowhere = np.zeros(len(new), np.int32)
    added = measure_ground(vectors, new, detect_languages(new), cell=nowhere, cluster=nowhere, capability=nowhere)
    ground = _join(log.ground, added)
    cells = make_cells(ground.vectors, cells=Settings().cells, seed=Settings().seed, threads=1)[1]
    ground = replace(ground, cell=cells)
    accounts = log.accounts.only(log.honest)
    old = np.unique(accounts.prompts)
    honest = {"kept": (accounts, log.values[log.honest])}
    for order in made.ORDERS[1:]:
        changed = _reorder(accounts, _sessions(log, folder), order)
        honest[order] = (changed, measure_accounts(changed, ground))
    near = all_neighbours(ground.vectors[old], _NEAREST, threads=1)
    near = Neighbours(old[near.ids].astype(np.int32), near.similarity)
    return Scene(ground, [*log.hashes, *fresh], number, honest, old, near)


def _join(a: Ground, b: Ground) -> Ground:
    arrays = {k: np.concatenate([getattr(a, k), getattr(b, k)]) for k in Ground.__dataclass_fields__ if k != "heads"}
    return Ground(**arrays, heads=[*a.heads, *b.heads])


def _sessions(log: Composed, folder: Path) -> np.ndarray:
    """Return the number of the session of each request of the log's honest accounts."""
    rows = read_requests([str(folder / "log.jsonl.gz")], stats=ReadStats(), reject=lambda _: None)
    names = np.array([r.session_id or "" for r in rows])
    return np.unique(names, return_inverse=True)[1][log.accounts.only(log.honest).rows]


def _reorder(accounts: Accounts, sessions: np.ndarray, order: str) -> Accounts:
    """Shuffle the requests of each session of an account, or take the times away."""
    if order == "no times":
        return replace(accounts, times=np.full(len(accounts.times), MISSING))
    if order == "kept":
        return accounts
    who = np.repeat(np.arange(len(accounts)), np.diff(accounts.offsets))
    first = np.flatnonzero(np.r_[True, (np.diff(who) != 0) | (np.diff(sessions) != 0)])
    run = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(who)]))
    return replace(accounts, prompts=accounts.prompts[np.lexsort((np.random.default_rng(0).random(len(who)), run))])


def _attackers(requests: list[list[str]], scene: Scene, order: str) -> Accounts:
    """Return the made accounts, each steadily busy over the time of the log, in sessions of six requests on average."""
    rng = np.random.default_rng(1)
    ids = [np.array([scene.number[content_hash(p)] for p in own], np.int32) for own in requests]
    sizes = np.array([len(k) for k in ids])
    log_times = scene.honest["kept"][0].times
    times = np.concatenate([np.sort(rng.integers(log_times.min(), log_times.max(), n)) for n in sizes])
    sessions = np.cumsum(rng.random(int(sizes.sum())) < 1 / 6)
    rows = len(log_times) + np.arange(len(times))
    names = [f"made-{k:03d}" for k in range(len(ids))]
    made_accounts = Accounts(names, np.r_[0, np.cumsum(sizes)], np.concatenate(ids), times, rows)
    return _reorder(made_accounts, sessions, order)


def _add_neighbours(scene: Scene, prompts: np.ndarray) -> Neighbours:
    """Return the neighbours among the prompts of the background and these, in rows by number; others are empty."""
    vectors, old = scene.ground.vectors, scene.old
    new = np.setdiff1d(prompts, old)
    ids = np.zeros((len(vectors), _NEAREST), np.int32)
    similarity = np.zeros(ids.shape, np.float32)
    ids[old], similarity[old] = _merge(scene.near, _search(vectors, old, new))
    if len(new) > _NEAREST:
        among = all_neighbours(vectors[new], _NEAREST, threads=1)
        among = Neighbours(new[among.ids].astype(np.int32), among.similarity)
        ids[new], similarity[new] = _merge(among, _search(vectors, new, old))
    elif len(new):
        found = _search(vectors, new, old)
        ids[new], similarity[new] = found.ids, found.similarity
    return Neighbours(ids, similarity)


def _search(vectors: np.ndarray, queries: np.ndarray, among: np.ndarray) -> Neighbours:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors[among], np.float32))
    similarity, at = index.search(np.ascontiguousarray(vectors[queries], np.float32), min(_NEAREST, len(among)))
    return Neighbours(among[at].astype(np.int32), similarity)


def _merge(a: Neighbours, b: Neighbours) -> tuple[np.ndarray, np.ndarray]:
    ids, similarity = np.hstack([a.ids, b.ids]), np.hstack([a.similarity, b.similarity])
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :_NEAREST]
    return np.take_along_axis(ids, order, 1), np.take_along_axis(similarity, order, 1)


def judge_attack(scene: Scene, requests: list[list[str]], order: str, kit: Kit) -> dict[str, float | None]:
    """Put one attack among the honest accounts, judge all, and return the figures."""
    honest, values = scene.honest[order]
    attack = _attackers(requests, scene, order)
    both = Accounts(
        [*honest.names, *attack.names], np.r_[honest.offsets, honest.offsets[-1] + attack.offsets[1:]],
        *(np.concatenate([getattr(honest, k), getattr(attack, k)]) for k in ("prompts", "times", "rows")),
    )  # fmt: skip
    values = np.concatenate([values, measure_accounts(attack, scene.ground)])
    ids = _add_neighbours(scene, np.unique(attack.prompts)).ids
    judged = judge_accounts(both, scene.ground, values, scene.hashes, kit, near=lambda prompts: ids[prompts])
    chat = np.isin(attack.prompts, scene.old)
    return figures(judged, len(honest)) | {
        "accounts": len(attack), "prompts": float(np.mean([len(a.distinct) for a in attack])),
        "sent_by_honest": float(chat.mean()),
    }  # fmt: skip


def figures(judged: Judged, n: int) -> dict[str, float | None]:
    """Return how the accounts after the first n, the honest ones, are told from them."""
    flagged = np.array([k in _FLAGGED for k in judged.raised.level])
    truth = set(range(n, len(flagged)))
    groups = [set(c.codes) for c in judged.campaigns if c.label == SWEEP]
    jaccard = max((len(g & truth) / len(g | truth) for g in groups), default=0.0)
    return {
        "auroc_own": _auroc(judged.scores.own, n), "auroc": _auroc(judged.raised.score, n),
        "flagged": float(flagged[n:].mean()), "honest_flagged": float(flagged[:n].mean()),
        "jaccard": jaccard if len(truth) > 1 else None,
        "found": float(jaccard >= FOUND) if len(truth) > 1 else None,
    }  # fmt: skip


def _auroc(score: np.ndarray, n: int) -> float:
    """Return AUROC; an account without a score counts as the lowest."""
    s = np.where(np.isnan(score), -np.inf, score)
    return float(auroc(s[n:], s[:n], np.ones((1, len(s) - n)), np.ones((1, n)))[0])


def study_fold(
    logs: list[Composed], folders: dict[str, Path], fold: str, mix: dict, a: argparse.Namespace
) -> list[dict]:
    """Return one record for each prompt set and attack of this fold, with the factors it counts for."""
    start = time.monotonic()
    others = [k for k in logs if k.fold != fold]
    fitted = fitting.fit(others, a.encoder, "held-out", 0.6)
    kit = Kit(fitted.detector, fitted.population, fitting.reference_of(others, fitted))
    log = next(k for k in logs if k.fold == fold)
    of = {kind: [c for c in mix[kind] if str(mix["fold"][c]) == fold] for kind in ("human_chat", "distill")}
    tasks, chosen = plan(a.corpora, of["distill"], a.sets, a.factors)
    used = {log.hashes[i] for i in np.unique(log.accounts.only(log.honest).prompts).tolist()}
    attacks = make_all(tasks, a.corpora, of["human_chat"], used)
    texts = list(dict.fromkeys(p for made_of in attacks.values() for own in made_of for p in own))
    scene = set_scene(log, folders[log.name], texts, encoder=a.encoder, cache=a.cache, models=a.models)
    print(f"fold {fold}: {len(texts)} prompts, {len(tasks)} attacks, {time.monotonic() - start:.0f} s", flush=True)
    records = []
    for task in tasks:
        found = judge_attack(scene, attacks[task], task.attack.order, kit)
        points = [
            [factor, label or task.language]
            for factor, on in chosen.items() if task.name in on
            for label, attack in FACTORS[factor] if attack == task.attack
        ]  # fmt: skip
        records.append({"fold": fold, "set": task.name, "language": task.language, "points": points} | found)
    print(f"fold {fold}: {time.monotonic() - start:.0f} s", flush=True)
    return records


def main() -> None:
    """Rotate the folds and write."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="FOLDER:FOLD")
    ap.add_argument("--encoder", required=True)
    ap.add_argument("--corpora", type=Path, required=True)
    ap.add_argument("--mix", type=Path, required=True)
    ap.add_argument("--cache", type=Path, default=Path("out/cache"))
    ap.add_argument("--models", type=Path, default=Path("out/models"))
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--sets", type=int, default=4, help="prompt sets of each fold, the largest")
    ap.add_argument("--factors", type=lambda s: s.split(","), default=list(FACTORS), help="only these, by commas")
    ap.add_argument("--folds", type=lambda s: s.split(","), help="only these, by commas")
    a = ap.parse_args()
    mix = json.loads(a.mix.read_text(encoding="utf-8"))
    specs = [(Path(s.rpartition(":")[0]), s.rpartition(":")[2]) for s in a.logs]
    logs = [read_log(folder, fold, a.encoder, a.cache, a.models) for folder, fold in specs]
    folders = {folder.name: folder for folder, _ in specs}
    records = [r for fold in sorted(a.folds or {k.fold for k in logs}) for r in study_fold(logs, folders, fold, mix, a)]
    write_report(a.out, a.encoder, [k.name for k in logs], records)


if __name__ == "__main__":
    main()
