"""Addresses, clients and names for accounts: only ranges that are reserved for documentation (RFC 5737, RFC 3849)."""

import random

_V4 = ("192.0.2", "198.51.100", "203.0.113")
BROWSERS = ("chat-web/4.2", "chat-web/4.3", "chat-ios/7.1", "chat-android/7.0", "chat-desktop/2.5")
CLIENTS = (
    "lens-python/1.8.0",
    "lens-python/1.9.2",
    "lens-node/3.1.0",
    "httpx/0.28.1",
    "python-requests/2.32",
    "okhttp/4.12",
)
MODELS = ("lens-small-1", "lens-large-1")


def account_id(rng: random.Random) -> str:
    """Draw an opaque account id that tells nothing about what the account is."""
    return f"acct_{rng.getrandbits(40):010x}"


def v4(rng: random.Random) -> str:
    """Draw one of the 762 documentation addresses; people now and then share one, as behind one router."""
    return f"{rng.choice(_V4)}.{rng.randint(1, 254)}"


def v6(rng: random.Random, block: int | None = None) -> str:
    """Draw an address under 2001:db8::/32, in one /48 block if it is given."""
    block = rng.getrandbits(16) if block is None else block
    return f"2001:db8:{block:x}::{rng.randint(1, 0xFFFF):x}"


def home(rng: random.Random) -> tuple[str, ...]:
    """Draw where a person connects from: one or two addresses."""
    return tuple(v6(rng) if rng.random() < 0.3 else v4(rng) for _ in range(1 + (rng.random() < 0.3)))
