"""Text that a terminal or a spreadsheet could act on is made harmless."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from sweeplens.text import content_hash, csv_cell, one_line, printable


@given(st.text())
def test_printable_text_holds_nothing_that_acts(text):
    shown = printable(text)
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    assert printable(shown) == shown


def test_escapes_are_spelled_out():
    assert printable("a\x1b[31mb\u202ec\u200bd\x9b") == "a\\x1b[31mb\\u202ec\\u200bd\\x9b"
    assert printable("a\n\tb", keep_newlines=True) == "a\n\tb"
    assert printable("a\nb") == "a\\nb"
    assert printable("naïve 漢字 🙂") == "naïve 漢字 🙂"


@given(st.text(), st.integers(1, 50))
def test_one_line_keeps_its_width(text, width):
    shown = one_line(text, width)
    assert len(shown) <= width
    assert "\n" not in shown


def test_formulas_become_text():
    assert csv_cell("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert csv_cell("-1+2") == "'-1+2"
    assert csv_cell("plain") == "plain"
    assert csv_cell(-1) == -1


def test_the_hash_is_of_the_content_alone():
    assert content_hash("x") == content_hash("x") != content_hash("y")
    assert len(content_hash("")) == 32
    assert content_hash("\ud800")
