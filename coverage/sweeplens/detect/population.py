"""The frozen population that fingerprints are centred on and whitened by, together with that of the log at hand."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from sweeplens.detect.detector import shipped_file
from sweeplens.errors import DetectorError

RANK = 256  # principal axes that are kept: of some 1,300 honest accounts, they hold nearly all of the variance
_FORMAT = "population-1"


@dataclass(frozen=True)
class Population:
    """What honest accounts of many corpora ask, in random features.

    centre  float32 [d]: mean prompt vector, an account counting as one
    mean    float32 [features]: mean of the accounts' features
    axes    float32 [r, features]: principal axes, each as long as its standard deviation
    """

    centre: np.ndarray
    mean: np.ndarray
    axes: np.ndarray


def fit_population(centre: np.ndarray, features: np.ndarray) -> Population:
    """Keep the mean and the 256 largest principal axes of accounts' features, [accounts, features]."""
    mean = features.mean(0)
    _, s, vt = np.linalg.svd(features - mean, full_matrices=False)
    axes = (s[:RANK, None] / np.sqrt(len(features))) * vt[:RANK]
    return Population(centre.astype(np.float32), mean.astype(np.float32), axes.astype(np.float32))


@cache
def load_population(encoder: str) -> Population | None:
    """Return the population that ships for the vectors of that encoder, or None where none was fitted."""
    source = shipped_file(encoder, "-population.safetensors")
    if source is None:
        return None
    return parse_population(source.read_bytes(), source.name)


def parse_population(raw: bytes, where: str) -> Population:
    """Read a population from safetensors. Raises `DetectorError` when it is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        part = {k: np.asarray(v, np.float32) for k, v in load(raw).items()}
        return Population(part["centre"], part["mean"], part["axes"])
    except (SafetensorError, KeyError, ValueError):
        raise DetectorError(f"{where} is not a population of fingerprints in safetensors") from None


def dump_population(population: Population) -> bytes:
    """Write a population as safetensors, in float16."""
    from safetensors.numpy import save

    parts = {k: np.ascontiguousarray(getattr(population, k), np.float16) for k in ("centre", "mean", "axes")}
    return save(parts, metadata={"format": _FORMAT})
