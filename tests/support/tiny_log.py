"""Logs of a few rows: under eight distinct prompts, so that the map of a build is made without UMAP and HDBSCAN."""

import json
from pathlib import Path

from sweeplens.config import Settings

PROMPTS = (
    "Which yeast raises bread?",
    "How long is the Danube?",
    "When did the first train run?",
    "Name three bright stars",
    "Who made the oldest violin?",
    "What is a suspension bridge?",
)
ACCOUNTS = ("ada", "ben", "cleo")


def write_tiny_log(path: Path, *, day: int = 1, accounts: tuple[str, ...] = ACCOUNTS, prompts: int = 4) -> str:
    """Write a log of one request for each account and each of the first `prompts` prompts; return its path as text."""
    rows = [
        {
            "account_id": account,
            "prompt": text,
            "ts": f"2026-03-{day:02d}T10:{minute:02d}:00Z",
            "id": f"{account}-{day}-{minute}",
        }
        for account in accounts
        for minute, text in enumerate(PROMPTS[:prompts])
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def tiny_settings(store: Path, **more: object) -> Settings:
    """Return settings for a build in one process, with the encoder that loads fast."""
    return Settings(store=store, encoder="fast", workers=1, **more)
