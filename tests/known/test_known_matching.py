"""What matches a known set, what does not, and that the search by hashes finds what comparing all pairs finds."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_texts import CHINESE, QUESTIONS, row, sketch

from sweeplens.known import KnownSets, matching
from sweeplens.known.shingles import shingle
from sweeplens.known.sketch import COMMON

FILLER = "The mayor opened the new bridge on Tuesday and spoke of patience, mud and the price of steel in wet years. "


@pytest.fixture(scope="module")
def known() -> KnownSets:
    return KnownSets({"questions": sketch(QUESTIONS), "chinese": sketch(CHINESE)})


EDITS = {
    "the same": lambda t: t,
    "a beginning": lambda t: f"Answer the following question: {t}",
    "a long beginning": lambda t: f"You are a careful assistant who thinks before it speaks and never guesses.\n\n{t}",
    "an ending": lambda t: f"{t}\nThink step by step and finish with the answer alone.",
    "both": lambda t: f"### Instruction:\n{t}\n\n### Response: (in one paragraph, please)",
    "capitals": str.upper,
    "no punctuation": lambda t: "".join(c if c.isalnum() else " " for c in t),
    "other spaces": lambda t: t.replace(" ", "  \n"),
    "curly quotes": lambda t: f"“{t}”",
    "after other examples": lambda t: f"{FILLER * 3}\nQ: {t}",
    "sent twice": lambda t: f"{t}\n{t}",
}


@pytest.mark.parametrize("edit", list(EDITS))
def test_what_is_put_around_a_prompt_does_not_hide_it(known, edit):
    texts = [EDITS[edit](text) for text in (*QUESTIONS, *CHINESE)]
    assert known.match(texts).tolist() == [0] * len(QUESTIONS) + [1] * len(CHINESE)


def test_one_changed_word_does_not_hide_a_prompt_of_twenty(known):
    for text in QUESTIONS:
        words = text.split()
        for i in range(len(words)):
            changed = " ".join([*words[:i], "pelican", *words[i + 1 :]])
            assert known.match([changed]).tolist() == [0], (len(words), i)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "…!?",
        "How wide is the river?",
        "Which property of a copper wire changes most",
        FILLER,
        FILLER * 100,
        "A baker asks an apprentice why warm water makes dough rise quickly while cold water makes it slow.",
        "请问两站之间有多少公里？",
        "请写一首关于枫叶的诗。",
    ],
)
def test_what_does_not_match(known, text):
    assert known.match([text]).tolist() == [-1]


def test_a_prompt_that_is_a_small_part_of_a_long_text_does_not_match(known):
    words = len(QUESTIONS[1].split())
    for filler, found in ((3 * words, 0), (8 * words, 0), (12 * words, -1)):
        text = " ".join((FILLER * 40).split()[:filler])
        assert known.match([f"{text} {QUESTIONS[1]}"]).tolist() == [found]


def test_short_questions_of_one_form_are_told_apart():
    sets = KnownSets({"capitals": sketch(["What is the capital of Australia?"])})
    texts = [
        "what is the capital of australia",
        "What is the capital of Austria?",
        "Tell me: what is the capital of Australia",
    ]
    assert sets.match(texts).tolist() == [0, -1, 0]


def test_sharing_only_the_template_of_a_set_is_no_match():
    template = "Please read the following sentence carefully and then say in one word what mood it has:"
    rng = random.Random(5)

    def some() -> list[str]:
        return [f"{template} {' '.join(f'w{rng.randrange(9999)}' for _ in range(4))}" for _ in range(COMMON + 5)]

    inside, outside = some(), some()
    sets = KnownSets({"moods": sketch(inside)})
    assert (sets.match(inside) == 0).all()
    assert (sets.match(outside) == -1).all()


def test_the_best_set_wins_and_the_first_of_equal_ones():
    longer = QUESTIONS[0] + " And how many of them will bear beans that the gardener can sell at the market in June?"
    sets = KnownSets({"a": sketch([longer]), "b": sketch([QUESTIONS[0]]), "c": sketch([QUESTIONS[0], QUESTIONS[1]])})
    assert sets.match([QUESTIONS[0], longer, QUESTIONS[1]]).tolist() == [1, 0, 2]


def test_no_known_sets_look_at_no_text():
    class Untouchable(list):
        def __getitem__(self, at):
            raise AssertionError

        __iter__ = __getitem__

    found = KnownSets({}).match(Untouchable(["a text"] * 3))
    assert (found.dtype, found.tolist()) == (np.int32, [-1, -1, -1])
    assert KnownSets({}).names == ()


def test_no_texts_and_empty_sets(known):
    assert known.match([]).tolist() == []
    assert KnownSets({"empty": sketch([])}).match([QUESTIONS[0]]).tolist() == [-1]


@pytest.mark.parametrize(("kept", "found"), [(0.95, 0), (0.8, 0), (0.4, -1), (0.2, -1)])
def test_a_long_prompt_is_judged_by_a_sample_of_it(kept, found):
    rng = random.Random(6)
    for _ in range(20):
        words = [f"w{rng.randrange(10**6)}" for _ in range(1500)]
        cut = int(kept * len(words))
        other = [f"v{rng.randrange(10**6)}" for _ in range(1500 - cut)]
        sets = KnownSets({"long": sketch([" ".join(words)])})
        assert sets.match([" ".join([*other, *words[:cut]])]).tolist() == [found]


WORDS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=14).map(" ".join)
SETS = st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=1, max_size=3)


@given(SETS, st.lists(WORDS, max_size=12), st.integers(1, 40))
def test_the_search_finds_what_comparing_all_pairs_finds(sets, texts, pairs):
    sketches = {f"s{i}": sketch(prompts) for i, prompts in enumerate(sets)}
    texts = texts + [prompt for prompts in sets for prompt in prompts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_PAIRS", pairs)  # blocks of every size
        found = KnownSets(sketches).match(texts).tolist()
    assert found == [brute_force(list(sketches.values()), text) for text in texts]


def brute_force(sketches, text: str) -> int:
    made = shingle([text])
    hashes = {*made.hashes.tolist(), *made.whole.tolist()}
    best = (-1.0, -1.0, 0)
    for i, known_set in enumerate(sketches):
        for j in range(len(known_set)):
            mine = row(known_set, j)
            contained = len(hashes & set(mine)) / len(mine)
            share = contained * int(known_set.tokens[j]) / max(1, int(made.tokens[0]))
            if contained >= matching.MIN_CONTAINED and share >= matching.MIN_SHARE:
                best = max(best, (contained, share, -i))
    return -best[2] if best[0] >= 0 else -1
