"""The encoders that ship, and which of them suits a log."""

import pytest

from sweeplens.embed.encoder import AUTO
from sweeplens.embed.shipped import NAMES, SHIPPED, choose_encoder


def test_names_are_told_apart_from_each_other_and_from_auto():
    assert len(set(NAMES)) == len(SHIPPED)
    assert AUTO not in NAMES
    assert all(each.megabytes > 0 and each.per_second > 0 and each.dim > 0 for each in SHIPPED)


@pytest.mark.parametrize(
    ("codes", "name"),
    [
        (["en"] * 100, "default"),
        (["en"] * 99 + ["de"], "default"),
        (["en"] * 97 + ["de", "fr", "es"], "multilingual"),
        (["en"] * 98 + ["de"] * 2, "multilingual"),
        (["de"], "multilingual"),
        (["und"] * 50, "default"),
        (["und"] * 500 + ["ja"], "multilingual"),
        (["und"] * 500 + ["en"], "default"),
        ([], "default"),
        # A script that the encoder for English cannot read at all counts ten times as much.
        (["en"] * 999 + ["th"], "default"),
        (["en"] * 997 + ["th"] * 3, "multilingual"),
        (["en"] * 997 + ["de"] * 3, "default"),
    ],
)
def test_one_prompt_in_fifty_that_is_not_in_english_asks_for_the_encoder_of_all_languages(codes, name):
    assert choose_encoder(codes)[0] == name


def test_the_sentence_says_why():
    _, why = choose_encoder(["en"] * 70 + ["zh"] * 16 + ["ru"] * 9 + ["fr"] * 3 + ["de"] * 2 + ["und"] * 50)
    assert why == (
        "encoder multilingual: 30.0% of the prompts are not in English (zh 16.0%, ru 9.0%, fr 3.0%),"
        " which default does not read"
    )
    assert choose_encoder(["en"] * 99 + ["de"])[1] == "encoder default: 99% of the prompts are in English"
