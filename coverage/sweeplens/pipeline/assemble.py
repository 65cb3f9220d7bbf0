"""Build a snapshot: read, embed, map, measure, score, publish."""

import dataclasses
import io
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sweeplens import __version__
from sweeplens.atlas.atlas import Atlas, build_atlas
from sweeplens.atlas.taxonomy import read_taxonomy
from sweeplens.config import Settings
from sweeplens.detect.campaigns import SWEEP
from sweeplens.detect.links import find_links
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder, load_encoder
from sweeplens.embed.language import detect_languages, warn_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run, peak_memory
from sweeplens.errors import EncoderError
from sweeplens.index import Neighbours, all_neighbours, build_index
from sweeplens.known import load_known
from sweeplens.logs.read import check_rejects, read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline import tables
from sweeplens.pipeline.ingest import Ingested, RejectsFile, ingest, read_requests_table
from sweeplens.pipeline.judge import Judged, Kit, KnownPrompts, judge_accounts, load_kit
from sweeplens.signals.ground import make_ground
from sweeplens.signals.measure import measure_accounts
from sweeplens.store.publish import SnapshotWriter, write_snapshot
from sweeplens.store.schema import CELLS, REJECTS
from sweeplens.store.snapshot import Snapshot

CACHE = ".cache"  # folder of the store that holds vectors by content hash, for all its snapshots
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildResult:
    """A published snapshot, what was read, seconds by step, and the numbers that a summary line shows."""

    snapshot: Snapshot
    stats: ReadStats
    seconds: dict[str, float]
    summary: dict[str, Any]


def build(
    sources: Sequence[str],
    settings: Settings,
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Read `sources` (files, folders, globs, "-") into a new snapshot of the store, and make it CURRENT.

    Raises `LogError` and its kin for logs, `EncoderError` for encoders, `StoreError` for the store; a build that fails
    leaves the store as it was.
    """
    run = Run(progress or Silent())
    with write_snapshot(settings.store) as writer:
        taxonomy = read_taxonomy(settings.taxonomy)
        encoder = load_encoder(settings.encoder, models=settings.models, threads=settings.threads)
        stats = ReadStats()
        with run.step("read"):
            ingested = _read(writer, sources, settings, stats, input_format=input_format, mapping=mapping)
        with run.step("languages"):
            languages = detect_languages(ingested.prompts.texts)
        warning = warn_languages(languages, encoder)
        if warning:
            run.progress.note(warning)
        cached, vectors = _encode(run, encoder, ingested, settings)
        near = _index(run, writer, vectors, settings)
        atlas = build_atlas(
            vectors, ingested.prompts.texts, near, encoder, cells=settings.cells, min_cluster=settings.min_cluster,
            seed=settings.seed, threads=settings.threads, taxonomy=taxonomy, run=run,
        )  # fmt: skip
        judged = _judge(run, writer, ingested, languages, vectors, near, atlas, encoder.name, settings)
        with run.step("write"):
            _write(writer, ingested, languages, vectors, atlas, judged)
            summary = _summary(ingested, stats, atlas, judged, cached)
            manifest = _manifest(settings, encoder, stats, languages, judged.kit, summary)
            snapshot = writer.publish(manifest)
    summary |= {"snapshot": snapshot.snapshot_id, "seconds": round(sum(run.seconds.values()), 1)}
    return BuildResult(snapshot, stats, run.seconds, summary | {"peak_memory": peak_memory()})


@lru_cache(maxsize=2)
def _query_encoder(name: str, models: Path, threads: int) -> Encoder:
    """Keep the encoder of a long-lived process, such as the app: loading it takes longer than a query."""
    return load_encoder(name, models=models, threads=threads)


def encode_query(snapshot: Snapshot, text: str, settings: Settings) -> np.ndarray:
    """Return the vector, float32 [dim], of a text in the space of the snapshot's prompts.

    Raises `EncoderError` when the encoder that is installed is not the one that the snapshot was built with.
    """
    known = snapshot.manifest["encoder"]
    encoder = _query_encoder(known["name"], settings.models, settings.threads)
    if encoder.fingerprint != known["fingerprint"]:
        raise EncoderError(
            f"the encoder {known['name']} is not the one that snapshot {snapshot.snapshot_id} was built with: rebuild"
        )
    vector: np.ndarray = encoder.encode([text])[0]
    return vector


def _read(
    writer: SnapshotWriter,
    sources: Sequence[str],
    settings: Settings,
    stats: ReadStats,
    *,
    input_format: str | None,
    mapping: Mapping[str, str] | None,
) -> Ingested:
    with (
        writer.create(REJECTS) as raw,
        io.TextIOWrapper(raw, "utf-8") as stream,
        writer.create("requests.parquet") as requests,
    ):
        rows = read_requests(
            sources, input_format=input_format, mapping=mapping, redact=settings.redact, stats=stats,
            reject=RejectsFile(stream),
        )  # fmt: skip
        ingested = ingest(rows, requests)
    writer.add_part("requests", "requests.parquet")
    check_rejects(stats, settings.max_rejects)
    return ingested


def _encode(run: Run, encoder: Encoder, ingested: Ingested, settings: Settings) -> tuple[int, np.ndarray]:
    cache = VectorCache(settings.store / CACHE, encoder.fingerprint, encoder.dim)
    with run.step("encode") as step:
        done = embed_prompts(encoder, ingested.prompts.hashes, ingested.prompts.texts, cache, progress=step.update)
    return done.n_cached, done.vectors


def _index(run: Run, writer: SnapshotWriter, vectors: np.ndarray, settings: Settings) -> Neighbours:
    with run.step("index"):
        writer.add_index(build_index(vectors, threads=settings.threads))
    with run.step("neighbours") as step:
        return all_neighbours(vectors, settings.neighbours, threads=settings.threads, progress=step.update)


def _judge(  # noqa: PLR0917 - what is judged, in the order in which it was made
    run: Run,
    writer: SnapshotWriter,
    ingested: Ingested,
    languages: Sequence[str],
    vectors: np.ndarray,
    near: Neighbours,
    atlas: Atlas,
    encoder: str,
    settings: Settings,
) -> Judged:
    accounts, prompts = ingested.accounts, ingested.prompts
    kit = load_kit(encoder, settings.store)
    if kit.detector.fallback:
        run.progress.note(
            f"no detector was trained on vectors of the encoder {encoder}: accounts are ranked, none goes above watch"
        )
    elif kit.reference is None:
        run.progress.note(
            f"no benign reference fits the detector {kit.detector.name} {kit.detector.version}: there are no p values, "
            "and no account alone goes above watch, until `sweeplens calibrate` makes one"
        )
    with run.step("signals") as step:
        ground = make_ground(
            vectors.astype(np.float32), prompts.texts, languages, cell=atlas.cell, cluster=atlas.cluster,
            capability=atlas.capability, workers=settings.threads,
        )  # fmt: skip
        values = measure_accounts(accounts, ground, workers=settings.threads, progress=step.update)
    with run.step("detect"):
        links = find_links(read_requests_table(writer.folder / "requests.parquet"), len(accounts))
        sets = load_known(settings.store)
        known = KnownPrompts(sets.match(prompts.texts), sets.names) if sets.names else None
        return judge_accounts(accounts, ground, values, prompts.hashes, kit, links=links, near=near, known=known)


def _write(  # noqa: PLR0917 - one argument for each part of a snapshot
    writer: SnapshotWriter,
    ingested: Ingested,
    languages: Sequence[str],
    vectors: np.ndarray,
    atlas: Atlas,
    judged: Judged,
) -> None:
    accounts = ingested.accounts
    writer.add_vectors(vectors)
    writer.add_array(CELLS, atlas.cells)
    writer.add_table("prompts", tables.prompts_table(ingested, languages))
    writer.add_table("use", tables.use_table(accounts, len(ingested.prompts.texts)))
    writer.add_table("membership", tables.membership_table(atlas))
    writer.add_table("clusters", tables.clusters_table(atlas, accounts))
    writer.add_table("capabilities", tables.capabilities_table(atlas, accounts))
    writer.add_table("accounts", tables.accounts_table(accounts, judged))
    writer.add_table("signals", tables.signals_table(accounts, judged.values, judged.peers))
    writer.add_table("curves", tables.curves_table(accounts, atlas.cell))
    writer.add_table("links", tables.links_table(judged.links))
    writer.add_table("campaigns", tables.campaigns_table(accounts, judged.campaigns))


def _summary(ingested: Ingested, stats: ReadStats, atlas: Atlas, judged: Judged, cached: int) -> dict[str, Any]:
    levels = Counter(judged.raised.level)
    return {
        "rows": stats.rows,
        "rejected": stats.rejected,
        "requests": len(ingested.accounts.prompts),
        "accounts": len(ingested.accounts),
        "prompts": len(ingested.prompts.texts),
        "prompts_from_cache": cached,
        "clusters": len(atlas.clusters),
        "cells": len(atlas.cells),
        "noise_share": round(float((atlas.cluster < 0).mean()), 4),
        "levels": {k: levels.get(k, 0) for k in ("high", "review", "watch", "none", "insufficient")},
        "campaigns": sum(c.label == SWEEP for c in judged.campaigns),
        "detector": f"{judged.kit.detector.name} {judged.kit.detector.version}",
    }


def _manifest(  # noqa: PLR0917 - one argument for each part of a manifest
    settings: Settings,
    encoder: Encoder,
    stats: ReadStats,
    languages: Sequence[str],
    kit: Kit,
    summary: Mapping[str, Any],
) -> dict[str, Any]:
    spoken = Counter(languages)
    return {
        "sweeplens": __version__,
        "parent": None,
        "config": {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(settings).items()},
        "encoder": {"fingerprint": encoder.fingerprint, **encoder.describe()},
        "text": "kept",
        "detector": {
            "name": kit.detector.name, "version": kit.detector.version, "fallback": kit.detector.fallback,
        },
        "reference": None if kit.reference is None else {
            "accounts": len(kit.reference), "corpora": kit.reference.corpora, "groups": len(kit.reference.groups),
            "source": kit.reference.source,
        },
        "log": {
            "files": stats.files, "rows": stats.rows, "rejected": stats.rejected,
            "reasons": dict(stats.reasons.most_common()), "redactions": dict(stats.redactions.most_common()),
            "languages": dict(spoken.most_common(20)),
        },
        "counts": {k: v for k, v in summary.items() if isinstance(v, int | float)},
        "levels": summary["levels"],
    }  # fmt: skip
