"""What of a text is read: windows of word pieces, and batches without padding."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.embed.windows import LongText, clip_text, cut_windows, encodable, plan_batches, token_ids

FIRST, LAST = -1, -2
PREFIX = -3


def _cut(count, keep, window=6, most=3):
    return cut_windows(list(range(count)), LongText(keep, window, most, 1000), [FIRST], LAST)


@pytest.mark.parametrize("keep", ["head", "ends", "spread"])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_text_that_fits_is_one_window_whatever_the_policy(keep, count):
    assert _cut(count, keep) == [[FIRST, *range(count), LAST]]


def test_head_and_ends_of_a_long_text():
    assert _cut(10, "head") == [[FIRST, 0, 1, 2, 3, LAST]]
    assert _cut(10, "ends") == [[FIRST, 0, 1, 8, 9, LAST]]
    assert _cut(10, "ends", window=7) == [[FIRST, 0, 1, 2, 8, 9, LAST]]


def test_spread_covers_a_text_that_fits_and_samples_one_that_does_not():
    assert _cut(5, "spread") == [[FIRST, 0, 1, 2, LAST], [FIRST, 2, 3, 4, LAST]]
    assert _cut(8, "spread") == [[FIRST, 0, 1, 2, 3, LAST], [FIRST, 4, 5, 6, 7, LAST]]
    assert [w[1] for w in _cut(100, "spread")] == [0, 48, 96]


def test_a_prefix_stands_before_every_window_and_takes_its_room():
    long = LongText("spread", 6, 3, 1000)
    windows = cut_windows(list(range(6)), long, [FIRST, PREFIX], LAST)
    assert windows == [[FIRST, PREFIX, 0, 1, 2, LAST], [FIRST, PREFIX, 3, 4, 5, LAST]]
    assert cut_windows([], long, [FIRST, PREFIX], LAST) == [[FIRST, PREFIX, LAST]]
    long = LongText("ends", 6, 3, 1000)
    assert cut_windows(list(range(9)), long, [FIRST, PREFIX], LAST) == [[FIRST, PREFIX, 0, 1, 8, LAST]]


@given(st.integers(0, 400), st.integers(3, 40), st.integers(1, 6))
def test_spread_windows_hold_only_pieces_of_the_text_and_reach_both_ends(count, window, most):
    windows = cut_windows(list(range(count)), LongText("spread", window, most, 1000), [FIRST], LAST)
    inner = [w[1:-1] for w in windows]
    assert 1 <= len(windows) <= most
    assert all(len(w) <= window for w in windows)
    assert all(w == list(range(w[0], w[0] + len(w))) for w in inner if w)
    if count and most > 1:
        assert inner[0][0] == 0
        assert inner[-1][-1] == count - 1
    if count <= most * (window - 2):
        assert {i for w in inner for i in w} == set(range(count))


@given(st.lists(st.integers(1, 30), max_size=80), st.integers(1, 100))
def test_batches_hold_every_row_once_and_one_length_each(lengths, budget):
    array = np.array(lengths, dtype=np.int64)
    batches = plan_batches(array, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(set(array[batch])) == 1
        assert len(batch) == 1 or array[batch].sum() <= budget


def test_of_a_very_long_text_both_ends_are_kept():
    assert clip_text("a" * 5, 10) == "a" * 5
    assert clip_text("a" * 50 + "b" * 50, 10) == "aaaaa bbbbb"


def test_lone_surrogates_become_question_marks():
    assert encodable("plain") == "plain"
    assert encodable("é\ud800x") == "é?x"


class _Letters:
    """A tokenizer of letters."""

    def encode_batch_fast(self, texts, add_special_tokens):
        assert not add_special_tokens
        return [SimpleNamespace(ids=[ord(c) for c in text]) for text in texts]


def test_word_pieces_are_those_of_the_text_as_the_reader_leaves_it():
    texts = ["ab", "", "c\ud800", "d" * 50] * 300
    found = list(token_ids(_Letters(), texts, 10, str.upper))
    assert found == [[65, 66], [], [67, 63], [*[68] * 5, 32, *[68] * 5]] * 300
    assert list(token_ids(_Letters(), ["ab"], 10)) == [[97, 98]]


def test_a_policy_says_itself_in_words():
    assert LongText("head", 128, 1, 9).describe() == "the first 128 word pieces"
    assert LongText("ends", 128, 1, 9).describe() == "the first and the last 64 word pieces"
    assert "up to 3" in LongText("spread", 128, 3, 9).describe()
