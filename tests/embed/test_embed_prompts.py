"""Prompts are embedded once, whatever is in the cache, and a killed run goes on where it stopped."""

import numpy as np
import pytest

from sweeplens.embed import VectorCache, embed_prompts
from sweeplens.embed import prompts as prompts_module
from sweeplens.text import content_hash

TEXTS = [f"Please tell me {n} things about {topic}." for n in range(1, 6) for topic in ("rain", "bread", "clocks")]
HASHES = [content_hash(text) for text in TEXTS]


def _cache(folder, encoder):
    return VectorCache(folder, encoder.fingerprint, encoder.dim)


@pytest.fixture(params=["fast_english", "default"])
def encoder(request):
    return request.getfixturevalue(request.param)


def test_cold_warm_and_half_warm_runs_give_the_same_bytes(tmp_path, encoder):
    plain = embed_prompts(encoder, HASHES, TEXTS, None)
    cold = embed_prompts(encoder, HASHES, TEXTS, _cache(tmp_path / "a", encoder))
    warm = embed_prompts(encoder, HASHES, TEXTS, _cache(tmp_path / "a", encoder))
    embed_prompts(encoder, HASHES[3:7], TEXTS[3:7], _cache(tmp_path / "b", encoder))
    half = embed_prompts(encoder, HASHES, TEXTS, _cache(tmp_path / "b", encoder))
    assert [(r.n_cached, r.n_encoded) for r in (plain, cold, warm, half)] == [(0, 15), (0, 15), (15, 0), (4, 11)]
    for result in (cold, warm, half):
        assert result.vectors.dtype == np.float16
        assert result.vectors.tobytes() == plain.vectors.tobytes()


def test_rows_stay_in_the_order_of_the_texts_and_nearly_unit(fast_english):
    result = embed_prompts(fast_english, HASHES, TEXTS, None)
    np.testing.assert_array_equal(result.vectors, fast_english.encode(TEXTS).astype(np.float16))
    np.testing.assert_allclose(np.linalg.norm(result.vectors.astype(np.float32), axis=1), 1, atol=2e-3)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path, fast_english, monkeypatch):
    monkeypatch.setattr(prompts_module, "CHUNK", 4)
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_prompts(fast_english, HASHES, TEXTS, _cache(tmp_path, fast_english), progress=stop)
    assert seen == [(0, 15), (4, 15), (8, 15)]
    again = embed_prompts(fast_english, HASHES, TEXTS, _cache(tmp_path, fast_english))
    assert (again.n_cached, again.n_encoded) == (8, 7)


def test_progress_counts_what_is_encoded_and_is_silent_when_nothing_is(tmp_path, fast_english):
    seen = []
    cache = _cache(tmp_path, fast_english)
    embed_prompts(fast_english, HASHES[:5], TEXTS[:5], cache)
    embed_prompts(fast_english, HASHES, TEXTS, cache, progress=lambda *counts: seen.append(counts))
    assert seen == [(0, 10), (10, 10)]
    embed_prompts(fast_english, HASHES, TEXTS, cache, progress=lambda *counts: seen.append(counts))
    assert len(seen) == 2


def test_no_prompts(tmp_path, fast_english):
    result = embed_prompts(fast_english, [], [], _cache(tmp_path, fast_english))
    assert result.vectors.shape == (0, 256)
    assert (result.n_cached, result.n_encoded) == (0, 0)
