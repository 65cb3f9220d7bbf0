"""The command `diff`: what differs between two snapshots."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeplens.cli import options as o
from sweeplens.cli.output import write_page
from sweeplens.cli.tables import add_row, count, make_table, score, share, when
from sweeplens.errors import NotFoundError
from sweeplens.text import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

    from sweeplens.report.changes import CampaignChange, ClusterChange, Difference
    from sweeplens.report.drift import Drift
    from sweeplens.store.snapshot import Snapshot

CURRENT, PARENT = "current", "parent"
_NAMED, _WIDEST = 2, 36  # accounts that a cell names, and characters of each; JSON has all


def diff(
    old: Annotated[str, typer.Argument(metavar="[A]", help="The older snapshot: an id, parent or current.")] = PARENT,
    new: Annotated[str, typer.Argument(metavar="[B]", help="The newer one.")] = CURRENT,
    *,
    top: Annotated[
        int, typer.Option("--top", min=0, metavar="N", help="Rows of each list, those that changed most; 0: all.")
    ] = 10,
    store: o.Store = None,
    format_: o.PageFormat = None,
    output: o.Output = None,
    config: o.Config = None,
) -> None:
    """Compare two snapshots. Clusters, campaigns, accounts whose score moved, and how far signals drifted."""
    from sweeplens.report.difference import difference

    before, after = open_two(o.read_settings(config, store=store).store, old, new)
    facts = difference(before, after, top=top or None)
    write_page(facts, format_, output, lambda console: draw_difference(console, facts, top or None))


def open_two(store: Path, old: str, new: str) -> "tuple[Snapshot, Snapshot]":
    """Open the two snapshots by id, or by the words `current` and `parent`, which is the other one's parent.

    Raises `NotFoundError` for an unknown id and where there is no parent.
    """
    from sweeplens.store.snapshot import open_snapshot

    if old == new == PARENT:
        raise typer.BadParameter(f"at most one of the two can be the word {PARENT}: it is the other one's parent")
    ids = [None if name == CURRENT else name for name in (old, new)]
    if new == PARENT:
        before = open_snapshot(store, ids[0])
        return before, open_snapshot(store, _parent(before))
    after = open_snapshot(store, ids[1])
    return open_snapshot(store, _parent(after) if old == PARENT else ids[0]), after


def _parent(snapshot: "Snapshot") -> str:
    parent = snapshot.manifest.get("parent")
    if parent is None:
        raise NotFoundError(
            f"snapshot {snapshot.snapshot_id} has no parent: name the snapshot to compare it with, "
            "`sweeplens snapshots` lists them"
        )
    return str(parent)


def draw_difference(console: "Console", facts: "Difference", top: int | None) -> None:
    """Print what differs between two snapshots, a section for each kind of thing."""
    _sides(console, facts)
    for note in facts.notes:
        console.print(note)
    _clusters(console, facts)
    _campaigns(console, facts.campaigns, top)
    _accounts(console, facts)
    _section(console, "Drift: the score and the signals over accounts, the largest distance first")
    _drift(console, [facts.score, *facts.signals[:top]])


def _section(console: "Console", title: str) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(title, style="bold"))


def _sides(console: "Console", facts: "Difference") -> None:
    table = make_table("", "before>", "after>")
    sides = facts.before, facts.after
    add_row(table, ["snapshot", *(side.snapshot_id for side in sides)])
    add_row(table, ["made, UTC", *(when(side.created) for side in sides)])
    for name in ("requests", "accounts", "prompts", "clusters", "campaigns"):
        add_row(table, [name, *(count(getattr(side, f"n_{name}"), console) for side in sides)])
    console.print(table)


def _clusters(console: "Console", facts: "Difference") -> None:
    clusters, flow = facts.clusters, facts.prompts
    how = "as recorded when the snapshot was made" if clusters.recorded else "aligned by the prompts that both have"
    _section(console, f"Clusters, {how}")
    console.print(", ".join(f"{count(n, console)} {event}" for event, n in clusters.by_event.items()))
    went = f"{count(flow.came, console)} came and {count(flow.went, console)} went"
    console.print(
        f"{count(flow.shared, console)} prompts are in both, {went}: {count(flow.stayed, console)} stayed in their "
        f"cluster, {count(flow.changed, console)} changed it, {count(flow.gained, console)} found one, "
        f"{count(flow.lost, console)} lost theirs"
    )
    if clusters.events:
        console.print()
        table = make_table("what", "id>", "name:32", "from:14", "before>", "after>", "shared>")
        for c in clusters.events:
            parents = "" if c.event == "died" else ", ".join(map(str, c.parents))
            sizes = (count(n, console) for n in (c.n_before, c.n_after, c.n_shared))
            add_row(table, [c.event, str(c.cluster_id), _name(c), parents, *sizes])
        console.print(table)
    _sizes(console, "Clusters that grew most", clusters.grown)
    _sizes(console, "Clusters that shrank most", clusters.shrunk)
    if clusters.moved:
        _section(console, "Clusters whose middle moved most, as 1 - cosine")
        table = make_table("id>", "name:32", "moved>", "name before:32")
        for c in clusters.moved:
            old = "" if c.name_before == c.name_after else one_line(c.name_before or "", 60)
            add_row(table, [str(c.cluster_id), _name(c), f"{c.distance:.3f}", old])
        console.print(table)


def _name(change: "ClusterChange") -> str:
    return one_line(change.name_after or change.name_before or "", 60)


def _sizes(console: "Console", title: str, rows: Sequence["ClusterChange"]) -> None:
    if not rows:
        return
    _section(console, title)
    table = make_table("id>", "name:40", "before>", "after>", "change>")
    for c in rows:
        part = abs(c.n_after - c.n_before) / max(1, c.n_before)
        change = f"{'+' if c.n_after > c.n_before else '-'}{_times(part)}"
        add_row(table, [str(c.cluster_id), _name(c), count(c.n_before, console), count(c.n_after, console), change])
    console.print(table)


def _times(part: float) -> str:
    return share(part) if part <= 1 else f"{100 * part:,.0f} %"


def _campaigns(console: "Console", groups: Sequence["CampaignChange"], top: int | None) -> None:
    changed = [c for c in groups if not _is_same(c)]
    rows, total, same = changed[:top], len(changed), len(groups) - len(changed)
    shown = "" if len(rows) == total else f" ({len(rows)} of {count(total, console)})"
    _section(console, f"Groups of accounts that changed{shown}")
    console.print(f"{count(same, console)} kept their members, label and level")
    if not rows:
        return
    table = make_table("what", "id:20", "label:16", "level:16", "members>", "joined:28", "left:28")
    for c in rows:
        label, level = _turn(c.label_before, c.label_after), _turn(c.level_before, c.level_after)
        sizes = [count(n, console) for n, there in ((c.n_before, c.label_before), (c.n_after, c.label_after)) if there]
        who = _few(c.joined, console), _few(c.left, console)
        add_row(table, [c.event, _ids(c), label, level, " > ".join(dict.fromkeys(sizes)), *who])
    console.print(table)


def _is_same(c: "CampaignChange") -> bool:
    labels_and_levels = (c.label_before, c.level_before) == (c.label_after, c.level_after)
    return c.event == "kept" and labels_and_levels and not c.joined and not c.left


def _ids(change: "CampaignChange") -> str:
    if change.event in {"born", "died"}:
        return change.campaign_id
    came = change.parents if change.event in {"split", "merged"} else (change.continues,)
    if came == (change.campaign_id,) == (change.continues,):
        return change.campaign_id
    return f"{', '.join(map(str, came))} > {change.campaign_id}"


def _turn(before: str | None, after: str | None) -> str:
    if before is None or after is None or before == after:
        return after or before or ""
    return f"{before} > {after}"


def _few(accounts: Sequence[str], console: "Console") -> str:
    if not accounts:
        return ""
    named = ", ".join(one_line(account, _WIDEST) for account in accounts[:_NAMED])
    return f"{count(len(accounts), console)}: {named}{', ...' if len(accounts) > _NAMED else ''}"


def _accounts(console: "Console", facts: "Difference") -> None:
    accounts = facts.accounts
    _section(console, "Accounts whose score moved most")
    numbers = ("n_both", "in both"), ("n_new", "new"), ("n_gone", "gone"), ("n_raised", "at a higher level"), (
        "n_lowered", "at a lower one")  # fmt: skip
    console.print(", ".join(f"{count(getattr(accounts, key), console)} {words}" for key, words in numbers))
    if not accounts.moved:
        console.print("No score moved.")
        return
    table = make_table("account:36", "score>", "was>", "change>", "level", "prompts>", "was>")
    for a in accounts.moved:
        cells = [printable(a.account_id), score(a.score_after), score(a.score_before), f"{a.change:+.2f}"]
        prompts = count(a.n_prompts_after, console), count(a.n_prompts_before, console)
        add_row(table, [*cells, _turn(a.level_before, a.level_after), *prompts])
    console.print(table)


def _drift(console: "Console", rows: Sequence["Drift"]) -> None:
    table = make_table("signal:28", "distance>", "stability index>", "median>", "was>", "accounts>", "was>")
    for d in rows:
        far = ["-" if v is None else f"{v:.3f}" for v in (d.ks, d.psi)]
        middle = ["-" if v is None else f"{v:.3g}" for v in (d.median_after, d.median_before)]
        add_row(table, [d.signal, *far, *middle, count(d.n_after, console), count(d.n_before, console)])
    console.print(table)
