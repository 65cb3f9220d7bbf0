"""Build a snapshot: read, embed, map, measure, score, publish."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace

import numpy as np

from sweeplens.atlas.atlas import Atlas, build_atlas
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.growth import Former, align_atlas
from sweeplens.atlas.taxonomy import Taxonomy, read_taxonomy
from sweeplens.config import Settings
from sweeplens.embed.encoder import Encoder
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run, peak_memory
from sweeplens.errors import NotFoundError, StoreError
from sweeplens.index import Index, Neighbours, all_neighbours, build_index
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.atlases import read_clusters
from sweeplens.pipeline.encoders import named_encoder, suited_encoder
from sweeplens.pipeline.intake import Hashing, Left
from sweeplens.pipeline.judge import Kit, load_kit
from sweeplens.pipeline.measuring import Places, judge_look, linked_requests, look_at
from sweeplens.pipeline.traffic import Source, Traffic, cut_window, gather, read_log, tell_languages
from sweeplens.pipeline.writing import (
    BuildResult,
    make_manifest,
    summarise,
    write_index,
    write_prompts,
    write_requests,
    write_results,
)  # fmt: skip
from sweeplens.store.key import store_key
from sweeplens.store.publish import write_snapshot
from sweeplens.store.snapshot import Snapshot, open_snapshot


def build(
    sources: Sequence[str],
    settings: Settings,
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Read `sources` (files, folders, globs, "-") into a new snapshot of the store, and make it CURRENT.

    Everything is made anew, but clusters and campaigns that go on from the snapshot before keep their ids and names.
    Raises `LogError` and its kin for logs, `EncoderError` for encoders, `StoreError` for the store; a build that fails
    leaves the store as it was.
    """
    run, stats, left = Run(progress or Silent()), ReadStats(), Left()
    source = Source(sources, input_format, mapping)
    with write_snapshot(settings.store) as writer, ExitStack() as held:
        parent = held.enter_context(open_parent(settings))
        taxonomy = read_taxonomy(settings.taxonomy)
        encoder = named_encoder(settings, parent)
        with run.step("read"):
            incoming = read_log(writer, source, settings, make_hashing(settings), None, left, stats)
            incoming, _ = cut_window(writer, incoming, None, settings, left)
        spoken = tell_languages(run, incoming)
        encoder = encoder or suited_encoder(run, settings, spoken)
        settings = replace(settings, encoder=encoder.name)
        traffic = gather(run, incoming, None, encoder, settings, left, stats, spoken)
        with run.step("index"):
            base = build_index(traffic.fresh, threads=settings.threads)
        near, atlas = _map(run, traffic, base, encoder, taxonomy, settings, parent)
        write_requests(writer, None, incoming.part)
        kit = say_kit(load_kit(encoder.name, settings.store), encoder.name, run)
        look = look_at(traffic, Places(atlas.cell, atlas.cluster, atlas.capability), settings)
        measured = judge_look(
            run, look, kit, settings, linked=linked_requests(writer, writer.parts("requests")),
            near=lambda rows: near.ids[rows], former=parent,
        )  # fmt: skip
        with run.step("write"):
            write_prompts(writer, traffic, keep_text=settings.text)
            write_index(writer, None, base, None)
            write_results(writer, traffic, atlas, measured)
            summary = summarise(traffic, atlas, measured.judged)
            manifest = make_manifest(settings, encoder, traffic, atlas, measured, summary, parent=parent)
            snapshot = writer.publish(manifest)
    return finish(run, snapshot, traffic, summary)


def open_parent(settings: Settings) -> AbstractContextManager[Snapshot | None]:
    """Open CURRENT, if there is one that can be read, until the end of the context."""
    try:
        return open_snapshot(settings.store)
    except (StoreError, NotFoundError):
        return nullcontext()


def make_hashing(settings: Settings) -> Hashing:
    """Return how texts are hashed: under the store's key where none is kept."""
    return Hashing(None if settings.text else store_key(settings.store))


def say_kit(kit: Kit, encoder: str, run: Run) -> Kit:
    """Say what the kit cannot do."""
    if kit.detector.fallback:
        run.progress.note(
            f"no detector was trained on vectors of the encoder {encoder}: accounts are ranked, none goes above watch"
        )
    elif kit.reference is None:
        run.progress.note(
            f"no benign reference fits the detector {kit.detector.name} {kit.detector.version}: there are no p values, "
            "and no account alone goes above watch, until `sweeplens calibrate` makes one"
        )
    return kit


def finish(run: Run, snapshot: Snapshot, traffic: Traffic, summary: dict[str, object]) -> BuildResult:
    """Return the result of a run that published a snapshot."""
    about = summary | {
        "snapshot": snapshot.snapshot_id, "seconds": round(sum(run.seconds.values()), 1), "peak_memory": peak_memory(),
    }  # fmt: skip
    return BuildResult(snapshot, traffic.stats, run.seconds, about, traffic.left)


def _map(  # noqa: PLR0917 - what it is made of
    run: Run,
    traffic: Traffic,
    base: Index,
    encoder: Encoder,
    taxonomy: Taxonomy,
    settings: Settings,
    parent: Snapshot | None,
) -> tuple[Neighbours, Atlas]:
    with run.step("neighbours") as step:
        near = all_neighbours(
            traffic.fresh, settings.neighbours, threads=settings.threads, progress=step.update, index=base
        )
    atlas = build_atlas(
        traffic.fresh, traffic.texts if settings.text else None, near, CapabilityFinder(taxonomy, encoder),
        taxonomy=taxonomy, cells=settings.cells, min_cluster=settings.min_cluster, seed=settings.seed,
        threads=settings.threads, run=run,
    )  # fmt: skip
    if parent is None:
        return near, atlas
    with run.step("align"):
        return near, align_atlas(atlas, _former(parent, traffic, settings))


def _former(parent: Snapshot, traffic: Traffic, settings: Settings) -> Former:
    """Return the clusters of the snapshot before, seen from the prompts that it has in common with these."""
    hashes = traffic.hashes
    clusters, next_id = read_clusters(parent)
    if (parent.manifest.get("text", "kept") == "kept") != settings.text:
        # One of the two keeps no text: the hashes are put into the form that the snapshot before has.
        before = Hashing(None if settings.text is False else store_key(settings.store))
        hashes = [before.prompt(text) for text in traffic.texts]
        # Names are made of texts, or of capabilities: one kind must not stand where the other belongs.
        clusters = tuple(replace(c, name="") for c in clusters)
    table = parent.table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist()
    row = {key: i for i, key in enumerate(table)}
    rows = np.fromiter((row.get(key, -1) for key in hashes), np.int64, len(hashes))
    cluster = np.append(parent.table("membership", ["cluster"])["cluster"].to_numpy(), -1)
    return Former(cluster[rows].astype(np.int32), rows >= 0, clusters, next_id)
