"""SweepLens finds accounts, and groups of accounts, that copy a language model by asking it systematically."""

from importlib import import_module
from typing import Any

from sweeplens.errors import SweepLensError

__version__ = "0.1.0"

__all__ = ["Settings", "SweepLensError", "__version__", "build", "open_snapshot", "score", "update"]

# Where the rest of the API lives. It is imported when it is first asked for: `import sweeplens` loads no library.
_HOMES = {
    "Settings": "sweeplens.config",
    "build": "sweeplens.pipeline",
    "open_snapshot": "sweeplens.store.snapshot",
    "score": "sweeplens.pipeline",
    "update": "sweeplens.pipeline",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever lives there
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
