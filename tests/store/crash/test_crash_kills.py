"""A change that is cut short, by a kill or a full disk, loses nothing and leaves nothing in the way."""


def test_killed_before_and_after_every_change(report):
    killed = report["kill"]
    assert killed["problems"] == []
    assert killed["points"] + killed["left_out"] >= 2 * sum(killed["ops"].values()) > 0
    assert killed["states"] > 1


def test_every_change_may_fail(report):
    failed = report["fail"]
    assert failed["problems"] == []
    assert failed["points"] + failed["left_out"] >= sum(report["kill"]["ops"].values())
