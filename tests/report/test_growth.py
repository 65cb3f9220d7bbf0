"""How clusters grow: against the snapshot before, and by week."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from support.altered import Altered, renumbered, with_column
from support.small_store import SENT, cluster_of
from sweeplens.report.cluster import cluster_evidence, cluster_table
from sweeplens.report.growth import Origin, count_spans, describe_origin, describe_pace, growth, origins, pace
from sweeplens.store.schema import make_table
from sweeplens.store.snapshot import Snapshot

LINEAGE = make_table("lineage", {
    "kind": ["cluster"] * 5 + ["campaign"], "id": ["0", "1", "2", "3", "8", "C-01"],
    "event": ["kept", "merged", "born", "split", "died", "kept"],
    "parents": [["0"], ["1", "7"], [], ["3"], ["8"], ["C-01"]], "n_before": [8, 6, 0, 30, 5, 3],
    "n_after": [10, 10, 10, 8, 0, 3], "n_shared": [8, 6, 0, 8, 0, 3],
})  # fmt: skip


@pytest.fixture(scope="module")
def grown(snapshot: Snapshot) -> Altered:
    return Altered(snapshot, {"lineage": LINEAGE})


def test_each_cluster_says_where_it_comes_from(grown: Altered, snapshot: Snapshot) -> None:
    found = origins(grown)
    assert found[1] == Origin("merged", (1, 7), 6)
    assert set(found) == {0, 1, 2, 3}
    assert origins(snapshot) == {}
    rows = {r.cluster_id: (r.event, r.growth) for r in cluster_table(grown)}
    assert rows == {0: ("kept", 0.25), 1: ("merged", None), 2: ("born", None), 3: ("split", None)}
    assert {(r.event, r.growth) for r in cluster_table(snapshot)} == {(None, None)}
    assert growth(Origin("kept", (4, 5), 10), 20) is None


def test_a_cluster_says_it_in_words(grown: Altered) -> None:
    said = {}
    for cluster in range(4):
        facts = cluster_evidence(grown, cluster)
        said[cluster] = describe_origin(facts.row.event, facts.parents, facts.n_before, facts.row.n_prompts)
    assert said == {
        0: "2 prompts more than in the snapshot before", 1: "merged from clusters 1, 7, which had 6 prompts",
        2: "new since the snapshot before", 3: "split from cluster 3, which had 30 prompts",
    }  # fmt: skip
    assert describe_origin(None, (), None, 5) == ""
    assert describe_origin("kept", (1,), 5, 5) == "as large as in the snapshot before (5 prompts)"
    assert describe_origin("kept", (1,), 6, 5) == "1 prompt fewer than in the snapshot before"
    assert describe_origin("kept", (1, 2), 6, 5) == "continues clusters 1, 2, which had 6 prompts"


def test_a_short_log_is_counted_by_day(snapshot: Snapshot) -> None:
    spans = count_spans(snapshot)
    assert (spans.days, spans.clusters, spans.whole) == (1, (0, 1, 2, 3), True)
    assert (spans.starts[0], spans.starts[-1]) == (date(2026, 3, 2), date(2026, 3, 10))
    # "=cmd" sent its requests without a time.
    dated = [cluster_of(p) for account, sent in SENT.items() if account != "=cmd" for p in sent]
    assert spans.requests.sum(1).tolist() == [dated.count(c) for c in range(4)]
    flagged = [cluster_of(p) for account, sent in SENT.items() if account in FLAGGED for p in sent]
    assert spans.flagged.sum(1).tolist() == [flagged.count(c) for c in range(4)]
    one = count_spans(snapshot, 2)
    assert one.requests.tolist() == spans.requests[2:3].tolist()


FLAGGED = {"dealt-a", "dealt-b", "dealt-c", "lone"}


def test_a_longer_log_is_counted_by_weeks_that_end_with_it(snapshot: Snapshot) -> None:
    requests = snapshot.table("requests")
    start = datetime(2026, 3, 2, 23, tzinfo=UTC)
    times = [start + timedelta(days=i % 30) for i in range(len(requests))]
    spans = count_spans(Altered(snapshot, {"requests": with_column(requests, "ts", times)}))
    assert (spans.days, spans.whole) == (7, False)
    assert spans.starts == tuple(date(2026, 2, 25) + timedelta(days=7 * i) for i in range(5))
    assert int(spans.requests.sum()) == sum(cluster_of(p) >= 0 for p in requests["prompt_id"].to_pylist())


def test_ids_that_are_no_positions(snapshot: Snapshot) -> None:
    other = count_spans(renumbered(snapshot, {0: 40, 1: 3, 2: 1207, 3: 12}))
    assert other.clusters == (3, 12, 40, 1207)
    assert other.requests.tolist() == count_spans(snapshot).requests[[1, 3, 0, 2]].tolist()


def test_a_log_without_times_has_no_spans(snapshot: Snapshot) -> None:
    requests = snapshot.table("requests")
    bare = Altered(snapshot, {"requests": with_column(requests, "ts", [None] * len(requests))})
    assert count_spans(bare).requests.shape == (4, 0)
    facts = cluster_evidence(bare, 0)
    assert (facts.weekly, facts.pace) == ((), None)


@pytest.mark.parametrize(
    ("requests", "whole", "expected"),
    [([4, 4, 8], True, 1.0), ([4, 4, 2], True, -0.5), ([99, 4, 4, 8], False, 1.0), ([4, 8], True, None),
     ([0, 0, 8], True, None), ([], True, None), ([4, 4, 8], False, None)],
)  # fmt: skip
def test_the_pace_is_that_of_the_last_span(requests: list[int], whole: bool, expected: float | None) -> None:
    assert pace(np.array(requests, np.int32), whole=whole) == expected


def test_the_pace_in_words() -> None:
    assert describe_pace(None, 7) == ""
    assert describe_pace(1.0, 7) == "100 % more requests in the last week than on average before"
    assert describe_pace(-0.25, 1) == "25.0 % fewer requests in the last day than on average before"
    assert describe_pace(0.0, 1) == "as many requests in the last day as on average before"


def test_the_lineage_is_read_as_the_schema_has_it() -> None:
    assert pa.types.is_list(LINEAGE.schema.field("parents").type)
