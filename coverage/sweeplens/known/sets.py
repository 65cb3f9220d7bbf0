"""The known sets of a store: add, list, remove, load."""

import itertools
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sweeplens.errors import LogError, NotFoundError, StoreError
from sweeplens.known.files import SUFFIX, KnownInfo, read_info, read_sketch, write_sketch
from sweeplens.known.matching import KnownSets
from sweeplens.known.prompts import read_prompts
from sweeplens.known.sketch import MIN_TOKENS, Sketch, Sketcher
from sweeplens.logs.read import check_rejects
from sweeplens.logs.rows import ReadStats
from sweeplens.store import disk
from sweeplens.store.lock import hold_lock
from sweeplens.text import printable

FOLDER = "known"
_WAIT = 30.0  # seconds that a writer waits for another
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TEMPORARY = ".part-"
_CHUNK = 4096
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Added:
    """What came of adding a set: its line of the list, the rows read, and the prompts that were left out."""

    info: KnownInfo
    stats: ReadStats
    repeated: int
    too_short: int


def load_known(store_folder: Path) -> KnownSets:
    """Load the known sets of a store, sorted by name; none where it has none.

    Raises `StoreError` for a set that is damaged and `SchemaError` for one that a newer version wrote.
    """
    return KnownSets({path.stem: read_sketch(path) for path in _paths(store_folder)})


def list_known(store_folder: Path) -> list[KnownInfo]:
    """Return a line for each known set, sorted by name; one that cannot be read is logged and left out."""
    rows = []
    for path in _paths(store_folder):
        try:
            rows.append(read_info(path))
        except StoreError as error:
            log.warning("%s", error)
    return rows


def add_known(
    store_folder: Path,
    name: str,
    sources: Sequence[str],
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    max_rejects: float = 0.01,
    replace: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Added:
    """Sketch the prompts of `sources` and keep them under `name`; an error leaves the store as it was.

    `progress` is told (prompts read, 0). Raises `StoreError` for a bad name, a name that is taken unless `replace` is
    set, and a store that cannot be written; `LogError` for prompts that cannot be read, or of which none is left.
    """
    path = _path(store_folder, name)
    _check_free(path, replace=replace)  # before the work; and again under the lock
    stats, sketcher = ReadStats(), Sketcher()
    prompts = read_prompts(sources, input_format=input_format, mapping=mapping, stats=stats)
    while chunk := list(itertools.islice(prompts, _CHUNK)):
        sketcher.add(chunk)
        if progress is not None:
            progress(sketcher.prompts, 0)
    check_rejects(stats, max_rejects)
    sketch = sketcher.finish()
    if not len(sketch):
        raise LogError(
            f"none of the {sketcher.prompts:,} prompts of the set can be told from everyday talk: expected some of "
            f"{MIN_TOKENS} words or more"
        )
    with _writing(store_folder):
        _check_free(path, replace=replace)
        _write(path, sketch)
        info = read_info(path)
    too_short = sketcher.too_short
    return Added(info, stats, repeated=sketcher.prompts - too_short - len(sketch), too_short=too_short)


def remove_known(store_folder: Path, name: str) -> None:
    """Remove a known set, damaged or not. Raises `NotFoundError` when there is none of that name."""
    path = _path(store_folder, name)
    missing = NotFoundError(f"the store {store_folder} has no known set {name}: `sweeplens known list` lists them")
    if not path.exists():
        raise missing
    with _writing(store_folder):
        try:
            disk.unlink(path)
        except FileNotFoundError:
            raise missing from None
        disk.sync_folder(path.parent)


def _paths(store_folder: Path) -> list[Path]:
    return sorted(p for p in (store_folder / FOLDER).glob(f"*{SUFFIX}") if _NAME.fullmatch(p.stem))


def _path(store_folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise StoreError(
            "the name of a known set must be 1 to 64 of the characters a-z, 0-9, dot, dash and underscore, the first a "
            f"letter or digit, but it is {printable(name)[:80]!r}"
        )
    return store_folder / FOLDER / f"{name}{SUFFIX}"


def _check_free(path: Path, *, replace: bool) -> None:
    if not replace and path.exists():
        raise StoreError(f"there is a known set {path.stem} already: --replace puts the new one in its place")


@contextmanager
def _writing(store_folder: Path) -> Iterator[None]:
    """Hold the store's lock around changes of its known sets."""
    folder = store_folder / FOLDER
    with hold_lock(store_folder, wait=_WAIT):
        disk.make_folder(folder)
        for left in folder.glob(f"{_TEMPORARY}*"):
            disk.unlink(left)
        yield


def _write(path: Path, sketch: Sketch) -> None:
    """Write a known set so that a reader sees the old or the new, never half."""
    temporary = path.with_name(f"{_TEMPORARY}{path.stem}")
    try:
        with disk.create(temporary) as stream:
            write_sketch(stream, sketch, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        disk.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            disk.unlink(temporary)
        raise
    disk.sync_folder(path.parent)
