"""Tables for people: as wide as the terminal, 80 columns elsewhere."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sweeplens.text import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sweeplens.report.cases import Review
    from sweeplens.report.facts import AccountRow, CampaignRow, ClusterRow, Hit
    from sweeplens.store.snapshot import SnapshotInfo

_STYLES = {"high": "bold red", "review": "yellow", "watch": "cyan", "none": "dim", "insufficient": "dim"}
_WIDEST_ID = 36  # an id is folded, never cut, beyond this
_LEAST = 16  # columns under which a reason, or a list of members, would say nothing


def draw_accounts(console: "Console", rows: Sequence["AccountRow"], review: "Review") -> None:
    """Print the queue of accounts and how they stand, with the first reason where there is room for it."""
    from sweeplens.report.briefs import lead_reason

    cells = [
        [
            row.level, score(row.score), printable(row.account_id), count(row.n_requests, console),
            count(row.n_prompts, console), row.campaign_id or "",
        ]
        for row in rows
    ]  # fmt: skip
    columns = ["level", "score>", f"account:{_WIDEST_ID}", "requests>", "prompts>", "campaign"]
    _insert_chances(columns, cells, rows)
    _add_states(columns, cells, rows, review)
    draw_ranked(console, columns, cells, "why", list(map(lead_reason, rows)))


def draw_campaigns(console: "Console", rows: Sequence["CampaignRow"], review: "Review") -> None:
    """Print the groups of accounts and how they stand, with their first members where there is room for them."""
    cells = [
        [
            row.level, score(row.score), row.campaign_id, row.label, count(len(row.accounts), console),
            count(row.n_requests, console), count(row.n_prompts, console),
        ]
        for row in rows
    ]  # fmt: skip
    columns = ["level", "score>", "campaign", "label", "accounts>", "requests>", "prompts>"]
    _insert_chances(columns, cells, rows)
    _add_states(columns, cells, rows, review)
    draw_ranked(console, columns, cells, "members", [", ".join(row.accounts[:20]) for row in rows])


def _insert_chances(columns: list[str], cells: list[list[str]], rows: Sequence["AccountRow | CampaignRow"]) -> None:
    """Put p and q after the score, each where any row has one."""
    for name, values in (("q>", [row.q_value for row in rows]), ("p>", [row.p_value for row in rows])):
        if any(value is not None for value in values):
            columns.insert(2, name)
            for line, value in zip(cells, values, strict=True):
                line.insert(2, chance(value))


def _add_states(
    columns: list[str], cells: list[list[str]], rows: Sequence["AccountRow | CampaignRow"], review: "Review"
) -> None:
    """Put the state of review last, where any row has another one than open; an open one of the audit is named so."""
    about = [review.about(row) for row in rows]
    states = ["audit" if a["audit"] and a["state"] == "open" else a["state"] for a in about]
    if any(state != "open" for state in states):
        columns.append("state")
        for line, state in zip(cells, states, strict=True):
            line.append(state)


def draw_ranked(console: "Console", columns: list[str], rows: list[list[str]], last: str, texts: Sequence[str]) -> None:
    """Print rows whose first cell is a level; a last column takes what the terminal leaves, or is left out."""
    room = leave_out(console, columns, rows, ["prompts"])
    table = make_table(*columns, *([f"{last}:{room}"] if room >= _LEAST else []))
    for row, text in zip(rows, texts, strict=True):
        add_row(table, [*row, one_line(text, room)] if room >= _LEAST else row, styles={0: _STYLES[row[0]]})
    console.print(table)


def leave_out(console: "Console", columns: list[str], rows: list[list[str]], spare: Sequence[str]) -> int:
    """Take out spare columns, one by one, while the others are wider than the terminal; return the width that is left.

    `columns` and the cells of `rows` are changed.
    """
    from rich.cells import cell_len

    while True:
        heads = [column.partition(":")[0].rstrip(">") for column in columns]
        widths = [min(_WIDEST_ID, max(map(cell_len, column))) for column in zip(heads, *rows, strict=True)]
        room = console.width - sum(widths) - 2 * len(widths)
        out = [name for name in spare if name in heads]
        if room >= 0 or not out:
            return room
        at = heads.index(out[0])
        for line in (columns, *rows):
            del line[at]


def draw_clusters(console: "Console", rows: Sequence["ClusterRow"]) -> None:
    """Print the clusters, largest first."""
    room = max(16, console.width - 62)
    table = make_table("id>", f"name:{room}", "capability:18", "prompts>", "requests>", "accounts>", "flagged>")
    for row in rows:
        cells = [
            str(row.cluster_id), one_line(row.name, room), row.capability_name, count(row.n_prompts, console),
            count(row.n_requests, console), count(row.n_accounts, console), share(row.flagged_share),
        ]  # fmt: skip
        add_row(table, cells)
    console.print(table)


def draw_hits(console: "Console", hits: Sequence["Hit"]) -> None:
    """Print prompts near a query, with their numbers where the snapshot keeps no text."""
    from sweeplens.report.sentences import shown_text

    room = max(30, console.width - 46)
    table = make_table("near>", f"prompt:{room}", "cluster:16", "sent by:17")
    for hit in hits:
        more = hit.n_accounts - 1
        who = one_line(hit.accounts[0], 36) if hit.accounts else ""
        what = shown_text(hit.text) if hit.text is not None else f"{hit.prompt_id} {shown_text(None)}"
        cells = [f"{hit.similarity:.2f}", one_line(what, 2 * room), one_line(hit.cluster_name, 40)]
        add_row(table, [*cells, f"{who} and {count(more, console)} more" if more > 0 else who])
    console.print(table)


def draw_snapshots(console: "Console", rows: Sequence["SnapshotInfo"]) -> None:
    """Print the store's snapshots, oldest first, the current one with a star."""
    table = make_table("", "snapshot", "encoder:12", "requests>", "accounts>", "prompts>", "MB>")
    for row in rows:
        cells = [
            "*" if row.current else "", row.snapshot_id, row.encoder, count(row.n_requests, console),
            count(row.n_accounts, console), count(row.n_prompts, console), f"{row.n_bytes / 1e6:.1f}",
        ]  # fmt: skip
        add_row(table, cells)
    console.print(table)


def make_table(*columns: str) -> "Table":
    """Return an empty table; a column is `name`, `name>` for numbers, or `name:width` to be folded at that width."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        name, _, width = column.partition(":")
        add_column(table, name, int(width) if width else None)
    return table


def add_column(table: "Table", name: str, width: int | None = None) -> None:
    """Add a column; one without a width is never broken."""
    right = name.endswith(">")
    table.add_column(
        name.rstrip(">"), justify="right" if right else "left", no_wrap=width is None, overflow="fold", max_width=width
    )


def add_row(table: "Table", cells: Iterable[str], styles: dict[int, str] | None = None) -> None:
    """Add a row of plain text: nothing in it is taken for markup or acted on by a terminal."""
    from rich.text import Text

    table.add_row(*(Text(printable(cell), style=(styles or {}).get(i, "")) for i, cell in enumerate(cells)))


def write_head(console: "Console", text: str) -> None:
    """Print a heading after an empty line."""
    console.print()
    console.print(printable(text), style="bold", soft_wrap=True)


def write_line(console: "Console", text: str) -> None:
    """Print a sentence, broken at the width of the terminal."""
    console.print(printable(text))


def count(n: int, console: "Console") -> str:
    """Show a count in groups of three digits, with thin spaces where the stream can hold them."""
    return f"{n:,}".replace(",", "\u2009" if console.encoding.lower().startswith("utf") else ",")


def score(value: float | None) -> str:
    """Show a score; a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def chance(value: float | None) -> str:
    """Show a p or q with two significant digits; a dash where there is none."""
    return "-" if value is None else f"{value:.2g}"


def share(value: float) -> str:
    """Show a share (0-1) as a percentage with two significant digits, 0 or 100 only where that is exact."""
    from sweeplens.report.sentences import percent

    return percent(value) if value < 0.095 or value == 1 else f"{min(99.0, 100 * value):.0f} %"


def when(value: datetime | None) -> str:
    """Show a time in UTC to the minute."""
    return "-" if value is None else value.strftime("%Y-%m-%d %H:%M")


def bar(part: float, width: int, console: "Console") -> str:
    """Draw a share (0-1) as a bar."""
    block = "█" if console.encoding.lower().startswith("utf") else "#"
    return block * max(0, min(width, round(part * width)))
