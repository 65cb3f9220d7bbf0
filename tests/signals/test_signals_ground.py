"""The ground of signals: put together from parts, from row views, and without texts."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.signals.account import first_arrivals, group_accounts
from sweeplens.signals.catalog import KEYS, SIGNALS
from sweeplens.signals.ground import (
    FORM,
    head_of,
    join_numbers,
    make_ground,
    measure_ground,
    measure_texts,
    numbers_of,
    unknown_texts,
)
from sweeplens.signals.measure import measure_accounts
from sweeplens.signals.spacing import SPACING

TEXTS = [f"{'Say' if i % 3 else 'say'} {i} times what the weather of day {i * i} was like" for i in range(90)]
OF_TEXT = {*(f"spread_{k}" for k in FORM), "pack", "pack_spread", "leaning", *SPACING[-3:]}
OF_OTHERS = np.array([s.family == "kin" for s in SIGNALS])  # measured of a whole log, beside other accounts
PLACE = {k: np.arange(90, dtype=np.int32) % 5 for k in ("cell", "cluster", "capability")}


@pytest.fixture(scope="module")
def log():
    v = np.random.default_rng(3).normal(size=(90, 6))
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float16)
    names = ["a"] * 12 + ["b"] * 78
    return v, group_accounts(names, np.arange(90), np.arange(90))


class View:
    """Rows that can be had by an array of their numbers alone."""

    def __init__(self, rows):
        self._rows, self.shape = rows, rows.shape

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, rows):
        assert isinstance(rows, np.ndarray)
        return self._rows[rows]


class Lazy:
    """Heads that are made when they are asked for, by plain numbers."""

    def __len__(self):
        return len(TEXTS)

    def __getitem__(self, at):
        assert type(at) is int
        return head_of(TEXTS[at])


def test_texts_measured_in_parts_are_those_measured_at_once():
    languages = ["en", "de", "und"] * 30
    whole = measure_texts(TEXTS, languages)
    parts = join_numbers([measure_texts(TEXTS[s], languages[s]) for s in (slice(0, 7), slice(7, 7), slice(7, 90))])
    back = numbers_of(parts.columns())
    assert set(parts.columns()) == {*FORM, "pack", "packed", "leaning", "first_word"}
    assert len(whole) == 90
    for name in ("form", "pack", "packed", "leaning", "first_word"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name), equal_nan=name == "leaning"), name
        assert np.array_equal(getattr(back, name), getattr(whole, name), equal_nan=name == "leaning"), name
        assert getattr(back, name).dtype == getattr(whole, name).dtype


def test_first_words_are_numbered_alike_everywhere():
    numbers = measure_texts(["Hello there", "hello", "  HELLO\tyou", "bye", "", "\udc80 x"], ["en"] * 6).first_word
    assert numbers[:3].tolist() == [4144392170] * 3
    assert len(set(numbers.tolist())) == 4
    assert (numbers >= 0).all()
    assert (numbers < 2**32).all()


def test_signals_from_views_and_lazy_heads_are_the_same(log):
    v, accounts = log
    numbers = measure_texts(TEXTS, ["en"] * 90)
    plain = measure_ground(v.astype(np.float32), TEXTS, ["en"] * 90, **PLACE)
    views = make_ground(View(v), numbers, Lazy(), **PLACE)
    assert np.array_equal(measure_accounts(accounts, plain), measure_accounts(accounts, views), equal_nan=True)
    assert views.rows(np.array([3, 1])).dtype == np.float32


def test_without_texts_only_what_needs_them_is_missing(log):
    v, accounts = log
    whole = measure_accounts(accounts, measure_ground(v, TEXTS, ["en"] * 90, **PLACE))
    ground = make_ground(v, unknown_texts(np.array([len(t) for t in TEXTS])), [b""] * 90, **PLACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = measure_accounts(accounts, ground)
    of_text = np.array([k in OF_TEXT for k in KEYS])
    assert np.isnan(values[:, of_text]).all()
    assert np.array_equal(values[:, ~of_text], whole[:, ~of_text], equal_nan=True)
    assert (np.isnan(whole) == OF_OTHERS).all()


def test_one_unknown_text_leaves_nothing_to_say_of_its_senders_texts(log):
    v, accounts = log
    numbers = join_numbers([measure_texts(TEXTS[:89], ["en"] * 89), unknown_texts(np.array([20]))])
    values = measure_accounts(accounts, make_ground(v, numbers, [*map(head_of, TEXTS[:89]), b""], **PLACE))
    missing = {KEYS[i] for i in np.flatnonzero(np.isnan(values[1]) & ~OF_OTHERS)}
    assert (np.isnan(values[0]) == OF_OTHERS).all()
    assert {"pack", "leaning", "spread_digits"} <= missing <= OF_TEXT


def test_long_prompts_have_forty_bytes():
    texts = ["x" * 39, "x" * 40, "ж" * 19, "ж" * 20, "", "x" * 1000]
    known = measure_ground(np.eye(6), texts, ["en"] * 6, **{k: p[:6] for k, p in PLACE.items()})
    assert [known.is_long(i) for i in range(6)] == [False, True, False, True, False, True]
    lengths = unknown_texts(np.array([len(t) for t in texts]))
    unknown = make_ground(np.eye(6), lengths, [b""] * 6, **{k: p[:6] for k, p in PLACE.items()})
    assert [unknown.is_long(i) for i in range(6)] == [False, True, False, False, False, True]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=60))
def test_distinct_prompts_are_first_arrivals_of_each_account(rows):
    accounts = group_accounts([f"a{c}" for c, _ in rows], np.array([p for _, p in rows]), np.arange(len(rows)))
    for code, account in enumerate(accounts):
        assert accounts.distinct(code).tolist() == first_arrivals(account.requests).tolist()
        assert account.distinct.tolist() == accounts.distinct(code).tolist()
        assert accounts.volumes[code] == len(account.distinct)
