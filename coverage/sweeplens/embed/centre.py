"""Vectors without what all texts share and without what only tells their language."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeplens.embed.encoder import Vectors
from sweeplens.embed.weights import check_files

DATA = Path(__file__).parent / "data"
CENTRE_FILES = {"multilingual-centre.safetensors": "4d4046a03706fa049df57c653490e7ad50448877273c2eb1a23bc189b076877c"}


@dataclass(frozen=True, eq=False)
class Centre:
    """What is taken away from vectors, which are made unit length again.

    mean      float32 [dim], the mean vector of prompts: without it all cosines are high
    language  float32 [r, dim], orthonormal directions in which the means of languages differ: without them the nearest
              prompts are those of like meaning, not of the same language (Yang et al., 2021, arXiv:2109.04727)
    """

    mean: Vectors
    language: Vectors

    def __call__(self, vectors: Vectors) -> Vectors:
        """Return float32 [n, dim] of unit rows; a row's result depends on no other row."""
        out = np.empty_like(vectors)
        # Row by row: products of matrices of other heights may differ in their last bit.
        for row, vector in enumerate(vectors):
            moved = vector - self.mean
            moved -= (self.language @ moved) @ self.language
            out[row] = moved / max(float(np.linalg.norm(moved)), 1e-9)
        return out


def load_centre(folder: Path = DATA) -> Centre:
    """Return the centre of `multilingual` after checking its file. Raises `EncoderError`."""
    from safetensors.numpy import load_file

    check_files(folder, CENTRE_FILES)
    parts = load_file(folder / "multilingual-centre.safetensors")
    return Centre(parts["mean"], parts["language"])
