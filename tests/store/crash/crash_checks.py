"""What must hold of a store after whatever happened to an action on it."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crash_journal import CACHE

from sweeplens.errors import SweepLensError
from sweeplens.store.hashes import forget_hashes
from sweeplens.store.lock import HOLDER
from sweeplens.store.schema import MANIFEST
from sweeplens.store.snapshot import CURRENT, open_snapshot, read_current, read_manifest
from sweeplens.store.verify import verify

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}(-[0-9]+)?")
# What tells the temporary names of two runs apart; it does not begin at the start of a name, as a snapshot's id does.
_MADE_UP = re.compile(r"(?<=ing-)[0-9]+-[0-9a-f]+")
Files = dict[str, str]  # name -> SHA-256
Contents = dict[str, dict[str, object]]  # what the tables and vectors of a snapshot read as


@dataclass(frozen=True)
class Expected:
    """A store before an action, and after the action when nothing went wrong."""

    current: str
    snapshots: dict[str, Files]  # before
    contents: Contents  # of the snapshots before
    others: Files  # files beside the snapshots, before
    after: dict[str, Files]
    after_others: Files
    goal: str | None  # the snapshot that was there before and is CURRENT after; None where CURRENT is a new one
    varying: set[str]  # files beside the snapshots that are other in each run
    published: Files | None  # the files of the new snapshot, without its manifest


def expect(store: Path, folder: Path, action: Callable[[Path], object]) -> Expected:
    """Run the action on a copy of the store, in `folder`, and return what to expect of other runs."""
    before = _snapshots(store)
    copy, again = copy_store(store, folder), copy_store(store, folder.with_name(f"{folder.name}-again"))
    action(copy)
    action(again)
    after, current = _snapshots(copy), read_current(copy)[0]
    same = _others(copy).items() & _others(again).items()
    varying = {name for name in _others(copy) if name not in dict(same)}  # such as one that holds the time
    published = None if current in before else {k: v for k, v in after[current].items() if k != MANIFEST}
    return Expected(
        current=read_current(store)[0], snapshots=before, contents={i: _read(store, i) for i in before},
        others=_others(store), after=after, after_others=_others(copy), goal=current if current in before else None,
        published=published, varying=varying,
    )  # fmt: skip


def find_problems(store: Path, expected: Expected, *, done: bool = False, clean: bool = False) -> list[str]:
    """Return what is wrong with a store that the action was cut off on.

    Where `done` the action has ended on it, and its outcome must be there; where `clean` too, nothing may be left over.
    """
    forget_hashes()  # a file of a copy may have the inode of one that is gone
    try:
        current = read_current(store)[0]
        problems = _check_current(store, current, expected, done=done)
        present = _snapshots(store)
        may_go = expected.snapshots.keys() - expected.after.keys()
        for name, files in expected.snapshots.items():
            if name not in present and (name not in may_go or name == current):
                problems.append(f"the snapshot {name} is gone")
            elif name in present and name in may_go and done:
                problems.append(f"the snapshot {name} is still there")
            elif name in present and (present[name] != files or _read(store, name) != expected.contents[name]):
                problems.append(f"the snapshot {name} is another than it was")
        problems += [str(problem) for problem in verify(store, every=True, deep=True)]
    except (SweepLensError, OSError) as error:
        return [f"{type(error).__name__}: {error}"]
    problems += _check_others(store, expected, done=done)
    return problems + (_check_clean(store, expected) if clean else [])


def _check_current(store: Path, current: str, expected: Expected, *, done: bool) -> list[str]:
    snapshot = open_snapshot(store)
    snapshot.close()
    if current == expected.current and (not done or expected.goal == current):
        return []
    if expected.goal is not None:
        return [] if current == expected.goal else [f"CURRENT is {current}, which is neither the old nor the new"]
    if current in expected.snapshots:
        return [f"CURRENT is {current}, but it should be new" if done else f"CURRENT is {current}, another old one"]
    if snapshot.manifest["parent"] not in {None, expected.current}:
        return []  # a second new one, on top of the first
    found = {name: digest for name, digest in _snapshots(store)[current].items() if name != MANIFEST}
    return [] if found == expected.published else ["the new snapshot has other files than one of an undisturbed run"]


def _check_others(store: Path, expected: Expected, *, done: bool) -> list[str]:
    """Files beside the snapshots are the old or the new, and the new when all is done."""
    found, problems = _others(store), []
    known = {name: {expected.after_others[name]} for name in expected.after_others if name != CURRENT}
    if not done:
        for name in known.keys() & expected.others.keys():
            known[name].add(expected.others[name])
    for name, digests in known.items():
        if name in found and found[name] not in digests and name not in expected.varying:
            problems.append(f"the file {name} is neither the old nor the new")
        if (
            name not in found
            and not name.endswith("lock")
            and (name in expected.others or (done and CACHE not in name))
        ):
            problems.append(f"the file {name} is gone")
    return problems


def _check_clean(store: Path, expected: Expected) -> list[str]:
    """Nothing is left that an undisturbed run would not leave, but for locks and finished segments of the cache."""
    problems = [
        f"the file {name} is left behind"
        for name in _others(store).keys() - expected.after_others.keys()
        if not name.endswith("lock") and not (CACHE in name and Path(name).suffix == ".npy")
    ]
    for folder in (p for p in store.iterdir() if p.is_dir() and p.name != CACHE):
        if not _ID.fullmatch(folder.name):
            problems.append(f"the folder {folder.name} is left behind")
            continue
        known = {*read_manifest(folder)["files"], MANIFEST}
        problems += [f"{folder.name} holds {p.name}" for p in folder.iterdir() if p.name not in known]
    return problems


def _read(store: Path, snapshot_id: str) -> dict[str, object]:
    """Read every table and the vectors of a snapshot as its users do."""
    snapshot = open_snapshot(store, snapshot_id)
    try:
        tables: dict[str, object] = {name: snapshot.table(name).to_pydict() for name in snapshot.manifest["tables"]}
        return tables | {
            "vectors": snapshot.vectors[:].tobytes(),
            "index": snapshot.index.search(snapshot.vectors[:1], 1)[1].tolist(),
        }
    finally:
        snapshot.close()


def _snapshots(store: Path) -> dict[str, Files]:
    folders = (p for p in store.iterdir() if _ID.fullmatch(p.name) and p.is_dir())
    return {p.name: {f.name: _digest(f) for f in sorted(p.iterdir())} for p in sorted(folders)}


def _others(store: Path) -> Files:
    found = {}
    for top, folders, files in os.walk(store):
        folders[:] = [f for f in folders if not _ID.fullmatch(f)]
        found |= {os.path.relpath(Path(top, f), store): _digest(Path(top, f)) for f in files}
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy_store(store: Path, target: Path) -> Path:
    """Copy a store with its modes; files that were one under several names are so in the copy."""
    first: dict[int, str] = {}

    def copy(source: str, destination: str) -> str:
        inode = Path(source).stat().st_ino
        if inode in first:
            os.link(first[inode], destination)
        else:
            first[inode] = shutil.copy(source, destination)
        return destination

    shutil.copytree(store, target, copy_function=copy)
    return target


def signature(store: Path, expected: Expected) -> str:
    """Return a hash of all names and bytes below the store, without what each run makes up for itself."""
    digest = hashlib.sha256()
    for path in sorted(store.rglob("*")):
        name = _MADE_UP.sub("*", str(path.relative_to(store)))
        holds = "" if path.is_dir() or path.name == HOLDER else _digest(path)
        if name in expected.varying and holds != expected.others.get(name):
            holds = "new"
        digest.update(f"{name} {path.stat().st_nlink} {holds}\n".encode())
    return digest.hexdigest()


def discard(store: Path) -> None:
    """Remove a copy of a store."""
    shutil.rmtree(store)
