"""Languages are told offline, and a log in languages that the encoder does not know is said."""

import pytest

from sweeplens.embed.language import detect_languages, warn_languages


class _Encoder:
    name = "default"

    def __init__(self, multilingual):
        self.multilingual = multilingual


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How long does it take to boil an egg until it is hard?", "en"),
        ("Schreibe bitte einen kurzen Brief an meine Nachbarin.", "de"),
        ("Écris une courte histoire sur un chat qui voyage.", "fr"),
        ("请把这段话翻译成英文，谢谢。", "zh"),
        ("Напиши короткое письмо моей соседке.", "ru"),
        ("日本語で短い手紙を書いてください。", "ja"),
        ("WHAT IS THE CAPITAL OF NORWAY AND HOW BIG IS IT", "en"),
        ("", "und"),
        ("ok", "und"),
        ("12345 + 67890 = ?", "und"),
        ("\n\n\t ", "und"),
        ("\ud800\ud801", "und"),
    ],
)
def test_the_language_of_a_text(text, code):
    assert detect_languages([text]) == [code]


def test_order_and_number_are_kept_and_long_texts_are_fine():
    texts = ["Tell me a story about the sea.\n" * 20_000, "x", "Erzähl mir eine Geschichte vom Meer, bitte."]
    assert detect_languages(texts) == ["en", "und", "de"]
    assert detect_languages([]) == []


def test_a_warning_where_the_encoder_knows_english_only():
    codes = ["en"] * 70 + ["zh"] * 20 + ["ru"] * 10 + ["und"] * 100
    text = warn_languages(codes, _Encoder(multilingual=False))
    assert text is not None
    assert text.startswith("20 prompts are in languages whose script the encoder default cannot read (zh 20%)")
    assert "--encoder multilingual" in text
    assert "\n" not in text


def test_a_warning_of_other_languages_whose_script_is_known():
    text = warn_languages(["en"] * 97 + ["ru"] * 2 + ["de"], _Encoder(multilingual=False))
    assert text is not None
    assert text.startswith("3% of the prompts are not in English (ru 2%, de 1%), and the encoder default reads English")
    assert warn_languages(["en"] * 990 + ["ru"] * 10, _Encoder(multilingual=False)) is None


def test_one_prompt_in_a_script_that_cannot_be_read_is_said():
    text = warn_languages(["en"] * 9_999 + ["th"], _Encoder(multilingual=False))
    assert text is not None
    assert text.startswith("1 prompt is in languages whose script the encoder default cannot read (th)")


def test_no_warning_where_there_is_nothing_to_warn_of():
    assert warn_languages(["en"] * 99 + ["de"] * 1, _Encoder(multilingual=False)) is None
    assert warn_languages(["zh"] * 9, _Encoder(multilingual=True)) is None
    assert warn_languages(["zh"] * 9, _Encoder(multilingual=None)) is None
    assert warn_languages(["und"] * 9, _Encoder(multilingual=False)) is None
    assert warn_languages([], _Encoder(multilingual=False)) is None
