"""An account beside its peers: those of like number of distinct prompts and, where they are enough, of its language."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.accounts import KIN
from sweeplens.detect.raising import CAMPAIGN
from sweeplens.report.columns import columns_of, names_of, number, spaced
from sweeplens.report.contributions import Contributions, contributions_of
from sweeplens.report.facts import LEVELS, AccountRow, CapabilityShare, Curve, NearAccount, Peers, Reason, SignalFact
from sweeplens.report.find import find_account
from sweeplens.report.mixes import mixes_of
from sweeplens.report.queue import account_rows
from sweeplens.report.sentences import describe_comparison
from sweeplens.signals.catalog import BY_KEY
from sweeplens.signals.languages import UNTOLD
from sweeplens.signals.measure import LEAST, RATIO, PeerSet, find_peers

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_CURVES = 1000  # curves of peers that the band is made of, spread evenly over them
_BAND = 5  # peers that must have got as far for a band to be drawn there
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Reasons that other accounts give and no peers have: label, and which honest use looks the same.
_OTHERS = {
    KIN: ("accounts that ask alike", "people of one taste, users of one template"),
    CAMPAIGN: ("its campaign", "keys of one business, many runs of one benchmark"),
}


def peers_of(snapshot: "Snapshot", account: int) -> PeerSet:
    """Return the rows of an account's peers, in table order: the same ones that its percentiles were made with.

    An account with too few prompts to have signals is compared with all, others only with those that have them.
    """
    volume, language = mixes_of(snapshot).likeness
    able = np.flatnonzero(volume >= LEAST) if volume[account] >= LEAST else np.arange(len(volume))
    spoken = None if language is None else language[able]
    (peers,) = find_peers(volume[able], [int(np.searchsorted(able, account))], language=spoken)
    return PeerSet(np.sort(able[peers.rows]), peers.n_language)


def describe_peers(snapshot: "Snapshot", account: int, chosen: PeerSet) -> Peers:
    """Say who the peers are and how many of them score lower."""
    columns, mixes, peers = columns_of(snapshot), mixes_of(snapshot), chosen.rows
    scores, own = columns.scores[peers], columns.scores[account]
    scored = scores[~np.isnan(scores)]
    above = None if np.isnan(own) or not len(scored) else float((scored < own).mean())
    volumes, (judged, language) = columns.n_prompts[peers], mixes.likeness
    low, high = (int(volumes.min()), int(volumes.max())) if len(volumes) else (0, 0)
    apart = np.abs(np.log(np.maximum(judged[peers], 1)) - np.log(max(1, int(judged[account]))))
    like = len(peers) > 0 and bool((apart <= np.log(RATIO) + 1e-9).all())
    spoken = mixes.mix.main if language is None else language
    main = int(spoken[account])
    shared = main != UNTOLD and len(peers) > 0 and bool((spoken[peers] == main).all())
    known = None if main == UNTOLD else mixes.mix.words[main]
    text = describe_comparison(
        len(peers), known, like=like, shared=shared, n_language=chosen.n_language, by_language=language is not None
    )
    names = names_of(columns.accounts, peers)
    return Peers(names, low, high, like, len(scored), above, known if shared else None, chosen.n_language, text)


def compare_signals(
    snapshot: "Snapshot", account: int, peers: NDArray[np.int64], row: AccountRow
) -> tuple[SignalFact, ...]:
    """Return the account's signals beside the peers' quantiles, and what its kin and its campaign add.

    Those that speak most come first.
    """
    signals = columns_of(snapshot).signals
    five = _quantiles(signals.values[peers])
    whole = contributions_of(snapshot, account, row, five[:, 2])
    reasons = {reason.signal: reason for reason in row.reasons}
    facts = []
    for i, name in enumerate(signals.names):
        among = None if np.isnan(five[i]).any() else tuple(five[i].tolist())
        value, percentile = number(signals.values[account, i]), number(signals.percentiles[account, i])
        weight = reasons[name].weight if name in reasons else None
        telling, text = name in reasons, reasons[name].text if name in reasons else None
        if whole is not None and value is not None:
            weight = whole.weights.get(name)
        if name in BY_KEY and value is not None and among is not None:
            telling, text = _tell(name, value, among[2], percentile, whole, reasons.get(name))
        facts.append(_fact(name, value, percentile, among, weight, text, telling))
    facts += [_fact(r.signal, r.value, None, None, r.weight, r.text, True) for r in row.reasons if r.signal in _OTHERS]
    if whole is not None and whole.kin and KIN not in reasons:
        side = "higher" if whole.kin > 0 else "lower"
        facts.append(_fact(KIN, None, None, None, whole.kin, f"the accounts that ask most like it score {side}", True))
    return tuple(sorted(facts, key=_strength))


def add_up(snapshot: "Snapshot", account_id: str) -> Contributions | None:
    """Return what the score of an account is the sum of, None where that is not known; `NotFoundError` for the id."""
    account = find_account(snapshot, account_id)
    peers = columns_of(snapshot).signals.values[peers_of(snapshot, account).rows]
    row = account_rows(snapshot.table("accounts").slice(account, 1))[0]
    return contributions_of(snapshot, account, row, _quantiles(peers)[:, 2])


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the five quantiles of each column of [peers, signals] without its NaN: [signals, 5], NaN where none is."""
    five = np.full((values.shape[1], len(_QUANTILES)), np.nan)
    for i, column in enumerate(values.T):
        among = column[~np.isnan(column)]
        if len(among):
            five[i] = np.quantile(among, _QUANTILES)
    return five


def _tell(  # noqa: PLR0917 - all about one signal
    name: str, value: float, median: float, percentile: float | None, whole: Contributions | None, reason: Reason | None
) -> tuple[bool, str]:
    """Return whether a signal sets an account apart from its peers, and its sentence."""
    known, among = BY_KEY[name], np.nan if percentile is None else percentile
    adds = 0.0 if whole is None else whole.weights.get(name, 0.0)
    if whole is None or not adds:
        return reason is not None, known.sentence(value, median) if reason is None else reason.text
    telling = known.sets_apart(value, median, among, adds, whole.at_peers[name])
    text = known.reason(value, median, among, adds, whole.at_peers[name]) if reason is None else reason.text
    return telling or reason is not None, text


def _fact(  # noqa: PLR0917 - what it is made of
    name: str, value: float | None, percentile: float | None, five: tuple[float, ...] | None, weight: float | None,
    text: str | None, telling: bool,
) -> SignalFact:  # fmt: skip
    known = BY_KEY.get(name)
    label, fools = (known.label, known.fools) if known else _OTHERS.get(name, (name.replace("_", " "), ""))
    family = known.family if known else ""
    quantiles = None if five is None else (five[0], five[1], five[2], five[3], five[4])
    return SignalFact(name, family, label, value, percentile, quantiles, weight, text, fools, telling)


def _strength(fact: SignalFact) -> tuple[bool, float, float]:
    extremity = -1.0 if fact.peer_percentile is None else abs(fact.peer_percentile - 50.0)
    return fact.weight is None, -abs(fact.weight or 0.0), -extremity


def compare_curve(snapshot: "Snapshot", account: int, peers: NDArray[np.int64]) -> Curve:
    """Return the account's coverage curve and the band of the peers who got as far, read off between their points."""
    curves = columns_of(snapshot).curves
    own = slice(curves.starts[account], curves.starts[account + 1])
    n, cells = curves.n[own], curves.cells[own]
    table = np.full((len(peers[spaced(len(peers), _CURVES)]), len(n)), np.nan)
    for i, peer in enumerate(peers[spaced(len(peers), _CURVES)]):
        part = slice(curves.starts[peer], curves.starts[peer + 1])
        if part.stop > part.start:
            table[i] = np.interp(n, curves.n[part], curves.cells[part], right=np.nan)
    reached = (~np.isnan(table)).sum(0)
    band = np.full((3, len(n)), np.nan)
    enough = reached >= _BAND
    if enough.any():
        band[:, enough] = np.nanquantile(table[:, enough], (0.05, 0.5, 0.95), axis=0)
    low, median, high = (tuple(number(v) for v in line) for line in band)
    return Curve(tuple(n.tolist()), tuple(cells.tolist()), low, median, high, tuple(reached.tolist()))


def compare_capabilities(snapshot: "Snapshot", account: int, peers: NDArray[np.int64]) -> tuple[CapabilityShare, ...]:
    """Return the share of the account's distinct prompts on each capability beside its peers' median."""
    columns = columns_of(snapshot)
    own = columns.profile[account]
    shares = columns.profile[peers] / np.maximum(1, columns.profile[peers].sum(1, keepdims=True))
    medians = np.median(shares, axis=0).tolist() if len(peers) else [None] * len(own)
    total = max(1, int(own.sum()))
    rows = zip(columns.capabilities, own.tolist(), medians, strict=True)
    return tuple(CapabilityShare(key, name, n, n / total, median) for (key, name), n, median in rows)


def find_nearest(snapshot: "Snapshot", account: int, top: int) -> tuple[NearAccount, ...]:
    """Return the accounts whose shares over cells are most like the account's; a cell that few visit weighs more."""
    columns = columns_of(snapshot)
    similarity, shared = likeness_to(snapshot, account)
    similarity[account] = -1.0
    order = np.argsort(-similarity, kind="stable")[:top]
    campaigns = snapshot.table("accounts")["campaign_id"].take(order).to_pylist()
    return tuple(
        NearAccount(
            columns.accounts[i], min(1.0, float(similarity[i])), int(shared[i]), LEVELS[columns.levels[i]],
            number(columns.scores[i]), campaign,
        )
        for i, campaign in zip(order.tolist(), campaigns, strict=True)
        if similarity[i] > 0
    )  # fmt: skip


def likeness_to(snapshot: "Snapshot", account: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return for all accounts the likeness of their shares over cells to this one's, and how many cells they share."""
    columns = columns_of(snapshot)
    visits, total = columns.visits, len(columns.accounts)
    width = int(visits.cell.max(initial=-1)) + 1
    rarity = np.log((total + 1) / np.bincount(visits.cell, minlength=width).clip(1))
    # The square root keeps one much-visited cell from standing for the whole account.
    weight = np.sqrt(visits.n) * rarity[visits.cell]
    length = np.sqrt(np.bincount(visits.account, weights=weight**2, minlength=total))
    mine = np.zeros(width)
    own = visits.account == account
    mine[visits.cell[own]] = weight[own]
    dot = np.bincount(visits.account, weights=weight * mine[visits.cell], minlength=total)
    shared = np.bincount(visits.account, weights=mine[visits.cell] > 0, minlength=total)
    similarity: NDArray[np.float64] = dot / np.maximum(length * length[account], 1e-12)
    return similarity, shared.astype(np.int64)
