"""Look for texts, hashes and vectors in every file under a folder, decoding the formats that a store is made of.

A text counts as found where any 12 characters of it stand in a row, whatever the case, the white space, the encoding
(UTF-8, UTF-16) or the escapes (JSON, HTML, percent, base64). A hash counts as found by its first or second half, in
hex or raw in either byte order; a vector by a row of a cosine above 0.999, or by its bytes.
"""

import base64
import binascii
import hashlib
import html
import json
import re
import unicodedata
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from support.scan_formats import FORMAT_ERRORS, find_reader

GRAM = 12  # characters of a text that make a trace
_COSINE = 0.999
_KEY = 8  # bytes by which a needle is looked up before it is compared whole
_VECTOR_BYTES = 32
_BLOOM = 22  # bits
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\[nrtbf\"\\/]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")


class Trace(NamedTuple):
    """One thing that was found: the file (below the folder), where in it, of what kind, and which.

    The kinds are "text", "hash", "vector", and "unreadable" for a file whose format cannot be decoded.
    """

    file: str
    where: str
    kind: str
    needle: str


class Scanner:
    """What is looked for: texts of at least 8 bytes, hashes in hex, vectors [m, dim]; `allowed` texts are no trace."""

    def __init__(
        self,
        *,
        texts: Iterable[str] = (),
        hashes: Iterable[str] = (),
        vectors: np.ndarray | None = None,
        allowed: Iterable[str] = (),
    ) -> None:
        folded: dict[bytes, tuple[str, str]] = {}
        exact: dict[bytes, tuple[str, str]] = {}
        free = {gram for text in allowed for gram in _grams(text)}
        for text in texts:
            for gram in {*_grams(text), _normal(text)} - free:
                for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                    # Of texts that have characters in common, the first is named; one that stands whole, by itself.
                    folded.setdefault(gram.encode(encoding, "surrogatepass").lower(), ("text", text))
        for name in hashes:
            raw = bytes.fromhex(name)
            for half in (raw[:8], raw[8:16]):
                for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                    folded[half.hex().encode(encoding)] = ("hash", name)
                exact[half] = exact[half[::-1]] = ("hash", name)
        self._unit: np.ndarray | None = None
        if vectors is not None and len(vectors):
            self._unit = _unit(np.asarray(vectors, np.float32))
            for number, row in enumerate(np.asarray(vectors)):
                for kind in ("<f2", "<f4"):
                    data = row.astype(kind).tobytes()
                    for begin in range(0, len(data) - _VECTOR_BYTES + 1, 8):
                        exact[data[begin : begin + _VECTOR_BYTES]] = ("vector", str(number))
        self._folded, self._exact = _Needles(folded), _Needles(exact)

    def scan(self, root: Path) -> list[Trace]:
        """Return everything that is found in the files under `root`, hidden ones and names of files included."""
        traces: set[Trace] = set()
        for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
            name = str(path.relative_to(root))
            for where, kind, needle in self._file(path, name):
                traces.add(Trace(name, where, kind, needle))
        return sorted(traces)

    def _file(self, path: Path, name: str) -> Iterator[tuple[str, str, str]]:
        data = path.read_bytes()
        yield from self._text("name of the file", name)
        yield from self._raw("raw bytes", data)
        reader = find_reader(data, path.suffix)
        if reader is None:
            yield from self._text("text", data.decode("utf-8", "replace"))
            return
        try:
            for where, value in reader(path, data):
                if isinstance(value, np.ndarray):
                    yield from self._rows(where, value)
                elif isinstance(value, bytes):
                    yield from self._raw(where, value)
                else:
                    yield from self._text(where, value)
        except FORMAT_ERRORS as error:
            yield "format", "unreadable", type(error).__name__  # what cannot be decoded may hide anything

    def _raw(self, where: str, data: bytes) -> Iterator[tuple[str, str, str]]:
        for kind, needle in self._exact.find(data) | self._folded.find(data.lower()):
            yield where, kind, needle

    def _text(self, where: str, text: str) -> Iterator[tuple[str, str, str]]:
        found: set[tuple[str, str]] = set()
        for version in _versions(text):
            found |= self._folded.find(_normal(version).encode("utf-8", "surrogatepass").lower())
        for run in _BASE64.findall(text):
            try:
                data = base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if set("-_") & set(run) else None)
            except binascii.Error:
                continue
            found |= self._exact.find(data) | self._folded.find(data.lower())
        for kind, needle in found:
            yield where, kind, needle

    def _rows(self, where: str, rows: np.ndarray) -> Iterator[tuple[str, str, str]]:
        if self._unit is None or rows.ndim != 2 or rows.shape[1] != self._unit.shape[1]:
            return
        for begin in range(0, len(rows), 4096):
            near = _unit(rows[begin : begin + 4096].astype(np.float32)) @ self._unit.T > _COSINE
            for number in np.flatnonzero(near.any(axis=0)):
                yield where, "vector", str(number)


def scan(root: Path, **sought: Any) -> list[Trace]:
    """Scan a folder once; see `Scanner`."""
    return Scanner(**sought).scan(root)


class _Needles:
    """Many byte strings of at least 8 bytes, found in one pass over the data."""

    def __init__(self, labels: dict[bytes, tuple[str, str]]) -> None:
        if any(len(needle) < _KEY for needle in labels):
            raise ValueError("what is looked for must have at least 8 bytes")
        self._labels = labels
        self._by_key: dict[int, list[bytes]] = {}
        for needle in labels:
            self._by_key.setdefault(int.from_bytes(needle[:_KEY], "little"), []).append(needle)
        self._bloom = np.zeros(1 << _BLOOM, dtype=bool)
        self._bloom[_mix(np.array(list(self._by_key), dtype=np.uint64))] = True

    def find(self, data: bytes) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        if not self._by_key:
            return found
        for shift in range(_KEY):
            keys = np.frombuffer(data, "<u8", max(0, len(data) - shift) // 8, shift) if len(data) >= shift + 8 else ()
            if not len(keys):
                continue
            for at in np.flatnonzero(self._bloom[_mix(keys)]).tolist():
                place = shift + 8 * at
                for needle in self._by_key.get(int(keys[at]), ()):
                    if data.startswith(needle, place):
                        found.add(self._labels[needle])
        return found


def _mix(keys: np.ndarray) -> np.ndarray:
    return (keys * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _BLOOM)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.nan_to_num(rows / np.where(length > 0, length, 1))


# -- texts ------------------------------------------------


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _grams(text: str) -> Iterator[str]:
    for whole in {_normal(text), text.lower(), text}:
        if len(whole) <= GRAM:
            yield whole
        else:
            yield from (whole[i : i + GRAM] for i in range(len(whole) - GRAM + 1))


def _versions(text: str) -> set[str]:
    return {text, _ESCAPE.sub(_unescape, text), html.unescape(text), urllib.parse.unquote_plus(text)}


def _unescape(found: re.Match[str]) -> str:
    return json.loads(f'"{found[0]}"')


def plain_hashes(texts: Sequence[str]) -> list[str]:
    """Return the SHA-256 of texts, whose first half is also their content hash."""
    return [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
