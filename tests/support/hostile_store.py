"""The small store with texts, ids, names and notes that try to break out of wherever they are shown."""

from pathlib import Path

import pyarrow as pa

from support.altered import Altered, publish, with_column
from support.small_store import SENT, write_small_store
from sweeplens.review import add_verdict
from sweeplens.store.snapshot import Snapshot

EMAIL, CARD = "jane.doe@example.org", "4111 1111 1111 1111"
LONG = "<b>" + "long " * 200_000 + "THE-END"
NAME = '../../etc/passwd"><script>alert("id")</script>'
OWNER = "lone"  # the account that is called NAME
# By prompt id; the account NAME sends all even ones.
TEXTS = {
    0: "<script>alert('prompt')</script><img src=https://evil.example/x.png onerror=alert(1)>",
    2: "![picture](https://evil.example/leak?q=1) [link](javascript:alert(2))",
    4: "$\\int_0^1 x\\,dx$ and $$\\frac{a}{b}$$ and \\(x\\)",
    6: '=HYPERLINK("https://evil.example","click")',
    8: "before \u202egnp.exe\u202c zero\u200bwidth \u2066isolate\u2069 \ufeffend",
    10: "NUL \x00 escape \x1b[31mred bell \x07 end",
    12: "\U0001f600 \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \U0001f468\u200d\U0001f469",
    14: f"write to {EMAIL} and pay with {CARD}",
    16: LONG,
    18: "</pre></body></html><iframe src=//evil.example></iframe>",
    20: "{{ 7 * 7 }} {% raw %} {# comment #}",
    22: "]]></svg><!-- <style>@import 'https://evil.example/a.css';</style>",
}
CLUSTERS = (
    "$\\alpha$, <img src=x onerror=alert(3)>",
    '" onload="alert(4), {{ 7 * 7 }}',
    "\u202ereversed, zero\u200bwidth",
    f"soup, {EMAIL}",
)
SYSTEM_PROMPT = f"<svg onload=alert(5)> You are {EMAIL}"
NOTE = f"<script>alert('note')</script> asked {EMAIL}"


def write_hostile_store(store: Path) -> Snapshot:
    """Publish the snapshot into `store`, with a verdict on the hostile account and one on a campaign."""
    base = write_small_store(store)
    prompts, clusters = base.table("prompts"), base.table("clusters")
    texts = [TEXTS.get(i, text) for i, text in enumerate(prompts["text"].to_pylist())]
    tables = {
        "prompts": with_column(prompts, "text", texts),
        "clusters": with_column(
            with_column(clusters, "name", CLUSTERS), "terms", [name.split(", ") for name in CLUSTERS]
        ),
        "links": _links(base.table("links")),
    }
    for name in ("requests", "accounts", "signals", "curves"):
        table = base.table(name)
        ids = [NAME if a == OWNER else a for a in table["account_id"].to_pylist()]
        tables[name] = with_column(table, "account_id", ids)
    snapshot = publish(store, Altered(base, tables))
    for kind, subject in (("account", NAME), ("campaign", "C-01")):
        add_verdict(store, kind, subject, "unsure", note=NOTE, snapshot_id=snapshot.snapshot_id, detector="handmade 1")
    return snapshot


def _links(table: pa.Table) -> pa.Table:
    rows = table.to_pylist()
    shared = {"kind": "system_prompt", "value": SYSTEM_PROMPT, "n_accounts": 3, "weight": 0.9}
    rows += [{"account_id": account, **shared} for account in (NAME, "dealt-a", "dealt-b")]
    return pa.Table.from_pylist(rows, table.schema)


assert set(TEXTS) <= set(SENT[OWNER])
