"""How much a log moves the scores in it: the same honest accounts among 0, 5 and 35 % attacks, or fewer of themselves.

    python benchmarks/detection/log_effect.py --encoder default --out results FOLDER:FOLD ...

Each log is judged by what the other folds gave. Attacks are left out at random until they are the share that is asked
for; for the last comparison half of the honest accounts are left out. Prints Spearman's correlation of the log-odds
of the accounts that both logs hold, and the share of them with the same level.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import fitting
import numpy as np
from composed import Composed, read_logs
from heldout import judge
from scipy.stats import spearmanr

from sweeplens.pipeline.judge import Kit

PAIRS = (("none", "5 %"), ("none", "35 %"), ("5 %", "35 %"), ("half of the honest", "none"))


def make_parts(log: Composed, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return which accounts each variant of the log holds, bool [N], by name."""
    honest = ~log.attack
    attacks = rng.permutation(np.flatnonzero(log.attack))
    parts = {}
    for name, share in (("none", 0.0), ("5 %", 0.05), ("35 %", 0.35)):
        keep = honest.copy()
        keep[attacks[: round(share / (1 - share) * honest.sum())]] = True
        parts[name] = keep
    half = np.zeros(len(honest), bool)
    half[rng.permutation(np.flatnonzero(honest))[: int(honest.sum()) // 2]] = True
    return parts | {"half of the honest": half}


def compare(log: Composed, kit: Kit, seed: int) -> dict[tuple[str, str], tuple[float, float]]:
    """Return (Spearman, share of equal levels) of the accounts that two variants share, for each of PAIRS."""
    odds, levels = {}, {}
    for name, keep in make_parts(log, np.random.default_rng(seed)).items():
        judged = judge(log, kit, keep)
        odds[name], levels[name] = np.full(len(keep), np.nan), np.full(len(keep), "", object)
        odds[name][keep], levels[name][keep] = judged.scores.log_odds, judged.raised.level
    found = {}
    for a, b in PAIRS:
        both = ~np.isnan(odds[a]) & ~np.isnan(odds[b])
        found[a, b] = (
            float(spearmanr(odds[a][both], odds[b][both])[0]), float((levels[a][both] == levels[b][both]).mean()),
        )  # fmt: skip
    return found


def report(logs: Sequence[Composed], kits: dict[str, Kit]) -> str:
    """Compare every log, and return a table of the means and the worst."""
    found = [compare(k, kits[k.fold], seed) for seed, k in enumerate(logs)]
    lines = [
        "| same accounts among attacks of | Spearman, mean | worst | equal levels, mean | worst |",
        "|---|---|---|---|---|",
    ]
    for pair in PAIRS:
        rho, equal = np.array([f[pair] for f in found]).T
        lines.append(
            f"| {pair[0]}, {pair[1]} | {rho.mean():.3f} | {rho.min():.3f} | {equal.mean():.3f} | {equal.min():.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit by fold, compare, print, write."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="FOLDER:FOLD")
    ap.add_argument("--encoder", required=True)
    ap.add_argument("--cache", type=Path, default=Path("out/cache"))
    ap.add_argument("--models", type=Path, default=Path("out/models"))
    ap.add_argument("--out", type=Path, required=True)
    a = ap.parse_args()
    logs = read_logs(a.logs, a.encoder, a.cache, a.models)
    kits = {}
    for fold in {k.fold for k in logs}:
        others = [k for k in logs if k.fold != fold]
        fitted = fitting.fit(others, a.encoder, "held-out")
        kits[fold] = Kit(fitted.detector, fitted.population, fitted.reference, fitted.groups)
    text = report(logs, kits)
    (a.out / f"log-effect-{a.encoder}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
