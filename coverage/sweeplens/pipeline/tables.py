"""From results to the tables of a snapshot."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sweeplens.atlas.aligning import Lineage
from sweeplens.atlas.atlas import KINDS, Atlas
from sweeplens.detect.campaigns import Campaign
from sweeplens.detect.links import Link
from sweeplens.detect.reasons import Reason
from sweeplens.pipeline.judge import Judged
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.coverage import accumulate, curve_points
from sweeplens.signals.ground import TextNumbers
from sweeplens.signals.measure import Peers
from sweeplens.store.schema import make_table

if TYPE_CHECKING:
    import pyarrow as pa


def prompts_table(
    hashes: Sequence[str], texts: Sequence[str], languages: Sequence[str], *, first: int = 0, keep_text: bool = True
) -> "pa.Table":
    """Return distinct prompts numbered from `first`; of those whose text is not kept, hash, length and language."""
    n = len(texts)
    columns = {
        "prompt_id": np.arange(first, first + n, dtype=np.int32),
        "prompt_hash": list(hashes),
        "n_chars": np.fromiter(map(len, texts), np.int32, n),
        "language": list(languages),
    }
    return make_table("prompts", columns | ({"text": list(texts)} if keep_text else {}))


def texts_table(numbers: TextNumbers, first: int = 0) -> "pa.Table":
    """Return what was measured of the texts of prompts numbered from `first`."""
    columns = dict(numbers.columns())
    columns["first_word"] = np.maximum(columns["first_word"], 0).astype(np.uint32)
    return make_table("texts", {"prompt_id": np.arange(first, first + len(numbers), dtype=np.int32), **columns})


def lineage_table(rows: Sequence[Lineage]) -> "pa.Table":
    """Return what became of the clusters and campaigns of the snapshot before."""
    names = ("kind", "id", "event", "n_before", "n_after", "n_shared")
    columns: dict[str, object] = {name: [getattr(row, name) for row in rows] for name in names}
    return make_table("lineage", columns | {"parents": [list(row.parents) for row in rows]})


def use_table(accounts: Accounts, n: int) -> "pa.Table":
    """Return how many requests and accounts each of n prompts has."""
    return make_table(
        "use",
        {
            "prompt_id": np.arange(n, dtype=np.int32),
            "n_requests": np.bincount(accounts.prompts, minlength=n).astype(np.int32),
            "n_accounts": senders(accounts, np.arange(n), n),
        },
    )


def membership_table(atlas: Atlas) -> "pa.Table":
    """Return where each prompt lies on the map."""
    names = [c.key for c in atlas.taxonomy.capabilities]
    return make_table(
        "membership",
        {
            "prompt_id": np.arange(len(atlas.cell), dtype=np.int32),
            "cell": atlas.cell,
            "cluster": atlas.cluster,
            "kind": [KINDS[k] for k in atlas.kind.tolist()],
            "probability": atlas.probability,
            "x": atlas.xy[:, 0],
            "y": atlas.xy[:, 1],
            "capability": [names[k] if k >= 0 else "unassigned" for k in atlas.capability.tolist()],
        },
    )


def clusters_table(atlas: Atlas, accounts: Accounts) -> "pa.Table":
    """Return the clusters with their size in prompts, requests and accounts."""
    rows = atlas.clusters
    n = len(rows)
    place = np.full(atlas.next_id + 1, -1, np.int64)
    place[[c.cluster_id for c in rows]] = np.arange(n)
    label = place[atlas.cluster]  # noise, -1, meets the last place, which is -1
    inside = label[accounts.prompts]
    return make_table(
        "clusters",
        {
            "cluster_id": [c.cluster_id for c in rows],
            "name": [c.name for c in rows],
            "terms": [list(c.terms) for c in rows],
            "exemplars": [[int(e) for e in c.exemplars] for c in rows],
            "capability": [c.capability for c in rows],
            "capability_score": [c.capability_score for c in rows],
            "n_prompts": [c.n_prompts for c in rows],
            "n_core": [c.n_core for c in rows],
            "n_placed": [c.n_placed for c in rows],
            "n_requests": np.bincount(inside[inside >= 0], minlength=n).astype(np.int32),
            "n_accounts": senders(accounts, label, n),
            "x": [c.x for c in rows],
            "y": [c.y for c in rows],
        },
    )


def capabilities_table(atlas: Atlas, accounts: Accounts) -> "pa.Table":
    """Return the capabilities in the taxonomy's order, "unassigned" last, with their use."""
    known = atlas.taxonomy.capabilities
    n = len(known) + 1
    label = np.where(atlas.capability < 0, n - 1, atlas.capability).astype(np.int64)
    return make_table(
        "capabilities",
        {
            "capability": [*(c.key for c in known), "unassigned"],
            "name": [*(c.name for c in known), "Unassigned"],
            "n_prompts": np.bincount(label, minlength=n).astype(np.int32),
            "n_requests": np.bincount(label[accounts.prompts], minlength=n).astype(np.int32),
            "n_accounts": senders(accounts, label, n),
        },
    )


def accounts_table(accounts: Accounts, judged: Judged) -> "pa.Table":
    """Return the accounts with their scores after the campaigns' help."""
    n, raised = len(accounts), judged.raised
    member = {c: k.campaign_id for k in judged.campaigns for c in k.codes}
    times = [accounts.times[accounts.offsets[i] : accounts.offsets[i + 1]] for i in range(n)]
    dated = [own[own != MISSING] for own in times]
    return make_table(
        "accounts",
        {
            "account_id": list(accounts.names),
            "n_requests": np.diff(accounts.offsets).astype(np.int32),
            "n_prompts": np.array([len(a.distinct) for a in accounts], np.int32),
            "first_ts": [int(own.min()) if len(own) else None for own in dated],
            "last_ts": [int(own.max()) if len(own) else None for own in dated],
            "score": [None if np.isnan(s) else float(s) for s in raised.score],
            "p_value": _nullable(judged.p),
            "q_value": _nullable(judged.q),
            "level": list(raised.level),
            "level_from": list(raised.level_from),
            "campaign_id": [member.get(i) for i in range(n)],
            "reasons": [[_reason(r) for r in rows] for rows in raised.reasons],
        },
    )


def signals_table(accounts: Accounts, values: np.ndarray, peers: Peers) -> "pa.Table":
    """Return every signal of every account that has them, in long form."""
    able = np.flatnonzero(~np.isnan(values).all(1))
    names = np.asarray(accounts.names, dtype=object)[able]
    return make_table(
        "signals",
        {
            "account_id": np.repeat(names, len(KEYS)).tolist(),
            "signal": list(KEYS) * len(able),
            "value": _nullable(values[able].ravel()),
            "peer_percentile": _nullable(peers.percentile[able].ravel()),
        },
    )


def curves_table(accounts: Accounts, cell: np.ndarray) -> "pa.Table":
    """Return each account's coverage curve: distinct cells after so many distinct prompts, in order of arrival."""
    names: list[str] = []
    at: list[int] = []
    seen: list[int] = []
    for name, account in zip(accounts.names, accounts, strict=True):
        curve = accumulate(cell[account.distinct])
        points = curve_points(len(curve))
        names += [name] * len(points)
        at += points
        seen += [int(curve[p - 1]) for p in points]
    return make_table("curves", {"account_id": names, "n": at, "cells": seen})


def links_table(links: Sequence[Link]) -> "pa.Table":
    """Return what accounts share outside their prompts."""
    names = ("account_id", "kind", "value", "n_accounts", "weight")
    return make_table("links", {n: [getattr(k, n) for k in links] for n in names})


def campaigns_table(accounts: Accounts, campaigns: Sequence[Campaign]) -> "pa.Table":
    """Return all groups, whatever their label."""
    return make_table(
        "campaigns",
        {
            "campaign_id": [c.campaign_id for c in campaigns],
            "label": [c.label for c in campaigns],
            "accounts": [[accounts.names[k] for k in c.codes] for c in campaigns],
            "n_requests": [c.n_requests for c in campaigns],
            "n_prompts": [c.n_prompts for c in campaigns],
            "score": [c.score for c in campaigns],
            "p_value": _nullable(np.array([c.p_value for c in campaigns], np.float64)),
            "q_value": _nullable(np.array([c.q_value for c in campaigns], np.float64)),
            "level": [c.level for c in campaigns],
            "evidence": [json.dumps(c.evidence, ensure_ascii=False, sort_keys=True) for c in campaigns],
        },
    )


def senders(accounts: Accounts, label: np.ndarray, n: int) -> np.ndarray:
    """Return how many accounts sent a prompt of each label, int32 [n]; labels below 0 count nowhere."""
    count = np.zeros(n, np.int32)
    for account in accounts:
        mine = np.unique(label[account.distinct])
        count[mine[mine >= 0]] += 1
    return count


def _nullable(values: np.ndarray) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values, pa.float64(), from_pandas=True)


def _reason(reason: Reason) -> dict[str, object]:
    return {
        "signal": reason.signal,
        "value": reason.value,
        "peer_percentile": None if np.isnan(reason.peer_percentile) else reason.peer_percentile,
        "weight": reason.weight,
        "text": reason.text,
    }
