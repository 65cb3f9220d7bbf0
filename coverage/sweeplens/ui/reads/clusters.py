"""Cached reads of the pages of clusters, and the one write: what an analyst calls a cluster."""

import streamlit as st

from sweeplens.report.columns import columns_of
from sweeplens.report.growth import count_spans
from sweeplens.review.naming import ClusterName, name_cluster
from sweeplens.review.naming import name_history as read_history
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui import access, data


@st.cache_resource(max_entries=2, show_spinner="Counting requests by week", hash_funcs=data.LASTING)
def weekly(snapshot: Snapshot) -> tuple[dict[int, list[int]], int]:
    """Return the requests of each cluster by week or day, and how many days such a span has."""
    spans = count_spans(snapshot)
    return dict(zip(spans.clusters, spans.requests.tolist(), strict=True)), spans.days


def name_history(snapshot: Snapshot, cluster_id: int) -> list[ClusterName]:
    """Return what a cluster was called, the last name first."""
    return read_history(snapshot.folder.parent, cluster_id)


def name(snapshot: Snapshot, cluster_id: int, given: str | None, *, pinned: bool) -> None:
    """Name and pin a cluster for all who look; raises `StoreError` for a name that cannot be one."""
    name_cluster(
        snapshot.folder.parent, cluster_id, name=given, pinned=pinned, by=access.visitor().person,
        snapshot_id=snapshot.snapshot_id,
    )  # fmt: skip
    columns_of(snapshot).read_names()
