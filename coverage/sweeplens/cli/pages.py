"""The pages about one account and one cluster, as text."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sweeplens.cli.tables import add_row, bar, chance, count, make_table, score, share, when
from sweeplens.text import one_line, printable

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from sweeplens.report.facts import (
        AccountEvidence,
        AccountRow,
        ClusterEvidence,
        Curve,
        LinkFact,
        NearAccount,
        PromptRow,
        SignalFact,
        Timeline,
    )

_SIGNALS, _ROWS, _POINTS = 8, 8, 10
_BAR = 24
_SPARKS = "▁▂▃▄▅▆▇█"
_DAYS = 60  # days that a line of the timeline holds


def draw_account(console: "Console", facts: "AccountEvidence", prompts: int) -> None:
    """Print one account: what it is, why, its coverage, its time, its company, its prompts."""
    from sweeplens.report.sentences import describe_peers

    row = facts.row
    _title(console, f"Account {row.account_id}", facts.headline)
    _facts(
        console,
        ("level", f"{row.level} (from the {row.level_from})"),
        ("score", score(row.score)),
        *_chances(row),
        ("requests", f"{count(row.n_requests, console)}, of {count(row.n_prompts, console)} distinct prompts"),
        ("time", _span(row.first_ts, row.last_ts)),
        ("languages", facts.languages.text),
        ("peers", describe_peers(facts.peers)),
    )
    _signals(console, facts.signals)
    _curve(console, facts.curve)
    _section(console, "Capabilities, beside the median of the peers")
    table = make_table("capability", "prompts>", "share>", "peers>", f":{_BAR}")
    for part in (c for c in facts.capabilities if c.n_prompts):
        median = "-" if part.peer_median is None else share(part.peer_median)
        cells = [part.name, count(part.n_prompts, console), share(part.share), median, bar(part.share, _BAR, console)]
        add_row(table, cells)
    console.print(table)
    _section(console, "Clusters")
    table = make_table("id>", "cluster:40", "prompts>", "share>", "of all>")
    for visit in facts.clusters[:_ROWS]:
        name = str(visit.cluster_id) if visit.cluster_id >= 0 else "-"
        cells = [name, one_line(visit.name, 60), count(visit.n_prompts, console)]
        add_row(table, [*cells, share(visit.share), share(visit.map_share)])
    console.print(table)
    _timeline(console, facts.timeline)
    _nearest(console, facts.nearest)
    _links(console, facts.links)
    _prompts(console, "Prompts, typical ones first", facts.prompts[:prompts], len(facts.prompt_ids))


def draw_cluster(console: "Console", facts: "ClusterEvidence", prompts: int) -> None:
    """Print one cluster: what it is about, who asks there, what they ask."""
    from sweeplens.report.growth import describe_origin, describe_pace

    row = facts.row
    grew = describe_origin(row.event, facts.parents, facts.n_before, row.n_prompts)
    pace = describe_pace(facts.pace, facts.span_days)
    _title(console, f"Cluster {row.cluster_id}: {row.name}", facts.headline)
    _facts(
        console,
        *([("found as", row.found_name)] if row.name != row.found_name else []),
        *([("pinned", "stays on top of the list")] if row.pinned else []),
        *([("terms", ", ".join(row.terms))] if row.terms else []),
        ("capability", f"{row.capability_name} ({row.capability_score:.2f})"),
        ("prompts", f"{count(row.n_core, console)} core, {count(row.n_placed, console)} placed by their neighbours"),
        ("flagged", f"{count(row.n_flagged_accounts, console)} of {count(row.n_accounts, console)} accounts"),
        *([("growth", grew)] if grew else []),
        *([("pace", pace)] if pace else []),
    )
    _section(console, "Accounts with most requests here")
    table = make_table("account:36", "level", "score>", "requests>", "of cluster>", "of account>", "campaign")
    for who in facts.accounts[:_ROWS]:
        cells = [who.account_id, who.level, score(who.score), count(who.n_requests, console)]
        add_row(table, [*cells, share(who.share_of_cluster), share(who.share_of_account), who.campaign_id or ""])
    console.print(table)
    _timeline(console, facts.timeline)
    if facts.exemplars:
        _prompts(console, "Exemplars", facts.exemplars, len(facts.exemplars))
    _prompts(console, "Prompts, surest first", facts.prompts[:prompts], row.n_prompts)


def _title(console: "Console", title: str, headline: str) -> None:
    from rich.text import Text

    console.print(Text(printable(title), style="bold"))
    console.print(Text(printable(headline)))
    console.print()


def _chances(row: "AccountRow") -> list[tuple[str, str]]:
    from sweeplens.report.sentences import describe_chance

    return [] if row.p_value is None else [("p", f"{chance(row.p_value)}: {describe_chance(row)}")]


def _span(first: "datetime | None", last: "datetime | None") -> str:
    return "unknown" if first is None else f"{when(first)} to {when(last)} UTC"


def _section(console: "Console", title: str) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(title, style="bold"))


def _facts(console: "Console", *rows: tuple[str, str]) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        add_row(table, [name, value], styles={0: "dim"})
    console.print(table)


def _signals(console: "Console", signals: Sequence["SignalFact"]) -> None:
    shown = [s for s in signals if s.text is not None][:_SIGNALS]
    _section(console, "Why: signals, those that speak most first")
    if not shown:
        console.print("Too few prompts for any signal.")
        return
    table = make_table(f"signal:{max(40, console.width - 22)}", "above peers>", "weight>")
    for signal in shown:
        percentile = "-" if signal.peer_percentile is None else f"{signal.peer_percentile:.1f} %"
        weight = "" if signal.weight is None else f"{signal.weight:+.2f}"
        add_row(table, [signal.text or "", percentile, weight])
    console.print(table)


def _curve(console: "Console", curve: "Curve") -> None:
    _section(console, "Coverage: cells seen after so many distinct prompts, and the peers' 5 % to 95 %")
    places = range(len(curve.n)) if len(curve.n) <= _POINTS else _spread(len(curve.n))
    table = make_table("prompts>", "cells>", "peers 5 %>", "median>", "95 %>", "peers>")
    for i in places:
        band = ("-" if v is None else f"{v:.0f}" for v in (curve.low[i], curve.median[i], curve.high[i]))
        add_row(table, [str(curve.n[i]), str(curve.cells[i]), *band, str(curve.n_peers[i])])
    console.print(table)


def _spread(total: int) -> list[int]:
    return sorted({round(i * (total - 1) / (_POINTS - 1)) for i in range(_POINTS)})


def _timeline(console: "Console", timeline: "Timeline") -> None:
    _section(console, "Time (UTC)")
    if not timeline.days:
        console.print("The log has no times.")
        return
    (first, _), (last, _) = timeline.days[0], timeline.days[-1]
    by_day = [0] * ((last - first).days + 1)
    for day, n in timeline.days:
        by_day[(day - first).days] = n
    step = -(-len(by_day) // _DAYS)
    folded = [sum(by_day[i : i + step]) for i in range(0, len(by_day), step)]
    each = "a day" if step == 1 else f"{step} days"
    rows = [
        ("days", f"{_sparkline(folded, console)}  {first} to {last}, at most {max(folded):,} in {each}"),
        ("hours", f"{_sparkline(timeline.hours, console)}  00 to 23, at most {max(timeline.hours):,} in an hour"),
    ]
    if timeline.undated:
        rows.append(("undated", f"{timeline.undated:,} requests"))
    _facts(console, *rows)


def _sparkline(values: Iterable[int], console: "Console") -> str:
    numbers = list(values)
    top = max([1, *numbers])
    marks = _SPARKS if console.encoding.lower().startswith("utf") else ".:-=+*#@"
    return "".join(" " if n == 0 else marks[-(-8 * n // top) - 1] for n in numbers)


def _nearest(console: "Console", nearest: Sequence["NearAccount"]) -> None:
    _section(console, "Accounts on like ground")
    if not nearest:
        console.print("No other account visits the same cells.")
        return
    table = make_table("near>", "account:36", "shared cells>", "level", "score>", "campaign")
    for other in nearest[:_ROWS]:
        cells = [f"{other.similarity:.2f}", other.account_id, str(other.shared_cells), other.level]
        add_row(table, [*cells, score(other.score), other.campaign_id or ""])
    console.print(table)


def _links(console: "Console", links: Sequence["LinkFact"]) -> None:
    if not links:
        return
    _section(
        console, "Shared with other accounts (evidence; alone it raises only who sent fewer than five distinct prompts)"
    )
    table = make_table("what", "value:34", "accounts>", "others:30")
    for link in links[:_ROWS]:
        others = one_line(", ".join(link.others), 60)
        add_row(table, [link.kind.replace("_", " "), one_line(link.value, 60), count(link.n_accounts, console), others])
    console.print(table)


def _prompts(console: "Console", title: str, prompts: Sequence["PromptRow"], total: int) -> None:
    from sweeplens.report.sentences import shown_text

    shown = "" if len(prompts) == total else f" ({len(prompts)} of {count(total, console)})"
    _section(console, f"{title}{shown}")
    room = max(40, console.width - 30)
    table = make_table("sent>", f"prompt:{room}", "cluster:20")
    for prompt in prompts:
        text = one_line(shown_text(prompt.text), 2 * room)
        add_row(table, [count(prompt.n_sent, console), text, one_line(prompt.cluster_name, 40)])
    console.print(table)
