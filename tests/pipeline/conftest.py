"""The demo log, its truth, and a snapshot that is built of all of it at once; made one time for all tests here."""

import csv
import gzip
import json
from types import SimpleNamespace

import pytest

from support.day_log import quick, write_rows
from sweeplens.demo import write_demo
from sweeplens.pipeline import build, score, update


@pytest.fixture(scope="session")
def demo_log(tmp_path_factory):
    """The path of the synthetic log, and the truth about its accounts."""
    log, labels = write_demo(tmp_path_factory.mktemp("demo-log"), 7)
    with labels.open(encoding="utf-8") as stream:
        return log, {row["account_id"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="session")
def demo_rows(demo_log):
    """The requests of the synthetic log, in the order of time."""
    with gzip.open(demo_log[0], "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture(scope="session")
def demo(demo_log, tmp_path_factory):
    """What is built of the synthetic log."""
    return build([str(demo_log[0])], quick(tmp_path_factory.mktemp("demo") / "store"))


@pytest.fixture(scope="session")
def grown_demo(demo_rows, tmp_path_factory):
    """The synthetic log in two parts that overlap: a build of the first, the second scored and then put on top."""
    folder = tmp_path_factory.mktemp("grown-demo")
    n = len(demo_rows)
    parts = demo_rows[: int(0.6 * n)], demo_rows[int(0.5 * n) :]
    logs = [write_rows(folder / f"{i}.jsonl", rows) for i, rows in enumerate(parts)]
    about = quick(folder / "store")
    first = build(logs[:1], about)
    return SimpleNamespace(
        logs=logs, about=about, first=first, scored=score(logs[1:], about), second=update(logs[1:], about)
    )
