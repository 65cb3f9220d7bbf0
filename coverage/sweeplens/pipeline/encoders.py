"""Which encoder a run uses: the one that was named, else that of the store, else the one that suits the log."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sweeplens.config import Settings
from sweeplens.embed.encoder import AUTO, Encoder, known_name, load_encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.shipped import choose_encoder
from sweeplens.engine.steps import Run
from sweeplens.errors import ConfigError, EncoderError, NotFoundError, StoreError
from sweeplens.logs.read import read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.store.snapshot import Snapshot, open_snapshot

_SAMPLE = 5_000  # requests of a log that is not read yet, from its beginning


def named_encoder(settings: Settings, parent: Snapshot | None) -> Encoder | None:
    """Return the encoder that is named, or that the store was built with; None where the log is to say.

    A store keeps its encoder as long as no other is named: clusters and campaigns can then be followed.
    """
    name = settings.encoder
    if name == AUTO:
        if parent is None:
            return None
        name = known_name(parent.manifest["encoder"])
    return load_encoder(name, models=settings.models, threads=settings.threads)


def suited_encoder(run: Run, settings: Settings, codes: Sequence[str]) -> Encoder:
    """Return the encoder that suits prompts in these languages, and say in one line why.

    Where multilingual cannot be loaded, fast reads the same languages.
    """
    name, why = choose_encoder(codes)
    try:
        encoder = load_encoder(name, models=settings.models, threads=settings.threads)
    except EncoderError as error:
        if name != "multilingual":
            raise
        run.progress.note(f"{why}; fast takes its place, since {error}")
        return load_encoder("fast", models=settings.models, threads=settings.threads)
    run.progress.note(why)
    return encoder


def name_for_log(
    settings: Settings, sources: Sequence[str], input_format: str | None, mapping: Mapping[str, str] | None
) -> str:
    """Return the name of the encoder that a build of this log would use in this store, without reading all of it.

    Raises `ConfigError` for standard input, which cannot be read twice.
    """
    if settings.encoder != AUTO:
        return settings.encoder
    kept = store_encoder(settings.store)
    if kept is not None:
        return known_name(kept)
    if "-" in sources:
        raise ConfigError("a log from standard input is read once: name its encoder with --encoder")
    rows = read_requests(
        sources, input_format=input_format, mapping=mapping, redact=settings.redact, stats=ReadStats(), reject=_ignore
    )
    return choose_encoder(detect_languages([row.prompt for row in islice(rows, _SAMPLE)]))[0]


def store_encoder(store: Path) -> dict[str, Any] | None:
    """Return what the current snapshot's manifest says of its encoder; None where no snapshot can be opened."""
    try:
        with open_snapshot(store) as snapshot:
            return dict(snapshot.manifest["encoder"])
    except (StoreError, NotFoundError):
        return None


def _ignore(_: object) -> None:
    """Rejects are counted when the whole log is read."""
