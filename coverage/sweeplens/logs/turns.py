"""What a sender wrote, from the shapes that logs hold a prompt in: text, content parts, messages, other JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeGuard

from sweeplens.logs.values import RowError, clean, decode, is_missing, kind_of, parse_json

_TEXT_PARTS = frozenset({"text", "input_text"})
# Parts of a message that hold no text of its sender: what stands beside them counts, and they alone are no prompt.
_OTHER_PARTS = frozenset({
    "image", "image_url", "input_image", "audio", "input_audio", "video", "file", "input_file", "document", "blob",
    "uri", "tool_use", "tool_call", "tool_result", "tool_call_response", "output_text", "refusal", "thinking",
    "redacted_thinking", "reasoning",
})  # fmt: skip
_USER = frozenset({"user", "human"})
_SYSTEM = frozenset({"system", "developer"})
_ROLES = _USER | _SYSTEM | {"assistant", "ai", "model", "bot", "tool", "function"}
# What a message may hold beside its role, other than identifiers, times and flags: for one that is told from text.
_CONTENT = frozenset({"content", "tool_calls", "function_call", "annotations", "refusal", "audio"})
_MOST_EARLIER = 20
_WORDS_OF_A_LABEL = 3


class NoTurnError(RowError):
    """Messages hold no text of the user, and no system prompt."""


class Turns(NamedTuple):
    """What the sender of a request wrote: its last user turn, its system prompt, and the user turns before the last.

    Of the earlier turns these are the distinct ones, at most the 20 longest, in their order.
    """

    prompt: str | None = None
    system: str | None = None
    earlier: tuple[str, ...] = ()


def read_turns(value: object) -> Turns:
    """Return what was written in a prompt of any shape; raises `NoTurnError` where messages hold none.

    Text is the prompt, also where it happens to be JSON, unless it is a list of messages written as JSON, as tables
    hold them. A list of messages gives its user turns that hold text, and its system messages. A list of content parts
    gives their text. Any other object or list is what a logger made of a prompt that was JSON: its JSON is the prompt.
    """
    if isinstance(value, str):
        messages = _as_messages(value)
        return Turns(clean(value)) if messages is None else _read_messages(messages)
    if isinstance(value, Mapping):
        if isinstance(value.get("messages"), list):
            value = value["messages"]
        elif "role" in value:
            value = [value]
    if _is_conversation(value):
        return _read_messages(value)
    return Turns(to_text(value, "prompt"))


def to_turns(value: object) -> tuple[str | None, str | None]:
    """Return (prompt, system prompt) of a prompt of any shape, as `read_turns` does."""
    turns = read_turns(value)
    return turns.prompt, turns.system


def to_text(value: object, field: str) -> str | None:
    """Return text, the text parts of content joined by newlines, or other JSON as its text; None for none."""
    if isinstance(value, str):
        return clean(value)
    if is_missing(value):
        return None
    if isinstance(value, bytes):
        return clean(decode(value, field))
    if isinstance(value, Mapping):
        return _text_of_parts([value], value, field)
    if isinstance(value, list):
        return _text_of_parts(value, value, field)
    raise RowError(f"{field} must be text, not {kind_of(value)}")


def _text_of_parts(parts: Sequence[object], value: object, field: str) -> str | None:
    texts = [text for text in map(_part, parts) if text is not None]
    if texts:
        return clean("\n".join(texts))
    if not value or all(_is_other(part) for part in parts):
        return None
    return clean(_json(value, field))


def _part(part: object) -> str | None:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and _word(part, "type") in {"", *_TEXT_PARTS} and isinstance(part.get("text"), str):
        return str(part["text"])
    return None


def _is_other(part: object) -> bool:
    """Say whether a part is empty, or one of those that hold something else than text."""
    if isinstance(part, Mapping):
        return not part or _word(part, "type") in _OTHER_PARTS | _TEXT_PARTS
    return part is None or part == []


def _word(message: Mapping[str, object], key: str) -> str:
    """Return a word such as a role in lower case; nothing where there is none."""
    word = message.get(key)
    return word.lower() if isinstance(word, str) else ""


def _json(value: object, field: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        raise RowError(f"{field} is nested too deeply") from None


def _as_messages(text: str) -> list[Mapping[str, object]] | None:
    """Return the messages that a text is a list of, as JSON; None for text that only looks like it.

    Somebody may write such a list into a prompt, so nothing of it may be lost: where a role is not known, a message
    holds text outside its content, or no turn is the user's, it is text.
    """
    if not (text.startswith("[{") and text.rstrip().endswith("}]")):
        return None
    messages = parse_json(text)
    if not _is_conversation(messages) or not all(map(_is_plain_message, messages)):
        return None
    return messages if any(_is_user_turn(message) for message in messages) else None


def _is_plain_message(message: Mapping[str, object]) -> bool:
    return _word(message, "role") in _ROLES and all(_is_label(v) for k, v in message.items() if k not in _CONTENT)


def _is_label(value: object) -> bool:
    if isinstance(value, str):
        return len(value.split(maxsplit=_WORDS_OF_A_LABEL)) <= _WORDS_OF_A_LABEL
    return not value or isinstance(value, int | float)


def _is_conversation(value: object) -> TypeGuard[list[Mapping[str, object]]]:
    if not isinstance(value, list) or not all(isinstance(m, Mapping) and "role" in m for m in value):
        return False
    return any(_word(m, "role") in _ROLES for m in value)


def _is_user_turn(message: Mapping[str, object]) -> bool:
    return _word(message, "role") in _USER and _text_of(message) is not None


def _text_of(message: Mapping[str, object]) -> str | None:
    """Return the text of a message; None for one of white space, or of tool results or images alone."""
    content = message.get("content")
    if isinstance(content, int | float) and not is_missing(content):
        content = str(content)  # what a logger makes of a turn such as "7" is no reason to lose the others
    text = to_text(content, "prompt")
    return None if not text or text.isspace() else text


def _read_messages(messages: Sequence[Mapping[str, object]]) -> Turns:
    system = [
        text for m in messages if _word(m, "role") in _SYSTEM and (text := to_text(m.get("content"), "system_prompt"))
    ]
    turns = [text for m in messages if _word(m, "role") in _USER and (text := _text_of(m)) is not None]
    if not turns and not system:
        raise NoTurnError("messages hold no user turn with text")
    prompt = turns.pop() if turns else None
    return Turns(prompt, "\n".join(system) or None, choose_earlier(turns, prompt))


def choose_earlier(turns: Sequence[str], prompt: str | None) -> tuple[str, ...]:
    """Return the distinct turns that are not the prompt itself, of many the longest, in their order.

    A question cannot be pushed out by turns that are shorter than itself, as it could where the latest are taken.
    """
    distinct = [turn for turn in dict.fromkeys(turns) if turn != prompt]
    if len(distinct) > _MOST_EARLIER:
        longest = sorted(range(len(distinct)), key=lambda i: len(distinct[i]), reverse=True)[:_MOST_EARLIER]
        distinct = [distinct[i] for i in sorted(longest)]
    return tuple(distinct)
