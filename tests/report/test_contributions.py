"""A score is the sum of its parts, and every part is known where the snapshot's detector is at hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.small_store import write_small_store
from sweeplens.detect.detector import Detector, Shape
from sweeplens.report import contributions
from sweeplens.report.account import account_evidence
from sweeplens.report.peers import add_up
from sweeplens.report.sentences import describe_sum, odds, signed
from sweeplens.store.snapshot import Snapshot

CELLS = Shape(np.array([0.6]), np.array([-0.5, 1.5]), 0.25)
REPEATS = Shape(np.array([0.05]), np.array([0.5, -1.0]), 0.0)
LOCALITY = Shape(np.array([0.5]), np.array([1.0, -1.0]), 0.125)
BASE = -2.0


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """Return the small store as if a known detector had scored it."""
    shapes = {"cells": CELLS, "repeats": REPEATS, "locality": LOCALITY}
    known = Detector("handmade", "1", BASE, shapes, {"watch": 0.2, "review": 0.5, "high": 0.8})
    monkeypatch.setattr(contributions, "choose_detector", lambda encoder, store: known)
    return write_small_store(tmp_path / "store")


def logit(score: float) -> float:
    return math.log(score / (1 - score))


def test_the_parts_add_up_to_the_score(explained: Snapshot) -> None:
    whole = add_up(explained, "lone")
    assert whole is not None
    assert {k: v for k, v in whole.weights.items() if v} == {"cells": 1.5, "repeats": 0.5, "locality": 0.125}
    assert whole.campaign == 0.0
    assert whole.base + whole.signals + whole.kin + whole.campaign == pytest.approx(whole.total)
    assert whole.total == pytest.approx(logit(0.97))


def test_what_the_campaign_adds_is_a_part_of_its_own(explained: Snapshot) -> None:
    whole = add_up(explained, "dealt-a")
    assert whole is not None
    assert whole.campaign == 2.0
    assert whole.kin == pytest.approx(logit(0.71) - BASE - whole.signals - 2.0)


def test_all_signals_carry_what_they_add(explained: Snapshot) -> None:
    facts = {fact.signal: fact for fact in account_evidence(explained, "chat-1").signals}
    assert facts["cells"].weight == -0.5
    assert facts["repeats"].weight == -1.0
    assert facts["locality"].weight is None  # it has no value
    assert facts["kin"].weight == pytest.approx(logit(0.12) - (BASE - 0.5 - 1.0 + 0.125))
    assert facts["kin"].text == "the accounts that ask most like it score higher"


def test_an_account_without_signals_is_not_taken_apart(explained: Snapshot) -> None:
    assert add_up(explained, "dealt-c") is None
    assert add_up(explained, "=cmd") is None


@pytest.mark.parametrize("change", [{"name": "other"}, {"version": "7"}])
def test_another_detector_explains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    facts: dict[str, Any] = {"name": "handmade", "version": "1", **change}
    other = Detector(base=BASE, shapes={"cells": CELLS}, levels={}, **facts)
    monkeypatch.setattr(contributions, "choose_detector", lambda encoder, store: other)
    assert add_up(write_small_store(tmp_path / "store"), "lone") is None


def test_a_detector_that_disagrees_with_what_was_written_down_explains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Detector("handmade", "1", BASE, {"cells": LOCALITY}, {})
    monkeypatch.setattr(contributions, "choose_detector", lambda encoder, store: other)
    snapshot = write_small_store(tmp_path / "store")
    assert add_up(snapshot, "lone") is None
    facts = account_evidence(snapshot, "lone").signals
    assert [(f.signal, f.weight) for f in facts if f.weight is not None] == [("cells", 1.5)]


def test_the_sum_is_said_in_words() -> None:
    whole = contributions.Contributions(-3.0, {"cells": 2.5}, {"cells": 0.0}, 0.5, 0.0, 0.0)
    assert describe_sum(whole) == (
        "In log-odds: −3.00 to start with, +2.50 from its signals, +0.50 from accounts that ask alike. "
        "That makes 0.00, a score of 0.50."
    )
    assert (signed(-0.001), signed(1.305), signed(-2.0)) == ("0.00", "+1.30", "−2.00")
    assert odds(math.log(2)) == "multiplies the odds by 2"
    assert odds(-math.log(3.5)) == "divides the odds by 3.5"
