"""How keys and tokens look: prefixes that their issuers document, and names that passwords are assigned to."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One kind of secret: what the group of `pattern` matches, or all of it where it has no group.

    `marks` are lower-case texts one of which is in every text that holds such a secret.
    """

    kind: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    accept: Callable[[str], bool] | None = None


def _rule(kind: str, marks: str, pattern: str, accept: Callable[[str], bool] | None = None) -> Rule:
    # ASCII, so that a letter of another script is no part of a word: Chinese puts no space before a key.
    return Rule(kind, tuple(marks.split()), re.compile(pattern, re.ASCII), accept)


def _prefixed(kind: str, prefix: str, rest: str, accept: Callable[[str], bool] | None = None) -> Rule:
    """Make the rule for secrets that start with a prefix, which comes first as literal text is searched fastest."""
    literal = re.escape(prefix)
    return _rule(kind, prefix.lower(), f"{literal}(?<![A-Za-z0-9_]{literal}){rest}(?![A-Za-z0-9_])", accept)


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _is_random(text: str) -> bool:
    """Say whether text looks generated: letters and digits mixed, rather than a name or a path in code."""
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", text) or len(set(text)) < 6:
        return False
    groups = len(re.findall(r"\d+", text))
    mixed = any(c.islower() for c in text) and any(c.isupper() for c in text)
    has_letter = any(c.isalpha() for c in text)
    return has_letter and (groups > 1 or (groups == 1 and mixed and len(text) >= 20))


def _is_password(text: str) -> bool:
    """Say whether an assigned value is a password rather than a type, a placeholder or code."""
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", text):
        return False
    return any(c.isalpha() for c in text) and any(not c.isalpha() and c not in "_-." for c in text)


# After a name such as api_key: perhaps a quote, an assignment, and a value that no call or index follows.
_ASSIGNED = r"[\w-]{0,30}+[\"'`\]]{0,2}\s{0,3}(?::=|=>|[:=])\s{0,3}"
_LONG = r"[\"'`]?([A-Za-z0-9_\-./+=~]{16,512}+)(?![\w(\[])"
_SHORT = r"(?:[\"'`]([^\s\"'`<>\[\]{}$]{6,128})[\"'`]|([^\s\"'`<>\[\]{}()$,;]{6,128}+)(?![(\[\w]))"
_KEY_NAMES = (
    r"(?i:api[_-]?key|access[_-]?key|auth[_-]?key|account[_-]?key|private[_-]?key|encryption[_-]?key|secret|credential)"
)

SHORT_RULES = (
    # https://user:password@host: only the password goes, so that the rest still reads.
    _rule("key", "://", r"://[^\s/:@\[\]\"'<>]{0,64}:([^\s/:@\[\]\"'<>]{1,128})@"),
    _rule("key", "passw pwd passphrase", r"(?i:password|passwd|passphrase|pwd)" + _ASSIGNED + _SHORT, _is_password),
    _rule("token", "authorization", r"(?i:authorization\W{1,5}basic)\s{1,4}([A-Za-z0-9+/=]{8,}+)"),
)
"""Secrets of any length."""

MIN_RUN = 16
LONG_RULES = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek
    _prefixed("key", "sk-", r"[A-Za-z0-9_-]{20,}+", _has_digit),
    # Stripe
    _rule("key", "k_live_ k_test_", r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}+"),
    _prefixed("key", "whsec_", r"[A-Za-z0-9+/=]{24,}+"),
    # Amazon Web Services
    _rule("key", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    # Google
    _prefixed("key", "AIza", r"[A-Za-z0-9_-]{35}"),
    _prefixed("key", "GOCSPX-", r"[A-Za-z0-9_-]{28}"),
    _prefixed("token", "ya29.", r"[A-Za-z0-9_-]{20,}+"),
    # Azure connection strings and shared access signatures
    _rule("key", "key=", r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,100}+={0,2})"),
    _rule("token", "sig=", r"[?&]sig=([A-Za-z0-9%+/=]{40,200}+)"),
    # Groq, xAI, Perplexity, NVIDIA, Replicate, Databricks, Hugging Face
    _prefixed("key", "gsk_", r"[A-Za-z0-9]{40,}+"),
    _prefixed("key", "xai-", r"[A-Za-z0-9]{60,}+"),
    _prefixed("key", "pplx-", r"[A-Za-z0-9]{40,}+"),
    _prefixed("key", "nvapi-", r"[A-Za-z0-9_-]{40,}+"),
    _prefixed("key", "r8_", r"[A-Za-z0-9]{37}"),
    _prefixed("key", "dapi", r"[a-f0-9]{32}(?:-\d)?"),
    _prefixed("token", "hf_", r"[A-Za-z0-9]{30,}+"),
    # GitHub, GitLab, npm, PyPI, Docker, Shopify, DigitalOcean
    _rule("token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    _prefixed("token", "github_pat_", r"[A-Za-z0-9_]{50,}+"),
    _rule("token", "glpat- gldt- glrt-", r"\bgl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,}+"),
    _prefixed("token", "npm_", r"[A-Za-z0-9]{36}"),
    _prefixed("token", "pypi-", r"[A-Za-z0-9_-]{50,}+"),
    _prefixed("token", "dckr_pat_", r"[A-Za-z0-9_-]{20,}+"),
    _rule("token", "shpat_ shpss_ shpca_", r"\bshp(?:at|ss|ca)_[a-fA-F0-9]{32}\b"),
    _rule("token", "_v1_", r"\bdo[por]_v1_[a-f0-9]{64}\b"),
    # SendGrid, Mailgun, Vault, Postman, Square
    _prefixed("key", "SG.", r"[A-Za-z0-9_-]{16,32}+\.[A-Za-z0-9_-]{16,64}+"),
    _prefixed("key", "key-", r"[0-9a-f]{32}"),
    _prefixed("token", "hvs.", r"[A-Za-z0-9_-]{24,}+"),
    _prefixed("key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    _rule("token", "sq0", r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}\b"),
    # Slack and Telegram
    _rule("token", "xox xapp-", r"\bx(?:ox[abposr]|app)-[A-Za-z0-9-]{10,250}+", _has_digit),
    _rule("token", "hooks.slack.com", r"hooks\.slack\.com/services/([A-Za-z0-9/]{20,80}+)"),
    _rule("token", ":aa", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}(?![\w-])"),
    # JSON web tokens; HTTP authorisation
    _rule("token", "eyj", r"eyJ(?<![\w-]eyJ)[\w-]{5,}+\.[\w-]{5,}+\.[\w-]*+"),
    _rule("token", "bearer", r"(?i:bearer)\s{1,4}([A-Za-z0-9._~+/=-]{16,}+)", _has_digit),
    # Whatever is assigned to a telling name
    _rule("key", "key secret credential", _KEY_NAMES + _ASSIGNED + _LONG, _is_random),
    _rule("token", "token", r"(?i:token)" + _ASSIGNED + _LONG, _is_random),
)
"""Secrets with a run of at least `MIN_RUN` characters without white space: few texts have one, so that goes first."""

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
# Base 64 in lines, "\n" written out included: what is left of a key whose last line is missing.
_BODY = re.compile(r"(?:[\s\"',]|\\n)*+(?:[A-Za-z0-9+/=]{16,}+(?:[\s\"',]|\\n)*+)++")
_MAX_BLOCK = 20_000


def find_private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of private key blocks, with or without their last line."""
    at = 0
    while begin := _BEGIN.search(text, at):
        at = begin.end()
        last = text.find("-----END ", at, at + _MAX_BLOCK)
        end = (_END.match(text, last) if last >= 0 else None) or _BODY.match(text, at)
        if end:
            at = end.end()
            yield begin.start(), at
