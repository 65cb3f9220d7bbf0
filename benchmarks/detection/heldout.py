"""Judge what training gives on collections that it never saw: train on the other folds, score each log of this one.

    python benchmarks/detection/heldout.py --encoder default --out results FOLDER:FOLD ...

Everything comes from the other folds: step functions, population, reference, null groups. Folds are pooled by p, not by
score. Prints and writes the tables that `sweeplens evaluate` prints, with the published detectors beside ours, and what
becomes of the same logs without their attacks.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import fitting
import numpy as np
from composed import Composed, read_logs
from peers.run_peers import draw_table, show

from sweeplens.detect.campaigns import SWEEP
from sweeplens.detect.detector import log_odds
from sweeplens.evaluate.evaluate import Evaluation, evaluate
from sweeplens.evaluate.rivals import score_peers
from sweeplens.evaluate.sample import Sample, Traffic, pool_samples, pool_traffic
from sweeplens.index.neighbours import all_neighbours
from sweeplens.pipeline.judge import Judged, Kit, judge_accounts
from sweeplens.report.plain import to_plain

_NEAREST = 30
FLAGGED = {"review", "high"}


def judge(log: Composed, kit: Kit, keep: np.ndarray | None = None) -> Judged:
    """Judge a log, or the one that only the accounts marked by `keep`, bool [N], are in."""
    accounts, values = (log.accounts, log.values) if keep is None else (log.accounts.only(keep), log.values[keep])
    if keep is not None:
        return judge_accounts(accounts, log.ground, values, log.hashes, kit)
    ids = all_neighbours(log.ground.vectors, _NEAREST, threads=2).ids
    return judge_accounts(accounts, log.ground, values, log.hashes, kit, near=lambda prompts: ids[prompts])


def sample_of(log: Composed, judged: Judged, kit: Kit) -> Sample:
    """Return what `evaluate` needs, with scores that can be pooled over folds: by p, equal ones by log-odds."""
    odds = np.array([log_odds(s) if not np.isnan(s) else np.nan for s in judged.raised.score])
    if kit.reference is None:
        raise ValueError("scores are pooled by p, which takes a reference")
    p = kit.reference.p_values(odds, log.volume)
    language = tuple(_main_language(log, i) for i in range(len(log.labels)))
    groups = tuple(frozenset(log.accounts.names[c] for c in k.codes) for k in judged.campaigns if k.label == SWEEP)
    return Sample(
        log.labels, np.array([k.n or 0 for k in log.labels]), -np.log10(p) + 1e-3 * odds,
        np.array([k in FLAGGED for k in judged.raised.level]), language, groups, 0, 0,
    )  # fmt: skip


def without_attacks(log: Composed, kit: Kit) -> tuple[int, int, int]:
    """Return (honest accounts, those flagged, sweeps reported) of the log without its attacks."""
    keep = ~log.attack
    judged = judge(log, kit, keep)
    flagged = np.array([k in FLAGGED for k in judged.raised.level]) & log.honest[keep]
    return int(log.honest.sum()), int(flagged.sum()), sum(k.label == SWEEP for k in judged.campaigns)


def _main_language(log: Composed, account: int) -> str:
    spoken = [log.languages[p] for p in log.accounts.one(account).requests.tolist()]
    spoken = [k for k in spoken if k != "und"]
    return max(sorted(set(spoken)), key=spoken.count) if spoken else "und"


def main() -> None:
    """Rotate the folds, pool, print, write."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="FOLDER:FOLD")
    ap.add_argument("--train", nargs="*", default=[], metavar="FOLDER:FOLD", help="logs that are only trained on")
    ap.add_argument("--encoder", required=True)
    ap.add_argument("--cache", type=Path, default=Path("out/cache"))
    ap.add_argument("--models", type=Path, default=Path("out/models"))
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    a = ap.parse_args()
    logs, more = (read_logs(k, a.encoder, a.cache, a.models) for k in (a.logs, a.train))
    report(logs, a.encoder, a.out, peers=a.peers, more=more)


def report(logs: list[Composed], encoder: str, out: Path, *, peers: bool, more: Sequence[Composed] = ()) -> None:
    """Judge each log by what the other folds gave, and write heldout-ENCODER.md and .json."""
    samples, alone, traffic, free = [], [], [], []
    for fold in sorted({k.fold for k in logs}):
        others = [k for k in (*logs, *more) if k.fold != fold]
        fitted = fitting.fit(others, encoder, "held-out")
        reference = fitted.reference
        kit = Kit(fitted.detector, fitted.population, reference, fitted.groups)
        print(f"fold {fold}: {len(reference)} honest accounts, {len(reference.groups)} groups among them", flush=True)
        for log in (k for k in logs if k.fold == fold):
            judged = judge(log, kit)
            samples.append(sample_of(log, judged, kit))
            alone.append(judged.scores.own)
            prompts = tuple(a.distinct for a in log.accounts)
            traffic.append(Traffic((log.ground.vectors,), np.zeros(len(prompts), np.int64), prompts))
            free.append(without_attacks(log, kit))
            print(log.name, describe(evaluate(samples[-1], n_draws=2)), "without attacks", free[-1], flush=True)
    sample = pool_samples(samples)
    others = score_peers(sample, pool_traffic(traffic), seed=1) if peers else {}
    found = evaluate(sample, {"no kin, no campaign": np.concatenate(alone), **others}, n_draws=1000)
    honest, flagged, sweeps = np.sum(free, 0).tolist()
    last = f"Without their attacks: {flagged} of {honest} honest accounts flagged, {sweeps} sweeps in {len(free)} logs."
    text = f"{len(logs)} logs, encoder `{encoder}`.\n\n{draw_table(found)}\n{describe(found)}\n\n{last}\n"
    (out / f"heldout-{encoder}.md").write_text(text, encoding="utf-8")
    fact = {"logs": [k.name for k in logs], "evaluation": found, "without_attacks": last}
    (out / f"heldout-{encoder}.json").write_text(json.dumps(to_plain(fact), indent=1) + "\n", encoding="utf-8")
    print(text)


def describe(found: Evaluation) -> str:
    """Return levels and campaigns in a line."""
    f, c = found.flagged, found.campaigns
    return (
        f"flagged: recall {show(f.recall)}, false alarms {f.false} of {f.benign} {dict(f.false_by_type)}, "
        f"dual {f.dual_flagged} of {f.dual}; campaigns: {c.found} of {c.true}, mean Jaccard {show(c.mean_jaccard)}, "
        f"{c.false} false of {c.reported}, pair precision {show(c.pair_precision)}"
    )


if __name__ == "__main__":
    main()
