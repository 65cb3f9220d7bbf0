"""What a prompt that is JSON says: the texts it carries, without the names and marks that are the same in each."""

import json
import re
from collections.abc import Iterator

_LONGEST = 200_000  # characters of a prompt that is parsed; encoders read less of it
_SHARE = 0.1  # of the longest text in it: shorter ones are names and settings
_NAME = re.compile(r"[\w./:+-]+", re.ASCII)  # one word in Latin letters: a name, a setting, an id


def carried_text(text: str) -> str:
    """Return the long texts that a JSON object or list carries, or the prompt itself where it is none, or has no text.

    A program that sends the same question as JSON sends many words of its own around it, and all its prompts would look
    alike. The prompt as it was sent stays what is stored and shown.
    """
    if text.lstrip()[:1] not in {"{", "["} or len(text) > _LONGEST:
        return text
    try:
        values = list(_texts(json.loads(text)))
    except (ValueError, RecursionError):
        return text
    values = [v for v in values if not _NAME.fullmatch(v)] or values
    longest = max(map(len, values), default=0)
    return "\n".join(v for v in values if len(v) >= _SHARE * longest) if longest else text


def _texts(value: object) -> Iterator[str]:
    """Give every text inside, in its order, without names."""
    rest = [value]
    while rest:
        now = rest.pop()
        if isinstance(now, str):
            if now.strip():
                yield now.strip()
        elif isinstance(now, dict):
            rest.extend(reversed(now.values()))
        elif isinstance(now, list):
            rest.extend(reversed(now))
