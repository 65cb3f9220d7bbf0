"""Text from a log is hostile and private: how it is shown, hashed and kept apart from markup."""

import hashlib
import re
import unicodedata

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SPACES = re.compile(r"\s+")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Bytes of the content hash that are kept: 128 bits, so that a collision among 10^9 prompts has a chance of 10^-21.
_HASH_BYTES = 16


def content_hash(text: str) -> str:
    """Return the 32 hex digits that stand for a prompt: SHA-256 of its UTF-8 bytes, cut to 128 bits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: 2 * _HASH_BYTES]


def printable(text: str, *, keep_newlines: bool = False) -> str:
    r"""Return `text` with everything escaped that a terminal could act on or a reader could not see.

    Control, format (zero-width, right-to-left override), surrogate, private and unassigned characters become ``\x1b``,
    ``\u202e`` and the like. Newlines and tabs stay when `keep_newlines` is set.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c, keep_newlines) for c in text)


def _escape(char: str, keep_newlines: bool) -> str:
    if keep_newlines and char in "\n\t":
        return char
    if unicodedata.category(char) not in _UNSAFE:
        return char
    return (
        char.encode("unicode_escape").decode("ascii") if ord(char) > 0xFF or ord(char) < 0x20 else f"\\x{ord(char):02x}"
    )


def one_line(text: str, width: int = 100) -> str:
    """Return a prompt on one line: runs of white space become a space, the end is cut with an ellipsis at `width`."""
    flat = printable(_SPACES.sub(" ", text[: 8 * width]).strip())
    return flat if len(flat) <= width else flat[: width - 1].rstrip() + "…"


def csv_cell(value: object) -> object:
    """Return `value` so that no spreadsheet takes it for a formula: such strings get a leading apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
