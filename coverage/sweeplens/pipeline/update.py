"""Update CURRENT with new logs, or take something out of it: only what changed is made anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.atlas import Atlas, build_atlas
from sweeplens.atlas.capabilities import CapabilityFinder
from sweeplens.atlas.cells import scrub_cells
from sweeplens.atlas.growth import Former, align_atlas, describe_again, grow_atlas, refill_exemplars
from sweeplens.atlas.taxonomy import read_taxonomy
from sweeplens.config import Settings
from sweeplens.embed.encoder import Encoder, known_name, load_encoder
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run
from sweeplens.errors import StoreError
from sweeplens.index import Index, all_neighbours, build_index, neighbours_of, stack
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.atlases import read_atlas
from sweeplens.pipeline.build import finish, make_hashing, say_kit
from sweeplens.pipeline.drift import Drift, measure_drift
from sweeplens.pipeline.history import History, Texts, read_history
from sweeplens.pipeline.intake import Left
from sweeplens.pipeline.judge import load_kit
from sweeplens.pipeline.measuring import Places, check_encoder, judge_look, linked_requests, look_at
from sweeplens.pipeline.retention import erase_old
from sweeplens.pipeline.traffic import (
    Incoming,
    Source,
    Traffic,
    cut_window,
    gather,
    read_log,
    tell_languages,
)  # fmt: skip
from sweeplens.pipeline.writing import (
    BuildResult,
    make_manifest,
    summarise,
    write_index,
    write_prompts,
    write_requests,
    write_results,
)  # fmt: skip
from sweeplens.store.key import check_key
from sweeplens.store.publish import SnapshotWriter, write_snapshot
from sweeplens.store.snapshot import Snapshot, open_snapshot


@dataclass(frozen=True)
class Work:
    """What the steps of one update share."""

    run: Run
    writer: SnapshotWriter
    parent: Snapshot
    encoder: Encoder
    settings: Settings
    stats: ReadStats
    left: Left
    erasing: bool = False


def update(
    sources: Sequence[str],
    settings: Settings,
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Put the requests of `sources` on top of CURRENT, as a new snapshot, and make it CURRENT.

    Requests that are in CURRENT already, by their ids, count once. Only new prompts are embedded; they find their place
    on the map as it is, and new clusters come from those that fit nowhere. The map is laid out anew when it has grown
    `settings.remap` times. With a window, what is older than it is left out, and is in no file of the new snapshot.

    Raises `LogError` and its kin for logs, `StoreError` where there is no CURRENT or it does not fit the settings; an
    update that fails leaves the store as it was.
    """
    run, stats, left = Run(progress or Silent()), ReadStats(), Left()
    with write_snapshot(settings.store) as writer, open_snapshot(settings.store) as parent:
        check_key(settings.store, parent.manifest.get("key"))
        work = begin(run, writer, parent, settings, stats, left)
        with run.step("history"):
            history: History | None = read_history(parent)
        with run.step("read"):
            source = Source(sources, input_format, mapping)
            incoming = read_log(writer, source, work.settings, make_hashing(work.settings), history, left, stats)
            incoming, history = cut_window(writer, incoming, history, work.settings, left)
        result = go_on(work, incoming, history)
    if settings.retention_span is not None:
        erase_old(settings, result.snapshot)
    return result


def begin(  # noqa: PLR0917 - what the steps share
    run: Run,
    writer: SnapshotWriter,
    parent: Snapshot,
    settings: Settings,
    stats: ReadStats,
    left: Left,
    *,
    erasing: bool = False,
) -> Work:
    """Return what the steps of an update share: the encoder and the ways of the snapshot that it goes on from."""
    known = parent.manifest
    name = known_name(known["encoder"])
    settings = replace(settings, encoder=name, text=known.get("text", "kept") == "kept")
    encoder = load_encoder(name, models=settings.models, threads=settings.threads)
    check_encoder(parent, encoder.fingerprint)
    return Work(run, writer, parent, encoder, settings, stats, left, erasing)


def go_on(work: Work, incoming: Incoming, history: History | None) -> BuildResult:
    """Make and publish the snapshot that has what is left of the history, and what came in."""
    run, writer, parent, settings = work.run, work.writer, work.parent, work.settings
    if history is None:
        raise StoreError("an update needs a snapshot to go on from: build one first")
    spoken = tell_languages(run, incoming)
    traffic = gather(run, incoming, history, work.encoder, settings, work.left, work.stats, spoken)
    with run.step("index"):
        base, delta, index = _index(traffic, history, settings)
        known = history.snapshot.index if history.whole else build_index(traffic.vectors[: traffic.old])
    atlas, moved, drift = _map(work, traffic, history, known)
    with run.step("write"):
        write_requests(writer, history, incoming.part)
    kit = say_kit(load_kit(work.encoder.name, settings.store), work.encoder.name, run)
    look = look_at(traffic, Places(atlas.cell, atlas.cluster, atlas.capability), settings, moved)
    measured = judge_look(
        run, look, kit, settings, linked=linked_requests(writer, writer.parts("requests")),
        near=lambda rows: neighbours_of(rows, traffic.vectors, index, settings.neighbours).ids, former=parent,
    )  # fmt: skip
    with run.step("write"):
        write_prompts(writer, traffic, keep_text=settings.text)
        write_index(writer, history, base, delta)
        write_results(writer, traffic, atlas, measured)
        summary = summarise(traffic, atlas, measured.judged)
        manifest = make_manifest(
            settings, work.encoder, traffic, atlas, measured, summary, parent=parent, drift=drift.record()
        )
        snapshot = writer.publish(manifest)
    for reason in drift.reasons:
        run.progress.note(f"a rebuild is due: {reason}")
    result = finish(run, snapshot, traffic, summary)
    return replace(result, notes=drift.reasons)


def _index(traffic: Traffic, history: History, settings: Settings) -> tuple[Index | None, Index | None, Index]:
    """Return (a new base, a delta, both as one): a delta alone where the old index can be taken over."""
    if not history.whole:
        base = build_index(traffic.vectors, threads=settings.threads)
        return base, None, base
    old = history.snapshot.index
    if not len(traffic.fresh):
        return None, None, old
    delta = build_index(traffic.fresh, threads=settings.threads)
    return None, delta, stack([old, delta])


def _map(work: Work, traffic: Traffic, history: History, known: Index) -> tuple[Atlas, NDArray[np.bool_] | None, Drift]:
    """Return the map with the new prompts on it, which prompts moved (None: any), and how far the log has drifted."""
    settings, run = work.settings, work.run
    taxonomy = read_taxonomy(settings.taxonomy)
    old = read_atlas(history, taxonomy)
    finder = CapabilityFinder(taxonomy, work.encoder)
    texts = Texts(history, traffic.texts) if settings.text else None
    if work.erasing:
        old = _scrub(old, traffic, history, texts, finder)
    with run.step("place"):
        grown = grow_atlas(old, traffic.vectors, texts, known, finder, min_cluster=settings.min_cluster)
        grown = refill_exemplars(grown, traffic.vectors, texts)
    drift = measure_drift(old, grown, parts=len(history.snapshot.manifest["tables"]["requests"]))
    n = traffic.n_prompts
    if settings.remap and n >= settings.remap * max(old.laid_out, 1):
        run.progress.note(f"the map has grown from {old.laid_out:,} prompts to {n:,}: it is laid out anew")
        return _lay_out(work, traffic, old, finder, texts), None, drift
    moved = np.zeros(n, bool)
    moved[: len(old.cell)] = (grown.cluster[: len(old.cell)] != old.cluster) | (
        grown.capability[: len(old.cell)] != old.capability
    )
    return grown, moved, drift


def _scrub(
    atlas: Atlas, traffic: Traffic, history: History, texts: Sequence[str] | None, finder: CapabilityFinder
) -> Atlas:
    """Take what is left of forgotten prompts out of a map: out of cells' centres, and clusters' names and terms."""
    gone = np.ones(len(history.snapshot.vectors), bool)
    gone[history.alive] = False
    table = history.snapshot.table("membership", ["cell", "cluster"])
    cells, clusters = (table[name].to_numpy()[gone] for name in ("cell", "cluster"))
    atlas = replace(atlas, cells=scrub_cells(atlas.cells, traffic.vectors, atlas.cell, cells))
    return describe_again(atlas, set(clusters[clusters >= 0].tolist()), traffic.vectors, texts, finder)


def _lay_out(work: Work, traffic: Traffic, old: Atlas, finder: CapabilityFinder, texts: Sequence[str] | None) -> Atlas:
    settings, run = work.settings, work.run
    vectors = np.asarray(traffic.vectors)
    with run.step("neighbours") as step:
        near = all_neighbours(vectors, settings.neighbours, threads=settings.threads, progress=step.update)
    atlas = build_atlas(
        vectors, texts, near, finder, taxonomy=old.taxonomy, centres=old.cells, min_cluster=settings.min_cluster,
        seed=settings.seed, threads=settings.threads, run=run,
    )  # fmt: skip
    known = np.arange(traffic.n_prompts) < len(old.cell)
    cluster = np.full(traffic.n_prompts, -1, np.int32)
    cluster[: len(old.cell)] = old.cluster
    with run.step("align"):
        return align_atlas(atlas, Former(cluster, known, old.clusters, old.next_id))
