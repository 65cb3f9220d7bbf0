"""Train the detector that ships, from snapshots of labelled logs, and print how it does on logs it has not seen.

    python benchmarks/detection/train_default.py --encoder fast --out fast.json STORE:LABELS:FOLD ...

Each argument names a store whose CURRENT snapshot is used, the labels.csv of its log, and the fold of corpora that it
was composed from (or "all"). Logs of one fold are scored by a model trained on the other folds only; levels come from
those out-of-fold scores of honest accounts. The detector that is written is trained on everything.
"""

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from sweeplens.signals.catalog import KEYS
from sweeplens.store.snapshot import open_snapshot

# One prompt set dealt over many accounts gives many rows that say the same: they count less.
WEIGHTS = {"hydra": 0.4}
# How many clusters a log has, and so how many an account visits, depends on the size of the log.
LEFT_OUT = ("clusters", "capabilities")
SEEDS = 5
MOST_EDGES = 24
QUANTILES = {"watch": 0.95, "review": 0.995, "high": 0.999}
VERSION = "1"


@dataclass(frozen=True)
class Log:
    """The signals and labels of one log, benchmark runs left out."""

    fold: str
    values: np.ndarray
    attack: np.ndarray
    weight: np.ndarray
    kind: np.ndarray
    volume: np.ndarray


def read_log(spec: str) -> Log:
    """Read STORE:LABELS:FOLD."""
    store, labels_file, fold = spec.rsplit(":", 2)
    with Path(labels_file).open(encoding="utf-8") as stream:
        labels = {r["account_id"]: r for r in csv.DictReader(stream)}
    table = open_snapshot(Path(store)).table("signals")
    names = np.array(table["account_id"].to_pylist(), object).reshape(-1, len(KEYS))[:, 0]
    values = table["value"].to_numpy(zero_copy_only=False).reshape(-1, len(KEYS))
    values = np.where(np.isin(KEYS, LEFT_OUT), 0.0, values)
    keep = np.array([labels[n]["label"] != "dual" for n in names])
    rows = [labels[n] for n in names[keep]]
    return Log(
        fold,
        values[keep],
        np.array([r["label"] == "attack" for r in rows]),
        np.array([WEIGHTS.get(r["type"], 1.0) for r in rows]),
        np.array([r["type"] for r in rows]),
        np.array([int(r["n"]) for r in rows]),
    )


def fit(logs: list[Log], seed: int) -> HistGradientBoostingClassifier:
    """Fit boosted stumps: a sum of one step function a signal. Each round sees few signals, so that many are heard."""
    model = HistGradientBoostingClassifier(
        max_leaf_nodes=2, max_iter=1500, learning_rate=0.06, min_samples_leaf=20, l2_regularization=5.0,
        max_bins=MOST_EDGES, max_features=0.05, random_state=seed,
    )  # fmt: skip
    weight = np.concatenate([k.weight for k in logs])
    attack = np.concatenate([k.attack for k in logs])
    weight = weight * np.where(attack, (weight * ~attack).sum() / (weight * attack).sum(), 1.0)
    return model.fit(np.concatenate([k.values for k in logs]), attack, sample_weight=weight)


def shapes_of(models: list[HistGradientBoostingClassifier], honest: np.ndarray) -> tuple[float, dict[str, dict]]:
    """Read the function of each signal out of additive models, centred on honest accounts."""
    centre = np.nanmedian(honest, axis=0)
    decide = lambda x: np.mean([m.decision_function(x) for m in models], axis=0)  # noqa: E731
    start = float(decide(centre[None])[0])
    base, shapes = start, {}
    for j, key in enumerate(KEYS):
        edges = np.unique(np.concatenate([m._bin_mapper.bin_thresholds_[j] for m in models]))
        # A value equal to an edge lies below it; so does the middle between two edges.
        middles = (
            np.r_[edges[:1] - 1, (edges[:-1] + edges[1:]) / 2, edges[-1:] + 1] if len(edges) else centre[j : j + 1]
        )
        rows = np.repeat(centre[None], len(middles) + 1, 0)
        rows[:-1, j], rows[-1, j] = middles, np.nan
        steps = decide(rows) - start
        keep = np.flatnonzero(np.abs(np.diff(steps[:-1])) > 1e-6)
        edges, levels = edges[keep], steps[:-1][np.r_[keep, len(middles) - 1]]
        own = honest[:, j]
        added = np.where(np.isnan(own), steps[-1], levels[np.searchsorted(edges, own, side="left")])
        shift = float(added.mean())
        base += shift
        if len(edges):
            shapes[key] = {
                "edges": [float(f"{e:.6g}") for e in edges],
                "steps": [round(float(s - shift), 4) for s in levels],
                "missing": round(float(steps[-1] - shift), 4),
            }
    return base, shapes


def same_volume(score: np.ndarray, attack: np.ndarray, volume: np.ndarray, mask: np.ndarray) -> float:
    """Return the AUROC over pairs whose request counts differ by at most a factor of 1.5."""
    p, q = np.flatnonzero(attack & mask), np.flatnonzero(~attack)
    near = np.abs(np.log(volume[p][:, None] / volume[q])) <= np.log(1.5)
    won = (score[p][:, None] > score[q]) + 0.5 * (score[p][:, None] == score[q])
    return float((won * near).sum() / max(1, near.sum()))


def report(score: np.ndarray, logs: list[Log]) -> None:
    """Print AUROC, same-volume AUROC and TPR at 1 % for each type, from out-of-fold scores."""
    attack, kind, volume = (np.concatenate([getattr(k, n) for k in logs]) for n in ("attack", "kind", "volume"))
    cut = np.quantile(score[~attack], 0.99)
    for name in ("solo", "solo_blend", "hydra"):
        mine = kind == name
        both = mine | ~attack
        print(
            f"{name:12s} AUROC {roc_auc_score(attack[both], score[both]):.3f}  same volume "
            f"{same_volume(score, attack, volume, mine):.3f}  TPR@1% {(score[mine] > cut).mean():.2f}  n {mine.sum()}"
        )


def main() -> None:
    """Train, report, write."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+")
    ap.add_argument("--encoder", required=True)
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--campaign-level", type=float, default=0.6, help="lowest score of a group that counts as a sweep")
    a = ap.parse_args()
    logs = [read_log(s) for s in a.logs]
    folds = sorted({k.fold for k in logs} - {"all"})
    held, scores = [], []
    for fold in folds:
        models = [fit([k for k in logs if k.fold not in {fold, "all"}], s) for s in range(SEEDS)]
        for k in (k for k in logs if k.fold == fold):
            held.append(k)
            scores.append(np.mean([m.decision_function(k.values) for m in models], axis=0))
    score = 1 / (1 + np.exp(-np.concatenate(scores)))
    report(score, held)
    attack = np.concatenate([k.attack for k in held])
    levels = {k: round(float(np.quantile(score[~attack], q)), 4) for k, q in QUANTILES.items()}
    honest = np.concatenate([k.values[~k.attack] for k in logs])
    base, shapes = shapes_of([fit(logs, s) for s in range(SEEDS)], honest)
    detector = {
        "format": 1, "name": a.encoder, "version": VERSION, "encoder": a.encoder, "base": round(base, 4),
        "trained_on": {"logs": len(logs), "accounts": sum(len(k.attack) for k in logs),
                       "attacks": int(sum(k.attack.sum() for k in logs)), "honest_out_of_fold": int((~attack).sum())},
        "levels": levels | {"campaign": a.campaign_level}, "signals": shapes,
    }  # fmt: skip
    a.out.write_text(json.dumps(detector, indent=1) + "\n", encoding="utf-8")
    print(levels, a.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
