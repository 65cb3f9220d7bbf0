"""What stands for characters that a vocabulary lacks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.embed.spelling import make_reader, spell
from sweeplens.embed.vocabulary import META, characters_of, unigram_tokenizer

# As in a vocabulary: ASCII, in which the names of characters are written, and some letters of other scripts.
CONTROLS = dict.fromkeys([*range(32), 127], " ")
KNOWN = frozenset(map(chr, range(33, 127))) | {"é", "猫"}


@pytest.fixture(scope="module")
def read():
    return make_reader({ord("A"): "a", ord("ﬁ"): "fi", ord("\t"): " ", 0x200B: "", ord("\ud800"): "?"}, KNOWN)


@pytest.mark.parametrize("text", ["", "plain words", "café 猫", "2-3 (x)"])
def test_what_is_known_stays(read, text):
    assert read(text) == text


@pytest.mark.parametrize(
    ("char", "spelled"),
    [
        ("Ꭶ", "ga"),  # CHEROKEE LETTER GA
        ("ꀀ", "it"),  # YI SYLLABLE IT
        ("ⵣ", "yaz"),  # TIFINAGH LETTER YAZ
        ("\u0f72", "i"),  # TIBETAN VOWEL SIGN I
        ("\U0001f600", " grinning face "),
        ("☃", " snowman "),
        ("\ue000", " ue000 "),  # private use
        ("\U000e0fff", " ue0fff "),  # not assigned
        ("\ufe0f", ""),  # VARIATION SELECTOR-16
        ("\u200d", ""),  # ZERO WIDTH JOINER
        ("\U000e0067", ""),  # TAG LATIN SMALL LETTER G
    ],
)
def test_an_unknown_character_is_spelled_by_its_name(char, spelled):
    assert spell(char) == spelled


def test_letters_of_a_word_stay_one_word_and_symbols_stand_apart(read):
    assert read("ᎦᎦ Ꭶ") == "gaga ga"
    assert read("a☃a") == "a snowman a"
    assert read("a\ue000\ue001") == "a ue000 ue001 "


def test_characters_are_replaced_before_they_are_looked_up(read):
    assert read("A\tAﬁ\u200bA") == "a afia"


def test_runs_of_spaces_become_one(read):
    assert read("a    b  \t c") == "a b c"
    assert read("  a  ") == " a "


def test_words_of_an_unknown_script_are_told_apart(read):
    words = ["ᏣᎳᎩ", "ᎣᏏᏲ", "ⵜⵉⴼⵉⵏⴰⵖ", "ⴰⵣⵓⵍ", "ꆈꌠꉙ", "ꉢꋋꑍ"]
    assert len({read(word) for word in words}) == len(words)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_only_known_characters_come_out(text):
    read = make_reader(CONTROLS, KNOWN)
    out = read(text)
    assert set(out) <= KNOWN | set(" ")
    assert "  " not in out


@given(st.text("abc é猫", max_size=40))
def test_reading_twice_is_reading_once(text):
    read = make_reader({}, KNOWN)
    assert read(read(text)) == read(text)


def test_characters_of_a_vocabulary_are_its_pieces_of_one_character():
    assert characters_of(["<s>", META, META + "a", "b", "cd", META + "ef", "猫"]) == {"a", "b", "猫"}


def test_the_most_probable_pieces_are_found():
    pieces, scores = ["<unk>", META, META + "ab", "a", "b", META + "a"], [0.0, -5.0, -2.0, -3.0, -3.0, -1.5]
    tokenizer = unigram_tokenizer(pieces, scores, 0)
    # "▁ab" is -2.0, "▁a" + "b" is -4.5.
    assert tokenizer.encode("ab", add_special_tokens=False).ids == [2]
    # A space goes before the first word and stands for each gap.
    assert tokenizer.encode("a ab b", add_special_tokens=False).ids == [5, 2, 1, 4]
    assert tokenizer.encode("", add_special_tokens=False).ids == []
    assert 0 in tokenizer.encode("az", add_special_tokens=False).ids
