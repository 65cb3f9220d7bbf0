"""Known prompt sets: sketches of public collections, to tell a benchmark run from a sweep."""

from sweeplens.known.files import KnownInfo
from sweeplens.known.matching import KnownSets
from sweeplens.known.sets import add_known, list_known, load_known, remove_known

__all__ = ["KnownInfo", "KnownSets", "add_known", "list_known", "load_known", "remove_known"]
