"""Why an account scores as it does: what counts most, and the prompts that show it."""

from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.facts import FLAGGED, AccountEvidence, PromptRow, SignalFact
from sweeplens.report.sentences import describe_sum
from sweeplens.report.showing import what_shows
from sweeplens.signals.catalog import BY_KEY, first_of_each_theme
from sweeplens.ui import choices, data, parts, prompts, words
from sweeplens.ui.charts.account import Strip, draw_strips
from sweeplens.ui.reads import account as reads
from sweeplens.ui.tables import prompts as prompt_tables
from sweeplens.ui.tables.base import text

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SIDES = (5, 3)  # reasons that speak for the account's level, and against it
_LEAST = 0.1  # log-odds under which a signal is no reason


def show(snapshot: "Snapshot", evidence: AccountEvidence) -> None:
    """Draw the reasons, how they add up, and the way to the prompts behind each."""
    facts = strongest(evidence)
    if not facts:
        st.markdown("**Why**")
        parts.nothing(
            "This account has too few distinct prompts to be compared with others.",
            "Look at its campaign, or wait for a snapshot with more of its requests.",
        )
        return
    parts.draw(draw_strips(parts.colours(), [_strip(snapshot, evidence, fact) for fact in facts]), "why-chart")
    whole = reads.contributions(snapshot, evidence.row.account_id)
    if whole is not None:
        st.caption(describe_sum(whole))
    _behind(snapshot, evidence, facts)


def strongest(evidence: AccountEvidence) -> list[SignalFact]:
    """Return what raises the score most, then what lowers it most; more of the side on which the account stands.

    What raises it are the reasons that the account's row has. On neither side stands a signal on which the account
    looks like its peers, or a second one that says the same.
    """
    known = {fact.signal: fact for fact in evidence.signals if fact.weight is not None and abs(fact.weight) >= _LEAST}
    raising = [known[r.signal] for r in evidence.row.reasons if r.signal in known and (known[r.signal].weight or 0) > 0]
    against = sorted((f for f in known.values() if (f.weight or 0.0) < 0 and f.telling), key=lambda f: f.weight or 0.0)
    lowering = [known[key] for key in first_of_each_theme(f.signal for f in against)]
    flagged = evidence.row.level in FLAGGED
    most = _SIDES if flagged else _SIDES[::-1]
    return raising[: most[0]] + lowering[: most[1]]


def _strip(snapshot: "Snapshot", evidence: AccountEvidence, fact: SignalFact) -> Strip:
    peers = () if fact.quantiles is None else evidence.peers.account_ids
    values = data.peer_values(snapshot, peers, fact.signal)
    write = BY_KEY[fact.signal].show if fact.signal in BY_KEY else words.short
    middle = None if fact.quantiles is None else fact.quantiles[2]
    shown = ("–" if fact.value is None else write(fact.value), "–" if middle is None else write(middle))
    return Strip(fact.text or fact.label, fact.weight, fact.value, values, shown)


@parts.fragment
def _behind(snapshot: "Snapshot", evidence: AccountEvidence, facts: list[SignalFact]) -> None:
    by_key = {fact.signal: fact for fact in facts}
    chosen = choices.choose_any("Prompts that show", list(by_key), "why", shown=lambda s: by_key[s].label)
    if chosen is None:
        return
    fact, account_id = by_key[chosen], evidence.row.account_id
    fools = f" Honest use that looks the same: {fact.fools}." if fact.fools else ""
    what = what_shows(fact.signal, fact.peer_percentile)
    if what is None:
        st.caption(f"No single prompt shows this: {_instead(fact)}.{fools}")
        return
    ids = reads.prompts_showing(snapshot, account_id, fact.signal)
    if not len(ids):
        st.caption(f"It has no prompts of this kind: {what}.{fools}")
        return
    rows = _rows(snapshot, evidence, ids.tolist())
    st.caption(f"Its prompts: {what}.{fools}")
    columns = {
        **prompt_tables.prompt_columns(),
        "n_accounts": None,
        "text": text("Prompt", 330),
        "cluster": text("Cluster", 120),
    }
    at = parts.pick(prompt_tables.prompts(rows), columns, f"why-{chosen}", rows=8)
    if at is not None and at < len(rows):
        prompts.show_prompt(snapshot, rows[at], "why")


def _instead(fact: SignalFact) -> str:
    if fact.signal in BY_KEY and BY_KEY[fact.signal].family == "kin":
        return "it is about the accounts on like ground below"
    return {
        "kin": "it is what the accounts on like ground below add",
        "campaign": "it is what the page of its campaign shows",
    }.get(fact.signal, "it is about all of them together")


def _rows(snapshot: "Snapshot", evidence: AccountEvidence, ids: list[int]) -> list[PromptRow]:
    """Return rows of these prompts, with the account's own counts where they are at hand."""
    own = {row.prompt_id: row for row in evidence.prompts}
    missing = [i for i in ids if i not in own]
    own |= {row.prompt_id: row for row in data.prompt_rows(snapshot, missing)} if missing else {}
    return [own[i] for i in ids]
