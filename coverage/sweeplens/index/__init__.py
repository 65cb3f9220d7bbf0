"""Search by meaning: a FAISS index of all prompts, and each prompt's nearest neighbours."""

from sweeplens.index.building import build_index
from sweeplens.index.contract import Index
from sweeplens.index.neighbours import Neighbours, all_neighbours, neighbours_of
from sweeplens.index.stacked import stack

__all__ = ["Index", "Neighbours", "all_neighbours", "build_index", "neighbours_of", "stack"]
