"""The demo: a synthetic log, built and ranked, with the truth beside each row."""

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from sweeplens.cli.building import run_build
from sweeplens.cli.output import write_drawing
from sweeplens.cli.streams import say
from sweeplens.cli.tables import add_row, count, draw_ranked, make_table, score
from sweeplens.errors import StoreError, SweepLensError
from sweeplens.report.briefs import lead_reason
from sweeplens.report.facts import FLAGGED
from sweeplens.report.grouping import describe_grouping
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.store.snapshot import open_snapshot

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.config import Settings
    from sweeplens.report.facts import AccountRow, CampaignRow
    from sweeplens.store.snapshot import Snapshot

_ROWS = 40
_KINDS = {
    "user": "people",
    "tenant": "businesses",
    "tenant_key": "keys of businesses with several",
    "gateway": "apps that forward the public",
    "benchmark": "benchmark runs",
    "solo": "lone sweeps",
    "solo_blend": "lone sweeps under ordinary chat",
    "hydra": "members of campaigns",
}
Truth = dict[str, dict[str, str]]


def run_demo(settings: "Settings", store: Path, *, rebuild: bool, quiet: bool) -> None:
    """Write the log into `store`, build it there, and print what was found beside what is true.

    What an earlier run built is shown again where nothing has changed since, unless `rebuild` is set.
    """
    from sweeplens.demo import write_demo

    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the store {store} cannot be written: {error.strerror}") from None
    log, labels = write_demo(store / "log")
    if not quiet:
        say(f"wrote a synthetic log to {log}")
    settings = replace(settings, store=store)
    snapshot = None if rebuild else _built_before(settings)
    if snapshot is None:
        snapshot = run_build([str(log)], settings, quiet=quiet)
    elif not quiet:
        say(f"showing snapshot {snapshot.snapshot_id}, built before from the same log: --rebuild builds it anew")
    with labels.open(encoding="utf-8", newline="") as stream:
        truth = {row["account_id"]: row for row in csv.DictReader(stream)}
    accounts, groups = account_queue(snapshot), campaign_queue(snapshot)
    write_drawing(lambda console: _draw(console, accounts, groups, truth, store), None)


def _built_before(settings: "Settings") -> "Snapshot | None":
    """Return the current snapshot if it was built with these settings by the package as it is now."""
    try:
        snapshot = open_snapshot(settings.store)
    except SweepLensError:
        return None
    config = settings.of_build()
    created = datetime.fromisoformat(snapshot.manifest["created"]).timestamp()
    package = Path(str(resources.files("sweeplens")))
    changed = max(path.stat().st_mtime for path in package.rglob("*") if path.suffix != ".pyc" and path.is_file())
    return snapshot if snapshot.manifest.get("config") == config and changed < created else None


def _draw(
    console: "Console", accounts: Sequence["AccountRow"], groups: Sequence["CampaignRow"], truth: Truth, store: Path
) -> None:
    print_line = console.print
    print_line("The queue, with what is true of each account:\n", soft_wrap=True)
    _draw_queue(console, accounts, truth)
    print_line("\nFlagged (level review or high), by what the accounts are:\n", soft_wrap=True)
    _draw_kinds(console, accounts, truth)
    print_line("\nCampaigns, beside the true ones:\n", soft_wrap=True)
    _draw_campaigns(console, groups, truth)
    where = f" --store {store}"
    print_line(f"\nOpen the app:           sweeplens app{where}", soft_wrap=True)
    print_line(f"Look at one account:    sweeplens account {accounts[0].account_id}{where}", soft_wrap=True)


def _draw_queue(console: "Console", accounts: Sequence["AccountRow"], truth: Truth) -> None:
    shown = accounts[:_ROWS]
    cells = []
    for row in shown:
        known = truth[row.account_id]
        requests, true = count(row.n_requests, console), f"{known['type']} {known['campaign_id']}".strip()
        cells.append([row.level, score(row.score), row.account_id, requests, row.campaign_id or "", true])
    columns = ["level", "score>", "account:24", "requests>", "campaign", "truth:30"]
    draw_ranked(console, columns, cells, "why", list(map(lead_reason, shown)))


def _draw_kinds(console: "Console", accounts: Sequence["AccountRow"], truth: Truth) -> None:
    total = Counter(truth[row.account_id]["type"] for row in accounts)
    flagged = Counter(truth[row.account_id]["type"] for row in accounts if row.level in FLAGGED)
    table = make_table("truth:36", "label", "flagged>", "of>")
    labels = {row["type"]: row["label"] for row in truth.values()}
    for kind in sorted(total, key=lambda k: (labels[k] != "attack", list(_KINDS).index(k) if k in _KINDS else 99)):
        add_row(table, [_KINDS.get(kind, kind), labels[kind], str(flagged[kind]), str(total[kind])])
    console.print(table)


def _draw_campaigns(console: "Console", groups: Sequence["CampaignRow"], truth: Truth) -> None:
    true: dict[str, set[str]] = defaultdict(set)
    for account, row in truth.items():
        if row["type"] == "hydra":
            true[row["campaign_id"]].add(account)
    table = make_table("true campaign", "accounts>", "found as", "accounts>", "in both>", "overlap>")
    used = set()
    for name, members in sorted(true.items()):
        best = max(groups, key=lambda g: _overlap(members, g), default=None)
        if best is None or not _overlap(members, best):
            add_row(table, [name, str(len(members)), "not found", "", "", ""])
            continue
        used.add(best.campaign_id)
        both = len(members & set(best.accounts))
        cells = [name, str(len(members)), best.campaign_id, str(len(best.accounts)), str(both)]
        add_row(table, [*cells, f"{100 * _overlap(members, best):.0f} %"])
    for group in groups:
        if group.campaign_id not in used:
            add_row(table, ["none", "", group.campaign_id, str(len(group.accounts)), "", ""])
    console.print(table)
    for group in groups:
        console.print(f"\n{group.campaign_id}: {describe_grouping(group, 0)[0]}", soft_wrap=True, markup=False)


def _overlap(members: set[str], group: "CampaignRow") -> float:
    """Return the Jaccard index: accounts in both over accounts in either."""
    return len(members & set(group.accounts)) / len(members | set(group.accounts))
