"""Two analysts at once: nothing is lost, and the second is told of the first before anything is overwritten."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from sweeplens.review import add_verdict, history
from sweeplens.review.people import Person
from sweeplens.review.verdicts import Decision, VerdictConflictError, add_verdicts, all_verdicts

ABOUT = {"snapshot_id": "s", "detector": "d"}
ANN, BOB = Person("ann"), Person("bob", verified=True)
# Each decides the same subject twenty times over, as it last saw it; what it is told in between it has then seen.
RACE = """
import sys; from pathlib import Path
from sweeplens.review.people import Person
from sweeplens.review.verdicts import Decision, VerdictConflictError, add_verdicts
store, me = Path(sys.argv[1]), Person(sys.argv[2])
seen, saved, told = None, 0, 0
while saved < 20:
    try:
        decision = Decision("account", "a", "benign", f"{me.name} {saved}", seen=seen)
        (new,) = add_verdicts(store, [decision], snapshot_id="s", detector="d", by=me)
        seen, saved = new.id, saved + 1
    except VerdictConflictError as conflict:
        assert conflict.latest[0].analyst != me.name
        seen, told = conflict.latest[0].id, told + 1
sys.stdout.write(str(told))
"""


def test_two_processes_on_one_subject_lose_nothing_and_each_is_told(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path), name], stdout=subprocess.PIPE, text=True)
        for name in ("ann", "bob")
    ]
    told = [int(racer.communicate(timeout=120)[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    trail = history(tmp_path, "account", "a")[::-1]
    notes = [f"{name} {i}" for name in ("ann", "bob") for i in range(20)]
    assert sorted(v.note for v in trail) == sorted(notes)
    assert [v.id for v in trail] == sorted(v.id for v in trail)
    assert [v.at for v in trail] == sorted(v.at for v in trail)
    # Each change of hands is a verdict that the other one had been told of before.
    turns = sum(a.analyst != b.analyst for a, b in pairwise(trail))
    assert sum(told) >= turns >= 1


def test_the_second_is_shown_the_first_ones_verdict_and_nothing_is_saved(tmp_path: Path) -> None:
    first = add_verdict(tmp_path, "account", "a", "benign", by=ANN, **ABOUT)
    both = [Decision("account", "b", "unsure", seen=None), Decision("account", "a", "confirmed sweep", seen=None)]
    with pytest.raises(VerdictConflictError, match="ann has decided 'benign' on account 'a' since you looked") as told:
        add_verdicts(tmp_path, both, by=BOB, **ABOUT)
    assert told.value.latest == (first,)
    assert all_verdicts(tmp_path) == [first]
    known = [Decision(d.kind, d.subject, d.verdict, seen=first.id if d.subject == "a" else None) for d in both]
    added = add_verdicts(tmp_path, known, by=BOB, **ABOUT)
    assert [v.verified for v in added] == [True, True]
    assert history(tmp_path, "account", "a") == [added[1], first]


def test_how_many_others_there_are_is_said(tmp_path: Path) -> None:
    for subject in "abc":
        add_verdict(tmp_path, "account", subject, "benign", by=ANN, **ABOUT)
    with pytest.raises(VerdictConflictError, match="and 2 more have verdicts that you have not seen"):
        add_verdicts(tmp_path, [Decision("account", s, "unsure", seen=None) for s in "abc"], by=BOB, **ABOUT)
