"""A process that is killed before or after any change of the store loses nothing and leaves nothing in the way."""

import pytest
from crash_actions import ACTIONS


@pytest.mark.parametrize("name", [action.name for action in ACTIONS])
def test_killed_at_every_change(drive, name):
    report = drive("kill", name)
    assert report["problems"] == []
    assert report["points"] >= 2 * sum(report["ops"].values()) > 0
    assert report["states"] > 1
