"""Verdicts through real builds and updates: ids go on, grouping does not ask what is allowed, levels come anew."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.day_log import quick, write_rows
from sweeplens.pipeline import build, update
from sweeplens.report.cases import cases_of, decision_on, detector_of
from sweeplens.report.queue import campaign_queue
from sweeplens.review.verdicts import add_verdicts, latest_verdicts
from sweeplens.store.snapshot import Snapshot, open_snapshot


def decide(snapshot: Snapshot, kind: str, subject: str, word: str) -> None:
    decision = decision_on(snapshot, kind, subject, word, seen=None, audit=0.0)
    about = {"snapshot_id": snapshot.snapshot_id, "detector": detector_of(snapshot)}
    add_verdicts(snapshot.folder.parent, [decision], **about)


def groups(snapshot: Snapshot) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {g.campaign_id: (g.label, g.accounts) for g in campaign_queue(snapshot, include_all=True)}


@pytest.fixture(scope="module")
def nights(demo_rows, tmp_path_factory):
    """A build of most of the synthetic log, verdicts on what it found, and an update with the rest."""
    folder = tmp_path_factory.mktemp("nights")
    n = len(demo_rows)
    parts = demo_rows[: int(0.8 * n)], demo_rows[int(0.8 * n) :]
    logs = [write_rows(folder / f"{i}.jsonl", rows) for i, rows in enumerate(parts)]
    about = quick(folder / "store")
    first = build(logs[:1], about).snapshot
    shutil.copytree(about.store, folder / "plain")
    sweep = campaign_queue(first)[0]
    for account in sweep.accounts:
        decide(first, "account", account, "benign")
    decide(first, "campaign", sweep.campaign_id, "confirmed sweep")
    return SimpleNamespace(
        folder=folder, logs=logs, about=about, first=first, sweep=sweep, second=update(logs[1:], about).snapshot,
        without=update(logs[1:], quick(folder / "plain")).snapshot,
    )  # fmt: skip


def test_an_allow_list_entry_takes_nobody_out_of_grouping(nights) -> None:
    assert len(nights.sweep.accounts) > 3
    assert groups(nights.second) == groups(nights.without)
    for name in ("accounts", "campaigns", "signals"):
        assert nights.second.table(name).equals(nights.without.table(name)), name


def test_a_verdict_follows_its_campaign_through_an_update(nights) -> None:
    (kept,) = [v for (kind, _), v in latest_verdicts(nights.about.store).items() if kind == "campaign"]
    assert kept.members == nights.sweep.accounts
    now = groups(nights.second)[nights.sweep.campaign_id][1]
    same = len(set(now) & set(kept.members)) / max(len(now), len(kept.members))
    case = cases_of(nights.second).of("campaign", nights.sweep.campaign_id)
    assert (same >= 0.7, case.state) == (True, "confirmed")
    assert case.verdict is not None
    assert case.verdict.snapshot_id == nights.first.snapshot_id


def test_a_rebuild_of_everything_keeps_it_and_a_lost_campaign_lets_its_members_go(nights, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(nights.about.store, store)
    again = build(nights.logs, quick(store)).snapshot
    assert cases_of(again).of("campaign", nights.sweep.campaign_id).state == "confirmed"
    # Without most of its members the group that is left is another one, and waits for somebody.
    gone = set(nights.sweep.accounts[: len(nights.sweep.accounts) // 2])
    rows = [line for log in nights.logs for line in Path(log).read_text(encoding="utf-8").splitlines()]
    kept = [line for line in rows if not any(f'"{account}"' in line for account in gone)]
    (tmp_path / "less.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    less = build([str(tmp_path / "less.jsonl")], quick(store)).snapshot
    cases = cases_of(open_snapshot(store))
    left = groups(less).get(nights.sweep.campaign_id)
    case = cases.of("campaign", nights.sweep.campaign_id)
    if left is not None:
        assert case.state == "reopened"
        assert "members that it had are gone" in case.why
    assert case.state != "confirmed"
    assert not any(key[1] in gone for key in cases.known)
