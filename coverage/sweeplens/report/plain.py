"""Facts as plain values that JSON can hold."""

import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any


def to_plain(fact: object) -> Any:  # noqa: ANN401 - JSON is of any type
    """Turn facts into what JSON can hold: dataclasses into dicts, arrays into lists, what is no number into None."""
    if dataclasses.is_dataclass(fact) and not isinstance(fact, type):
        return {f.name: to_plain(getattr(fact, f.name)) for f in dataclasses.fields(fact)}
    if isinstance(fact, Mapping):
        return {str(key): to_plain(value) for key, value in fact.items()}
    if isinstance(fact, list | tuple):
        return [to_plain(value) for value in fact]
    if hasattr(fact, "tolist"):
        return to_plain(fact.tolist())
    return _plain_value(fact)


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
