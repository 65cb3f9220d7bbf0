"""Account: why it scores as it does, the ground it covers, and what it asks."""

from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.facts import AccountEvidence, SignalFact
from sweeplens.report.sentences import describe_chance
from sweeplens.signals.catalog import BY_KEY
from sweeplens.ui import data, links, parts, prompts, words
from sweeplens.ui.charts.account import Strip, draw_capabilities, draw_curve, draw_strips
from sweeplens.ui.charts.base import Label
from sweeplens.ui.charts.ground import draw_ground
from sweeplens.ui.charts.order import draw_order
from sweeplens.ui.charts.timeline import draw_timeline
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables import accounts as account_tables
from sweeplens.ui.tables import evidence as evidence_tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_REASONS = 6
_SHOWN = 1000
SHARED_HELP = (
    "Evidence beside the prompts. It raises no level by itself, except that of an account with fewer than five "
    "distinct prompts that shares something rare with the members of a sweep."
)


def show() -> None:
    """Draw the page of ?account=..., or all accounts to choose from."""
    snapshot = data.current()
    account_id = links.wanted("account")
    if account_id is None:
        _choose(snapshot)
        return
    evidence = data.account_evidence(snapshot, account_id)
    _head(snapshot, evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        _why(snapshot, evidence)
    with right:
        points = data.map_points(snapshot)
        names = cluster_labels(snapshot, {c.cluster_id: c.n_prompts for c in evidence.clusters})
        parts.draw(draw_ground(parts.colours(), points, evidence.prompt_ids, evidence.prompts, names), "ground")
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_curve(parts.colours(), evidence.curve), "curve")
    with right:
        _order(evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_capabilities(parts.colours(), evidence.capabilities), "capabilities")
    with right:
        parts.draw(draw_timeline(parts.colours(), evidence.timeline), "timeline")
        if evidence.timeline.undated and evidence.timeline.days:
            st.caption(f"{words.counted(evidence.timeline.undated, 'request')} without a time.")
    _prompts(snapshot, evidence)
    _company(evidence)
    _signals(evidence)


def cluster_labels(snapshot: "Snapshot", weights: dict[int, int]) -> list[Label]:
    """Return names of clusters at their places, weighed by these numbers."""
    rows = {c.cluster_id: c for c in data.clusters(snapshot)}
    return [Label(rows[c].x, rows[c].y, rows[c].name, n) for c, n in weights.items() if c in rows]


def _choose(snapshot: "Snapshot") -> None:
    rows = data.accounts(snapshot)
    flagged = sum(r.level in {"high", "review"} for r in rows)
    parts.heading(
        "Accounts", None, f"{words.counted(len(rows), 'account')}, {words.count(flagged)} of them at review or high."
    )
    needle = st.text_input(
        "Id contains", key="id", bind="query-params", placeholder="part of an id", type="search", width=320
    )
    rows = [r for r in rows if not needle or needle.casefold() in r.account_id.casefold()]
    if not rows:
        parts.nothing("No account has this in its id.", "Shorten what you look for.")
        return
    frame = account_tables.queue(rows[:_SHOWN], {})
    columns = {**account_tables.queue_columns(rows[:_SHOWN]), "kind": None}
    at = parts.pick(frame, columns, "accounts", rows=17)
    if len(rows) > _SHOWN:
        st.caption(f"The first {words.count(_SHOWN)} of {words.count(len(rows))}, highest scores first.")
    if at is not None and at < len(rows):
        links.go_to("account", account=rows[at].account_id)


def _head(snapshot: "Snapshot", evidence: AccountEvidence) -> None:
    row = evidence.row
    facts = [
        *(["Raised by its campaign"] if row.level_from == "campaign" else []),
        words.counted(row.n_requests, "request"), words.counted(row.n_prompts, "distinct prompt"),
        words.period(row.first_ts, row.last_ts), *words.chances(row.p_value, row.q_value),
    ]  # fmt: skip
    text, buttons = st.columns([5, 2])
    with text:
        parts.heading("Account", row.account_id, evidence.headline, facts, level=row.level, chance=describe_chance(row))
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        if row.campaign_id is not None:
            parts.link(f"Campaign {code_span(row.campaign_id)}", "campaign", campaign=row.campaign_id)
        parts.link("On the map", "map", account=row.account_id)
        following = _next(snapshot, row.account_id)
        if following is not None:
            parts.link("Next in the queue", "account", account=following)


def _next(snapshot: "Snapshot", account_id: str) -> str | None:
    ids = [r.account_id for r in data.accounts(snapshot)]
    at = ids.index(account_id) + 1
    return ids[at] if at < len(ids) else None


def _why(snapshot: "Snapshot", evidence: AccountEvidence) -> None:
    strips = _strips(snapshot, evidence)
    if not strips:
        st.markdown("**Why**")
        parts.nothing(
            "This account has too few distinct prompts to be compared with others.",
            "Look at its campaign, or wait for a snapshot with more of its requests.",
        )
        return
    parts.draw(draw_strips(parts.colours(), strips), "why")


def _strips(snapshot: "Snapshot", evidence: AccountEvidence) -> list[Strip]:
    facts = {fact.signal: fact for fact in evidence.signals}
    strips = []
    for reason in evidence.row.reasons[:_REASONS]:
        raises = None if not reason.weight else reason.weight > 0
        fact = facts.get(reason.signal)
        if fact is None:
            strips.append(Strip(reason.text, raises, None, data.peer_values(snapshot, (), reason.signal)))
            continue
        peers = data.peer_values(snapshot, evidence.peers.account_ids, reason.signal)
        strips.append(Strip(reason.text, raises, fact.value, peers, _shown(fact)))
    return strips


def _shown(fact: SignalFact) -> tuple[str, str]:
    write = BY_KEY[fact.signal].show if fact.signal in BY_KEY else words.short
    middle = fact.quantiles[2] if fact.quantiles else None
    return ("–" if fact.value is None else write(fact.value), "–" if middle is None else write(middle))


@parts.fragment
def _order(evidence: AccountEvidence) -> None:
    dated = evidence.timeline.days
    place = st.container()
    choice = st.segmented_control(
        "Axis", ["time", "arrival"], default="time" if dated else "arrival", required=True, key="axis",
        label_visibility="collapsed", disabled=not dated,
        format_func=lambda a: "by time" if a == "time" else "by order of arrival",
    )  # fmt: skip
    with place:
        parts.draw(draw_order(parts.colours(), evidence.order, by_time=choice == "time"), "order")


@parts.fragment
def _prompts(snapshot: "Snapshot", evidence: AccountEvidence) -> None:
    st.markdown(
        "**What it asks**",
        help="Typical ones first: its clusters take turns, each with the prompt nearest to its middle.",
    )
    prompts.show_prompts(snapshot, evidence.prompts, len(evidence.prompt_ids), evidence.row.account_id)


@parts.fragment
def _company(evidence: AccountEvidence) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            "**Accounts on like ground**",
            help="Likeness of the shares over the cells of the map; cells that few visit weigh more.",
        )
        if evidence.nearest:
            at = parts.pick(account_tables.nearest(evidence.nearest), account_tables.nearest_columns(), "nearest")
            if at is not None and at < len(evidence.nearest):
                links.go_to("account", account=evidence.nearest[at].account_id)
        else:
            parts.nothing("No other account visits a cell that this one visits.", "Look at it on the map.")
    with right:
        st.markdown("**What it has in common with others**", help=SHARED_HELP)
        if evidence.links:
            st.dataframe(
                evidence_tables.account_links(evidence.links),
                hide_index=True,
                column_config=evidence_tables.link_columns(),
                height="auto",
            )
        else:
            parts.nothing(
                "It shares no organisation, address, user agent or system prompt with others.",
                "Or the log has none of these.",
            )


def _signals(evidence: AccountEvidence) -> None:
    with st.expander("All signals"):
        if not evidence.signals or all(fact.value is None for fact in evidence.signals):
            st.text("Signals are measured from ten distinct prompts on.")
            return
        shown = {key: signal.show for key, signal in BY_KEY.items()}
        st.dataframe(
            evidence_tables.signals(evidence.signals, shown),
            hide_index=True,
            column_config=evidence_tables.signal_columns(),
            height="content",
        )
