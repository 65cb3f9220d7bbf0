"""What must hold of every snapshot, however it was made, and what it says in a form that can be compared."""

from collections import Counter
from typing import Any

import numpy as np

from sweeplens.detect.neighbourhood import KIN_KEYS
from sweeplens.signals.account import group_accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.ground import measure_ground, measure_texts
from sweeplens.signals.measure import measure_accounts
from sweeplens.store.snapshot import Snapshot
from sweeplens.store.verify import verify

MAP_SIGNALS = {"cells", "cells_once", "cell_top", "cell_evenness", "clusters", "capabilities", "discovery"}
_TOLERANCE = 1e-6


def asked(snapshot: Snapshot) -> dict[str, tuple[Any, ...]]:
    """Return for each request id (account, text, time, organisation, address)."""
    texts = snapshot.table("prompts")["text"].to_pylist()
    return {
        r["request_id"]: (r["account_id"], texts[r["prompt_id"]], r["ts"], r["org_id"], r["ip"])
        for r in snapshot.table("requests").to_pylist()
    }


def use_of(snapshot: Snapshot) -> dict[str, tuple[int, int]]:
    """Return for each text (requests, accounts)."""
    texts = snapshot.table("prompts")["text"].to_pylist()
    return {texts[r["prompt_id"]]: (r["n_requests"], r["n_accounts"]) for r in snapshot.table("use").to_pylist()}


def rows_by(snapshot: Snapshot, name: str, key: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a table by one of its columns."""
    return {row[key]: row for row in snapshot.table(name).to_pylist()}


def signals_of(snapshot: Snapshot) -> dict[tuple[str, str], float | None]:
    """Return the value of each signal of each account."""
    return {(r["account_id"], r["signal"]): r["value"] for r in snapshot.table("signals").to_pylist()}


def differing(left: dict[Any, float | None], right: dict[Any, float | None], *, tolerance: float = _TOLERANCE) -> set:
    """Return the keys whose values differ by more than `tolerance`, or that only one of the two has."""
    odd = left.keys() ^ right.keys()
    for key in left.keys() & right.keys():
        a, b = left[key], right[key]
        if (a is None) != (b is None) or (a is not None and b is not None and abs(a - b) > tolerance):
            odd.add(key)
    return odd


def check_whole(snapshot: Snapshot) -> None:
    """Assert that the files are sound, that the tables agree, and that numbers carried over are those measured anew."""
    assert [str(f) for f in verify(snapshot.folder.parent, snapshot.snapshot_id, deep=True)] == []
    _check_prompts(snapshot)
    _check_accounts(snapshot)
    _check_map(snapshot)
    _check_signals(snapshot)


def _check_prompts(snapshot: Snapshot) -> None:
    requests, prompts = snapshot.table("requests"), snapshot.table("prompts")
    n = len(prompts)
    assert prompts["prompt_id"].to_pylist() == list(range(n))
    assert len(set(prompts["prompt_hash"].to_pylist())) == n
    ids = requests["request_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    sent = requests["prompt_id"].to_numpy()
    count = np.bincount(sent, minlength=n)
    assert len(count) == n
    assert (count > 0).all()
    senders = Counter(p for p, _ in set(zip(sent.tolist(), requests["account_id"].to_pylist(), strict=True)))
    assert snapshot.table("use")["n_requests"].to_pylist() == count.tolist()
    assert snapshot.table("use")["n_accounts"].to_pylist() == [senders[p] for p in range(n)]
    assert len(snapshot.vectors) == snapshot.index.size == n
    for name in ("membership", "use"):
        assert snapshot.table(name)["prompt_id"].to_pylist() == list(range(n)), name
    # Each prompt is found as its own nearest: index, vectors and numbers belong together.
    vectors = np.asarray(snapshot.vectors[:], np.float32)
    found = snapshot.index.search(vectors, 1)[1][:, 0]
    assert (np.einsum("ij,ij->i", vectors, vectors[found]) > 0.999).all()
    if snapshot.manifest["text"] == "kept":
        numbers = measure_texts(prompts["text"].to_pylist(), prompts["language"].to_pylist(), 1).columns()
        texts = snapshot.table("texts")
        assert texts["prompt_id"].to_pylist() == list(range(n))
        for key in ("log_length", "pack", "packed", "first_word"):
            np.testing.assert_array_equal(texts[key].to_numpy(), numbers[key])
    counts = snapshot.manifest["counts"]
    assert (counts["requests"], counts["prompts"]) == (len(requests), n)


def _check_accounts(snapshot: Snapshot) -> None:
    requests, accounts = snapshot.table("requests"), snapshot.table("accounts")
    names = accounts["account_id"].to_pylist()
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in requests.select(["account_id", "prompt_id", "ts"]).to_pylist():
        rows.setdefault(row["account_id"], []).append(row)
    assert names == sorted(rows)
    for row in accounts.to_pylist():
        own = rows[row["account_id"]]
        assert (row["n_requests"], row["n_prompts"]) == (len(own), len({r["prompt_id"] for r in own}))
        times = [r["ts"] for r in own if r["ts"] is not None]
        assert (row["first_ts"], row["last_ts"]) == (min(times, default=None), max(times, default=None))
    members = {a for c in snapshot.table("campaigns").to_pylist() for a in c["accounts"]}
    assert members <= set(names)
    for name in ("curves", "links", "signals"):
        assert set(snapshot.table(name)["account_id"].to_pylist()) <= set(names), name
    codes = snapshot.array("print_codes")
    volumes = accounts["n_prompts"].to_numpy()
    assert codes.tolist() == np.flatnonzero(volumes >= 5).tolist()


def _check_map(snapshot: Snapshot) -> None:
    membership, clusters = snapshot.table("membership"), snapshot.table("clusters").to_pylist()
    cluster, cell = membership["cluster"].to_numpy(), membership["cell"].to_numpy()
    assert {c["cluster_id"] for c in clusters} == set(cluster.tolist()) - {-1}
    assert len({c["name"] for c in clusters}) == len(clusters)
    of_cluster = {c["cluster_id"]: c["capability"] for c in clusters}
    kinds, abilities = membership["kind"].to_pylist(), membership["capability"].to_pylist()
    for i, c in enumerate(cluster.tolist()):
        assert (c < 0) == (kinds[i] == "noise")
        assert c < 0 or abilities[i] == of_cluster[c]
    for c in clusters:
        assert c["n_prompts"] == (cluster == c["cluster_id"]).sum() == c["n_core"] + c["n_placed"]
        assert all(cluster[e] == c["cluster_id"] for e in c["exemplars"])
    assert snapshot.manifest["next_cluster"] > max(of_cluster, default=-1)
    nearest = (np.asarray(snapshot.vectors[:], np.float32) @ np.asarray(snapshot.cells).T).max(1)
    own = np.einsum("ij,ij->i", np.asarray(snapshot.vectors[:], np.float32), np.asarray(snapshot.cells)[cell])
    np.testing.assert_allclose(own, nearest, atol=1e-5)


def _check_signals(snapshot: Snapshot) -> None:
    """Whatever was carried over from snapshots before, measuring everything from these tables gives the same."""
    if snapshot.manifest["text"] != "kept":
        return
    requests, prompts, membership = (snapshot.table(n) for n in ("requests", "prompts", "membership"))
    abilities = {c: i for i, c in enumerate(snapshot.table("capabilities")["capability"].to_pylist())}
    number = {**abilities, "unassigned": -1}
    ground = measure_ground(
        np.asarray(snapshot.vectors[:]), prompts["text"].to_pylist(), prompts["language"].to_pylist(),
        cell=membership["cell"].to_numpy(), cluster=membership["cluster"].to_numpy(),
        capability=np.array([number[a] for a in membership["capability"].to_pylist()]),
    )  # fmt: skip
    missing = -(2**63)
    times = [missing if t is None else round(t.timestamp() * 1e6) for t in requests["ts"].to_pylist()]
    accounts = group_accounts(
        requests["account_id"].to_pylist(), requests["prompt_id"].to_numpy(), np.array(times, np.int64)
    )
    values = measure_accounts(accounts, ground)
    expected = {
        (name, key): None if np.isnan(v) else float(v)
        for name, row in zip(accounts.names, values, strict=True)
        if not np.isnan(row).all()
        for key, v in zip(KEYS, row.tolist(), strict=True)
        if key not in KIN_KEYS  # measured beside the fingerprints of all accounts, and never carried over
    }
    told = {at: value for at, value in signals_of(snapshot).items() if at[1] not in KIN_KEYS}
    assert differing(told, expected) == set()
