"""Settings: a flag beats an environment variable SWEEPLENS_*, which beats the TOML file, which beats the default."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from sweeplens.errors import ConfigError

CONFIG_FILE = "sweeplens.toml"
ENV_PREFIX = "SWEEPLENS_"
_HOURS = {"h": 1, "d": 24, "w": 168}
_BYTES = {f"{k}b": 1000**n for n, k in enumerate("kmgt", 1)} | {f"{k}ib": 1024**n for n, k in enumerate("kmgt", 1)}


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sweeplens"


def _setting(default: Any, text: str, **more: Any) -> Any:  # noqa: ANN401 - a dataclass field is of any type
    if callable(default):
        return field(default_factory=default, metadata={"help": text, **more})
    return field(default=default, metadata={"help": text, **more})


@dataclass(frozen=True)
class Settings:
    """Everything a run can be told; names are those of the TOML keys, SWEEPLENS_<NAME> is the environment's."""

    store: Path = _setting(Path("indexes"), "Folder that holds the snapshots.")
    models: Path = _setting(_user_cache, "Folder for the exported encoder, made once for each user.")
    encoder: str = _setting(
        "auto",
        "auto (by the log's languages), default, multilingual, fast, fast-english, or the name or folder of a"
        " sentence-transformers model.",
    )
    redact: bool = _setting(True, "Replace keys, tokens, e-mail addresses, card and phone numbers at reading.")
    max_rejects: float = _setting(0.01, "Largest share of rejected rows that a build bears.", low=0.0, high=1.0)
    workers: int = _setting(0, "Processes and threads to use; 0 takes one for each core.", low=0, high=1024)
    seed: int = _setting(1, "Seed of everything that is random.", low=0)
    cells: int = _setting(512, "Largest number of cells, the ruler of coverage.", low=2, high=65536)
    neighbours: int = _setting(30, "Nearest neighbours that the map and the signals use.", low=2, high=256)
    min_cluster: int = _setting(0, "Smallest cluster; 0 chooses by the number of prompts.", low=0)
    taxonomy: Path | None = _setting(None, "TOML file of capabilities; not set: the one that ships.")
    remap: float = _setting(2.5, "Growth at which an update lays the whole map out anew; 0 never does.", low=0.0)
    window: str = _setting("", "Span of requests that count, back from the last one: 36h, 42d, 6w; not set: all.")
    retention: str = _setting("", "What is older than this is also erased from store and cache at an update.")
    text: bool = _setting(True, "Keep prompt text; false: keyed hashes, lengths, languages and vectors only.")
    memory_limit: str = _setting("", "Memory that a run and its processes may use: 6GiB, 4000MB; not set: any.")
    audit: float = _setting(
        0.02, "Share of the accounts that the queue offers as a random audit.", low=0.0, high=1.0, desk=True
    )
    allow_days: int = _setting(
        90, "Days after which an allow-list entry ends unless it says else.", low=1, high=3660, desk=True
    )
    releases: Path | None = _setting(
        None, "TOML file of releases, which the app marks on timelines; not set: none.", desk=True
    )
    hide_prompts: bool = _setting(
        False, "Keep prompt text on the server until an analyst asks for one; that is noted.", desk=True
    )
    export: bool = _setting(True, "Let the app offer files to download.", desk=True)
    role_claim: str = _setting(
        "", "Claim of the login that holds a role, such as roles; not set: the lists alone.", desk=True
    )
    viewers: str = _setting(
        "", "Who may look but not write: e-mail addresses and @domains, with commas between.", desk=True
    )
    analysts: str = _setting(
        "", "Who may leave verdicts: e-mail addresses and @domains, with commas between.", desk=True
    )
    admins: str = _setting("", "Who may do everything: e-mail addresses and @domains, with commas between.", desk=True)

    def __post_init__(self) -> None:
        """Check each value against its limits; a path may be given as text."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, str) and "Path" in str(f.type):
                object.__setattr__(self, f.name, Path(value).expanduser())
            low, high = f.metadata.get("low"), f.metadata.get("high")
            if (low is not None and value < low) or (high is not None and value > high):
                top = "" if high is None else f" and at most {high}"
                raise ConfigError(f"{f.name} must be at least {low}{top}, but it is {value}")
        window, kept, _ = self.window_span, self.retention_span, self.memory_bytes
        if window is not None and kept is not None and kept < window:
            raise ConfigError(f"retention must be at least window, {self.window}, but it is {self.retention}")

    @property
    def window_span(self) -> timedelta | None:
        """The span of requests that count, back from the last one; None where all do."""
        return _read_span("window", self.window)

    @property
    def retention_span(self) -> timedelta | None:
        """The span of requests that are kept, back from the last one; None where all are."""
        return _read_span("retention", self.retention)

    @property
    def memory_bytes(self) -> int | None:
        """The memory that a run and its processes may use, in bytes; None where it is not limited."""
        return _read_bytes("memory_limit", self.memory_limit)

    def of_build(self) -> dict[str, object]:
        """Return the settings that a snapshot is made with, without those of the desk, which name people."""
        made = [f.name for f in fields(self) if not f.metadata.get("desk")]
        return {name: str(v) if isinstance(v := getattr(self, name), Path) else v for name in made}

    @property
    def threads(self) -> int:
        """The number of workers, with 0 resolved to the cores that this process may use."""
        return self.workers or len(os.sched_getaffinity(0))


def load_settings(
    flags: Mapping[str, object] | None = None, *, file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Merge the sources of settings; a flag that is None counts as not given.

    `file` must exist when it is named; without it ./sweeplens.toml is read if there is one. Raises `ConfigError` for an
    unknown key, a value of the wrong type or one outside its limits.
    """
    environ = os.environ if environ is None else environ
    known = {f.name: f for f in fields(Settings)}
    values: dict[str, object] = {}
    for name, value in _read_file(file).items():
        if name not in known:
            raise ConfigError(f"the settings file has an unknown key {name!r}; known are {', '.join(known)}")
        values[name] = _convert(known[name].type, value, f"the settings file's {name}")
    for name, f in known.items():
        text = environ.get(ENV_PREFIX + name.upper())
        if text is not None:
            values[name] = _convert(f.type, text, ENV_PREFIX + name.upper())
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _convert(known[name].type, value, f"--{name.replace('_', '-')}")
    return Settings(**values)  # type: ignore[arg-type] # converted just above


def describe_settings() -> list[tuple[str, str, str]]:
    """Return (name, default as text, help) of every setting, in order; the documentation is checked against it."""
    rows = []
    for f in fields(Settings):
        default = "~/.cache/sweeplens" if f.default is MISSING else f.default
        text = "" if default is None else str(default)
        rows.append((f.name, text.lower() if isinstance(default, bool) else text, f.metadata["help"]))
    return rows


def _read_span(name: str, text: str) -> timedelta | None:
    if not text:
        return None
    found = re.fullmatch(r"([0-9]{1,6})([hdw])", text)
    if found is None or int(found[1]) == 0:
        raise ConfigError(f"{name} must be a number of hours, days or weeks such as 36h, 42d or 6w, but it is {text!r}")
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])


def _read_bytes(name: str, text: str) -> int | None:
    if not text:
        return None
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([kmgt]i?b)", text.lower())
    size = 0 if found is None else int(float(found[1]) * _BYTES[found[2]])
    if size == 0:
        raise ConfigError(f"{name} must be a size such as 6GiB or 4000MB, but it is {text!r}")
    return size


def _read_file(file: Path | None) -> dict[str, object]:
    path = file or Path(CONFIG_FILE)
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        if file is None:
            return {}
        raise ConfigError(f"the settings file {path} does not exist") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error}") from None


def _convert(kind: object, value: object, where: str) -> object:
    name = getattr(kind, "__name__", str(kind))
    try:
        if name == "bool":
            if isinstance(value, bool):
                return value
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[str(value).lower()]
        if name == "int" and not isinstance(value, bool | float):
            return int(str(value))
        if name == "float" and not isinstance(value, bool):
            return float(str(value))
        if "Path" in name and isinstance(value, str | Path):
            return Path(value).expanduser()
        if name == "str" and isinstance(value, str):
            return value
    except (KeyError, ValueError):
        pass
    raise ConfigError(f"{where} must be of type {name}, but it is {value!r}")
