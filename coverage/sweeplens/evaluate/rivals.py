"""Score a sample by the published detectors, with a clean benign reference from elsewhere in the same labels."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sweeplens.evaluate import peers
from sweeplens.evaluate.bootstrap import find_units
from sweeplens.evaluate.labels import Label
from sweeplens.evaluate.peers import Floats, Reference
from sweeplens.evaluate.sample import Sample, Traffic

NAMES = ("volume", "Mahalanobis", "CAP", "MMD", "PRADA", "SEAT", "Vendi")
KIN = "Mahalanobis*"  # the same with accounts of the scored account's own corpus in the reference
_MOST = 1000  # prompts of an account that are looked at
_PER_ACCOUNT = 100  # prompts that an account gives to a reference, so that volume does not decide it
_REFERENCE, _SAMPLE = 20_000, 1000  # prompts of a reference, and of the part that is compared pair by pair


def score_peers(
    sample: Sample, traffic: Traffic, *, seed: int = 1, progress: Callable[[int, int], None] | None = None
) -> dict[str, Floats]:
    """Return the scores [n] of each detector of `NAMES`, NaN for none.

    The reference of an account is all that is labelled benign in the other of two folds. A fold is of whole corpora,
    where the labels name them, else of campaigns, tenants and accounts: so a peer is given clean traffic of the very
    log that it judges, but none of the account's own kind, as our detector, which was trained elsewhere. Where there
    are corpora, the strongest peer is also scored with folds of accounts (`KIN`): its reference then holds most
    sorts of honest use that it will meet, which no operator can have.
    """
    folds = {"": split_folds(sample.labels)}
    if find_units(sample.labels)[0] == "corpora":
        folds[KIN] = split_folds(sample.labels, accounts=True)
    benign = np.array([label.label == "benign" for label in sample.labels])
    sent = np.array([len(prompts) for prompts in traffic.prompts])
    references = {
        name: [_reference(traffic, np.flatnonzero(benign & (fold != f) & (sent > 0)), seed) for f in (0, 1)]
        for name, fold in folds.items()
    }
    scores = {name: np.full(len(sample.labels), np.nan) for name in (*NAMES, *(n for n in folds if n))}
    for i in range(len(sample.labels)):
        if sent[i]:
            rows = traffic.rows(i, _MOST)
            found = _score_one(rows, int(sample.volume[i]), references[""][folds[""][i]])
            kin = references[KIN][folds[KIN][i]] if KIN in folds else None
            if kin is not None:
                found[KIN] = peers.mahalanobis(rows, kin)
            for name, value in found.items():
                scores[name][i] = value
        if progress is not None:
            progress(i + 1, len(sample.labels))
    order = [name for known in NAMES for name in (known, f"{known}*") if name in scores]
    return {name: scores[name] for name in order}


def split_folds(labels: Sequence[Label], *, accounts: bool = False) -> NDArray[np.int64]:
    """Return fold 0 or 1 of each account: the units of benign accounts, and of the others, alternate in hash order.

    Units are `accounts` also where all benign accounts are of one unit.
    """
    units = find_units(labels)[1]
    benign = {unit for unit, label in zip(units, labels, strict=True) if label.label == "benign"}
    if accounts or len(benign) < 2:
        units = [label.account_id for label in labels]
        benign = {unit for unit, label in zip(units, labels, strict=True) if label.label == "benign"}
    fold = {}
    for part in (benign, set(units) - benign):
        ranked = sorted(part, key=lambda unit: hashlib.sha256(unit.encode("utf-8", "surrogatepass")).digest())
        fold.update({unit: place % 2 for place, unit in enumerate(ranked)})
    return np.array([fold[unit] for unit in units], np.int64)


def _reference(traffic: Traffic, accounts: NDArray[np.int64], seed: int) -> Reference | None:
    """Learn from these accounts; None where there are too few prompts."""
    rows = [traffic.rows(int(a), _PER_ACCOUNT) for a in accounts]
    if sum(map(len, rows)) < 2:
        return None
    sender = np.repeat(accounts, [len(r) for r in rows])
    every = np.concatenate(rows)
    order = np.random.default_rng(seed).permutation(len(every))
    big, small = order[:_REFERENCE], order[:_SAMPLE]
    return peers.fit_reference(every[big], every[small], sender[small], seed)


def _score_one(rows: peers.Rows, n_requests: int, reference: Reference | None) -> dict[str, float]:
    found = {"volume": peers.volume(n_requests), "PRADA": peers.prada(rows), "Vendi": peers.vendi(rows)}
    if reference is not None:
        found["Mahalanobis"] = peers.mahalanobis(rows, reference)
        found["MMD"] = peers.mmd(rows, reference)
        found["SEAT"] = peers.seat(rows, reference)
        found["CAP"] = peers.cap(rows, reference)
    return found
