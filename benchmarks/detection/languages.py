"""Detection in other scripts: a log wholly in Thai, Arabic, Hindi or Chinese, and one of all four, by encoder.

    python benchmarks/detection/languages.py --encoder default fast --out FOLDER

Each log holds 60 honest accounts of a language, a lone sweep and a campaign of 12 (`language_log.py`). A store is built
for each log and encoder. Prints and writes languages.md and languages.json: where the attacks stand, whether the
campaign is a reported group, and how many honest accounts are flagged. `--stores` keeps the stores.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from language_log import LANGUAGES, Speaker, load_tongue, make_rows, make_speakers

import sweeplens
from sweeplens.evaluate.campaigns import FOUND
from sweeplens.evaluate.measures import auroc

ALL = "all"
FLAGGED = ("review", "high")
_COLUMNS = (
    ("log", "log"), ("encoder", "encoder"), ("accounts", "accounts"), ("prompts", "prompts"),
    ("sweep: rank", "sweep_rank"), ("score", "sweep_score"), ("level", "sweep_level"),
    ("members: median rank", "member_rank"), ("median score", "member_score"),
    ("above the best honest", "member_above"), ("flagged", "member_flagged"),
    ("AUROC", "auroc"), ("campaigns found", "found"), ("Jaccard", "jaccard"), ("groups", "groups"),
    ("honest flagged", "honest_flagged"), ("seconds", "seconds"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What one store says about the attacks of its log; ranks count from 1 among all accounts, by score."""

    log: str
    encoder: str
    accounts: int
    prompts: int
    sweep_rank: float
    sweep_score: float
    sweep_level: str
    member_rank: float
    member_score: float
    member_above: float
    member_flagged: float
    auroc: float
    found: str
    jaccard: float
    groups: int
    honest_flagged: str
    seconds: float


def measure(log: str, encoder: str, speakers: Sequence[Speaker], folder: Path) -> Row:
    """Build a store of these accounts in `folder`, and compare it with what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "log.jsonl"
    source.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in make_rows(speakers)), encoding="utf-8"
    )
    start = time.perf_counter()
    settings = sweeplens.Settings(store=folder / "store", encoder=encoder)
    snapshot = sweeplens.build([str(source)], settings).snapshot
    seconds = time.perf_counter() - start
    table = snapshot.table("accounts", ["account_id", "score", "level"])
    campaigns = snapshot.table("campaigns", ["label", "accounts"])
    snapshot.close()
    return Row(log, encoder, seconds=round(seconds, 1), **judge(speakers, table, campaigns))


def judge(speakers: Sequence[Speaker], accounts: pa.Table, campaigns: pa.Table) -> dict[str, Any]:
    """Compare the tables of a snapshot with what the accounts are; an account without a score counts as the lowest."""
    known = {r["account_id"]: r for r in accounts.to_pylist()}
    score = np.array([known[s.account_id]["score"] or 0.0 for s in speakers])
    level = np.array([known[s.account_id]["level"] for s in speakers])
    kind = np.array([s.kind for s in speakers])
    attack = np.array([s.attack for s in speakers])
    rank = (score[:, None] < score[None, :]).sum(1) + 1
    flagged, solo, member = np.isin(level, FLAGGED), kind == "solo", kind == "hydra"
    groups = [set(c["accounts"]) for c in campaigns.to_pylist() if c["label"] == "sweep"]
    overlaps = [
        max((len(g & truth) / len(g | truth) for g in groups), default=0.0)
        for name in sorted({s.campaign for s in speakers} - {""})
        for truth in [{s.account_id for s in speakers if s.campaign == name}]
    ]
    won = auroc(score[attack], score[~attack], np.ones((1, attack.sum())), np.ones((1, (~attack).sum())))
    return {
        "accounts": len(speakers),
        "prompts": len({t.prompt for s in speakers for t in s.turns}),
        "sweep_rank": statistics.median(rank[solo].tolist()),
        "sweep_score": round(float(np.median(score[solo])), 3),
        "sweep_level": ", ".join(level[solo].tolist()),
        "member_rank": statistics.median(rank[member].tolist()),
        "member_score": round(float(np.median(score[member])), 3),
        "member_above": round(float((score[member] > score[~attack].max()).mean()), 2),
        "member_flagged": round(float(flagged[member].mean()), 2),
        "auroc": round(float(won[0]), 3),
        "found": f"{sum(o >= FOUND for o in overlaps)} of {len(overlaps)}",
        "jaccard": round(statistics.mean(overlaps), 2),
        "groups": len(groups),
        "honest_flagged": f"{int((flagged & ~attack).sum())} of {int((~attack).sum())}",
    }


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(head for head, _ in _COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(str(getattr(row, name)) for _, name in _COLUMNS) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Compose the logs, build the stores, print and write the table after each."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--encoder", nargs="+", default=["default"])
    ap.add_argument("--languages", nargs="+", default=[*LANGUAGES, ALL], choices=[*LANGUAGES, ALL])
    ap.add_argument("--out", type=Path, required=True, help="folder for languages.md and languages.json")
    ap.add_argument("--stores", type=Path, help="folder to keep the stores in; without it they are thrown away")
    ap.add_argument("--seed", type=int, default=7)
    a = ap.parse_args()
    spoken = {code: make_speakers(load_tongue(code), a.seed) for code in LANGUAGES}
    spoken[ALL] = [speaker for code in LANGUAGES for speaker in spoken[code]]
    a.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as passing:
        for log in a.languages:
            for encoder in a.encoder:
                folder = (a.stores or Path(passing)) / log / Path(encoder).name
                rows.append(measure(log, encoder, spoken[log], folder))
                print(as_table(rows[-1:]).splitlines()[-1], flush=True)
                (a.out / "languages.md").write_text(as_table(rows), encoding="utf-8")
                (a.out / "languages.json").write_text(
                    json.dumps([asdict(r) for r in rows], ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
                )
    print(as_table(rows))


if __name__ == "__main__":
    main()
