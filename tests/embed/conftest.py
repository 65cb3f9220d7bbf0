"""The encoders, loaded once for the tests of this room."""

from pathlib import Path

import pytest

from sweeplens.embed import load_encoder


@pytest.fixture(scope="session")
def models(request) -> Path:
    """A folder for the exported encoders that lives as long as pytest's own cache."""
    return Path(request.config.cache.mkdir("sweeplens-models"))


@pytest.fixture(scope="session")
def fast(models):
    return load_encoder("fast", models=models, threads=1)


@pytest.fixture(scope="session")
def fast_english(models):
    return load_encoder("fast-english", models=models, threads=1)


@pytest.fixture(scope="session")
def default(models):
    return load_encoder("default", models=models, threads=2)


@pytest.fixture(scope="session")
def multilingual(models):
    return load_encoder("multilingual", models=models, threads=2)
