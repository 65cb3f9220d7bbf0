"""What happened on which day: releases from a file, and when the log first names a model."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sweeplens.errors import ConfigError
from sweeplens.report.columns import NO_TIME, encode, times
from sweeplens.report.ground import day_of
from sweeplens.text import one_line

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_DAY = 86_400_000_000
_NAME = 60  # characters of a name
_MODELS = 30  # models whose first day is told, those with most requests


@dataclass(frozen=True)
class Release:
    """Something that came out on a day (UTC). The name of a model comes from the log and is hostile."""

    day: date
    name: str


def load_releases(path: Path) -> tuple[Release, ...]:
    """Read releases, oldest first, from a TOML file of `[[release]]` tables with a `date` and a `name`.

    Raises `ConfigError` where the file cannot be read or holds something else.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the file of releases {path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the file of releases {path} is not TOML: {one_line(str(error))}") from None
    entries = data.pop("release", [])
    if data or not isinstance(entries, list):
        other = next(iter(data), "release")
        raise ConfigError(f"{path} must hold [[release]] tables alone, but it has '{one_line(other, 40)}'")
    found = [_release(path, n, entry) for n, entry in enumerate(entries, 1)]
    return tuple(sorted(found, key=lambda release: (release.day, release.name)))


def _release(path: Path, n: int, entry: object) -> Release:
    where = f"release {n} of {path}"
    if not isinstance(entry, dict) or set(entry) != {"date", "name"}:
        raise ConfigError(f"{where} must have a date and a name, and nothing else")
    day, name = entry["date"], entry["name"]
    if isinstance(day, datetime):
        day = day.date()
    if not isinstance(day, date):
        raise ConfigError(f"the date of {where} must be a day such as 2026-03-02, without quotes")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f'the name of {where} must be a text such as "New model"')
    return Release(day, one_line(name, _NAME))


def first_days(snapshot: "Snapshot") -> tuple[Release, ...]:
    """Return the day on which the log first names each model, oldest first; empty where it names none.

    Models that are there on the log's first day are left out: nothing says that they came out then.
    """
    table = snapshot.table("requests", ["ts", "model"])
    ts = times(table["ts"])
    named = np.asarray(table["model"].is_valid().to_numpy()) & (ts != NO_TIME)
    if not named.any():
        return ()
    codes, names = encode(table["model"].filter(named))
    first = np.full(len(names), NO_TIME, np.int64)
    np.minimum.at(first, codes, ts[named])
    most = np.argsort(-np.bincount(codes, minlength=len(names)), kind="stable")[:_MODELS]
    start = int(ts[ts != NO_TIME].min()) // _DAY
    days = [(int(first[i]) // _DAY, names[i]) for i in most.tolist()]
    found = [Release(day_of(day), one_line(name, _NAME)) for day, name in days if day > start]
    return tuple(sorted(found, key=lambda release: (release.day, release.name)))
