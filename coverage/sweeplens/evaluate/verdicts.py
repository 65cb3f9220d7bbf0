"""What verdicts say of a snapshot: how many flags are right, and how many sweeps the audit lets expect below review."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.evaluate.bootstrap import LEVEL, Figure
from sweeplens.evaluate.labels import Label
from sweeplens.report.cases import audited
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import FLAGGED, LEVELS
from sweeplens.report.queue import campaign_queue
from sweeplens.report.sentences import count
from sweeplens.review.verdicts import latest_verdicts

if TYPE_CHECKING:
    from sweeplens.review.verdicts import Verdict
    from sweeplens.store.snapshot import Snapshot

MEANING = {"confirmed sweep": "attack", "benign": "benign", "tenant": "benign", "benchmark": "dual"}
_FEW = 30  # reviewed accounts of an audit below which its estimate is called rough


@dataclass(frozen=True)
class Audit:
    """What is known from accounts below review that were drawn at random.

    share     chance (0-1) of each account to be drawn
    below     accounts of the snapshot below review
    drawn     of these, how many are in the slice
    reviewed  of these, how many have a verdict that says what they are
    sweeps    of these, how many are confirmed sweeps
    missed    how many of all accounts below review are sweeps: estimate and 95 % interval, None where none is reviewed
    """

    share: float
    below: int
    drawn: int
    reviewed: int
    sweeps: int
    missed: Figure


@dataclass(frozen=True)
class Reviewed:
    """What the verdicts on a snapshot's accounts and campaigns come to.

    flagged     accounts at review or high
    by_label    of these, how many are attack, benign and dual by their verdict; the others have none, or are unsure
    precision   of the flagged that are attack or benign, the share of attacks, as if these were drawn at random
    known       confirmed sweeps below review, however they were found
    recall      confirmed sweeps among the flagged, of these and those that are estimated to be missed
    campaigns   campaigns labelled sweep; `decided` of them have a verdict other than unsure, `confirmed` a sweep's
    """

    flagged: int
    by_label: Mapping[str, int]
    precision: Figure
    known: int
    audit: Audit
    recall: Figure
    campaigns: int
    decided: int
    confirmed: int


def account_verdicts(store: Path, snapshot: "Snapshot") -> "dict[str, Verdict]":
    """Return the verdict that counts for each account: its own last one, or a later one on a campaign that it was in.

    A campaign's counts for the members that it had when it was decided; in an old file, which does not know them, for
    those of this snapshot, where it was decided on it. A campaign about which somebody is unsure says nothing.
    """
    last = latest_verdicts(store)
    present = {row.campaign_id: row.accounts for row in campaign_queue(snapshot, include_all=True)}
    counts = {subject: v for (kind, subject), v in last.items() if kind == "account"}
    for (kind, subject), verdict in last.items():
        if kind == "account" or verdict.verdict not in MEANING:
            continue
        here = present.get(subject, ()) if verdict.snapshot_id == snapshot.snapshot_id else ()
        for member in verdict.members or here:
            own = counts.get(member)
            if own is None or (own.at, own.id) < (verdict.at, verdict.id):
                counts[member] = verdict
    return counts


def verdict_labels(store: Path, snapshot: "Snapshot") -> tuple[list[Label], NDArray[np.float64]]:
    """Return a label for each account whose verdict says what it is, by id, and how many accounts each stands for.

    One that owes it to a draw that somebody looked at it stands for 1 / its chance of being drawn (Horvitz and Thompson
    1952); one that was flagged, or that an analyst chose, for itself.
    """
    known = sorted((a, v) for a, v in account_verdicts(store, snapshot).items() if v.verdict in MEANING)
    labels = [Label(account, MEANING[v.verdict]) for account, v in known]
    weights = [1.0 if v.inclusion is None or v.kind == "campaign" else 1 / v.inclusion for _, v in known]
    return labels, np.array(weights, np.float64)


def judge_verdicts(snapshot: "Snapshot", share: float) -> Reviewed:
    """Hold the levels of a snapshot against the verdicts in its store; `share` of the accounts is drawn for audit."""
    store, columns = snapshot.folder.parent, columns_of(snapshot)
    last = latest_verdicts(store)
    meant = {a: MEANING.get(v.verdict, "") for a, v in account_verdicts(store, snapshot).items()}
    flags = columns.levels >= min(LEVELS.index(level) for level in FLAGGED)
    up = [meant.get(a, "") for a, flag in zip(columns.accounts, flags.tolist(), strict=True) if flag]
    down = [a for a, flag in zip(columns.accounts, flags.tolist(), strict=True) if not flag]
    by_label = {label: up.count(label) for label in ("attack", "benign", "dual")}
    audit = _judge_audit(down, audited(snapshot, share), meant, share)
    groups = [last.get(("campaign", row.campaign_id)) for row in campaign_queue(snapshot)]
    words = [v.verdict for v in groups if v is not None and v.verdict in MEANING]
    return Reviewed(
        flagged=len(up),
        by_label=by_label,
        precision=_share(by_label["attack"], by_label["attack"] + by_label["benign"]),
        known=sum(meant.get(a) == "attack" for a in down),
        audit=audit,
        recall=_recall(by_label["attack"], audit.missed),
        campaigns=len(groups),
        decided=len(words),
        confirmed=words.count("confirmed sweep"),
    )


def _judge_audit(below: list[str], drawn: frozenset[str], meant: Mapping[str, str], share: float) -> Audit:
    """Estimate how many accounts below review are sweeps.

    Each has the same chance to be drawn, so that the Horvitz-Thompson estimate, with the number of accounts known
    (Hajek 1971), is the share of sweeps in the slice times that number. The interval is that of Clopper and Pearson
    (1934), within what the reviewed accounts leave possible. Those not yet reviewed are taken to be like the others.
    """
    inside = [meant.get(a, "") for a in below if a in drawn]
    known = [label for label in inside if label]
    n, sweeps, total = len(known), known.count("attack"), len(below)
    found = _share(sweeps, n)
    missed = Figure(None)
    if found.value is not None and found.low is not None and found.high is not None:
        most = total - (n - sweeps)
        missed = Figure(total * found.value, max(total * found.low, sweeps), min(total * found.high, most))
    return Audit(share, total, len(inside), n, sweeps, missed)


def _share(part: int, whole: int) -> Figure:
    """Return a share with its exact interval (Clopper and Pearson 1934); none of nothing."""
    from scipy.stats import beta

    if not whole:
        return Figure(None)
    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, part, whole - part + 1)) if part else 0.0
    high = float(beta.ppf(1 - tail, part + 1, whole - part)) if part < whole else 1.0
    return Figure(part / whole, low, high)


def _recall(caught: int, missed: Figure) -> Figure:
    if missed.value is None or missed.low is None or missed.high is None or not caught:
        return Figure(None)
    return Figure(caught / (caught + missed.value), caught / (caught + missed.high), caught / (caught + missed.low))


def _at_most(part: float) -> str:
    """Return an upper bound (0-1) as a percentage, rounded up."""
    tens = 1 if part >= 0.1 else 10
    return f"{math.ceil(100 * part * tens) / tens:g} %"


def describe_audit(audit: Audit) -> str:
    """Say what the audit lets expect, and how little where it is little."""
    asked = f"The audit draws {100 * audit.share:g} % of the accounts"
    if not audit.drawn:
        return f"{asked}, and none below review: nothing is known of what is missed."
    slice_ = f"{audit.reviewed:,} of {count(audit.drawn, 'audited account')} reviewed"
    missed = audit.missed
    if missed.value is None or missed.low is None or missed.high is None:
        return f"{slice_}: nothing is known yet of what is missed."
    low, high = round(missed.low), round(missed.high)
    total = f"the {audit.below:,} accounts below review"
    if not audit.sweeps:
        said = f"{slice_}, none a sweep: at most {_at_most(missed.high / audit.below)} of {total} are missed sweeps"
    else:
        said = (
            f"{slice_}, {audit.sweeps:,} of them {'a sweep' if audit.sweeps == 1 else 'sweeps'}: about "
            f"{round(missed.value):,} of {total} are missed sweeps"
        )
    rough = "; so few say little" if audit.reviewed < _FEW else ""
    rest = "; those not reviewed are taken to be like the others" if audit.reviewed < audit.drawn else ""
    return f"{said} (95 % interval {low:,} to {high:,}){rough}{rest}."
