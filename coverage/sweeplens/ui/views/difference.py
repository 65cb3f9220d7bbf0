"""What changed between two snapshots: numbers, levels, accounts, campaigns, clusters, signals."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st

from sweeplens.report.changes import AccountChange, CampaignChange, Difference
from sweeplens.report.columns import columns_of
from sweeplens.report.drift import Drift
from sweeplens.report.snapshots import describe_difference
from sweeplens.signals.catalog import BY_KEY
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.charts.snapshots import draw_drift, draw_flow, draw_levels, draw_sizes
from sweeplens.ui.tables import snapshots as tables

_DRAWN = 10  # clusters that grew and that shrank, and signals that drifted, in a picture
_COUNTS = ("requests", "accounts", "prompts", "clusters", "campaigns")


def show_difference(facts: Difference) -> None:
    """Draw what changed, what an analyst looks at first on top."""
    with st.container(key="headline-difference"):
        st.text(words.thin(describe_difference(facts)))
    for note in facts.notes:
        st.caption(f":orange[{note}]")
    _numbers(facts)
    _accounts(facts)
    _campaigns(facts.campaigns)
    _clusters(facts)
    _drift(facts)


def _numbers(facts: Difference) -> None:
    for column, name in zip(st.columns(len(_COUNTS)), _COUNTS, strict=True):
        was, now = (getattr(side, f"n_{name}") for side in (facts.before, facts.after))
        delta = None if was == now else f"{'+' if now > was else '−'}{words.count(abs(now - was))}"
        arrow: Literal["up", "down", "off"] = "off" if delta is None else "up" if now > was else "down"
        column.metric(
            name.capitalize(), words.count(now), delta, delta_color="off", delta_arrow=arrow,
            help=f"{words.count(was)} in the older snapshot.",
        )  # fmt: skip


@parts.fragment
def _accounts(facts: Difference) -> None:
    changes = facts.accounts
    left, right = st.columns([2, 3], gap="medium")
    with left:
        parts.draw(draw_levels(parts.colours(), changes.levels), "levels")
    with right:
        st.markdown("**Accounts that moved**", help="A click opens the account as it is in the current snapshot.")
        lists = {
            "raised": (changes.raised, changes.n_raised), "lowered": (changes.lowered, changes.n_lowered),
            "score": (changes.moved, len(changes.moved)),
        }  # fmt: skip
        chosen = st.segmented_control(
            "Accounts that moved", list(lists), default="raised" if changes.n_raised else "score", required=True,
            key="moved", label_visibility="collapsed",
            format_func=lambda k: f"{words.count(lists[k][1])} {k}" if k != "score" else "largest change of score",
        )  # fmt: skip
        rows, total = lists[chosen or "score"]
        if rows:
            _open_account(rows, total)
        else:
            parts.nothing("No account moved this way.", "The other lists may have some.")
    both = f"{words.counted(changes.n_both, 'account')} in both snapshots"
    st.caption(f"{both}, {words.count(changes.n_new)} new, {words.count(changes.n_gone)} gone.")


def _open_account(rows: Sequence[AccountChange], total: int) -> None:
    at = parts.pick(tables.accounts(rows), tables.account_columns(), "moved-accounts", rows=8)
    if total > len(rows):
        st.caption(f"The first {words.count(len(rows))} of {words.count(total)}.")
    if at is not None and at < len(rows):
        wanted = rows[at].account_id
        known = wanted in columns_of(data.current()).position
        _open("account", wanted, known=known)


def _open(page: str, wanted: str, *, known: bool) -> None:
    if known:
        links.go_to("clusters" if page == "cluster" else page, **{page: wanted})
    st.caption(f"The current snapshot does not have this {page} any more.")


@parts.fragment
def _campaigns(groups: Sequence[CampaignChange]) -> None:
    changed = [c for c in groups if not _is_same(c)]
    st.markdown(
        "**Groups of accounts that changed**",
        help="Groups of whatever label whose members, label or level are others now. A click opens the group.",
    )
    same = len(groups) - len(changed)
    st.caption(f"{words.counted(same, 'group')} kept {'its' if same == 1 else 'their'} members, label and level.")
    if not changed:
        return
    at = parts.pick(tables.campaigns(changed), tables.campaign_columns(), "changed-campaigns", rows=8)
    if at is not None and at < len(changed):
        wanted = changed[at].campaign_id
        _open("campaign", wanted, known=any(c.campaign_id == wanted for c in data.campaigns(data.current())))


def _is_same(c: CampaignChange) -> bool:
    told = (c.label_before, c.level_before) == (c.label_after, c.level_after)
    return c.event == "kept" and told and not c.joined and not c.left


@parts.fragment
def _clusters(facts: Difference) -> None:
    clusters, colours = facts.clusters, parts.colours()
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_sizes(colours, clusters.grown[:_DRAWN], clusters.shrunk[:_DRAWN]), "sizes")
    with right:
        parts.draw(draw_flow(colours, facts.prompts), "flow")
    how = "as recorded when the snapshot was made" if clusters.recorded else "aligned by the prompts that both have"
    st.markdown(
        f"**Clusters: {', '.join(f'{words.count(n)} {event}' for event, n in clusters.by_event.items())}**",
        help=f"Clusters, {how}. A click opens the cluster.",
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption("Born, split, merged or died")
        _cluster_list(clusters.events, tables.cluster_events, tables.cluster_event_columns(), "events")
    with right:
        st.caption("Whose middle moved most")
        _cluster_list(clusters.moved, tables.clusters_moved, tables.clusters_moved_columns(), "moved-clusters")


def _cluster_list(rows: Sequence[Any], draw: Callable[..., Any], columns: dict[str, Any], key: str) -> None:
    if not rows:
        parts.nothing("None.", "Every cluster goes on as it was.")
        return
    at = parts.pick(draw(rows), columns, key, rows=8)
    if at is not None and at < len(rows):
        cluster = rows[at].cluster_id
        _open("cluster", str(cluster), known=cluster in columns_of(data.current()).cluster_names)


def _drift(facts: Difference) -> None:
    drifts = [facts.score, *facts.signals[:_DRAWN]]
    labels = [_label(d) for d in drifts]
    parts.draw(draw_drift(parts.colours(), drifts, labels), "drift")
    with st.expander("All signals"):
        everything = [facts.score, *facts.signals]
        st.dataframe(
            tables.drift(everything, [_label(d) for d in everything]), hide_index=True,
            column_config=tables.drift_columns(), height=400,
        )  # fmt: skip


def _label(drift: Drift) -> str:
    if drift.signal == "score":
        return "score"
    return BY_KEY[drift.signal].label if drift.signal in BY_KEY else drift.signal.replace("_", " ")
