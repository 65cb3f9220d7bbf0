"""Which rows of the queue match the filters that an analyst set: one mask a filter, over columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.briefs import brief_campaign
from sweeplens.report.columns import NO_TIME, columns_of, encode
from sweeplens.report.facts import LEVELS
from sweeplens.report.mixes import mixes_of
from sweeplens.report.ranking import Mask, Ranking
from sweeplens.review.cases import STATES
from sweeplens.signals.languages import UNKNOWN, UNTOLD
from sweeplens.store.once import once

if TYPE_CHECKING:
    import pyarrow as pa

    from sweeplens.report.cases import Cases
    from sweeplens.store.snapshot import Snapshot

Show = Literal["all", "campaigns", "accounts"]
SHOW: tuple[Show, ...] = get_args(Show)
NOBODY = "\0"  # no name that anybody has
_MODELS = 60  # models that can be filtered by, those with most requests
_OPEN = STATES.index("open")
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Wanted:
    """What to narrow the queue down to; what is empty takes all.

    first, last  days (UTC) within which a row was seen
    assignee     a name, or `NOBODY`
    audit, new   only rows of the audit slice, only those that are new or raised
    id           part of the row's own id
    text         looked for in ids, reasons, notes of verdicts and links
    """

    show: Show = "all"
    levels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    about: str = ""
    model: str = ""
    language: str = ""
    first: date | None = None
    last: date | None = None
    assignee: str = ""
    audit: bool = False
    new: bool = False
    id: str = ""
    text: str = ""


class Fields:
    """What the accounts of a snapshot can be narrowed down by, made when it is first asked for."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self._snapshot = snapshot

    @once
    def about(self) -> NDArray[np.int32]:
        """Row of the capability that most distinct prompts of each account are on."""
        best: NDArray[np.int32] = columns_of(self._snapshot).profile.argmax(1).astype(np.int32)
        return best

    @once
    def _models(self) -> tuple[list[str], Mask]:
        columns, table = columns_of(self._snapshot), self._snapshot.table("requests", ["model"])
        named = np.asarray(table["model"].is_valid().to_numpy())
        codes, names = encode(table["model"].filter(named))
        most = np.argsort(-np.bincount(codes, minlength=len(names)), kind="stable")[:_MODELS]
        used = np.zeros((len(columns.accounts), len(names)), bool)
        used[columns.request_account[named], codes] = True
        return [names[i] for i in most.tolist()], used[:, most]

    @property
    def models(self) -> list[str]:
        """Models that the log names, those with most requests first; the names are hostile."""
        return self._models[0]

    def asks(self, model: str) -> Mask:
        """Return which accounts asked a model."""
        names, used = self._models
        return used[:, names.index(model)] if model in names else np.zeros(len(used), bool)

    @once
    def languages(self) -> list[str]:
        """ISO 639 codes of the languages that accounts ask mostly in, that of most accounts first, "und" last."""
        mix = mixes_of(self._snapshot).mix
        users = np.bincount(mix.main[mix.main != UNTOLD], minlength=len(mix.words))
        order = np.argsort(-users, kind="stable")[: np.count_nonzero(users)]
        return [*(mix.words[i] for i in order.tolist()), *([UNKNOWN] if (mix.main == UNTOLD).any() else [])]

    def language(self, code: str) -> Mask:
        """Return which accounts ask mostly in a language; "und" are those of whose prompts no language is told."""
        mix = mixes_of(self._snapshot).mix
        place = {UNKNOWN: UNTOLD, **{word: i for i, word in enumerate(mix.words)}}
        found: Mask = mix.main == place.get(code, len(mix.words))
        return found

    @once
    def sentences(self) -> "tuple[pa.Array, NDArray[np.int64]]":
        """All reasons of all accounts as sentences, and the row of the account that each is about."""
        import pyarrow.compute as pc

        reasons = self._snapshot.table("accounts")["reasons"].combine_chunks()
        return pc.struct_field(pc.list_flatten(reasons), "text"), np.asarray(pc.list_parent_indices(reasons), np.int64)

    @once
    def links(self) -> "tuple[pa.ChunkedArray, NDArray[np.int64]]":
        """What accounts share with others, such as an organisation, and the row of the account of each."""
        table, position = self._snapshot.table("links"), columns_of(self._snapshot).position
        rows = np.array([position.get(a, -1) for a in table["account_id"].to_pylist()], np.int64)
        return table["value"], rows


@dataclass(frozen=True, eq=False)
class Desk:
    """What is known about each row of the queue besides the snapshot.

    state     place in `STATES`
    assigned  names by row
    notes     notes of the last verdicts by row
    audit     rows of the audit slice
    change    since another snapshot: 0 as before, 1 raised, 2 new
    """

    state: NDArray[np.int8]
    assigned: dict[int, str]
    notes: dict[int, str]
    audit: Mask
    change: NDArray[np.int8]


def lay_out(ranking: Ranking, cases: "Cases", audited: Iterable[str], change: NDArray[np.int8]) -> Desk:
    """Return what is known about each row from the cases, the audit slice and the snapshot before."""
    campaigns = {g.campaign_id: at for at, g in enumerate(ranking.campaigns)}
    accounts = {a: at for at, a in enumerate(ranking.accounts)} if cases.known or audited else {}
    state, assigned, notes = np.full(len(ranking), _OPEN, np.int8), dict[int, str](), dict[int, str]()
    for (kind, subject), case in cases.known.items():
        at = (campaigns if kind == "campaign" else accounts).get(subject)
        if at is None:
            continue
        row = int((ranking.campaign_place if kind == "campaign" else ranking.account_place)[at])
        state[row] = STATES.index(case.state)
        if case.assignee:
            assigned[row] = case.assignee
        if case.verdict is not None and case.verdict.note:
            notes[row] = case.verdict.note
    drawn = np.zeros(len(ranking), bool)
    drawn[ranking.account_place[[accounts[a] for a in audited if a in accounts]]] = True
    return Desk(state, assigned, notes, drawn, change)


def narrow(snapshot: "Snapshot", ranking: Ranking, desk: Desk, fields: Fields, wanted: Wanted) -> NDArray[np.int64]:
    """Return the rows of the queue that match all filters, in their order."""
    mask = np.ones(len(ranking), bool)
    if wanted.show != "all":
        mask &= ranking.grouped == (wanted.show == "campaigns")
    if wanted.levels:
        mask &= np.isin(ranking.level, [LEVELS.index(level) for level in wanted.levels])
    if wanted.states:
        mask &= np.isin(desk.state, [STATES.index(state) for state in wanted.states])
    if wanted.assignee:
        given = np.zeros(len(ranking), bool)
        given[[row for row, name in desk.assigned.items() if wanted.assignee in (NOBODY, name)]] = True
        mask &= ~given if wanted.assignee == NOBODY else given
    if wanted.audit:
        mask &= desk.audit
    if wanted.new:
        mask &= desk.change > 0
    mask &= _seen_within(ranking, wanted.first, wanted.last)
    for accounts in _of_accounts(snapshot, fields, wanted):
        mask &= ranking.spread(accounts)
    if wanted.id:
        mask &= _named(snapshot, ranking, wanted.id)
    if wanted.text.strip():
        mask &= _mentions(snapshot, ranking, desk, fields, wanted.text.strip())
    return np.flatnonzero(mask)


def _of_accounts(snapshot: "Snapshot", fields: Fields, wanted: Wanted) -> Iterable[Mask]:
    """Return which accounts match each filter that asks about single accounts; a campaign matches by any member."""
    if wanted.about:
        names = [name for _, name in columns_of(snapshot).capabilities]
        yield fields.about == (names.index(wanted.about) if wanted.about in names else -1)
    if wanted.model:
        yield fields.asks(wanted.model)
    if wanted.language:
        yield fields.language(wanted.language)


def _seen_within(ranking: Ranking, first: date | None, last: date | None) -> Mask:
    """Return which rows were seen between two days, both included; rows without times only where none is given."""
    mask = np.ones(len(ranking), bool)
    if first is not None:
        mask &= (ranking.last >= _micros(first)) & (ranking.last != NO_TIME)
    if last is not None:
        mask &= ranking.first < _micros(last) + _DAY
    return mask


def _micros(day: date) -> int:
    return round(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000


def _named(snapshot: "Snapshot", ranking: Ranking, part: str) -> Mask:
    """Return which rows have a part of an id in their own."""
    mask = ranking.spread(_holding(snapshot.table("accounts")["account_id"], part), to_campaigns=False)
    wanted = part.casefold()
    hits = np.array([wanted in g.campaign_id.casefold() for g in ranking.campaigns], bool)
    mask[ranking.campaign_place[hits]] = True
    return mask


def _mentions(snapshot: "Snapshot", ranking: Ranking, desk: Desk, fields: Fields, text: str) -> Mask:
    """Return which rows hold a text in their id, reasons, note or links; campaigns in ids and links of members, too."""
    wanted = text.casefold()
    sentences, about = fields.sentences
    said = np.zeros(len(ranking.accounts), bool)
    said[about[_holding(sentences, text)]] = True
    shared = _holding(snapshot.table("accounts")["account_id"], text)
    values, whose = fields.links
    linked = whose[_holding(values, text)]
    shared[linked[linked >= 0]] = True
    mask = ranking.spread(said, to_campaigns=False) | ranking.spread(shared)
    hits = [wanted in f"{g.campaign_id} {brief_campaign(g)}".casefold() for g in ranking.campaigns]
    mask[ranking.campaign_place[np.array(hits, bool)]] = True
    mask[[row for row, note in desk.notes.items() if wanted in note.casefold()]] = True
    return mask


def _holding(texts: "pa.Array | pa.ChunkedArray", part: str) -> Mask:
    """Return which texts hold a part, in capitals or not."""
    import pyarrow.compute as pc

    found = pc.match_substring(texts, part, ignore_case=True)
    return np.asarray(pc.fill_null(found, False), bool)
