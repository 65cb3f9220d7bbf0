"""Account: why it scores as it does, the ground it covers, and what it asks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.errors import ConfigError
from sweeplens.report.compare import MOST
from sweeplens.report.facts import AccountEvidence
from sweeplens.report.sentences import describe_chance, describe_peers
from sweeplens.signals.catalog import BY_KEY
from sweeplens.text import one_line
from sweeplens.ui import choices, data, deciding, links, parts, prompts, words
from sweeplens.ui.charts.account import draw_capabilities, draw_curve
from sweeplens.ui.charts.base import Label
from sweeplens.ui.charts.ground import draw_ground
from sweeplens.ui.charts.order import draw_order
from sweeplens.ui.charts.timeline import draw_timeline
from sweeplens.ui.reads import account as reads
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables import accounts as account_tables
from sweeplens.ui.tables import evidence as evidence_tables
from sweeplens.ui.views import accounts, reasons

if TYPE_CHECKING:
    from sweeplens.report.releases import Release
    from sweeplens.store.snapshot import Snapshot

_OFFERED = 60  # accounts that are offered to compare with
_PEERS_HELP = (
    "Shares are of its distinct prompts whose language can be told. Peers are accounts with 1/1.5 to 1.5 times as many "
    "distinct prompts and, where there are 30 or more of those, the same main language."
)
SHARED_HELP = (
    "Evidence beside the prompts. It raises no level by itself, except that of an account with fewer than five "
    "distinct prompts that shares something rare with the members of a sweep."
)


def show() -> None:
    """Draw the page of ?account=..., or all accounts to choose from."""
    snapshot = data.current()
    account_id = links.wanted("account")
    if account_id is None:
        accounts.choose(snapshot)
        return
    evidence = data.account_evidence(snapshot, account_id)
    _head(snapshot, evidence)
    deciding.bar(snapshot, "account", account_id)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        reasons.show(snapshot, evidence)
    with right:
        points = data.map_points(snapshot)
        names = cluster_labels(snapshot, {c.cluster_id: c.n_prompts for c in evidence.clusters})
        parts.draw(draw_ground(parts.colours(), points, evidence.prompt_ids, evidence.prompts, names), "ground")
        parts.draw(draw_curve(parts.colours(), evidence.curve), "curve")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _order(evidence)
        _timeline(snapshot, evidence)
    with right:
        parts.draw(draw_capabilities(parts.colours(), evidence.capabilities), "capabilities")
    _prompts(snapshot, evidence)
    _company(evidence)
    _signals(evidence)


def cluster_labels(snapshot: "Snapshot", weights: dict[int, int]) -> list[Label]:
    """Return names of clusters at their places, weighed by these numbers."""
    rows = {c.cluster_id: c for c in data.clusters(snapshot)}
    return [Label(rows[c].x, rows[c].y, rows[c].name, n) for c, n in weights.items() if c in rows]


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
        st.caption(f"{evidence.languages.text} · {describe_peers(evidence.peers)}", help=_PEERS_HELP)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        if row.campaign_id is not None:
            parts.link(f"Campaign {code_span(row.campaign_id)}", "campaign", campaign=row.campaign_id)
        parts.link("On the map", "map", account=row.account_id)
        following = _next(snapshot, row.account_id)
        if following is not None and st.button("Next in the queue", key="next-in-queue", type="tertiary"):
            links.go_to("account", account=following, **choices.kept("axis", "rows"))
        _compare(snapshot, evidence)


def _next(snapshot: "Snapshot", account_id: str) -> str | None:
    ids = [r.account_id for r in data.accounts(snapshot)]
    at = ids.index(account_id) + 1
    return ids[at] if at < len(ids) else None


def _compare(snapshot: "Snapshot", evidence: AccountEvidence) -> None:
    """Offer accounts to compare with: those on like ground, and members of the same campaign."""
    own, campaign = evidence.row.account_id, evidence.row.campaign_id
    members = next((c.accounts for c in data.campaigns(snapshot) if c.campaign_id == campaign), ())
    near = {account.account_id: f"{account.similarity:.2f} alike" for account in evidence.nearest}
    offered = [a for a in dict.fromkeys((*near, *members)) if a != own][:_OFFERED]
    with st.popover("Compare with …", type="tertiary"):
        chosen = st.multiselect(
            "Accounts on like ground and of its campaign", offered, max_selections=MOST - 1, key="compare-with",
            format_func=lambda a: f"{one_line(a, 40)}, {near[a]}" if a in near else one_line(a, 40),
            placeholder=f"up to {MOST - 1}",
        )  # fmt: skip
        if st.button("Compare", key="compare-go", disabled=not chosen, type="primary"):
            links.go_to("compare", accounts=[own, *chosen])
        st.caption("Any other account can be added on the page that opens.")


@parts.fragment
def _order(evidence: AccountEvidence) -> None:
    place = st.container()
    by, rows = choices.choose_order(dated=bool(evidence.timeline.days))
    clusters = {c.cluster_id: c.name for c in evidence.clusters} if rows == "cluster" else None
    with place:
        chart = draw_order(parts.colours(), evidence.order, by_time=by == "time", clusters=clusters)
        parts.draw(chart, "order")


def _timeline(snapshot: "Snapshot", evidence: AccountEvidence) -> None:
    marks: Sequence[Release] = ()
    try:
        marks = reads.releases_of(snapshot)
    except ConfigError as error:
        st.text(parts.sentence(error))
    parts.draw(draw_timeline(parts.colours(), evidence.timeline, marks), "timeline")
    if evidence.timeline.undated and evidence.timeline.days:
        st.caption(f"{words.counted(evidence.timeline.undated, 'request')} without a time.")


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
            near = [account.account_id for account in evidence.nearest[: MOST - 1]]
            if st.button(f"Compare with the nearest {words.count(len(near))}", key="compare-near", type="tertiary"):
                links.go_to("compare", accounts=[evidence.row.account_id, *near])
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
