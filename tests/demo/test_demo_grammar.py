"""Grammars: every template fills, labels hold, and the words are our own data."""

import random
import re

import pytest

from sweeplens.demo.grammar import ask, fill, follow, literal, load_grammars, subject
from sweeplens.demo.voice import Voice, draw_voice, speak

GRAMMARS = load_grammars()
LEFT_OVER = re.compile(r"\{[a-z_]+:\d\}|\{[#$]|<%|%>|\|")
CAPABILITIES = {
    "coding", "debugging", "maths", "reasoning", "tool_use", "sql", "translation", "summarising", "extraction",
    "classification", "role_play", "creative_writing", "rewriting", "question_answering", "planning", "grading",
    "safety", "medical", "legal", "chat",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(GRAMMARS.topics))
def test_every_template_and_followup_fills(name):
    topic, rng = GRAMMARS.topics[name], random.Random(1)
    held = subject(GRAMMARS, topic, rng)
    for template in (*topic.templates, *topic.followups):
        for _ in range(20):
            text = literal(fill(template, GRAMMARS.words, topic.slots, rng, held))
            assert text
            assert not LEFT_OVER.search(text), text
            assert text == text.strip()


@pytest.mark.parametrize("name", sorted(GRAMMARS.topics))
def test_topics_are_rich(name):
    topic, rng = GRAMMARS.topics[name], random.Random(2)
    assert len({ask(GRAMMARS, topic, rng) for _ in range(400)}) >= 100


def test_shared_texts_fill():
    rng = random.Random(3)
    for group in (*GRAMMARS.dress.values(), GRAMMARS.followups):
        for template in group:
            assert not LEFT_OVER.search(fill(template, GRAMMARS.words, {}, rng))


def test_sweeps_can_ask_for_every_capability():
    assert set(GRAMMARS.capabilities()) == CAPABILITIES
    assert sum(len(topics) for topics in GRAMMARS.capabilities().values()) >= 35


def test_labelled_slots_keep_their_filler_and_differ():
    slots = {"x": ["a", "b", "c"]}
    for i in range(50):
        one, again, two = fill("{x:1} {x:1} {x:2}", {}, slots, random.Random(i)).split()
        assert one == again != two


def test_numbers_alternatives_and_held_words():
    rng = random.Random(4)
    values = {fill("{#3-5}", {}, {}, rng) for _ in range(60)}
    assert values == {"3", "4", "5"}
    assert re.fullmatch(r"[23]\.\d\d|4\.00", fill("{$2-4}", {}, {}, rng))
    assert {fill("{yes|{no|never}}", {}, {}, rng) for _ in range(60)} == {"yes", "no", "never"}
    assert fill("about {subject}", {}, {"subject": ["x"]}, rng, {"subject": "tea"}) == "about tea"


def test_unknown_slot_is_an_error():
    with pytest.raises(KeyError):
        fill("{nothing}", {}, {}, random.Random(5))


def test_followups_stay_with_the_subject():
    topic, rng = GRAMMARS.topics["python_functions"], random.Random(6)
    said = {follow(GRAMMARS, topic, rng, {"subject": "chess moves"}) for _ in range(200)}
    assert any("chess moves" in text for text in said)
    assert not any("playlists" in text for text in said)


def test_literal_keeps_indents_and_drops_gaps():
    assert literal("a  b <%x%> \n    c ") == "A b {x}\n    c"
    assert literal("def f():\n    return 1") == "def f():\n    return 1"


def test_a_silent_voice_changes_nothing_and_a_loud_one_keeps_code():
    rng = random.Random(7)
    assert speak("What is a tide?", Voice(), GRAMMARS, rng) == "What is a tide?"
    code = "def F():\n    return X"
    assert speak(code, Voice(lower=1.0, typo=1.0, opening=1.0), GRAMMARS, rng) == code
    assert speak("Good Morning", Voice(lower=1.0), GRAMMARS, rng) == "good morning"
    assert (
        speak("Was ist Ebbe", Voice(opening=1.0, closing=1.0, form=1.0), GRAMMARS, rng, english=False) == "Was ist Ebbe"
    )


def test_voices_differ():
    voices = {draw_voice(random.Random(i)) for i in range(40)}
    assert len(voices) > 20
    assert all(0.0 <= share <= 1.0 for v in voices for share in vars(v).values())
