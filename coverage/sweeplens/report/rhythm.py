"""When the members of a campaign work: in the same hours of the day, in shifts, or around the clock."""

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import Matrix
from sweeplens.report.wording import counted

_ENOUGH = 10  # requests of a member, below which its hours say nothing
_WIDTH = 1.5  # hours by which the profile of a day is smoothed
_SAME, _APART = 0.7, 0.35  # likeness of two members' hours from which on they are the same, and up to which they differ
_BUSY = 0.9  # share of the requests that the busy hours hold
_SHIFT = 10  # hours of the typical member, up to which different hours are shifts
_LONG = 18  # hours: busy for longer is called around the clock


def hours_alike(counts: NDArray[np.floating]) -> float | None:
    """Return the mean cosine of two members' days, smoothed by 1.5 hours; None where fewer than two ask enough.

    `counts` are requests by member and hour of the day, [members, 24].
    """
    able = counts[counts.sum(1) >= _ENOUGH]
    if len(able) < 2:
        return None
    away = np.minimum(np.arange(24), 24 - np.arange(24))
    kernel = np.exp(-0.5 * (away / _WIDTH) ** 2)
    smooth = np.fft.ifft(np.fft.fft(able, axis=1) * np.fft.fft(kernel), axis=1).real
    unit = smooth / np.linalg.norm(smooth, axis=1, keepdims=True)
    n = len(unit)
    return float(((unit.sum(0) ** 2).sum() - n) / (n * (n - 1)))


def busy_hours(counts: NDArray[np.floating]) -> tuple[int, int] | None:
    """Return the fewest hours of the day in a row that hold 90 % of the requests: (first, how many); None for none."""
    total = counts.sum()
    if total <= 0:
        return None
    twice = np.concatenate([[0.0], np.cumsum(np.tile(counts, 2))])
    for length in range(1, 25):
        held = twice[length : length + 24] - twice[:24]
        if held.max() >= _BUSY * total:
            return int(held.argmax()), length
    return 0, 24


def rhythm_title(days: Matrix, hours: Matrix) -> str:
    """Say how many members work on the busiest and on a typical day, and whether they do in the same hours."""
    if not days.columns:
        return "The log has no times for these requests"
    at_work = (np.asarray(days.values) > 0).sum(0)
    most, typical = int(at_work.max(initial=0)), int(np.median(at_work[at_work > 0])) if at_work.any() else 0
    lead = f"On the busiest day {most} of {counted(len(days.rows), 'member')} {'is' if most == 1 else 'are'} at work"
    usual = f", on a typical one {typical}" if len(days.columns) > 1 else ""
    when = describe_hours(np.asarray(hours.values, float))
    return f"{lead}{usual}{'; ' if when else ''}{when}"


def describe_hours(counts: NDArray[np.floating]) -> str:
    """Say in which hours of the day members work, and whether in the same ones; empty where too little is known."""
    alike, busy = hours_alike(counts), busy_hours(counts.sum(0))
    if alike is None or busy is None:
        return ""
    first, length = busy
    window = f"from {first:02d} to {(first + length) % 24:02d} h UTC"
    if alike <= _APART and _own_hours(counts) <= _SHIFT:
        return f"in shifts that together fill {'the day' if length >= _LONG else f'{length} hours of the day'}"
    if length >= _LONG:
        return "around the clock"
    return f"in the same hours, {window}" if alike >= _SAME else f"mostly {window}"


def _own_hours(counts: NDArray[np.floating]) -> float:
    """Return how many hours of the day the typical member is busy in."""
    found = [busy_hours(own) for own in counts[counts.sum(1) >= _ENOUGH]]
    return float(np.median([hours[1] for hours in found if hours is not None]))
