"""The capabilities that prompts are sorted into: an editable file, read and checked."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sweeplens.errors import AtlasError

UNASSIGNED = "unassigned"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LIMITS = {"name": 60, "description": 400, "seed": 500}


@dataclass(frozen=True)
class Capability:
    """A named ability, and requests that belong to it."""

    key: str
    name: str
    description: str
    seeds: tuple[str, ...]


@dataclass(frozen=True)
class Taxonomy:
    """Capabilities in the order of tables and charts; `others` are requests that belong to none of them."""

    capabilities: tuple[Capability, ...]
    others: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the key of each capability, in order."""
        return tuple(c.key for c in self.capabilities)

    def name_of(self, key: str) -> str:
        """Return the name for people; "Unassigned" for what belongs to no capability."""
        return next((c.name for c in self.capabilities if c.key == key), "Unassigned")

    def key_at(self, index: int) -> str:
        """Return the key of a capability by its number; -1 is "unassigned"."""
        return UNASSIGNED if index < 0 else self.capabilities[index].key


def read_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read a taxonomy file, or the one that ships. Raises `AtlasError` with the first thing that is wrong with it."""
    where = "the taxonomy that ships" if path is None else f"the taxonomy {path}"
    try:
        if path is None:
            text = files("sweeplens.atlas").joinpath("taxonomy.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AtlasError(f"{where} cannot be read as UTF-8 text: {getattr(error, 'strerror', None) or error}") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AtlasError(f"{where} is not a TOML file: {error}") from None
    return _check(data, where)


def _check(data: Mapping[str, object], where: str) -> Taxonomy:
    unknown = sorted(set(data) - {"capability", "others"})
    if unknown:
        raise AtlasError(f"{where} may hold [[capability]] and others, but it has {unknown[0]!r}")
    entries = data.get("capability")
    if not isinstance(entries, list) or not 2 <= len(entries) <= 100:
        raise AtlasError(f"{where} must have 2 to 100 entries [[capability]]")
    capabilities = tuple(_check_entry(entry, f"capability {i + 1} of {where}") for i, entry in enumerate(entries))
    for what in ("key", "name"):
        values = [getattr(c, what).casefold() for c in capabilities]
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            raise AtlasError(f"{where} has the {what} {twice!r} twice")
    others = data.get("others", [])
    return Taxonomy(capabilities, _check_texts(others, f"others of {where}", least=0))


def _check_entry(entry: object, where: str) -> Capability:
    if not isinstance(entry, dict):
        raise AtlasError(f"{where} must be a table with key, name, description and seeds")
    unknown = sorted(set(entry) - {"key", "name", "description", "seeds"})
    if unknown:
        raise AtlasError(f"{where} may have key, name, description and seeds, but it has {unknown[0]!r}")
    key = entry.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key) or key == UNASSIGNED:
        raise AtlasError(
            f"{where} needs a key of lower-case letters, digits and _ other than {UNASSIGNED!r}, but it has {key!r}"
        )
    for what in ("name", "description"):
        value = entry.get(what, "" if what == "description" else None)
        if not isinstance(value, str) or len(value) > _LIMITS[what] or (what == "name" and not value.strip()):
            raise AtlasError(f"{where} needs a {what} of at most {_LIMITS[what]} characters")
    seeds = _check_texts(entry.get("seeds"), f"seeds of {where}", least=1)
    return Capability(key, entry["name"].strip(), entry.get("description", "").strip(), seeds)


def _check_texts(value: object, where: str, *, least: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not least <= len(value) <= 200:
        raise AtlasError(f"{where} must be a list of {least} to 200 texts")
    for text in value:
        if not isinstance(text, str) or not text.strip() or len(text) > _LIMITS["seed"]:
            raise AtlasError(f"{where} must be texts of 1 to {_LIMITS['seed']} characters")
    return tuple(text.strip() for text in value)
