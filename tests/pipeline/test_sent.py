"""The prompt of a request is what is new in it: last turn, earlier turns and system prompt, against plain sets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.logs.rows import Request
from sweeplens.pipeline.intake import take_alone

QUESTIONS = [
    "Why do herons stand on one leg?", "How is felt made?", "Where does the Elbe begin?", "Who built the first kiln?",
]  # fmt: skip


def asked(rows, account="a"):
    """Return the prompts of an account in a log of (last turn, system prompt, earlier turns...), in order."""
    requests = [
        row if isinstance(row, Request) else Request(f"r{i}", "a", None, row[0], system_prompt=row[1], earlier=row[2:])
        for i, row in enumerate(rows)
    ]
    log = take_alone(requests)
    one = log.accounts.one(list(log.accounts.names).index(account))
    return [log.texts[i] for i in one.requests.tolist()]


def test_a_conversation_whose_turns_are_all_there_gives_its_last_turns():
    one, two, three, _ = QUESTIONS
    rows = [(one, None), (two, None, one), (three, None, one, two), (three, None, one, two)]
    assert asked(rows) == [one, two, three, three]
    # An export that begins with the newest request gives the same, as does one whose files are mixed.
    assert asked(rows[::-1]) == [three, three, two, one]


def test_an_app_with_one_system_prompt_gives_its_last_turns():
    assert asked([(q, "You help the shop.") for q in QUESTIONS * 2]) == QUESTIONS * 2


def test_questions_in_the_system_prompt_are_the_prompts():
    assert asked([("go on", q) for q in QUESTIONS]) == ["go on", *QUESTIONS[1:]]


def test_questions_in_an_earlier_turn_are_the_prompts():
    assert asked([("go on", None, q) for q in QUESTIONS]) == [f"{QUESTIONS[0]}\n\ngo on", *QUESTIONS[1:]]


def test_a_counter_in_the_last_turn_hides_nothing():
    rows = [(f"go on {i}", q) for i, q in enumerate(QUESTIONS)]
    assert asked(rows) == ["go on 0", *(f"{q}\n\ngo on {i}" for i, q in enumerate(QUESTIONS) if i)]
    rows = [(f"go on {i}", None, "Ready?", q) for i, q in enumerate(QUESTIONS)]
    assert asked(rows)[1:] == [f"{q}\n\ngo on {i}" for i, q in enumerate(QUESTIONS) if i]


def test_system_prompt_earlier_turns_and_last_turn_stand_in_that_order():
    rows = [("Hello", "Be kind."), ("And then?", "Be terse.", "One", "Two")]
    assert asked(rows) == ["Hello", "Be terse.\n\nOne\n\nTwo\n\nAnd then?"]


def test_what_comes_again_is_nothing_new():
    rows = [("Hi", "Be kind."), ("Ho", "Be terse."), ("Hu", "Be kind."), ("He", "Be terse."), ("Hi", "Be terse.")]
    assert asked(rows) == ["Hi", "Be terse.\n\nHo", "Hu", "He", "Hi"]


def test_accounts_have_nothing_to_do_with_each_other():
    rows = [
        Request(f"{name}{i}", name, None, "go on", system_prompt=q)
        for i, q in enumerate(QUESTIONS)
        for name in ("a", "b")
    ]  # fmt: skip
    assert asked(rows, "a") == asked(rows, "b") == ["go on", *QUESTIONS[1:]]


VARYING = [
    ("2026-05-04", "2026-05-11"), ("5/4/2026", "12/24/2026"), ("04.05.2026", "11.12.2026"), ("10:15", "23:59:59"),
    ("9:05 am", "11:30 PM"), ("2026-05-04T10:15:00Z", "2026-05-11T23:59:59.250Z"), ("Monday", "Thursday"),
    ("Tue, May 5, 2026", "Sat, August 22nd, 2026"), ("5 May 2026", "1st of September, 2026"),
    ("1777888999", "1777999111"),
    ("2026年5月4日", "2026年12月24日"), ("c0ffee00c0ffee01", "5e1f0a9c77d24b60"),
    ("0b7c5f2e-8a4d-4d0e-9a53-1f6d0c2b7a10", "deadbeef-dead-4eef-dead-beefdeadbeef"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), VARYING)
def test_dates_times_and_ids_in_a_system_prompt_are_nothing_new(one, other):
    first, second = (f"You help in a shop. It is {value} now. Never speak of prices." for value in (one, other))
    rows = [("Hi", first), ("Ho", second), ("Hi", second), ("Hi", f"{other}")]
    assert asked(rows) == ["Hi", "Ho", "Hi", "Hi"]


def test_numbers_that_are_asked_about_are_new():
    rows = [("go on", f"What is {n} times {n + 1}?") for n in (17, 18, 230)]
    assert asked(rows) == ["go on", "What is 18 times 19?", "What is 230 times 231?"]


def test_only_what_differs_from_the_first_system_prompt_counts():
    def setting(who, page):
        return f"You help in a shop. You speak with {who}.\nThe page says:\n{page}\nNever speak of prices."

    rows = [("Hi", setting("Ann", "Felt is wool.")), ("Ho", setting("Ann", "Kilns are hot.")),
            ("Hu", setting("Bob", "Kilns are hot.")), ("Hi", setting("Bob", "Kilns are hot."))]  # fmt: skip
    assert asked(rows) == [
        "Hi", "Kilns are hot.\n\nHo", "You speak with Bob.\nThe page says:\nKilns are hot.\n\nHu", "Hi",
    ]  # fmt: skip
    # A part of the first one alone says nothing new, nor does a prompt without a word.
    assert (
        asked([*rows[:1], ("go on", "You help in a shop."), ("go on", "17 + 4 = ?"), ("go on", "...")])[1:]
        == ["go on"] * 3
    )


def test_a_question_is_not_hidden_by_a_first_system_prompt_that_holds_them_all():
    everything = "\n".join(QUESTIONS)
    rows = [("go on", everything), *(("go on", q) for q in QUESTIONS[1:])]
    assert asked(rows)[1:3] == QUESTIONS[1:3]
    # The last stands where it stood in the first, and counts as part of it: one at either end is all that can.
    assert asked(rows)[3] == "go on"


def test_sentences_of_scripts_without_spaces_are_cut_as_well():
    assert (
        asked([("一", "你是店员。今天很冷。请回答。"), ("二", "你是店员。鹭为什么站着？请回答。")])[1]
        == "鹭为什么站着？\n\n二"
    )


def test_a_long_part_is_kept_by_its_ends():
    page = "Begin. " + "x " * 50_000 + "End."
    [_, second] = asked([("Hi", None), ("Ho", None, page)])
    assert len(second) < 9_000
    assert second.startswith("Begin. ")
    assert second.endswith("End.\n\nHo")


def test_where_the_system_prompt_is_all_there_is_it_is_the_prompt():
    assert asked([(q, q) for q in QUESTIONS]) == QUESTIONS


TURN = st.sampled_from("abcdef")


@given(st.lists(st.tuples(TURN, st.none(), TURN, TURN), max_size=12))
def test_earlier_turns_against_a_plain_set(rows):
    """Of a log that is one batch: a turn is new once, and not at all where it is the last turn of any request."""
    sent, last = {row[0] for row in rows}, set()
    expected = []
    for turn, _, *earlier in rows:
        new = [text for text in dict.fromkeys(earlier) if text not in sent]
        sent.update(new)
        expected.append("\n\n".join([*new, turn] if turn not in last else new) or turn)
        last.add(turn)
    distinct = [(row[0], row[1], *dict.fromkeys(row[2:])) for row in rows]
    if rows:
        assert asked(distinct) == expected


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_the_size_of_batches_does_not_show_in_conversations(size, monkeypatch):
    monkeypatch.setattr("sweeplens.pipeline.intake._CHARS", size)
    rows = [(now, "Be kind.", *QUESTIONS[: QUESTIONS.index(before) + 1]) for before, now in pairwise(QUESTIONS)]
    assert asked([(QUESTIONS[0], "Be kind."), *rows]) == QUESTIONS
    assert asked([("go on", None, q) for q in QUESTIONS])[1:] == QUESTIONS[1:]
