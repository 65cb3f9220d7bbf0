"""Ids, terms and prompts come from a log and are hostile: how they enter Markdown labels and plotly texts."""

import html
import re

from sweeplens.text import one_line, printable

_BACKTICKS = re.compile(r"`+")


def code_span(text: str, width: int = 80) -> str:
    """Return text for a Markdown label: one code span on one line.

    Inside a code span no Markdown is read, and neither are Streamlit's directives (colours, icons, emoji, LaTeX) nor
    its automatic links, which all work on text outside of it, backslashes or not.
    """
    flat = one_line(text, width)
    if not flat:
        return "(empty)"
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(flat)), default=0))
    pad = " " if flat[0] in "` " or flat[-1] in "` " else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def plot_text(text: str, width: int = 60) -> str:
    """Return text for a plotly label or hover: one line, without the tags and entities that plotly would draw.

    Quotes stay: plotly knows few entities, and these texts never stand in an attribute.
    """
    return html.escape(one_line(text, width), quote=False)


def wrapped(text: str, width: int, lines: int = 3) -> str:
    """Return text for plotly, broken into at most `lines` lines of about `width` characters."""
    words, rows = one_line(text, width * lines).split(" "), [""]
    for word in words:
        if rows[-1] and len(rows[-1]) + 1 + len(word) > width and len(rows) < lines:
            rows.append(word)
        else:
            rows[-1] = f"{rows[-1]} {word}".strip()
    return "<br>".join(html.escape(row, quote=False) for row in rows)


def full_text(text: str) -> str:
    """Return a whole prompt for a box of plain text: its lines kept, everything invisible escaped."""
    return printable(text, keep_newlines=True)
