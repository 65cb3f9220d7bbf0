"""The demo log: all accounts' requests in the order of time, and what each account really is."""

import csv
import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeplens.demo.attacks import campaigns, sweeps
from sweeplens.demo.grammar import load_grammars
from sweeplens.demo.people import gateways, people
from sweeplens.demo.tenants import benchmarks, tenants
from sweeplens.demo.truth import Account, Truth
from sweeplens.errors import LogError
from sweeplens.logs.rows import FIELDS

LOG_FILE = "demo-log.jsonl.gz"
LABELS_FILE = "labels.csv"
_PEOPLE, _GATEWAYS, _BENCHMARKS, _SWEEPS = 140, 2, 5, 12


@dataclass(frozen=True)
class DemoLog:
    """Rows with the names of the generic format, sorted by time, and the truth about each account."""

    requests: list[dict[str, Any]]
    truth: dict[str, Truth]


def make_demo(seed: int = 7) -> DemoLog:
    """Make about 7,000 requests of about 250 accounts over four weeks; the same seed gives the same log."""
    grammars = load_grammars()

    def stream(kind: str) -> random.Random:
        # One stream for each kind of account, so that a change to one leaves the others as they are.
        return random.Random(f"{seed}/{kind}")  # noqa: S311 - nothing here is secret

    accounts = [
        *people(grammars, stream("people"), _PEOPLE),
        *gateways(grammars, stream("gateways"), _GATEWAYS),
        *tenants(grammars, stream("tenants")),
        *benchmarks(grammars, stream("benchmarks"), _BENCHMARKS),
        *sweeps(grammars, stream("sweeps"), _SWEEPS),
        *campaigns(grammars, stream("campaigns")),
    ]
    rng = stream("rows")
    rows = [row for account in accounts for row in _rows(account, rng)]
    rows.sort(key=lambda row: (row["ts"], row["account_id"], row["session_id"]))
    requests = [
        {name: value for name in FIELDS if (value := {**row, "request_id": f"req_{i:06d}"}.get(name)) is not None}
        for i, row in enumerate(rows)
    ]
    return DemoLog(requests, {a.account_id: a.truth for a in sorted(accounts, key=lambda a: a.account_id)})


def _rows(account: Account, rng: random.Random) -> list[dict[str, Any]]:
    ips: dict[int, str] = {}
    rows = []
    for turn in account.turns:
        ip = ips.setdefault(turn.session, rng.choice(account.ips))
        told = len(turn.prompt) + len(account.system_prompt or "")
        rows.append(
            {
                "account_id": account.account_id,
                "ts": turn.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "prompt": turn.prompt,
                "session_id": f"{account.account_id[5:]}-{turn.session}",
                "model": account.model,
                "org_id": account.org_id,
                "ip": ip,
                "user_agent": account.user_agent,
                "system_prompt": account.system_prompt,
                "tokens_in": max(1, told // 4),
                "tokens_out": min(4000, int(rng.lognormvariate(5.2, 0.8))),
            }
        )
    return rows


def write_demo(folder: Path, seed: int = 7) -> tuple[Path, Path]:
    """Write the log and its labels into `folder`, made when absent, and return both paths.

    The log is gzipped JSONL; labels.csv has the columns account_id, label, type, campaign_id and n (requests). The same
    seed gives the same bytes. Raises `LogError` when the folder cannot be written to.
    """
    demo = make_demo(seed)
    log, labels = folder / LOG_FILE, folder / LABELS_FILE
    counts = dict.fromkeys(demo.truth, 0)
    for row in demo.requests:
        counts[row["account_id"]] += 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in demo.requests)
        # No time of writing in the header: the same seed gives the same bytes.
        log.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0))
        with labels.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("account_id", "label", "type", "campaign_id", "n"))
            for account, truth in demo.truth.items():
                writer.writerow((account, truth.label, truth.type, truth.campaign_id, counts[account]))
    except OSError as error:
        raise LogError(f"the demo log cannot be written to {folder}: {error.strerror}") from None
    return log, labels
