"""A file system that forgets: what is left of recorded calls when the power goes, by what POSIX promises and no more.

The content of a file is safe once the file was fsynced, an entry of a folder once that folder was. A rename, a link or
an unlink is one change that is safe as a whole or not at all; where it touches two folders, the fsync of either saves
it. What is not safe may be there or not, each change for itself, whatever its order.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from crash_journal import FSYNCS, Call

Entries = dict[str, "File | Folder"]


@dataclass(eq=False)
class File:
    """The bytes that the processes see, and those that are on the disk."""

    live: bytes = b""
    safe: bytes = b""


@dataclass(eq=False)
class Folder:
    """The entries that the processes see, and those that are on the disk."""

    live: Entries = field(default_factory=dict)
    safe: Entries = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Change:
    """Entries that come (a node) or go (None) together."""

    entries: tuple[tuple[Folder, str, File | Folder | None], ...]

    def apply(self, safe: dict[Folder, Entries]) -> None:
        """Make the change in the folders' entries."""
        for folder, name, node in self.entries:
            entries = safe.setdefault(folder, dict(folder.safe))
            if node is None:
                entries.pop(name, None)
            else:
                entries[name] = node


class Disk:
    """The store's folder on such a file system."""

    def __init__(self, root: Path) -> None:
        self.root = Folder()
        self.pending: list[Change] = []
        nodes: dict[int, File] = {}
        self._load(root, self.root, nodes)

    def do(self, call: Call) -> None:
        """Repeat one recorded call."""
        if call.op in FSYNCS:
            node = self._find(call.path)
            if isinstance(node, Folder):
                self._sync(node)
            else:
                node.safe = node.live
        elif call.op == "create":
            node = self._folder(call.path).live.get(_name(call.path))
            if node is None:
                self._change((call.path, File()))
            else:
                assert isinstance(node, File)
                node.live = node.safe = b""
        elif call.op == "write":
            node = self._find(call.path)
            assert isinstance(node, File)
            node.live += call.data or b""
        elif call.op == "rename":
            assert call.other is not None
            self._change((call.path, None), (call.other, self._find(call.path)))
        elif call.op == "link":
            assert call.other is not None
            self._change((call.other, self._find(call.path)))
        elif call.op in {"unlink", "rmdir"}:
            self._change((call.path, None))
        elif call.op == "mkdir":
            if _name(call.path) not in self._folder(call.path).live:
                self._change((call.path, Folder()))
        else:
            assert call.op == "chmod", call.op

    def losses(self, rng: random.Random, subsets: int) -> Iterator[tuple[str, "Tree"]]:
        """Give (what was lost, what is left): all that is not safe, all but one change, and random parts of it."""
        yield "all that was not synced", self._left([])
        for i, change in enumerate(self.pending):
            names = ", ".join(name for _, name, _ in change.entries)
            yield f"all that was not synced but change {i} ({names})", self._left([change])
        for _ in range(subsets):
            kept = [c for c in self.pending if rng.random() < 0.5]
            yield f"all but {len(kept)} of {len(self.pending)} changes", self._left(kept, rng)

    def whole(self) -> "Tree":
        """Return what the processes see."""
        return Tree.of(self.root, lambda folder: folder.live, lambda file: file.live)

    def _left(self, kept: Iterable[Change], rng: random.Random | None = None) -> "Tree":
        safe: dict[Folder, Entries] = {}
        for change in kept:
            change.apply(safe)
        contents: dict[File, bytes] = {}

        def content(file: File) -> bytes:
            if file not in contents:
                contents[file] = file.safe if rng is None else _torn(file, rng)
            return contents[file]

        return Tree.of(self.root, lambda folder: safe.get(folder, folder.safe), content)

    def _sync(self, folder: Folder) -> None:
        """Save the changes that touch the folder, and with each all earlier ones of the same entries."""
        left: list[Change] = []
        for change in self.pending:
            if any(f is folder for f, _, _ in change.entries):
                for f, name, node in change.entries:
                    if node is None:
                        f.safe.pop(name, None)
                    else:
                        f.safe[name] = node
            else:
                left.append(change)
        self.pending = left

    def _change(self, *entries: tuple[str, File | Folder | None]) -> None:
        change = Change(tuple((self._folder(path), _name(path), node) for path, node in entries))
        for folder, name, node in change.entries:
            if node is None:
                del folder.live[name]
            else:
                folder.live[name] = node
        self.pending.append(change)

    def _find(self, path: str) -> File | Folder:
        node: File | Folder = self.root
        for part in PurePosixPath(path).parts:
            assert isinstance(node, Folder), path
            node = node.live[part]
        return node

    def _folder(self, path: str) -> Folder:
        node = self._find(str(PurePosixPath(path).parent))
        assert isinstance(node, Folder), path
        return node

    def _load(self, path: Path, folder: Folder, nodes: dict[int, File]) -> None:
        for entry in sorted(path.iterdir()):
            if entry.is_dir():
                node: File | Folder = Folder()
                self._load(entry, node, nodes)
            else:
                content = entry.read_bytes()
                node = nodes.setdefault(entry.stat().st_ino, File(content, content))
            folder.live[entry.name] = folder.safe[entry.name] = node


@dataclass(frozen=True)
class Tree:
    """Folders and files by their paths; files of the same number are one file with several names."""

    folders: tuple[str, ...]
    files: tuple[tuple[str, int, bytes], ...]

    @classmethod
    def of(cls, root: Folder, entries: Callable[[Folder], Entries], content: Callable[[File], bytes]) -> "Tree":
        """Read the tree below `root`, with functions that give a folder's entries and a file's bytes."""
        folders: list[str] = []
        files: list[tuple[str, int, bytes]] = []
        numbers: dict[File, int] = {}

        def walk(folder: Folder, path: str) -> None:
            for name, node in sorted(entries(folder).items()):
                here = f"{path}{name}"
                if isinstance(node, Folder):
                    folders.append(here)
                    walk(node, f"{here}/")
                else:
                    files.append((here, numbers.setdefault(node, len(numbers)), content(node)))

        walk(root, "")
        return cls(tuple(folders), tuple(files))

    def without_locks(self) -> "Tree":
        """Return the tree without lock files, which say nothing that must outlive a process."""
        kept = [file for file in self.files if not file[0].endswith("lock")]
        numbers = {number: i for i, number in enumerate(dict.fromkeys(number for _, number, _ in kept))}
        return Tree(self.folders, tuple((path, numbers[number], data) for path, number, data in kept))

    def write(self, target: Path) -> None:
        """Make the tree in the folder `target`, which must not exist."""
        target.mkdir(mode=0o700)
        for folder in self.folders:
            (target / folder).mkdir(mode=0o700)
        first: dict[int, Path] = {}
        for name, number, data in self.files:
            path = target / name
            if number in first:
                os.link(first[number], path)
            else:
                path.write_bytes(data)
                path.chmod(0o600)
                first[number] = path


def _torn(file: File, rng: random.Random) -> bytes:
    """Return what may be found in a file: the bytes on disk, some of the new ones, or zeros in their place."""
    if file.live == file.safe:
        return file.safe
    cut = rng.randrange(len(file.live) + 1)
    return rng.choice([file.safe, file.live[:cut], file.live[:cut] + bytes(len(file.live) - cut), file.live])


def _name(path: str) -> str:
    return PurePosixPath(path).name
