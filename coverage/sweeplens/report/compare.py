"""A few accounts side by side: what sets them apart, and what they have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of
from sweeplens.report.facts import AccountEvidence, SignalFact
from sweeplens.report.find import find_account
from sweeplens.report.peers import likeness_to
from sweeplens.report.sentences import count

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

MOST = 4  # accounts that are compared
_SHARED = 200  # prompts in common that are listed
_LINKS = 100  # links in common that are listed


@dataclass(frozen=True)
class Pair:
    """Two of the accounts: cosine of their shares over cells (rare cells weigh more), cells and prompts in common."""

    first: str
    second: str
    similarity: float
    shared_cells: int
    shared_prompts: int


@dataclass(frozen=True)
class Difference:
    """One signal of each account, None where one lacks it.

    `adds` is how far apart they lie in log-odds, `percentiles` in percentile points among the peers; None where fewer
    than two are known.
    """

    signal: str
    label: str
    facts: tuple[SignalFact | None, ...]
    adds: float | None
    percentiles: float | None


@dataclass(frozen=True)
class InCommon:
    """A prompt that two or more of the accounts sent: how often each sent it, and how many accounts did in all."""

    prompt_id: int
    sent: tuple[int, ...]
    n_accounts: int


@dataclass(frozen=True)
class LinkInCommon:
    """Something beside the prompts that two or more of the accounts have, of `n_accounts` in the whole log."""

    kind: str
    value: str
    who: tuple[str, ...]
    n_accounts: int


@dataclass(frozen=True)
class Comparison:
    """What is known about a few accounts together; `n_shared` prompts were sent by two or more, `shared` are some."""

    accounts: tuple[str, ...]
    headline: str
    cells: tuple[int, ...]
    cells_of_all: int
    cells_together: int
    pairs: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    n_shared: int
    shared: tuple[InCommon, ...]
    links: tuple[LinkInCommon, ...]


def compare_accounts(snapshot: "Snapshot", evidences: Sequence[AccountEvidence]) -> Comparison:
    """Compare accounts, two to four of them; raises `NotFoundError` for an account of another snapshot."""
    ids = tuple(e.row.account_id for e in evidences)
    places = [find_account(snapshot, account_id) for account_id in ids]
    visited = [_cells(snapshot, place) for place in places]
    _, by = np.unique(np.concatenate(visited), return_counts=True) if visited else (None, np.empty(0, np.int64))
    n_shared, shared = _prompts(snapshot, places)
    of_all, together = int((by == len(ids)).sum()), len(by)
    return Comparison(
        accounts=ids,
        headline=_headline(len(ids), of_all, together, n_shared),
        cells=tuple(map(len, visited)),
        cells_of_all=of_all,
        cells_together=together,
        pairs=_pairs(snapshot, ids, places),
        differences=_differences(evidences),
        n_shared=n_shared,
        shared=shared,
        links=_links(snapshot, ids),
    )


def _headline(n: int, of_all: int, together: int, n_shared: int) -> str:
    everybody, several = ("both", "both") if n == 2 else (f"all {n}", "two or more of them")
    ground = f"the {count(together, 'cell')} that they cover together"
    lead = (
        f"{everybody.capitalize()} visit {of_all:,} of {ground}"
        if of_all
        else f"Of {ground}, none is visited by {everybody}"
    )
    same = "no prompt was" if not n_shared else "one prompt was" if n_shared == 1 else f"{n_shared:,} prompts were"
    return f"{lead}, and {same} sent by {several}."


def _cells(snapshot: "Snapshot", account: int) -> NDArray[np.int32]:
    visits = columns_of(snapshot).visits
    low, high = np.searchsorted(visits.account, (account, account + 1))
    return visits.cell[low:high]


def _pairs(snapshot: "Snapshot", ids: Sequence[str], places: Sequence[int]) -> tuple[Pair, ...]:
    columns, found = columns_of(snapshot), []
    own = [set(columns.pairs.prompt[slice(*columns.pairs.starts[[p, p + 1]])].tolist()) for p in places]
    for i, place in enumerate(places[:-1]):
        similarity, cells = likeness_to(snapshot, place)
        for j in range(i + 1, len(places)):
            both = len(own[i] & own[j])
            found.append(Pair(ids[i], ids[j], min(1.0, float(similarity[places[j]])), int(cells[places[j]]), both))
    return tuple(sorted(found, key=lambda pair: -pair.similarity))


def _differences(evidences: Sequence[AccountEvidence]) -> tuple[Difference, ...]:
    """Return all signals of the accounts, those first that set their scores apart most."""
    tables = [{fact.signal: fact for fact in e.signals} for e in evidences]
    found = []
    for signal in dict.fromkeys(signal for table in tables for signal in table):
        facts = tuple(table.get(signal) for table in tables)
        label = next(fact.label for fact in facts if fact is not None)
        adds = [0.0 if f is None else f.weight or 0.0 for f in facts] if _counts(facts) else []
        percentiles = [f.peer_percentile for f in facts if f is not None and f.peer_percentile is not None]
        found.append(Difference(signal, label, facts, _spread(adds), _spread(percentiles)))
    return tuple(sorted(found, key=lambda d: (d.adds is None, -(d.adds or 0.0), -(d.percentiles or 0.0))))


def _counts(facts: Sequence[SignalFact | None]) -> bool:
    """Say whether what a signal adds is known: by one account at least, the others then have none of it."""
    return any(fact is not None and fact.weight is not None for fact in facts)


def _spread(values: Sequence[float]) -> float | None:
    return max(values) - min(values) if len(values) > 1 else None


def _prompts(snapshot: "Snapshot", places: Sequence[int]) -> tuple[int, tuple[InCommon, ...]]:
    """Return how many prompts two or more accounts sent, and those of most accounts, then those sent most often."""
    pairs = columns_of(snapshot).pairs
    parts = [slice(pairs.starts[p], pairs.starts[p + 1]) for p in places]
    ids, by = np.unique(np.concatenate([pairs.prompt[part] for part in parts]), return_counts=True)
    ids, by = ids[by > 1], by[by > 1]
    sent = np.zeros((len(ids), len(places)), np.int64)
    for k, part in enumerate(parts):
        at = np.searchsorted(ids, pairs.prompt[part]).clip(0, max(0, len(ids) - 1))
        here = ids[at] == pairs.prompt[part] if len(ids) else np.zeros(0, bool)
        sent[at[here], k] = pairs.sent[part][here]
    top = np.lexsort((ids, -sent.sum(1), -by))[:_SHARED]
    in_all = snapshot.table("use")["n_accounts"].take(ids[top]).to_pylist()
    rows = zip(ids[top].tolist(), sent[top].tolist(), in_all, strict=True)
    return len(ids), tuple(InCommon(prompt, tuple(times), n) for prompt, times, n in rows)


def _links(snapshot: "Snapshot", ids: Sequence[str]) -> tuple[LinkInCommon, ...]:
    import pyarrow.compute as pc

    own = snapshot.table("links").filter(pc.field("account_id").isin(list(ids)))
    having: dict[tuple[str, str], tuple[list[str], int, float]] = {}
    for link in own.to_pylist():
        who, _, _ = having.setdefault((link["kind"], link["value"]), ([], link["n_accounts"], link["weight"]))
        who.append(link["account_id"])
    found = [
        (-len(who) * weight, LinkInCommon(kind, value, tuple(a for a in ids if a in who), n))
        for (kind, value), (who, n, weight) in having.items()
        if len(who) > 1
    ]
    found.sort(key=lambda f: (f[0], f[1].kind, f[1].value))
    return tuple(link for _, link in found[:_LINKS])
