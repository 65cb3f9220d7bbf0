"""What verdicts come to: the precision of flags, and what the audit lets expect below review."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from support.labelled_store import write_labelled_store
from sweeplens.evaluate.bootstrap import Figure
from sweeplens.evaluate.verdicts import Audit, _share, account_verdicts, describe_audit, judge_verdicts, verdict_labels
from sweeplens.report.cases import audited, decision_on
from sweeplens.review import add_verdict
from sweeplens.review.verdicts import add_verdicts
from sweeplens.store.snapshot import Snapshot

ABOUT = {"snapshot_id": "s", "detector": "d"}
N = 120


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """120 accounts below review, of which three are in a campaign."""
    return write_labelled_store(tmp_path / "store", N).snapshot


def decide(snapshot: Snapshot, subject: str, word: str, audit: float, kind: str = "account") -> None:
    decision = decision_on(snapshot, kind, subject, word, seen=None, audit=audit)
    add_verdicts(snapshot.folder.parent, [decision], **ABOUT)


def test_the_interval_is_that_of_clopper_and_pearson() -> None:
    # Published values: Newcombe 1998, table I, method 5.
    for part, whole, low, high in ((81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684)):
        found = _share(part, whole)
        assert (found.value, round(found.low or 0, 4), round(found.high or 0, 4)) == (part / whole, low, high)
    assert _share(1, 29).low == pytest.approx(0.0009, abs=5e-5)
    assert _share(29, 29).high == 1.0
    assert _share(0, 0) == Figure(None)
    found = _share(3, 11)
    assert binom.sf(2, 11, found.low) == pytest.approx(0.025)
    assert binom.cdf(3, 11, found.high) == pytest.approx(0.025)


def test_an_audit_estimates_what_is_missed(snapshot: Snapshot) -> None:
    drawn = sorted(audited(snapshot, 0.25))
    assert 15 < len(drawn) < 50
    for i, account in enumerate(drawn):
        decide(snapshot, account, ("confirmed sweep", "benign", "benchmark")[i % 3], 0.25)
    found = judge_verdicts(snapshot, 0.25)
    sweeps = len(drawn[::3])
    audit = found.audit
    assert (audit.below, audit.drawn, audit.reviewed, audit.sweeps) == (N, len(drawn), len(drawn), sweeps)
    assert audit.missed.value == pytest.approx(N * sweeps / len(drawn))
    exact = _share(sweeps, len(drawn))
    assert audit.missed.low == pytest.approx(N * (exact.low or 0))
    assert audit.missed.high == pytest.approx(N * (exact.high or 0))
    assert (found.known, found.flagged, found.recall, found.precision) == (sweeps, 0, Figure(None), Figure(None))
    # By Horvitz and Thompson each counts for 1 / its chance; with the number of accounts known, it is as above.
    labels, weights = verdict_labels(snapshot.folder.parent, snapshot)
    attack = np.array([label.label == "attack" for label in labels])
    assert set(weights.tolist()) == {4.0}
    assert N * weights[attack].sum() / weights.sum() == pytest.approx(audit.missed.value)


def test_an_audit_of_every_account_knows_and_bounds_follow_from_what_is_reviewed(snapshot: Snapshot) -> None:
    for i, account in enumerate(sorted(audited(snapshot, 1.0))):
        decide(snapshot, account, "benign" if i else "confirmed sweep", 1.0)
    audit = judge_verdicts(snapshot, 1.0).audit
    assert (audit.missed.value, audit.missed.low, audit.missed.high) == (1.0, 1.0, 1.0)


def test_estimates_are_right_on_average() -> None:
    """Of many audits of a log with 40 sweeps among 400 accounts, the mean estimate is 40, and 95 % hold it."""
    rng, means, held = np.random.default_rng(5), [], 0
    for _ in range(2000):
        inside = rng.random(400) < 0.1
        n, sweeps = int(inside.sum()), int(inside[:40].sum())
        found = _share(sweeps, n)
        means.append(400 * (found.value or 0))
        held += 400 * (found.low or 0) <= 40 <= 400 * (found.high or 0)
    assert np.mean(means) == pytest.approx(40, abs=1.5)
    assert held >= 0.95 * 2000


def test_unsure_ones_and_those_outside_the_slice_do_not_count(snapshot: Snapshot) -> None:
    drawn = sorted(audited(snapshot, 0.25))
    outside = [a for a in snapshot.table("accounts")["account_id"].to_pylist() if a not in drawn]
    decide(snapshot, drawn[0], "unsure", 0.25)
    decide(snapshot, drawn[1], "tenant", 0.25)
    decide(snapshot, outside[5], "confirmed sweep", 0.25)
    found = judge_verdicts(snapshot, 0.25)
    assert (found.audit.reviewed, found.audit.sweeps, found.known) == (1, 0, 1)
    assert found.audit.missed.high == N - 1 or (found.audit.missed.high or 0) < N


def test_flags_and_campaigns_are_counted_by_their_verdicts(tmp_path: Path) -> None:
    from support.small_store import write_small_store

    snapshot = write_small_store(tmp_path / "small")
    store = snapshot.folder.parent
    add_verdict(store, "account", "dealt-a", "benign", **ABOUT)
    decide(snapshot, "C-01", "confirmed sweep", 1.0, "campaign")
    add_verdict(store, "account", "dealt-c", "benchmark", **ABOUT)
    decide(snapshot, "shop", "confirmed sweep", 1.0)
    decide(snapshot, "chat-1", "benign", 1.0)
    found = judge_verdicts(snapshot, 1.0)
    assert (found.flagged, dict(found.by_label)) == (4, {"attack": 2, "benign": 0, "dual": 1})
    assert (found.precision.value, found.precision.high) == (1.0, 1.0)
    assert (found.campaigns, found.decided, found.confirmed) == (1, 1, 1)
    assert (found.audit.below, found.audit.reviewed, found.audit.missed.value) == (4, 2, 2.0)
    assert found.recall.value == pytest.approx(2 / (2 + 2.0))
    low, value, high = found.recall.low, found.recall.value, found.recall.high
    assert all(a <= b for a, b in pairwise([low or 0, value or 0, high or 0]))
    assert account_verdicts(store, snapshot)["dealt-a"].kind == "campaign"  # the later one


def audit_of(reviewed: int, sweeps: int, drawn: int = 11, below: int = 549) -> Audit:
    share = _share(sweeps, reviewed)
    missed = Figure(None)
    if share.value is not None and share.low is not None and share.high is not None:
        missed = Figure(below * share.value, below * share.low, below * share.high)
    return Audit(0.02, below, drawn, reviewed, sweeps, missed)


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        (
            audit_of(0, 0, drawn=0),
            "The audit draws 2 % of the accounts, and none below review: nothing is known of what is missed.",
        ),
        (audit_of(0, 0), "0 of 11 audited accounts reviewed: nothing is known yet of what is missed."),
        (
            audit_of(7, 0),
            (
                "7 of 11 audited accounts reviewed, none a sweep: at most 41 % of the 549 accounts below review are "
                "missed sweeps (95 % interval 0 to 225); so few say little; those not reviewed are taken to be like "
                "the others."
            ),
        ),
        (
            audit_of(60, 1, drawn=60, below=3000),
            (
                "60 of 60 audited accounts reviewed, 1 of them a sweep: about 50 of the 3,000 accounts below review "
                "are missed sweeps (95 % interval 1 to 268)."
            ),
        ),
        (
            audit_of(300, 0, drawn=300, below=15_000),
            (
                "300 of 300 audited accounts reviewed, none a sweep: at most 1.3 % of the 15,000 accounts below review "
                "are missed sweeps (95 % interval 0 to 183)."
            ),
        ),
    ],
)
def test_the_sentence_says_how_little_it_knows(audit: Audit, said: str) -> None:
    assert describe_audit(audit) == said
