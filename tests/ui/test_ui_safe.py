"""Hostile text stays text in Markdown labels and in plotly."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.ui.safe import code_span, full_text, plot_text, wrapped

HOSTILE = [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://example.com/a.png)", ":red[stop]",
    ":material/delete:", "$E=mc^2$", "`code`", "``", "a`b``c", "*b* _i_ ~s~", "# title", "https://example.com",
    "a@example.com", "-> :smile:", "\u202eabc", "x\ny", "&lt;b&gt;",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_code_span_holds_the_text_between_fences_that_it_cannot_close(text: str) -> None:
    span = code_span(text)
    fence = re.match(r"`+", span).group()
    assert span.endswith(fence)
    inside = span[len(fence) : -len(fence)]
    assert "\n" not in inside
    assert all(len(run) < len(fence) for run in re.findall(r"`+", inside))


@given(st.text(max_size=60))
def test_no_text_ends_its_code_span_early(text: str) -> None:
    span = code_span(text)
    if span == "(empty)":
        return
    fence = re.match(r"`+", span).group()
    assert fence not in re.findall(r"`+", span[len(fence) : -len(fence)])
    assert "\n" not in span


def test_a_code_span_keeps_plain_ids_as_they_are() -> None:
    assert code_span("acct-12") == "`acct-12`"
    assert code_span("") == "(empty)"
    assert code_span("`a") == "`` `a ``"


@given(st.text(max_size=200))
def test_plot_text_has_no_tag_and_no_line_break(text: str) -> None:
    shown = plot_text(text)
    assert "<" not in shown
    assert ">" not in shown
    assert "\n" not in shown


def test_plot_text_escapes_entities_and_keeps_quotes() -> None:
    assert plot_text('<a href="x">&amp;</a>') == '&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;'


def test_wrapped_breaks_at_words_and_escapes_each_line() -> None:
    assert wrapped("one two three four", 9, 3) == "one two<br>three<br>four"
    assert wrapped("a <b> c", 3, 3) == "a<br>&lt;b&gt;<br>c"


def test_wrapped_puts_what_is_left_on_the_last_line() -> None:
    assert wrapped("a b c d e f", 6, 2) == "a b c<br>d e f"
    assert wrapped("aaaaaa bbb c", 7, 2) == "aaaaaa<br>bbb c"


def test_full_text_keeps_lines_and_shows_what_is_invisible() -> None:
    assert full_text("a\n\tb\u202e\x1b[0m") == "a\n\tb\\u202e\\x1b[0m"
