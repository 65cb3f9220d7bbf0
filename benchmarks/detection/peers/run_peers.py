"""Score labelled logs by SweepLens and by the published detectors, pool them, and write one table.

    python benchmarks/detection/peers/run_peers.py --table peers.md --json peers.json STORE:LABELS ...

Each argument names a store whose CURRENT snapshot is used, and the labels.csv of its log. All stores must hold vectors
of the same encoder. The pool is one sample: the peers' reference is the benign accounts of the other fold of corpora in
all logs, and intervals draw corpora, which the logs share. `--by p` ranks by p-value, for logs that were scored by
different detectors, such as one for each fold.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from sweeplens.evaluate.bootstrap import Figure
from sweeplens.evaluate.evaluate import Evaluation, evaluate
from sweeplens.evaluate.labels import read_labels
from sweeplens.evaluate.rivals import score_peers
from sweeplens.evaluate.sample import Sample, pool_samples, pool_traffic, take_sample, take_traffic
from sweeplens.report.plain import to_plain
from sweeplens.store.snapshot import Snapshot, open_snapshot

COLUMNS = ("auroc", "same_volume", "named_users", "tpr_at_1", "tpr_at_5")
HEADS = ("AUROC", "same volume (within 1.5x)", "named users", "TPR at 1 % FPR", "TPR at 5 % FPR")


def open_log(spec: str, by: str) -> tuple[Snapshot, Sample]:
    """Read STORE:LABELS."""
    store, _, labels = spec.rpartition(":")
    snapshot = open_snapshot(Path(store))
    sample = take_sample(snapshot, read_labels(Path(labels)))
    if by == "p":
        table = snapshot.table("accounts", ["account_id", "p_value"]).to_pydict()
        p = dict(zip(table["account_id"], table["p_value"], strict=True))
        known = [p.get(label.account_id) for label in sample.labels]
        sample = replace(sample, score=np.array([np.nan if value is None else -value for value in known]))
    return snapshot, sample


def draw_table(found: Evaluation) -> str:
    """Return the figures of all detectors as markdown, one table for each kind of attack."""
    lines = []
    for kind in found.kinds:
        name = "all attacks" if kind.name == "attack" else kind.name
        lines += [f"**{name}**: {kind.n_attack} accounts, {kind.n_benign} benign", ""]
        lines += ["| | " + " | ".join(HEADS) + " |", "|---" * (1 + len(HEADS)) + "|"]
        for ranking in kind.rankings:
            cells = [show(getattr(ranking, column)) for column in COLUMNS]
            lines.append(f"| {ranking.detector.replace('*', chr(92) + '*')} | " + " | ".join(cells) + " |")
        if kind.best_peer is not None:
            peer = kind.best_peer.replace("*", "\\*")
            lines += ["", f"Same volume, less the best peer ({peer}): {show(kind.lead)}"]
        lines.append("")
    return "\n".join(lines)


def show(figure: Figure) -> str:
    """Show a number and its interval."""
    if figure.value is None:
        return "-"
    return f"{figure.value:.2f}" + ("" if figure.low is None else f" ({figure.low:.2f} to {figure.high:.2f})")


def main() -> None:
    """Score, pool, write."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="STORE:LABELS")
    ap.add_argument("--table", type=Path, required=True)
    ap.add_argument("--json", type=Path, required=True)
    ap.add_argument("--by", choices=["score", "p"], default="score", help="what SweepLens ranks accounts by")
    ap.add_argument("--bootstrap", type=int, default=1000)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    start = time.monotonic()
    opened = [open_log(spec, a.by) for spec in a.logs]
    encoders = {json.dumps(snapshot.manifest["encoder"], sort_keys=True) for snapshot, _ in opened}
    if len(encoders) > 1:
        ap.error(f"all stores must hold vectors of one encoder, but these hold those of {len(encoders)}")
    sample = pool_samples([s for _, s in opened])
    scores = score_peers(sample, pool_traffic([take_traffic(*pair) for pair in opened]), seed=a.seed)
    found = evaluate(sample, scores, n_draws=a.bootstrap, seed=a.seed)
    detectors = sorted({" ".join(map(str, s.manifest["detector"].values())) for s, _ in opened})
    encoder = opened[0][0].manifest["encoder"]["name"]
    head = (
        f"{len(opened)} logs, {found.n_accounts} labelled accounts, encoder `{encoder}`. "
        f"Intervals hold 95 % of {found.n_draws} draws of {found.n_units} whole {found.unit}.\n\n"
    )
    a.table.write_text(head + draw_table(found), encoding="utf-8")
    fact = {"logs": len(opened), "detectors": detectors, "ranked_by": a.by, "evaluation": found}
    a.json.write_text(json.dumps(to_plain(fact), indent=1) + "\n", encoding="utf-8")
    print(a.table.read_text(encoding="utf-8"))
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
