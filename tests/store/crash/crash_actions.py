"""What is killed: each action on a store by its name, with the store that it begins on. One line each, at the end."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from crash_journal import CACHE

from support.small_store import write_small_store
from support.tiny_log import PROMPTS, tiny_settings, write_tiny_log
from sweeplens import pipeline
from sweeplens.embed.cache import VectorCache, forget_everywhere
from sweeplens.index import build_index
from sweeplens.store import private
from sweeplens.store.lock import DELETING, hold_lock
from sweeplens.store.prune import prune, use
from sweeplens.store.publish import write_snapshot
from sweeplens.store.snapshot import list_snapshots, open_snapshot
from sweeplens.store.tombstones import load_tombstones
from sweeplens.text import content_hash

_FINGERPRINT = "0f" * 16
_FORGOTTEN = (1, 2, 6)
_GROWING, _WHOLE = {"requests", "prompts", "texts"}, {"use", "membership"}


@dataclass(frozen=True)
class Action:
    """Something done to a store: `prepare` makes the store that it begins on, `run` does it.

    `settle` is what must come for the remains of a killed run to go, where the action itself does not see to that.
    `find_problems` (store, whether the action is done) says what more is wrong with a store. Of what is `long`, the
    driver does not do all.
    """

    name: str
    prepare: Callable[[Path], object]
    run: Callable[[Path], object]
    settle: Callable[[Path], object] | None = None
    find_problems: Callable[[Path, bool], list[str]] | None = None
    long: bool = False


def _publish(store: Path) -> None:
    write_small_store(store).close()


def _publish_three(store: Path) -> None:
    for _ in range(3):
        write_small_store(store).close()
    private.write_private(store, "notes.json", b'{"old": true}')


def _extend(store: Path) -> None:
    """Publish on top of CURRENT as an update does: three more prompts, the rest taken over by hard links."""
    parent = open_snapshot(store)
    with write_snapshot(store) as writer:
        for name, files in parent.manifest["tables"].items():
            table = parent.table(name)
            if name in _GROWING:
                writer.adopt(parent, name)
                writer.add_table(name, table.slice(0, 3), part=len(files))
            elif name in _WHOLE:
                writer.add_table(name, pa.concat_tables([table, table.slice(0, 3)]))
            else:
                writer.adopt(parent, name)
        for name in ("vectors", "index", *parent.manifest["arrays"]):
            writer.adopt(parent, name)
        writer.add_vectors(parent.vectors[:3])
        writer.add_index(build_index(parent.vectors[:3]))
        writer.publish({"parent": parent.snapshot_id, "counts": {}}).close()
    parent.close()


def _use_oldest(store: Path) -> None:
    use(store, list_snapshots(store)[0].snapshot_id).close()


def _prune(store: Path) -> None:
    prune(store, 1)


def _publish_chain(store: Path) -> None:
    _publish(store)
    for _ in range(2):
        _extend(store)


# -- the pipeline, on a log of which two prompts are not in the vector cache yet ---------------------------------------


def _build_before(store: Path) -> None:
    pipeline.build([_log(store, 1, 4)], tiny_settings(store)).snapshot.close()


def _build(store: Path) -> None:
    pipeline.build([_log(store, 2, 6)], tiny_settings(store)).snapshot.close()


def _update(store: Path) -> None:
    pipeline.update([_log(store, 2, 6)], tiny_settings(store)).snapshot.close()


def _erase_old(store: Path) -> None:
    """Update with a log of weeks later, and erase what is older than days: the snapshot before, and two prompts."""
    log, settings = _log(store, 25, 4), tiny_settings(store, window="3d", retention="5d")
    pipeline.update([log], settings).snapshot.close()


def _build_with_dora(store: Path) -> None:
    """Build twice on a log in which dora has two prompts that nobody else sent."""
    own = write_tiny_log(store.parent / "own.jsonl", accounts=("dora",), prompts=6)
    for day in (1, 2):
        pipeline.build([_log(store, day, 4), own], tiny_settings(store)).snapshot.close()


def _forget(store: Path) -> None:
    pipeline.forget(["dora"], tiny_settings(store), everywhere=True).result.snapshot.close()


def _find_dora(store: Path, done: bool) -> list[str]:
    """A snapshot without her is there only once nothing else could bring her back, and at the end it is."""
    with open_snapshot(store) as snapshot:
        tables = {name: snapshot.table(name) for name in ("accounts", "requests")}
        gone = all("dora" not in table["account_id"].to_pylist() for table in tables.values())
        texts = snapshot.table("prompts")["text"].to_pylist()
        fingerprint, dim = snapshot.manifest["encoder"]["fingerprint"], snapshot.vectors.shape[1]
    if not gone:
        return ["dora is still there"] if done else []
    hashes = [content_hash(text) for text in PROMPTS[4:6]]
    cached = VectorCache(store / CACHE, fingerprint, dim, readonly=True).get(hashes)[0].any()
    problems = ["what only dora sent is still there"] * bool(set(texts) & set(PROMPTS[4:6]))
    problems += ["a removed snapshot of hers came back"] * (done and any(store.glob(f"{DELETING}*")))
    problems += ["what only dora sent is still in the cache"] * bool(cached)
    return problems + ["dora could come back"] * (not load_tombstones(store).forgets("dora", 0))


def _log(store: Path, day: int, prompts: int) -> str:
    return write_tiny_log(store.parent / f"log-{day}-{prompts}.jsonl", day=day, prompts=prompts)


# -- small files -------------------------------------------------------------------------------------------------------


def _write_private(store: Path) -> None:
    private.write_private(store, "notes.json", b'{"old": false}')
    private.write_private(store, "more.json", b"{}")
    private.remove_private(store, "more.json")


def _hold_lock(store: Path) -> None:
    with hold_lock(store):
        pass


# -- the vector cache, on its own: 20 segments, or one, of vectors that tell their number ------------------------------


def _fill_cache(store: Path, *, segments: int = 2) -> None:
    write_small_store(store).close()
    cache = _cache(store)
    for start in range(0, 4 * segments, 4):
        cache.put(*_vectors(range(start, start + 4)))


def _fill_cache_often(store: Path) -> None:
    _fill_cache(store, segments=20)


def _put(store: Path) -> None:
    _cache(store).put(*_vectors(range(100, 104)))


def _forget_vectors(store: Path) -> None:
    forget_everywhere(store / CACHE, _vectors(_FORGOTTEN)[0])


def _merge(store: Path) -> None:
    _cache(store).compact()


def _sweep(store: Path) -> None:
    forget_everywhere(store / CACHE, [content_hash("nobody knows this")])


def _find_lost_vectors(store: Path, done: bool) -> list[str]:
    cache = VectorCache(store / CACHE, _FINGERPRINT, 4, readonly=True)
    hashes, vectors = _vectors(n for n in range(8) if n not in _FORGOTTEN)
    found, read = cache.get(hashes)
    problems = [] if found.all() and np.array_equal(read, vectors) else ["vectors of the cache are lost"]
    return problems + ["a segment of the cache is damaged"] * cache.damaged


def _find_unforgotten(store: Path, done: bool) -> list[str]:
    cache = VectorCache(store / CACHE, _FINGERPRINT, 4, readonly=True)
    left = cache.get(_vectors(_FORGOTTEN)[0])[0].any()
    return _find_lost_vectors(store, done) + ["vectors are not forgotten"] * bool(done and left)


def _cache(store: Path) -> VectorCache:
    return VectorCache(store / CACHE, _FINGERPRINT, 4)


def _vectors(numbers: Iterable[int]) -> tuple[list[str], np.ndarray]:
    rows = [*numbers]
    return [content_hash(f"text {n}") for n in rows], np.array([[n, 1, 2, 3] for n in rows], np.float16)


ACTIONS = (
    Action("publish", _publish, _publish),
    Action("extend", _publish, _extend),
    Action("use", _publish_three, _use_oldest),
    Action("prune", _publish_chain, _prune),
    Action("build", _build_before, _build, long=True),
    Action("update", _build_before, _update, long=True),
    Action("update that erases", _build_with_dora, _erase_old, long=True),
    Action("forget", _build_with_dora, _forget, find_problems=_find_dora),
    Action("private", _publish_three, _write_private, settle=_hold_lock),
    Action("cache put", _fill_cache, _put, settle=_sweep, find_problems=_find_lost_vectors),
    Action("cache forget", _fill_cache, _forget_vectors, find_problems=_find_unforgotten),
    Action("cache compact", _fill_cache_often, _merge, settle=_sweep, find_problems=_find_lost_vectors),
)
