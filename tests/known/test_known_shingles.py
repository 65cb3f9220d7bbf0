"""Shingles are what their definition says, on every machine, however texts are batched."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.known import shingles
from sweeplens.known.shingles import MAX_CHARS, WIDTH, shingle, shingle_batches

MASK = 2**64 - 1
ALONE = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x31F0, 0x31FF),
         (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))  # fmt: skip


def tokens_of(text: str) -> list[str]:
    """Cut a text into tokens, one character after the other."""
    text = unicodedata.normalize("NFKC", text).casefold()
    tokens: list[str] = []
    before = "break"
    for char in text:
        if unicodedata.category(char)[0] == "M":
            kind = "mark"
        elif not char.isalnum():
            kind = "break"
        else:
            kind = "alone" if any(low <= ord(char) <= high for low, high in ALONE) else "letter"
        if (
            kind == "alone"
            or (kind == "letter" and before in {"break", "alone"})
            or (kind == "mark" and before == "break")
        ):
            tokens.append(char)
        elif kind != "break":
            tokens[-1] += char
        before = kind
    return tokens


def mix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def token_hash(token: str) -> int:
    base = 0x9E3779B97F4A7C15
    return mix(sum(mix((ord(c) + 1) * base & MASK) * pow(base, i, 2**64) for i, c in enumerate(token)) & MASK)


def reference(text: str) -> tuple[list[int], int, int]:
    hashes = [token_hash(token) for token in tokens_of(text)]
    runs = [
        mix(sum(h * pow(0xD1342543DE82EF95, k + 1, 2**64) for k, h in enumerate(hashes[i : i + WIDTH])) & MASK)
        for i in range(len(hashes) - WIDTH + 1)
    ]
    whole = mix((sum(h * pow(0xA0761D6478BD642F, i, 2**64) for i, h in enumerate(hashes)) + len(hashes)) & MASK)
    return runs, len(hashes), whole


def check(texts: list[str]) -> None:
    made = shingle(texts)
    expected = [reference(text) for text in texts]
    assert [made.hashes[a:b].tolist() for a, b in zip(made.bounds, made.bounds[1:], strict=False)] == [
        e[0] for e in expected
    ]
    assert made.tokens.tolist() == [e[1] for e in expected]
    assert made.whole.tolist() == [e[2] for e in expected]


LETTERS = st.text(st.sampled_from("abcABC019 .,-_\n\0é\u0301ßﬁＡ中文のกำि한글٣😀\u200d\ud800"), max_size=60)


@given(st.lists(LETTERS | st.text(max_size=30), max_size=6))
def test_shingles_are_those_of_the_definition(texts):
    check(texts)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["", ""],
        ["one"],
        ["a b c d"],
        ["a b c d e"],
        ["", "a b c d e f", "", "g h i j k", "…"],
        ["a b", "c d", "e f"],
    ],
)
def test_texts_without_or_with_few_shingles(texts):
    check(texts)


def test_hashes_never_change():
    made = shingle(["How many rivers flow north, and why?", "秋天的枫叶"])
    assert [f"{h:016x}" for h in made.hashes] == [
        "6273f83281b2ee0f",
        "f60b0537cf0231b3",
        "10279d2e54bd5fd1",
        "034e2ebe0066f4d3",
    ]
    assert [f"{h:016x}" for h in made.whole] == ["8d1cd6e58ff1be83", "063678c97155e6a6"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How many rivers flow north?", "HOW MANY\n\n  rivers -- flow, north"),
        ("Don't stop the old mill wheel", "don’t stop the “old” mill wheel…"),
        ("ＡＢＣ one two three four", "abc one two three four"),
        ("Straße nach Süden, immer weiter fort", "STRASSE nach su\u0308den immer weiter fort"),
        ("snake_case_name = value + 1", "snake case name value 1"),
        ("秋天，山上的枫叶！", "秋天山上的枫叶"),
    ],
)
def test_case_punctuation_space_and_width_do_not_count(one, other):
    made = shingle([one, other])
    assert made.hashes[: made.bounds[1]].tolist() == made.hashes[made.bounds[1] :].tolist()
    assert made.bounds[1] > 0
    assert made.whole[0] == made.whole[1]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("秋天的枫叶", 5),
        ("用Python写代码", 5),  # four characters and one word
        ("ひらがなとカタカナ", 9),
        ("나무 아래 개울", 6),  # Korean has spaces, but few and set at will
        ("नदी के किनारे", 3),  # vowel signs belong to their words
        ("ต้นไม้", 4),  # and tone marks to their letters
        ("x1 = 3.14", 3),
        ("+ - * /", 0),
    ],
)
def test_a_token_is_a_word_or_a_character_of_a_script_without_spaces(text, tokens):
    assert shingle([text]).tokens.tolist() == [tokens]
    assert len(tokens_of(text)) == tokens


def test_order_of_words_counts():
    made = shingle(["the dog bit the old man", "the man bit the old dog"])
    assert not set(made.hashes[:2].tolist()) & set(made.hashes[2:].tolist())


def test_batches_give_the_same_as_one_text_at_a_time(monkeypatch):
    monkeypatch.setattr(shingles, "_BATCH_CHARS", 40)
    monkeypatch.setattr(shingles, "_BATCH_TEXTS", 3)
    texts = [
        "one two three four five six",
        "",
        "seven",
        "x " * 50,
        "a",
        "b",
        "c",
        "d",
        "ten eleven twelve of the clock",
    ]
    found, starts = [], []
    for first, made in shingle_batches(texts):
        starts.append(first)
        found += [made.hashes[a:b].tolist() for a, b in zip(made.bounds, made.bounds[1:], strict=False)]
        assert len(made.tokens) <= 3
    assert len(starts) > 3
    assert found == [shingle([text]).hashes.tolist() for text in texts]
    assert list(shingle_batches([])) == []


def test_only_the_beginning_of_a_very_long_text_is_looked_at():
    text = "word " * (MAX_CHARS // 5)
    made = shingle([text, text + "and a different ending of six words"])
    assert made.whole[0] == made.whole[1]
    assert made.tokens.tolist() == [MAX_CHARS // 5] * 2
    assert len(np.unique(made.hashes)) == 1
