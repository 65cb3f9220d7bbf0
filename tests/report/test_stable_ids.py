"""Cluster ids that are no positions: all reports find a cluster by its id."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from support.altered import Altered, renumbered
from sweeplens.errors import NotFoundError
from sweeplens.report.account import account_evidence
from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.cluster import cluster_evidence, cluster_table
from sweeplens.report.columns import columns_of
from sweeplens.report.ground import map_points, prompt_rows
from sweeplens.report.search import search
from sweeplens.store.snapshot import Snapshot

IDS = {0: 40, 1: 3, 2: 1207, 3: 12}


@pytest.fixture(scope="module")
def other(snapshot: Snapshot) -> Altered:
    return renumbered(snapshot, IDS)


def test_the_table_of_clusters_is_the_same_but_for_ids(snapshot: Snapshot, other: Altered) -> None:
    want = [replace(row, cluster_id=IDS[row.cluster_id]) for row in cluster_table(snapshot)]
    assert cluster_table(other) == sorted(want, key=lambda r: (-r.n_prompts, r.cluster_id))


@pytest.mark.parametrize("cluster", list(IDS))
def test_the_evidence_of_a_cluster_is_the_same_but_for_its_id(snapshot: Snapshot, other: Altered, cluster: int) -> None:
    was, now = cluster_evidence(snapshot, cluster), cluster_evidence(other, IDS[cluster])
    assert now.headline == was.headline
    assert now.row == replace(was.row, cluster_id=IDS[cluster])
    assert now.accounts == was.accounts
    assert [replace(p, cluster_id=cluster) for p in now.exemplars] == list(was.exemplars)
    assert [p.prompt_id for p in now.prompts] == [p.prompt_id for p in was.prompts]


def test_a_position_is_no_id(other: Altered) -> None:
    with pytest.raises(NotFoundError, match="no cluster '0': did you mean 40"):
        cluster_evidence(other, 0)


def test_accounts_and_campaigns_visit_the_same_clusters(snapshot: Snapshot, other: Altered) -> None:
    was, now = account_evidence(snapshot, "lone"), account_evidence(other, "lone")
    by_id = {IDS.get(c.cluster_id, -1): (c.name, c.capability, c.n_prompts, c.map_share) for c in was.clusters}
    assert {c.cluster_id: (c.name, c.capability, c.n_prompts, c.map_share) for c in now.clusters} == by_id
    columns = campaign_evidence(other, "C-01").clusters.columns
    assert set(columns) == {"40 python, function", "3 translate, french", "1207 integral, solve"}


def test_the_map_search_and_prompts_say_the_ids(snapshot: Snapshot, other: Altered) -> None:
    assert map_points(other).cluster.tolist() == [IDS.get(c, c) for c in map_points(snapshot).cluster.tolist()]
    assert [r.cluster_id for r in prompt_rows(other, [0, 10, 20, 30, 39])] == [40, 3, 1207, 12, -1]
    assert {(h.cluster_id, h.cluster_name) for h in search(other, snapshot.vectors[30], k=4)} == {(12, "soup, recipe")}


def test_prompts_without_a_capability_of_their_own_take_that_of_their_cluster(
    snapshot: Snapshot, other: Altered
) -> None:
    membership = other.table("membership")
    place = membership.schema.get_field_index("capability")
    none = membership["capability"].combine_chunks().dictionary_decode().to_pylist()
    assert None not in none
    bare = membership.set_column(place, "capability", pa.nulls(len(membership), membership["capability"].type))
    found = columns_of(Altered(other, {"membership": bare})).prompt_capability
    known = np.arange(40) < 38
    assert found[known].tolist() == columns_of(snapshot).prompt_capability[known].tolist()
    assert set(found[~known].tolist()) == {3}
