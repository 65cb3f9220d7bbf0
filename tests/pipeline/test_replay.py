"""A replay judges each evening as a build of the requests until then would."""

import numpy as np
import pytest

from support.day_log import quick, write_rows
from sweeplens.errors import StoreError
from sweeplens.evaluate.days import DAY
from sweeplens.pipeline import build
from sweeplens.pipeline.history import read_history
from sweeplens.pipeline.replay import replay, request_times
from sweeplens.report.facts import FLAGGED


@pytest.fixture(scope="module")
def evenings(demo):
    history = read_history(demo.snapshot)
    times = request_times(history)
    last = max(int(own[-1]) for own in times.values()) // DAY
    return times, list(replay(history, quick(demo.snapshot.folder.parent), days=[last - 12, last]))


def test_the_last_evening_is_what_the_snapshot_says(demo, evenings):
    _, (_, last) = evenings
    accounts, groups = demo.snapshot.table("accounts"), demo.snapshot.table("campaigns")
    rows = zip(accounts["account_id"].to_pylist(), accounts["level"].to_pylist(), strict=True)
    assert last.flagged == {name for name, level in rows if level in FLAGGED}
    pairs = zip(groups["accounts"].to_pylist(), groups["label"].to_pylist(), strict=True)
    assert {frozenset(g) for g in last.groups} == {frozenset(own) for own, label in pairs if label == "sweep"}
    assert last.flagged


def test_an_earlier_evening_knows_nobody_who_came_later(evenings):
    times, (first, last) = evenings
    here = {name for name, own in times.items() if int(own[0]) < (first.day + 1) * DAY}
    assert first.day == last.day - 12
    assert first.flagged <= here
    assert all(g <= here for g in first.groups)
    assert here != set(times)


def test_times_are_each_accounts_own_and_rise(demo, evenings):
    times, _ = evenings
    table = demo.snapshot.table("requests", ["account_id", "ts"])
    name = table["account_id"][0].as_py()
    own = sorted(t for n, t in zip(*(table[k].to_pylist() for k in ("account_id", "ts")), strict=True) if n == name)
    assert times[name].tolist() == [round(t.timestamp() * 1e6) for t in own]
    assert sum(map(len, times.values())) == len(table)
    assert all((np.diff(own) >= 0).all() for own in times.values())


def test_a_snapshot_without_times_is_refused_in_a_sentence(tmp_path, demo_rows):
    about = quick(tmp_path / "store")
    rows = [{k: v for k, v in row.items() if k != "ts"} for row in demo_rows[:200]]
    result = build([write_rows(tmp_path / "log.jsonl", rows)], about)
    with pytest.raises(StoreError, match="knows the time of no request: it cannot be replayed"):
        next(replay(read_history(result.snapshot), about))
