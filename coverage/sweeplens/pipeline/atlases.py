"""Read the map of a snapshot back, to go on from it."""

from dataclasses import replace

import numpy as np

from sweeplens.atlas.atlas import KINDS, Atlas
from sweeplens.atlas.description import Cluster
from sweeplens.atlas.taxonomy import Taxonomy
from sweeplens.errors import StoreError
from sweeplens.pipeline.history import History
from sweeplens.store.snapshot import Snapshot


def read_clusters(snapshot: Snapshot) -> tuple[tuple[Cluster, ...], int]:
    """Return the clusters of a snapshot, and the id that the next new one gets."""
    rows = snapshot.table("clusters", list(Cluster.__dataclass_fields__)).to_pylist()
    clusters = [Cluster(**{**r, "terms": tuple(r["terms"]), "exemplars": tuple(r["exemplars"])}) for r in rows]
    next_id = max([int(snapshot.manifest.get("next_cluster", 0)), *(c.cluster_id + 1 for c in clusters)])
    return tuple(clusters), next_id


def read_atlas(history: History, taxonomy: Taxonomy) -> Atlas:
    """Return the map of the prompts of a snapshot that still count.

    Raises `StoreError` where the taxonomy is another than that of the snapshot.
    """
    snapshot = history.snapshot
    keys = [c.key for c in taxonomy.capabilities]
    if snapshot.table("capabilities")["capability"].to_pylist() != [*keys, "unassigned"]:
        raise StoreError(
            f"snapshot {snapshot.snapshot_id} was built with another taxonomy of capabilities: build anew to change it"
        )
    table = history.rows("membership")
    kinds = {name: i for i, name in enumerate(KINDS)}
    number = {key: i for i, key in enumerate(keys)} | {"unassigned": -1}
    clusters, next_id = read_clusters(snapshot)
    if history.to is not None:
        clusters = tuple(
            replace(c, exemplars=tuple(int(history.to[e]) for e in c.exemplars if history.to[e] >= 0)) for c in clusters
        )
    return Atlas(
        cells=np.asarray(snapshot.cells),
        cell=table["cell"].to_numpy(),
        cluster=table["cluster"].to_numpy().copy(),
        kind=np.array([kinds[k] for k in table["kind"].to_pylist()], np.int8),
        probability=table["probability"].to_numpy().copy(),
        xy=np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()]),
        clusters=clusters,
        capability=np.array([number[k] for k in table["capability"].to_pylist()], np.int16),
        taxonomy=taxonomy,
        laid_out=int(snapshot.manifest.get("laid_out", len(table))),
        next_id=next_id,
    )
