"""The members of a campaign: a click opens one, the boxes choose some to compare or to decide on."""

from typing import TYPE_CHECKING, Literal

import streamlit as st

from sweeplens.report.facts import CampaignEvidence
from sweeplens.ui import data, deciding, links, parts, words
from sweeplens.ui.tables import campaigns as tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_ROWS = 8  # that are seen without scrolling in the table
_ROW = 31  # px
_COMPARED = range(2, 5)  # accounts that can be compared
_CHOSEN = "members-chosen"  # campaign id -> rows that were chosen, kept while the analyst looks at other pages


@parts.fragment
def show_members(snapshot: "Snapshot", evidence: CampaignEvidence) -> None:
    """List the members, and what can be done with those that are chosen."""
    total = len(evidence.row.accounts)
    st.markdown(
        "**Members**", help="The highest level first. A click opens the account; the boxes at the left choose some."
    )
    chosen = _table(snapshot, evidence)
    if total > len(evidence.members):
        listed = words.count(len(evidence.members))
        st.caption(f"The first {listed} of {words.count(total)} members, highest levels and scores first.")
    _actions(snapshot, [evidence.members[at].account_id for at in chosen])


def _table(snapshot: "Snapshot", evidence: CampaignEvidence) -> list[int]:
    """Show the table and return the rows that are chosen; a click into one leaves the page."""
    rows, campaign_id = evidence.members, evidence.row.campaign_id
    cases = data.cases(snapshot)
    states = {row.account_id: cases.of_row(row).state for row in rows}
    height: int | Literal["content"] = "content" if len(rows) <= _ROWS else _ROW * (_ROWS + 1) + 4
    kept = st.session_state.setdefault(_CHOSEN, {})
    event = st.dataframe(
        tables.members(rows, states), key="members", hide_index=True, column_config=tables.member_columns(rows),
        on_select="rerun", selection_mode=["multi-row", "single-cell"], height=height, placeholder="–",
        selection_default={"selection": {"rows": kept.get(campaign_id, [])}},
    )  # fmt: skip
    chosen = sorted(at for at in event.selection.rows if at < len(rows))
    kept[campaign_id] = chosen
    cells = event.selection.cells
    if cells and cells[0][0] < len(rows):
        links.go_to("account", account=rows[cells[0][0]].account_id)
    return chosen


def _actions(snapshot: "Snapshot", chosen: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Compare", key="members-compare", disabled=len(chosen) not in _COMPARED,
            help="Two to four chosen members side by side.",
        ):  # fmt: skip
            links.go_to("compare", accounts=chosen)
        hint = "The boxes choose members to compare or to decide on; the verdict above is on all of them."
        st.caption(f"{words.counted(len(chosen), 'member')} chosen." if chosen else hint)
    if chosen:
        deciding.decide_many(snapshot, [("account", account) for account in chosen], "decide-members")
