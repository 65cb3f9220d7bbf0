"""Compare: two to four accounts side by side, in the same scales."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.compare import MOST, Comparison
from sweeplens.report.facts import AccountEvidence
from sweeplens.signals.catalog import BY_KEY
from sweeplens.text import one_line
from sweeplens.ui import choices, data, links, parts, prompts, words
from sweeplens.ui.charts import compare as charts
from sweeplens.ui.reads import account as reads
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables import accounts as account_tables
from sweeplens.ui.tables import compare as tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot


def show() -> None:
    """Draw the page of ?accounts=...&accounts=..., or how to begin."""
    snapshot = data.current()
    wanted = links.all_wanted("accounts")
    known = data.account_rows(snapshot)
    chosen = [a for a in wanted if a in known][:MOST]
    evidences = [data.account_evidence(snapshot, a) for a in chosen]
    found = reads.comparison(snapshot, chosen) if len(chosen) > 1 else None
    parts.heading("Compare", None, _sentence(found, chosen))
    _said([a for a in wanted if a not in known], len([a for a in wanted if a in known]))
    _chosen(snapshot, evidences)
    if found is None:
        for evidence in evidences:
            _begin(evidence)
        return
    _numbers(evidences, found)
    p, points = parts.colours(), data.map_points(snapshot)
    parts.draw(charts.draw_curves(p, chosen, [e.curve for e in evidences]), "compare-curves")
    parts.draw(charts.draw_profiles(p, chosen, [e.capabilities for e in evidences]), "compare-profiles")
    of_all = f"{words.count(found.cells_of_all)} visited by all" if found.cells_of_all else "none visited by all"
    ground = f"{words.counted(found.cells_together, 'cell')} together, {of_all}"
    parts.draw(charts.draw_grounds(p, chosen, points, [e.prompt_ids for e in evidences], ground), "compare-ground")
    _orders(evidences)
    _signals(found)
    _common(snapshot, found)


def _kept() -> dict[str, str]:
    return choices.kept("axis", "rows", "by")


def _sentence(found: Comparison | None, chosen: Sequence[str]) -> str:
    if found is not None:
        return found.headline
    if chosen:
        return f"Choose a second account, to stand beside {one_line(chosen[0], 60)}."
    return "Choose two to four accounts, to stand side by side in the same scales."


def _said(unknown: Sequence[str], n_known: int) -> None:
    """Say in a sentence what of the address cannot be shown."""
    if unknown:
        names = ", ".join(one_line(a, 60) for a in unknown[:MOST])
        more = f" and {words.count(len(unknown) - MOST)} more" if len(unknown) > MOST else ""
        st.text(f"Not in this snapshot: {names}{more}.")
    if n_known > MOST:
        st.text(f"The address names {words.counted(n_known, 'account')}; the first {MOST} are shown.")


def _chosen(snapshot: "Snapshot", evidences: Sequence[AccountEvidence]) -> None:
    """Draw a head for each account, and after them the way to add another."""
    ids = [e.row.account_id for e in evidences]
    columns = st.columns(max(2, len(ids) + (len(ids) < MOST)), gap="small", border=True)
    for k, (column, evidence) in enumerate(zip(columns, evidences, strict=False)):
        with column:
            _head(evidence, [a for a in ids if a != ids[k]], k)
    if len(ids) < MOST:
        with columns[len(ids)]:
            _add(snapshot, ids)


def _head(evidence: AccountEvidence, others: Sequence[str], k: int) -> None:
    row = evidence.row
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(code_span(row.account_id, 32), key=f"compare-open-{k}", type="tertiary", help="Open this account"):
            links.go_to("account", account=row.account_id)
        st.badge(words.LEVEL_WORDS[row.level], color=parts.BADGES[row.level])  # type: ignore[arg-type] # of Streamlit's
        if st.button("Remove", key=f"compare-remove-{k}", type="tertiary"):
            links.go_to("compare", accounts=list(others), **_kept())
    score = "no score" if row.score is None else f"score {words.score(row.score)}"
    st.caption(" · ".join([score, *words.chances(row.p_value, row.q_value)]))


def _add(snapshot: "Snapshot", ids: Sequence[str]) -> None:
    known = reads.choices(snapshot)
    added = st.selectbox(
        "Add an account", known, index=None, key=f"compare-add-{len(ids)}", placeholder="type a part of its id",
        filter_mode="contains",
    )  # fmt: skip
    if added is not None and known.get(added) not in {None, *ids}:
        links.go_to("compare", accounts=[*ids, known[added]], **_kept())


def _begin(evidence: AccountEvidence) -> None:
    """Offer accounts that are worth comparing with the only one."""
    st.markdown("**Accounts on like ground: click one to set it beside**")
    if not evidence.nearest:
        parts.nothing("No other account visits a cell that this one visits.", "Choose any other above.")
        return
    at = parts.pick(account_tables.nearest(evidence.nearest), account_tables.nearest_columns(), "compare-nearest")
    if at is not None and at < len(evidence.nearest):
        links.go_to("compare", accounts=[evidence.row.account_id, evidence.nearest[at].account_id])


def _numbers(evidences: Sequence[AccountEvidence], found: Comparison) -> None:
    rows = [e.row for e in evidences]
    active = [len(e.timeline.days) for e in evidences]
    table = {
        "Requests": [words.count(r.n_requests) for r in rows],
        "Distinct prompts": [words.count(r.n_prompts) for r in rows],
        "Distinct cells": [words.count(n) for n in found.cells],
        "Clusters": [words.count(sum(c.cluster_id >= 0 for c in e.clusters)) for e in evidences],
        "Capabilities": [words.count(sum(c.n_prompts > 0 for c in e.capabilities)) for e in evidences],
        "Active": [words.counted(n, "day") if n else "without times" for n in active],
        "Seen": [words.period(r.first_ts, r.last_ts) for r in rows],
        "Campaign": [r.campaign_id or "–" for r in rows],
    }
    st.dataframe(
        tables.numbers(table), hide_index=True, column_config=tables.number_columns(found.accounts), height="content"
    )


@parts.fragment
def _orders(evidences: Sequence[AccountEvidence]) -> None:
    place = st.container()
    by, rows = choices.choose_order(dated=all(e.timeline.days for e in evidences))
    clusters = {c.cluster_id: c.name for e in evidences for c in e.clusters} if rows == "cluster" else None
    chart = charts.draw_orders(
        parts.colours(), [e.row.account_id for e in evidences], [e.order for e in evidences],
        [e.timeline for e in evidences], by_time=by == "time", clusters=clusters,
    )  # fmt: skip
    with place:
        parts.draw(chart, "compare-orders")


@parts.fragment
def _signals(found: Comparison) -> None:
    st.markdown("**What sets them apart: all signals, the largest differences first**")
    by = choices.choose(
        "First by", ["adds", "peers"], "by", default="adds",
        shown={"adds": "by effect on the score", "peers": "by place among peers"}.__getitem__,
    )  # fmt: skip
    rows = list(found.differences)
    which: tables.By = "adds" if by == "adds" else "peers"
    if which == "peers":
        rows.sort(key=lambda d: (d.percentiles is None, -(d.percentiles or 0.0)))
    if not rows:
        parts.nothing("None of these accounts has signals.", "They are measured from ten distinct prompts on.")
        return
    shown = {key: signal.show for key, signal in BY_KEY.items()}
    st.dataframe(
        tables.differences(rows, shown, which), hide_index=True, height=420,
        column_config=tables.difference_columns(found.accounts, which),
    )  # fmt: skip


@parts.fragment
def _common(snapshot: "Snapshot", found: Comparison) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            "**How alike their ground is**", help="Cells of the map that both visit, and prompts of the same words."
        )
        st.dataframe(tables.pairs(found.pairs), hide_index=True, column_config=tables.pair_columns(), height="content")
    with right:
        st.markdown("**What they have in common beside prompts**")
        if found.links:
            st.dataframe(tables.links(found.links), hide_index=True, column_config=tables.link_columns(), height="auto")
        else:
            parts.nothing(
                "They share no organisation, address, user agent or system prompt.", "Or the log has none of these."
            )
    st.markdown("**Prompts that two or more of them sent, word for word**")
    if not found.shared:
        parts.nothing(
            "No prompt was sent by two of them.", "Their ground can be alike all the same: see the maps above."
        )
        return
    rows = data.prompt_rows(snapshot, [c.prompt_id for c in found.shared])
    st.caption(f"{words.count(len(rows))} of {words.counted(found.n_shared, 'prompt')}.")
    columns = tables.in_common_columns(found.accounts)
    at = parts.pick(tables.in_common(found.shared, rows), columns, "compare-prompts")
    if at is not None and at < len(rows):
        prompts.show_prompt(snapshot, rows[at], "compare")
