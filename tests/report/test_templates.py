"""Skeletons of prompts: what is found in small literal texts, and what is left alone."""

import numpy as np
import pytest

from support.small_store import SENT, prompt_text
from sweeplens.report.templates import Template, Templates, campaign_templates, find_templates
from sweeplens.store.snapshot import Snapshot

TOPICS = (
    "ants", "bees", "cats", "dogs", "eels", "fish", "goats", "hens", "ibis", "jays", "koalas", "lions", "mice", "newts",
    "owls", "pigs", "quails", "rats", "seals", "toads",
)  # fmt: skip
OTHERS = [f"Where do {topic} sleep at night, and who told you so?" for topic in TOPICS]


def each(n_members: int, n_texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Deal the texts out over the members, one each in turn."""
    return np.arange(n_texts), np.arange(n_texts) % n_members


def find(texts: list[str], members: int = 4, outside: list[str] | None = None) -> list[Template]:
    return list(find_templates(texts, each(members, len(texts)), OTHERS if outside is None else outside).found)


def test_an_opening_with_a_gap_is_found_with_who_uses_it() -> None:
    texts = [f"Write a short story about {topic}: {topic[::-1]}" for topic in TOPICS]
    (found,) = find(texts)
    assert found.skeleton.startswith("Write a short story about …:")
    assert found.place == "start"
    assert (found.n_prompts, found.prompts, found.n_members, found.members) == (20, 1.0, 4, 1.0)
    assert found.outside == 0.0
    assert texts[found.example].startswith("Write a short story")


def test_numbers_and_quoted_parts_are_one_thing_each() -> None:
    texts = [f'Translate the phrase "{topic} run" into French in {i} words.' for i, topic in enumerate(TOPICS)]
    (found,) = find(texts)
    assert found.skeleton == "Translate the phrase “…” into French in # words."
    assert found.place == "whole"


def test_an_ending_and_an_opening_of_different_prompts_are_both_found() -> None:
    texts = [f"Please solve the riddle of the {t}" for t in TOPICS]
    texts += [f"{t.title()} {t[::-1]} {t[1:]}. Let's think step by step." for t in TOPICS]
    found = {t.place: t for t in find(texts)}
    assert found["start"].skeleton.startswith("Please solve the riddle of the")
    assert found["end"].skeleton.endswith("Let's think step by step.")
    assert (found["start"].prompts, found["end"].prompts) == (0.5, 0.5)


def test_languages_without_spaces_have_templates_too() -> None:
    signs = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来"
    texts = [f"{sign}{signs[-1 - i]}。请给出详细的推理过程。" for i, sign in enumerate(signs)]
    (found,) = find(texts)
    assert found.skeleton.endswith("请给出详细的推理过程。")
    assert found.place == "end"


def test_what_everybody_says_is_no_template() -> None:
    texts = [f"Where do {topic} sleep at night, and who told you so?" for topic in TOPICS]
    assert find(texts, outside=OTHERS) == []
    texts = [f"Write a short story about {topic}" for topic in TOPICS]
    assert find(texts, outside=[*OTHERS, *(f"Write a short story about {topic[::-1]}" for topic in TOPICS)]) == []


def test_how_common_a_template_is_elsewhere_is_said() -> None:
    texts = [f"Write a short story about {topic}" for topic in TOPICS]
    (found,) = find(texts, outside=[*OTHERS, *(f"Write a short story about {topic[::-1]}" for topic in TOPICS[:5])])
    assert found.outside == pytest.approx(5 / 25)


def test_one_members_habit_is_no_template_of_the_group() -> None:
    texts = [f"Write a short story about {topic}" for topic in TOPICS] + [t[::-1] for t in TOPICS]
    sent = (np.arange(40), np.array([0] * 20 + [1] * 20))
    assert find_templates(texts, sent, OTHERS).found == ()


def test_too_few_prompts_and_none_at_all_have_no_templates() -> None:
    assert find(["Write a short story about ants"] * 3) == []
    nothing = np.empty(0, np.int64)
    assert find_templates([], (nothing, nothing), []) == Templates((), 0, 0, 0)


def test_the_middle_of_a_long_prompt_is_not_looked_at() -> None:
    texts = [
        f"Summarise the following report: {topic} {f'{topic[::-1]} ' * 5000} Answer in one line." for topic in TOPICS
    ]
    (found,) = find(texts)
    assert found.skeleton.startswith("Summarise the following report: …")
    assert found.skeleton.endswith("Answer in one line.")


def test_a_campaigns_templates_come_from_its_prompts_and_are_none_without_their_text(snapshot: Snapshot) -> None:
    members = ("dealt-a", "dealt-b", "dealt-c")
    read = [prompt_text(p) for p in range(40)]
    found = campaign_templates(snapshot, members, lambda ids: [read[i] for i in ids])
    assert found is not None
    assert (found.n_prompts, found.n_members) == (len({p for a in members for p in SENT[a]}), 3)
    assert found.n_outside == 40 - found.n_prompts
    assert {t.skeleton for t in found.found} == {
        "Write a Python function that sorts list number #", "Translate sentence number # into French",
        "Solve integral number # step by step",
    }  # fmt: skip
    assert campaign_templates(snapshot, members, lambda ids: [None] * len(ids)) is None
