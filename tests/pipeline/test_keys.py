"""Which requests and prompts were seen before, against plain sets and dictionaries."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.pipeline.keys import KeySet, PromptNumbers, request_keys

# Few values, so that many come again, and the ends of what 64 bits hold.
WORDS = st.one_of(st.integers(0, 9), st.sampled_from([2**63, 2**64 - 2, 2**64 - 1]))
BATCHES = st.lists(st.lists(WORDS, max_size=12), max_size=12)
HASHES = st.builds(lambda a, b: f"{a:016x}{b:016x}", WORDS, WORDS)


@given(st.lists(WORDS, max_size=20), BATCHES)
def test_a_key_set_is_a_set(known, batches):
    keys, plain = KeySet(np.array(known, np.uint64)), set(known)
    for batch in batches:
        fresh = keys.add(np.array(batch, np.uint64))
        expected = []
        for key in batch:
            expected.append(key not in plain)
            plain.add(key)
        assert fresh.tolist() == expected


@given(st.lists(WORDS, min_size=1))
def test_a_key_set_of_nothing_begins_empty(batch):
    for keys in (KeySet(), KeySet(np.empty(0, np.uint64))):
        assert keys.add(np.array(batch, np.uint64)).sum() == len(set(batch))
        assert not keys.add(np.array(batch, np.uint64)).any()


@given(st.lists(st.lists(HASHES, max_size=10), max_size=12), st.lists(HASHES, max_size=10, unique=True))
def test_prompt_numbers_are_a_dictionary_in_order_of_first_appearance(batches, known):
    numbers = PromptNumbers(known)
    plain = {h: i for i, h in enumerate(known)}
    assert numbers.count == len(plain)
    for batch in batches:
        ids, fresh = numbers.number(batch)
        places = []
        for i, name in enumerate(batch):
            if name not in plain:
                places.append(i)
            plain.setdefault(name, len(plain))
        # Those that were new are told in the order of their numbers.
        assert (ids.dtype, ids.tolist()) == (np.int32, [plain[name] for name in batch])
        assert fresh.tolist() == places
        assert numbers.count == len(plain)


def test_prompts_that_share_half_of_their_hash_are_others():
    a, b, c = "0" * 16 + "1" * 16, "0" * 16 + "2" * 16, "3" * 16 + "1" * 16
    numbers = PromptNumbers([a])
    assert numbers.number([b, c, a])[0].tolist() == [1, 2, 0]
    assert numbers.number([c, a, b])[0].tolist() == [2, 0, 1]
    assert numbers.count == 3


def test_many_batches_stay_few_arrays():
    keys, numbers = KeySet(), PromptNumbers()
    rng = np.random.default_rng(0)
    for _ in range(200):
        batch = rng.integers(0, 2**64, 10, dtype=np.uint64)
        assert keys.add(batch).all()
        assert len(numbers.number([f"{k:016x}{k:016x}" for k in batch.tolist()])[1]) == 10
    assert len(keys._runs) <= 12
    assert len(numbers._runs) <= 12
    assert sum(len(run) for run in keys._runs) == numbers.count == 2000


@given(st.lists(st.text(max_size=6), max_size=20))
def test_request_keys_are_the_first_bytes_of_blake2b(ids):
    found = request_keys(ids)
    assert found.dtype == np.uint64
    expected = [int.from_bytes(hashlib.blake2b(i.encode(), digest_size=8).digest(), "little") for i in ids]
    assert found.tolist() == expected


def test_request_keys_stand_lone_surrogates():
    assert len(set(request_keys(["\udc80", "\udc81", ""]).tolist())) == 3


def test_a_hash_that_is_none_is_refused():
    with pytest.raises(ValueError, match="hex"):
        PromptNumbers().number(["not a hash at all, but 32 signs.."])
