"""A prompt that is JSON is embedded by the texts that it carries; what it is kept under is forgotten with it."""

import json

import numpy as np
import pytest

from sweeplens.embed import VectorCache, embed_prompts
from sweeplens.embed.cache import forget_everywhere, retain_everywhere
from sweeplens.embed.json_text import carried_text
from sweeplens.text import content_hash

QUESTION = "How do lighthouse keepers measure fog?"


@pytest.mark.parametrize(
    "value",
    [
        {"input": QUESTION},
        {"task_id": "t-000123", "type": "completion", "input": QUESTION, "options": {"style": "detailed", "n": 3}},
        {"a": [{"b": {"c": QUESTION}}, None, True, 7], "lang": "en", "short": "a b"},
        [QUESTION, ""],
    ],
)
def test_names_settings_and_ids_are_left_out(value):
    assert carried_text(json.dumps(value)) == QUESTION
    assert carried_text(f"  {json.dumps(value, indent=2)}\n") == QUESTION


def test_several_long_texts_all_count_in_their_order():
    long = "The keeper wrote in the log that the lamp had failed twice before the storm. " * 3
    value = {"context": long, "question": QUESTION, "settings": {"tone": "be kind"}}
    assert carried_text(json.dumps(value)) == f"{long.strip()}\n{QUESTION}"


def test_one_word_in_another_script_is_a_text_and_one_word_alone_is_what_there_is():
    assert carried_text('{"q": "灯塔是什么", "m": "fast"}') == "灯塔是什么"
    assert carried_text('{"word": "lighthouse", "mode": "define"}') == "lighthouse\ndefine"


@pytest.mark.parametrize(
    "text",
    [
        QUESTION, "", "[", "{not json}", "[1, 2, 3]", "{}", '{"a": 1}', '{"a": ""}', "[" * 50_000, '{"a": ' * 9_000,
        '"just a text"', json.dumps({"input": "x y " * 60_000}), "\ud800{",
    ],
)  # fmt: skip
def test_any_other_text_stays_what_it_is(text):
    assert carried_text(text) is text


def test_json_has_the_vector_of_its_question_and_a_place_of_its_own_in_the_cache(tmp_path, fast_english):
    wrapped = json.dumps({"task_id": "t-000123", "input": QUESTION})
    texts = [QUESTION, wrapped, "Name three kinds of bread."]
    hashes = [content_hash(t) for t in texts]
    cache = VectorCache(tmp_path, fast_english.fingerprint, fast_english.dim)
    cold = embed_prompts(fast_english, hashes, texts, cache)
    warm = embed_prompts(fast_english, hashes, texts, cache)
    assert (warm.n_cached, warm.n_encoded) == (3, 0)
    assert warm.vectors.tobytes() == cold.vectors.tobytes()
    np.testing.assert_array_equal(cold.vectors[0], cold.vectors[1])
    assert retain_everywhere(tmp_path, hashes[:2]) == 1
    assert forget_everywhere(tmp_path, hashes[1:2]) == 1
    after = embed_prompts(fast_english, hashes, texts, VectorCache(tmp_path, fast_english.fingerprint, 256))
    assert (after.n_cached, after.n_encoded) == (1, 2)
