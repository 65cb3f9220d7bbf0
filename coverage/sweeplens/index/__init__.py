"""Search by meaning: a FAISS index of all prompts, and each prompt's nearest neighbours."""

from sweeplens.index.flat import Index, build_index, read_index
from sweeplens.index.neighbours import Neighbours, all_neighbours

__all__ = ["Index", "Neighbours", "all_neighbours", "build_index", "read_index"]
