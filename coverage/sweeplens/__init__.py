"""SweepLens finds accounts, and groups of accounts, that copy a language model by asking it systematically."""

from sweeplens.errors import SweepLensError

__version__ = "0.1.0"

__all__ = ["SweepLensError", "__version__"]
