from collections import Counter

import numpy as np
import pytest

from sweeplens.atlas.names import choose_exemplars, name_clusters, read_stop_words, split_words, weigh_terms


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def test_weights_are_the_class_based_tf_idf_of_a_worked_example():
    weights = weigh_terms([Counter(cat=3, food=1), Counter(dog=2, food=2)])
    # Each class has 4 counts: A = 4; f(cat) = 3, f(dog) = 2, f(food) = 3.
    assert weights[0] == pytest.approx({"cat": 3 / 4 * np.log(1 + 4 / 3), "food": 1 / 4 * np.log(1 + 4 / 3)})
    assert weights[1] == pytest.approx({"dog": 2 / 4 * np.log(1 + 4 / 2), "food": 2 / 4 * np.log(1 + 4 / 3)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't COUNT the Cats' tails!", ["don't", "count", "the", "cats", "tails"]),
        ("C++ and gpt-4 at 11th street, 3kg", ["c++", "and", "gpt-4", "at", "street"]),
        ("mail [email] or see https://example.org/a?b=c now", ["mail", "or", "see", "now"]),
        ("id a1b2c3d4 aaaa", ["id"]),
        ("银行卡 card", ["银行卡", "card"]),
        ("naïve ＣＡＦＥ", ["naïve", "cafe"]),
        ("", []),
    ],
)
def test_words_are_split_in_any_script(text, words):
    assert split_words(text) == words


def test_only_the_head_of_a_long_prompt_counts():
    assert "late" not in split_words("early " * 100 + "late")


def test_names_are_the_terms_that_set_clusters_apart():
    texts = [
        "how to bake bread",
        "bake rye bread",
        "bread oven to bake",
        "tune a guitar",
        "guitar strings",
        "a loud guitar",
    ]
    named = name_clusters(texts, [rows(0, 1, 2), rows(3, 4, 5)])
    assert [name.split(", ")[0] for name, _ in named] == ["bake", "guitar"]
    assert "bread" in named[0][1]
    assert not {"to", "how", "a"} & {t for _, terms in named for t in terms}


def test_clusters_of_one_template_are_told_apart_by_what_differs():
    reply = "extract invoice fields"
    texts = [f"{reply} plumber {i}" for i in range(9)] + [f"{reply} florist {i}" for i in range(9)]
    named = name_clusters(texts, [rows(*range(9)), rows(*range(9, 18))])
    assert "plumber" in named[0][0]
    assert "florist" in named[1][0]


def test_names_differ_even_where_texts_do_not():
    names = [name for name, _ in name_clusters(["same words"] * 6, [rows(0, 1), rows(2, 3), rows(4, 5)])]
    assert len(set(names)) == 3


def test_a_cluster_of_stop_words_or_signs_still_has_a_name():
    names = [name for name, _ in name_clusters(["the of and", "the of", "!!!", "???"], [rows(0, 1), rows(2, 3)])]
    assert all(names)
    assert names[1] == "cluster 1"


def test_pairs_of_characters_grow_to_words():
    texts = ["信用卡丢了", "我要信用卡", "补办信用卡", "天气好", "看天气", "天气冷"]
    named = name_clusters(texts, [rows(0, 1, 2), rows(3, 4, 5)])
    assert named[0][0].split(", ")[0] == "信用卡"
    assert named[1][0].split(", ")[0] == "天气"


def test_hostile_text_gives_printable_names():
    texts = ["\x1b[31mred\u202ealert <script>x</script>", "\x1b[31mred\u202ealert <script>", "calm sea", "calm sea"]
    for name, terms in name_clusters(texts, [rows(0, 1), rows(2, 3)]):
        for text in (name, *terms):
            assert text.isprintable()
            assert not set(text) & set("<>&=\x1b\u202e")


def test_stop_words_hold_many_languages():
    assert {"the", "und", "для", "của", "什么"} <= read_stop_words()


def test_exemplars_start_at_the_medoid_and_leave_out_near_copies():
    angle = np.radians([0, 1, 2, 30, -31, 60])
    vectors = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    texts = [f"text {i}" for i in range(6)]
    chosen = choose_exemplars(rows(0, 1, 2, 3, 4, 5), vectors, texts)
    assert set(chosen) & {0, 1, 2} == {chosen[0]} or chosen[0] == 3
    cosine = vectors[chosen] @ vectors[chosen].T
    assert (cosine[~np.eye(len(chosen), dtype=bool)] <= 0.95).all()
    assert {3, 4, 5} <= set(chosen)


def test_equal_heads_are_one_exemplar():
    vectors = np.eye(3, dtype=np.float32)
    assert len(choose_exemplars(rows(0, 1, 2), vectors, ["Same  text", "same text", "other"])) == 2


def test_no_rows_no_exemplars():
    assert choose_exemplars(rows(), np.eye(2), ["a", "b"]) == []
