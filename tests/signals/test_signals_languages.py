"""The mix of languages of accounts, against a count by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.signals.account import group_accounts
from sweeplens.signals.languages import UNTOLD, mix_accounts, mix_languages, name_languages, order_languages

TOLD = ["zh", "en", "zh", "und", "th", "en", "und"]
# account, prompt: one sends a prompt twice, one has only prompts that cannot be told.
SENT = [("a", 0), ("a", 0), ("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 4), ("c", 3), ("c", 6)]


def accounts():
    return group_accounts([name for name, _ in SENT], [prompt for _, prompt in SENT], np.arange(len(SENT)))


def test_languages_stand_in_the_order_of_the_alphabet_without_the_undetermined():
    languages = name_languages(TOLD)
    assert languages.words == ("en", "th", "zh")
    assert languages.codes.tolist() == [2, 0, 2, UNTOLD, 1, 0, UNTOLD]
    again = order_languages(np.array([0, 1, 0, 2]), ["zh", "und", "ar"])
    assert (again.words, again.codes.tolist()) == (("ar", "zh"), [1, UNTOLD, 1, 0])


def test_distinct_prompts_count_once_and_the_undetermined_apart():
    mix = mix_accounts(accounts(), name_languages(TOLD))
    assert mix.counts.tolist() == [[1, 0, 2], [1, 1, 0], [0, 0, 0]]
    assert mix.untold.tolist() == [1, 0, 2]
    assert mix.shares(0) == [("zh", 2, pytest.approx(2 / 3)), ("en", 1, pytest.approx(1 / 3))]
    assert mix.shares(2) == []


def test_the_main_language_is_that_of_most_prompts_and_the_first_in_the_alphabet_of_equals():
    mix = mix_accounts(accounts(), name_languages(TOLD))
    assert [mix.words[i] for i in mix.main[:2]] == ["zh", "en"]
    assert mix.main[2] == UNTOLD


def test_prompts_can_weigh_by_how_often_they_were_sent():
    languages = name_languages(["en", "fr"])
    mix = mix_languages(languages, np.array([0, 0]), np.array([0, 1]), 1, np.array([2, 5]))
    assert mix.counts.tolist() == [[2, 5]]


@pytest.mark.parametrize("told", [[], ["und", "und"]])
def test_a_log_without_a_language_has_no_main_one(told):
    mix = mix_languages(name_languages(told), np.zeros(len(told), int), np.arange(len(told)), 2)
    assert mix.words == ()
    assert mix.main.tolist() == [UNTOLD, UNTOLD]
    assert mix.untold.tolist() == [len(told), 0]
    assert mix.shares(1) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["en", "de", "und", "th"])), min_size=1, max_size=80))
def test_a_mix_is_what_a_count_gives(pairs):
    told = [word for _, word in pairs]
    mix = mix_languages(name_languages(told), np.array([a for a, _ in pairs]), np.arange(len(pairs)), 5)
    for account in range(5):
        own = Counter(word for a, word in pairs if a == account)
        assert mix.untold[account] == own.pop("und", 0)
        assert {word: n for word, n, _ in mix.shares(account)} == own
        assert sum(share for *_, share in mix.shares(account)) == pytest.approx(1.0 if own else 0.0)
