"""Write what was found into a snapshot: tables, vectors, index, manifest, and the numbers of a summary."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeplens import __version__
from sweeplens.atlas.atlas import Atlas
from sweeplens.config import Settings
from sweeplens.detect.campaigns import SWEEP
from sweeplens.embed.encoder import Encoder
from sweeplens.index import Index
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline import tables
from sweeplens.pipeline.history import History
from sweeplens.pipeline.intake import Left
from sweeplens.pipeline.judge import Judged
from sweeplens.pipeline.measuring import Measured, write_prints
from sweeplens.pipeline.traffic import Traffic, next_part
from sweeplens.signals.ground import TextNumbers
from sweeplens.signals.measure import PEERS
from sweeplens.store.key import key_id, store_key
from sweeplens.store.publish import SnapshotWriter
from sweeplens.store.schema import CELLS, INDEX, VECTORS
from sweeplens.store.snapshot import Snapshot

_LEVELS = ("high", "review", "watch", "none", "insufficient")


@dataclass(frozen=True)
class BuildResult:
    """A published snapshot, what was read and left out, seconds by step, and the numbers that a summary line shows."""

    snapshot: Snapshot
    stats: ReadStats
    seconds: dict[str, float]
    summary: dict[str, Any]
    left: Left = dataclasses.field(default_factory=Left)
    notes: tuple[str, ...] = ()


def write_requests(writer: SnapshotWriter, history: History | None, part: str | None) -> None:
    """Take over the requests of the snapshot before, or those that still count, and the part that was read."""
    if history is not None:
        if history.whole:
            writer.adopt(history.snapshot, "requests")
        else:
            import pyarrow as pa

            from sweeplens.pipeline.history import renumbered

            table = history.snapshot.table("requests").filter(pa.array(history.keep))
            writer.add_table("requests", renumbered(table, history.requests.prompts))
    if part is not None:
        writer.add_part("requests", part)


def write_prompts(writer: SnapshotWriter, traffic: Traffic, *, keep_text: bool) -> None:
    """Write the prompts, what was measured of their texts, and their vectors: new ones as a part behind the old."""
    history, fresh = traffic.history, len(traffic.texts)
    part = next_part(history) or None
    added = tables.prompts_table(
        traffic.hashes[traffic.old :], traffic.texts, traffic.languages, first=traffic.old, keep_text=keep_text
    )
    numbers = tables.texts_table(_behind(traffic.numbers, traffic.old), first=traffic.old) if keep_text else None
    if history is not None:
        _take_prompts(writer, history, keep_text=keep_text)
    if fresh or history is None:
        writer.add_table("prompts", added, part=part)
        if numbers is not None:
            writer.add_table("texts", numbers, part=part)
        writer.add_vectors(traffic.fresh, part=part)


def _take_prompts(writer: SnapshotWriter, history: History, *, keep_text: bool) -> None:
    parent = history.snapshot
    measured = len(parent.table("texts")) > 0
    if history.whole and (measured or not keep_text):
        for name in ("prompts", *(["texts"] if keep_text else []), VECTORS):
            writer.adopt(parent, name)
        return
    if history.whole:
        writer.adopt(parent, "prompts")
        writer.adopt(parent, VECTORS)
    else:
        writer.add_table("prompts", history.rows("prompts"))
        writer.add_vectors(parent.vectors[history.alive])
    if keep_text:
        writer.add_table("texts", history.rows("texts") if measured else tables.texts_table(history.numbers(1)))


def write_index(writer: SnapshotWriter, history: History | None, base: Index | None, delta: Index | None) -> None:
    """Write the index: a base, or the base of the snapshot before and a delta of what is new."""
    if base is not None:
        writer.add_index(base)
    elif history is not None:
        writer.adopt(history.snapshot, INDEX)
    if delta is not None:
        writer.add_index(delta, part=next_part(history) or None)


def write_results(writer: SnapshotWriter, traffic: Traffic, atlas: Atlas, measured: Measured) -> None:
    """Write what is made anew for each snapshot: the map, the accounts, the campaigns, and where both come from."""
    accounts, judged = traffic.accounts, measured.judged
    writer.add_array(CELLS, atlas.cells)
    write_prints(writer, measured.prints)
    writer.add_table("use", tables.use_table(accounts, traffic.n_prompts))
    writer.add_table("membership", tables.membership_table(atlas))
    writer.add_table("clusters", tables.clusters_table(atlas, accounts))
    writer.add_table("capabilities", tables.capabilities_table(atlas, accounts))
    writer.add_table("accounts", tables.accounts_table(accounts, judged))
    writer.add_table("signals", tables.signals_table(accounts, judged.values, judged.peers))
    writer.add_table("curves", tables.curves_table(accounts, atlas.cell))
    writer.add_table("links", tables.links_table(judged.links))
    writer.add_table("campaigns", tables.campaigns_table(accounts, judged.campaigns))
    writer.add_table("lineage", tables.lineage_table([*atlas.lineage, *measured.lineage]))


def summarise(traffic: Traffic, atlas: Atlas, judged: Judged) -> dict[str, Any]:
    """Return the numbers about a snapshot that its manifest and a summary line hold."""
    levels = Counter(judged.raised.level)
    return {
        "rows": traffic.stats.rows,
        "rejected": traffic.stats.rejected,
        "repeated": traffic.left.repeated,
        "forgotten": traffic.left.forgotten,
        "outdated": traffic.left.outdated,
        "requests": len(traffic.accounts.prompts),
        "accounts": len(traffic.accounts),
        "prompts": traffic.n_prompts,
        "new_prompts": len(traffic.texts),
        "prompts_from_cache": traffic.cached,
        "clusters": len(atlas.clusters),
        "cells": len(atlas.cells),
        "noise_share": round(float((atlas.cluster < 0).mean()), 4) if len(atlas.cluster) else 0.0,
        "levels": {k: levels.get(k, 0) for k in _LEVELS},
        "campaigns": sum(c.label == SWEEP for c in judged.campaigns),
        "detector": f"{judged.kit.detector.name} {judged.kit.detector.version}",
    }


def make_manifest(  # noqa: PLR0917 - what it is made of
    settings: Settings,
    encoder: Encoder,
    traffic: Traffic,
    atlas: Atlas,
    measured: Measured,
    summary: Mapping[str, Any],
    *,
    parent: Snapshot | None,
    drift: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a manifest says beyond files: how the snapshot was made, from what, and what came of it."""
    stats, kit = traffic.stats, measured.judged.kit
    return {
        "sweeplens": __version__,
        "parent": None if parent is None else parent.snapshot_id,
        "text": "kept" if settings.text else "none",
        "key": None if settings.text else key_id(store_key(settings.store)),
        "config": settings.of_build(),
        "encoder": {"fingerprint": encoder.fingerprint, **encoder.describe()},
        "detector": {
            "name": kit.detector.name, "version": kit.detector.version, "fallback": kit.detector.fallback,
        },
        "reference": _reference(measured.judged),
        "peers": PEERS,
        "log": {
            "files": stats.files, "rows": stats.rows, "rejected": stats.rejected,
            "reasons": dict(stats.reasons.most_common()), "redactions": dict(stats.redactions.most_common()),
            "languages": dict(Counter(traffic.languages).most_common(20)),
        },
        "laid_out": atlas.laid_out,
        "next_cluster": atlas.next_id,
        "next_campaign": measured.next_campaign,
        "drift": None if drift is None else dict(drift),
        "counts": {k: v for k, v in summary.items() if isinstance(v, int | float)},
        "levels": summary["levels"],
    }  # fmt: skip


def _reference(judged: Judged) -> dict[str, Any] | None:
    kit = judged.kit
    if kit.reference is None:
        return None
    return {
        "accounts": len(kit.reference), "corpora": kit.reference.corpora, "groups": len(kit.reference.groups),
        "source": kit.reference.source, "p_from": "log" if judged.bulk.speaks else "reference",
        "bulk_shift": judged.bulk.shift, "bulk_spread": judged.bulk.spread,
    }  # fmt: skip


def _behind(numbers: TextNumbers, first: int) -> TextNumbers:
    return TextNumbers(*(getattr(numbers, key)[first:] for key in TextNumbers.__dataclass_fields__))
