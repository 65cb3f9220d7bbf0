"""A log whose every text wants to hurt: markup, formulas, paths, invisible characters, and a prompt of a megabyte."""

import json
from pathlib import Path

from sweeplens.config import Settings

EVIL = "evil.example"  # where what is executed or fetched would go
MARKS = (
    "<script>window.hurt=1</script>",
    '<img src=x onerror="window.hurt=1">',
    f"<img src=http://{EVIL}/a.png>",
    f"![picture](http://{EVIL}/b.png)",
    "[click](javascript:window.hurt=1)",
    f"[link](http://{EVIL}/c)",
    f"http://{EVIL}/plain",
    "$\\int_0^1 x\\,dx$ and $$\\frac{1}{2}$$",
    "$\\href{javascript:window.hurt=1}{x}$",
    f'=HYPERLINK("http://{EVIL}/d","pay")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "-2+3+cmd",
    "\t=1+1",
    ":red[colour] :material/home: :smile: :blue-badge[b]",
    "# heading\n> quote\n- item\n| a | b |\n|---|---|",
    "`code` ``` fence ``` ~~~",
    "\u202egnirts sdrawkcab \u2066isolated\u2069",
    "zero\u200bwidth\u200d\ufeffjoined\u00ad",
    "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600",
    "NUL \x00 BEL \x07 ESC \x1b[31mred\x1b[0m \x1b]8;;http://evil\x07x\x1b]8;;\x07",
    "line\u2028and\u2029paragraph\x85end",
    "{{7*7}} ${7*7} <%= 7*7 %> {0.__class__}",
    "../../etc/passwd %2e%2e%2f",
    "</textarea></style></svg><svg onload=window.hurt=1>",
    "&lt;b&gt; &amp;#x27; %{y} %{customdata[0]}<extra>x</extra>",
    "'; DROP TABLE verdicts; --",
    "lone surrogate \ud800 end",
)
ACCOUNTS = (
    "../../etc", "<b>bold</b><script>window.hurt=1</script>", "=1+1", "a/b?c=d&e=f#g%20h", "zero\u200bwidth \u202ertl",
    "\U0001f600 `tick` [l](http://evil.example/acc) $x^2$", "'; DROP TABLE verdicts; --", "x" * 300,
)  # fmt: skip
TOPICS = (
    "write a function that sorts a list", "translate this sentence into French", "solve this integral step by step",
    "a recipe for onion soup", "explain how a bridge carries load", "summarise the history of rail",
)  # fmt: skip


def write_hostile_log(path: Path) -> Path:
    """Write eight accounts with some thirty hostile prompts each, one of them a megabyte long."""
    rows = []
    for a, account in enumerate(ACCOUNTS):
        for i, mark in enumerate(MARKS):
            text = f"{mark} {TOPICS[(i + a) % len(TOPICS)]} {a}-{i}"
            rows.append({
                "account_id": account, "prompt": text, "ts": f"2026-03-{1 + i % 20:02d}T{a:02d}:{i:02d}:00Z",
                "org_id": MARKS[a], "user_agent": MARKS[(a + 3) % 5], "ip": "192.0.2.7", "model": MARKS[a % 3],
                "system_prompt": MARKS[(a + 1) % 4], "request_id": f"{a}-{i}-{MARKS[i % 7]}",
            })  # fmt: skip
    rows.append({"account_id": ACCOUNTS[0], "prompt": "<i>long</i> " * 90_000, "ts": "2026-03-21T00:00:00Z"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def build_hostile_store(folder: Path) -> Path:
    """Build a store from the hostile log in `folder`, and return it."""
    from sweeplens.pipeline import build

    log = write_hostile_log(folder / "log.jsonl")
    settings = Settings(store=folder / "store", encoder="fast", workers=1, redact=False, cells=32)
    build([str(log)], settings)
    return folder / "store"
