"""Train what ships with the detector: its step functions, the test of groups, the population, the benign reference.

    python benchmarks/detection/train_default.py --encoder fast --out coverage/sweeplens/detect/data FOLDER:FOLD ...

Each FOLDER holds log.jsonl.gz and labels.csv of a composed log; FOLD is the fold of collections it was composed from,
or "all". Everything is fitted on all logs. The reference holds each honest account's log-odds by models that saw
nothing of its collections, after the help of its kin, and the groups that the same algorithm finds among honest
accounts alone.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import fitting
from composed import Composed, read_logs, stack

from sweeplens.detect.calibration import Reference, write_reference
from sweeplens.detect.detector import Detector
from sweeplens.detect.group_test import GroupTest
from sweeplens.detect.population import dump_population

VERSION = {"default": "4", "multilingual": "3", "fast": "5", "fast-english": "4"}


def detector_json(detector: Detector, logs: list[Composed]) -> str:
    """Return the detector as JSON, one line for each edge and step."""
    shapes = {
        k: {"edges": s.edges.tolist(), "steps": s.steps.tolist(), "missing": s.missing}
        for k, s in detector.shapes.items()
    }
    facts = {
        "format": 1, "name": detector.name, "version": detector.version, "encoder": detector.name,
        "base": detector.base, "levels": dict(detector.levels),
        "trained_on": {
            "logs": len(logs),
            "accounts": int((stack(logs, "attack") | stack(logs, "honest")).sum()),
            "attacks": int(stack(logs, "attack").sum()),
            "collections": len(fitting.collections(logs)),
        },
        "signals": shapes,
    }  # fmt: skip
    return json.dumps(facts, indent=1) + "\n"


def groups_json(test: GroupTest) -> str:
    """Return the test of groups as JSON."""
    shapes = {
        k: {"edges": s.edges.tolist(), "steps": s.steps.tolist(), "missing": s.missing} for k, s in test.shapes.items()
    }
    facts = {"format": 1, "name": test.name, "version": test.version, "base": test.base, "facts": shapes}
    return json.dumps(facts, indent=1) + "\n"


def main() -> None:
    """Fit on every log, and write the three files of an encoder."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("logs", nargs="+", metavar="FOLDER:FOLD")
    ap.add_argument("--encoder", required=True)
    ap.add_argument("--cache", type=Path, default=Path("out/cache"))
    ap.add_argument("--models", type=Path, default=Path("out/models"))
    ap.add_argument("--out", type=Path, required=True)
    a = ap.parse_args()
    logs = read_logs(a.logs, a.encoder, a.cache, a.models)
    fitted = fitting.fit(logs, a.encoder, VERSION[a.encoder], workers=2)
    reference: Reference = fitted.reference
    (a.out / f"{a.encoder}.json").write_text(detector_json(fitted.detector, logs), encoding="utf-8")
    (a.out / f"{a.encoder}-groups.json").write_text(groups_json(fitted.groups), encoding="utf-8")
    (a.out / f"{a.encoder}-population.safetensors").write_bytes(dump_population(fitted.population))
    made = datetime.now(UTC).strftime("%Y-%m-%d")
    (a.out / f"{a.encoder}-reference.json").write_bytes(write_reference(reference, made))
    print(
        f"{len(logs)} logs, {len(reference)} honest accounts of {reference.corpora} collections, "
        f"review from {reference.cutoff(0.005):.2f}, high from {reference.cutoff(0.001):.2f}, slope {reference.slope}, "
        f"{len(reference.groups)} groups among honest accounts"
    )


if __name__ == "__main__":
    main()
