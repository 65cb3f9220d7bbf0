"""A sketch holds the smallest hashes of each prompt, without what the whole set shares."""

import itertools
import random

import numpy as np
from known_texts import CHINESE, QUESTIONS, row, sketch

from sweeplens.known import KnownSets
from sweeplens.known.shingles import shingle
from sweeplens.known.sketch import COMMON, KEPT, MIN_TOKENS, Sketcher

TEMPLATE = "Please read the following sentence carefully and then say in one word what mood it has:"


def made_up(rng: random.Random, n: int) -> str:
    return " ".join(f"w{rng.randrange(10_000)}" for _ in range(n))


def equal(one, other) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("tokens", "shingles", "bounds"))


def test_a_short_prompt_is_kept_whole_and_a_long_one_by_its_smallest_hashes():
    rng = random.Random(1)
    for size in (5, 30, KEPT + 4, KEPT + 5, 300, 2000):
        text = made_up(rng, size)
        made = sketch([text])
        assert made.tokens.tolist() == [size]
        assert row(made, 0) == sorted(set(shingle([text]).hashes.tolist()))[:KEPT]


def test_repeated_shingles_count_once():
    made = sketch(["to be or not to be " * 40])
    assert len(row(made, 0)) == len(set(row(made, 0))) == 6


def test_equal_prompts_count_once_and_short_ones_not_at_all():
    sketcher = Sketcher()
    sketcher.add(["hello", "and now?", "", "…", "one two three four", QUESTIONS[1], QUESTIONS[1].upper(), QUESTIONS[2]])
    sketcher.add([QUESTIONS[1] + "!!", QUESTIONS[3]])
    made = sketcher.finish()
    assert len(made) == 3
    assert (sketcher.prompts, sketcher.too_short) == (10, 5)
    assert made.tokens.min() >= MIN_TOKENS


def test_nothing_gives_an_empty_sketch():
    for made in (sketch([]), sketch(["hi", "", "yes please"])):
        assert len(made) == 0
        assert made.bounds.tolist() == [0]


def test_order_and_pieces_do_not_matter():
    rng = random.Random(2)
    texts = [made_up(rng, rng.randrange(1, 200)) for _ in range(60)] + [*QUESTIONS, *CHINESE] * 2
    texts += [f"{TEMPLATE} {made_up(rng, 3)}" for _ in range(40)]
    whole = sketch(texts)
    pieces = Sketcher()
    rng.shuffle(texts)
    for i in range(0, len(texts), 7):
        pieces.add(texts[i : i + 7])
    assert equal(whole, pieces.finish())
    assert len(whole) > 90


def test_the_template_of_a_set_is_left_out():
    rng = random.Random(3)
    template = set(shingle([TEMPLATE]).hashes.tolist())
    texts = [f"{TEMPLATE} {made_up(rng, 6)}" for _ in range(COMMON + 1)]
    made = sketch([*texts, *QUESTIONS])
    assert not template & set(made.shingles.tolist())
    own = [set(shingle([text]).hashes.tolist()) - template for text in texts]
    rows = [set(row(made, i)) for i in range(len(made))]
    assert all(shingles in rows for shingles in own)
    # Among fewer prompts it is no template.
    assert template <= set(sketch(texts[:COMMON]).shingles.tolist())


def test_template_makes_room_in_the_sketch_of_a_long_prompt():
    rng = random.Random(4)
    template = made_up(rng, 60)
    made = sketch([f"{template} {made_up(rng, 200)}" for _ in range(COMMON + 5)])
    assert np.diff(made.bounds).tolist() == [KEPT] * (COMMON + 5)


def test_a_prompt_of_nothing_but_template_is_known_by_all_its_words():
    # Each five words in a row come in dozens of these 512 prompts.
    texts = [" ".join(words) for words in itertools.product(("left", "right"), repeat=9)]
    made = sketch(texts)
    assert np.diff(made.bounds).tolist() == [1] * 512
    assert set(made.shingles.tolist()) == set(shingle(texts).whole.tolist())
    sets = KnownSets({"turns": made})
    assert (sets.match([text.title() + "!" for text in texts]) == 0).all()
    assert (sets.match([f"{text} left" for text in texts]) == -1).all()
