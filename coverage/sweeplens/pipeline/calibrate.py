"""Make a store's own benign reference from a log of honest accounts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from sweeplens.config import Settings
from sweeplens.detect.calibration import (
    FILE,
    Floats,
    Reference,
    Volumes,
    load_reference,
    make_reference,
    write_reference,
)
from sweeplens.detect.campaigns import SWEEP
from sweeplens.detect.detector import Detector
from sweeplens.detect.group_test import load_group_test
from sweeplens.detect.links import find_links
from sweeplens.detect.nulls import FEWEST as FEWEST_GROUPS
from sweeplens.detect.nulls import Null, nulls_of
from sweeplens.detect.population import load_population
from sweeplens.detect.training import choose_detector
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder, load_encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run
from sweeplens.errors import DetectorError
from sweeplens.logs.read import check_rejects, read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.encoders import name_for_log
from sweeplens.pipeline.intake import LoneLog, take_alone
from sweeplens.pipeline.judge import Kit, judge_accounts
from sweeplens.pipeline.measuring import LINKED
from sweeplens.pipeline.traffic import CACHE
from sweeplens.signals.ground import Ground, measure_ground
from sweeplens.signals.measure import measure_accounts
from sweeplens.signals.sample import hash_keys, sample_accounts
from sweeplens.store.private import remove_private, write_private
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import PARQUET, schemas

FEWEST = 200  # honest accounts with a score under which not even review could be reached
_LONGEST = 200  # characters of what a reference says it is made of
_REQUESTS = "requests.parquet"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgedLog:
    """What detection says of the accounts of a log, before any campaign raises them.

    log_odds  float64 [N]: after the help of kin; NaN for accounts with too little
    volumes   int64 [N]: distinct prompts
    groups    (log-odds, accounts, distinct prompts) of each group that was found
    suspects  number of groups that are labelled a sweep
    """

    log_odds: Floats
    volumes: Volumes
    groups: tuple[Null, ...]
    suspects: int


@dataclass(frozen=True)
class Calibrated:
    """A reference that was written to `path`; `without` accounts have too little for a score and are left out."""

    reference: Reference
    path: Path
    without: int


def calibrate(
    sources: Sequence[str],
    settings: Settings,
    *,
    corpora: int = 1,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Calibrated:
    """Score a log of honest accounts as a build would, and keep the scores as the store's own reference.

    The store's snapshots stay as they are; the reference counts from the next build on. Raises `DetectorError` for
    fewer than 200 accounts with a score, or an encoder that no detector was trained for; `LogError` and its kin,
    `EncoderError` and `StoreError` as a build does.
    """
    settings = replace(settings, encoder=name_for_log(settings, sources, input_format, mapping))
    detector = choose_detector(settings.encoder, settings.store)
    if detector.fallback:
        raise DetectorError(
            f"only a trained detector can be calibrated, but none was trained on vectors of the encoder "
            f"{settings.encoder}"
        )
    with write_snapshot(settings.store) as writer:  # never published: it lends its lock, and a folder that goes again
        judged = judge_log(
            sources, settings, detector, writer.folder, input_format=input_format, mapping=mapping, progress=progress
        )
        reference = make_reference(
            judged.log_odds, judged.volumes, corpora=corpora, source=_describe(sources), encoder=settings.encoder,
            detector=detector, groups=_enough_groups(judged.groups, settings.encoder, detector),
        )  # fmt: skip
        if len(reference) < FEWEST:
            raise DetectorError(
                f"a calibration needs {FEWEST} or more benign accounts with a score, but the log has {len(reference)} "
                f"of {len(judged.volumes)}: p cannot go below 1 / (accounts + 1), so that review, p of at most 0.005, "
                "would be out of reach"
            )
        path = keep_reference(settings.store, reference)
    if judged.suspects:
        log.warning("groups in the benign log that look like a sweep: %d; is all of it honest?", judged.suspects)
    return Calibrated(reference, path, len(judged.log_odds) - len(reference))


def keep_reference(store: Path, reference: Reference) -> Path:
    """Write the store's own reference, with the day, and return its path."""
    return write_private(store, FILE, write_reference(reference, datetime.now(UTC).strftime("%Y-%m-%d")))


def remove_calibration(store: Path) -> bool:
    """Go back to the reference that ships; False where the store had none of its own."""
    return remove_private(store, FILE)


def judge_log(
    sources: Sequence[str],
    settings: Settings,
    detector: Detector,
    folder: Path,
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> JudgedLog:
    """Judge a log as a build of the store would, with its cache of vectors; `folder` takes what is written meanwhile.

    The map is left out: what detectors are trained on does not depend on it.
    """
    run = Run(progress or Silent())
    encoder = load_encoder(settings.encoder, models=settings.models, threads=settings.threads)
    with run.step("read"):
        ingested = _read(sources, settings, folder, input_format=input_format, mapping=mapping)
    ground = _look(run, encoder, ingested, settings)
    with run.step("signals") as step:
        accounts = sample_accounts(ingested.accounts, hash_keys(ingested.hashes))
        values = measure_accounts(accounts, ground, workers=settings.threads, progress=step.update)
    with run.step("detect"):
        kit = Kit(detector, load_population(encoder.name), None, load_group_test(encoder.name))
        links = find_links(pq.read_table(folder / _REQUESTS, columns=list(LINKED)), len(accounts))
        judged = judge_accounts(accounts, ground, values, ingested.hashes, kit, links=links)
    return JudgedLog(
        judged.scores.log_odds,
        accounts.volumes,
        tuple(nulls_of(judged.campaigns)),
        sum(c.label == SWEEP for c in judged.campaigns),
    )


def _enough_groups(own: tuple[Null, ...], encoder: str, detector: Detector) -> tuple[Null, ...]:
    """Take the groups of the reference that ships, too, where there are too few for a p of groups and they fit."""
    if len(own) >= FEWEST_GROUPS:
        return own
    shipped = load_reference(encoder, detector)
    return own if shipped is None else own + shipped.groups


def _read(
    sources: Sequence[str],
    settings: Settings,
    folder: Path,
    *,
    input_format: str | None,
    mapping: Mapping[str, str] | None,
) -> LoneLog:
    stats = ReadStats()
    rows = read_requests(
        sources, input_format=input_format, mapping=mapping, redact=settings.redact, stats=stats, reject=lambda _: None
    )
    with pq.ParquetWriter(folder / _REQUESTS, schemas()["requests"], **PARQUET) as table:
        ingested = take_alone(rows, table.write_table)
    check_rejects(stats, settings.max_rejects)
    return ingested


def _look(run: Run, encoder: Encoder, ingested: LoneLog, settings: Settings) -> Ground:
    """Embed and measure the prompts, with no place on a map."""
    texts, hashes = ingested.texts, ingested.hashes
    # The cache of a store without text must not learn ordinary hashes of texts.
    cache = VectorCache(settings.store / CACHE, encoder.fingerprint, encoder.dim) if settings.text else None
    with run.step("encode") as step:
        vectors = embed_prompts(encoder, hashes, texts, cache, progress=step.update).vectors
    with run.step("languages"):
        languages = detect_languages(texts)
    nowhere = np.zeros(len(texts), np.int32)
    return measure_ground(
        vectors, texts, languages, cell=nowhere, cluster=nowhere, capability=nowhere, workers=settings.threads
    )


def _describe(sources: Sequence[str]) -> str:
    names = ["standard input" if s == "-" else Path(s).name or s for s in sources]
    return ", ".join(names)[:_LONGEST]
