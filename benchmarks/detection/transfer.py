"""Read the detector of one encoder for the vectors of another.

    python benchmarks/detection/transfer.py --old default --new multilingual FOLDER:FOLD ...

What a step function says of a signal depends on where an account stands among others, and the same accounts have the
signals of both encoders. So each edge of a step function is moved to the value of the new encoder below which as many
of the accounts lie (quantile matching), over all accounts of the logs that write mostly in English, which both encoders
read. Signals that look at no vector keep their edges; steps, base and levels stay, and so does the reference of honest
log-odds, since log-odds keep their distribution. The population of fingerprints is that of `train_default.py`.

Writes NEW.json and NEW-reference.json; with --judge, prints what both detectors make of the logs.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import heldout
import numpy as np
from composed import Composed, read_logs, stack

from sweeplens.detect.calibration import parse_reference
from sweeplens.detect.detector import parse_detector
from sweeplens.detect.population import parse_population
from sweeplens.evaluate.evaluate import evaluate
from sweeplens.evaluate.sample import pool_samples
from sweeplens.pipeline.judge import Kit
from sweeplens.signals.catalog import KEYS

# Signals of texts and of their order alone.
OF_TEXT = {"repeats", "most_repeated", "repeat_middle", "resent", "runs", "leaning"}
VERSION = {"multilingual": "1", "fast": "3"}


def move_edges(shape: dict[str, Any], old: np.ndarray, new: np.ndarray) -> dict[str, Any]:
    """Return a step function with its edges moved from the values `old` to those of `new` of the same accounts."""
    old, new = np.sort(old[~np.isnan(old)]), np.sort(new[~np.isnan(new)])
    edges: list[float] = []
    steps = [shape["steps"][0]]
    for edge, step in zip(shape["edges"], shape["steps"][1:], strict=True):
        moved = float(f"{np.quantile(new, np.searchsorted(old, edge, side='right') / len(old)):.6g}")
        if edges and moved <= edges[-1]:  # beyond all accounts: the last step stands for both
            steps[-1] = step
        else:
            edges.append(moved)
            steps.append(step)
    return {**shape, "edges": edges, "steps": steps}


def transfer(old: Sequence[Composed], new: Sequence[Composed], detector: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the JSON of the detector for the encoder `name`; both lists hold the same logs."""
    main = np.array([heldout._main_language(log, i) for log in old for i in range(len(log.labels))])
    a, b = stack(old, "values"), stack(new, "values")
    rows = (main == "en") & ~np.isnan(a).all(1) & ~np.isnan(b).all(1)
    signals = {
        key: shape if key in OF_TEXT else move_edges(shape, a[rows, KEYS.index(key)], b[rows, KEYS.index(key)])
        for key, shape in detector["signals"].items()
    }
    facts = {"name": name, "version": VERSION.get(name, "1"), "encoder": name, "signals": signals}
    about = {"read_from": f"{detector['name']} {detector['version']}", "on_accounts": int(rows.sum())}
    return {**detector, **facts, "trained_on": detector["trained_on"] | about}


def kit_of(folder: Path, encoder: str) -> Kit:
    """Return the kit whose files are in a folder."""
    parts = [
        (folder / f"{encoder}{end}").read_bytes() for end in (".json", "-population.safetensors", "-reference.json")
    ]
    return Kit(
        parse_detector(parts[0], encoder), parse_population(parts[1], encoder), parse_reference(parts[2], encoder)
    )


def judge(logs: Sequence[Composed], kit: Kit) -> None:
    """Print what a detector makes of the logs."""
    found = evaluate(pool_samples([heldout.sample_of(k, heldout.judge(k, kit), kit) for k in logs]), {}, n_draws=2)
    for kind in found.kinds:
        ranking = kind.rankings[0]
        print(kind.name, f"same volume {ranking.same_volume.value:.3f}, TPR at 1 % {ranking.tpr_at_1.value:.3f}")
    print(heldout.describe(found))


def main() -> None:
    """Read both encoders' signals of the logs, and write what the new one needs."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="FOLDER:FOLD")
    ap.add_argument("--old", required=True)
    ap.add_argument("--new", required=True)
    ap.add_argument("--cache", type=Path, default=Path("out/cache"))
    ap.add_argument("--models", type=Path, default=Path("out/models"))
    ap.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "coverage/sweeplens/detect/data")
    ap.add_argument("--judge", action="store_true")
    a = ap.parse_args()
    old, new = (read_logs(a.logs, name, a.cache, a.models) for name in (a.old, a.new))
    detector = transfer(old, new, json.loads((a.out / f"{a.old}.json").read_text(encoding="utf-8")), a.new)
    (a.out / f"{a.new}.json").write_text(json.dumps(detector, indent=1) + "\n", encoding="utf-8")
    reference = json.loads((a.out / f"{a.old}-reference.json").read_text(encoding="utf-8"))
    reference |= {"encoder": a.new, "detector": f"{a.new} {detector['version']}"}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in reference.items())
    (a.out / f"{a.new}-reference.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print(f"{a.new}: the detector of {a.old}, read on {detector['trained_on']['on_accounts']} accounts")
    if a.judge:
        for name, logs in ((a.old, old), (a.new, new)):
            print(f"== {name}")
            judge(logs, kit_of(a.out, name))


if __name__ == "__main__":
    main()
