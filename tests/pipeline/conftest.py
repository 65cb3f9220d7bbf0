"""The demo log, its truth, and a snapshot that is built of all of it at once; made one time for all tests here."""

import csv
import gzip
import json

import pytest

from support.day_log import quick
from sweeplens.demo import write_demo
from sweeplens.pipeline import build


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
