"""Titles of pictures: each says what there is to see."""

from datetime import date

import numpy as np

from sweeplens.report.facts import CapabilityShare, Curve, MapPoints, Matrix, SweepOrder, Timeline, UnionCoverage
from sweeplens.report.sentences import mid_sentence, percent
from sweeplens.report.wording import count, counted

_FEW = 20  # requests below which no order can be seen


def curve_title(curve: Curve) -> str:
    """Say whether the account finds more new ground than its peers at the last point that enough of them reached."""
    banded = [i for i, low in enumerate(curve.low) if low is not None]
    if not banded:
        return "No peers got far enough to compare with"
    last = banded[-1]
    if curve.cells[last] > (curve.high[last] or 0.0):
        return "Keeps finding new ground where peers return"
    if curve.cells[last] < (curve.low[last] or 0.0):
        return "Returns to the same ground where peers move on"
    return "Finds new ground about as peers do"


def capability_title(shares: tuple[CapabilityShare, ...]) -> str:
    """Name the capability of which the account asks more than its peers do."""
    known = [(s.share - s.peer_median, s) for s in shares if s.peer_median is not None and s.capability != "unassigned"]
    if not known:
        return "What it asks for"
    more, most = max(known, key=lambda k: k[0])
    if more < 0.05:
        return "Asks for what its peers ask for"
    name = mid_sentence(most.name)
    return f"More {name} than its peers: {percent(most.share)} against {percent(most.peer_median or 0.0)}"


def ground_title(points: MapPoints, prompt_ids: "np.ndarray") -> str:
    """Say how many clusters of the map these prompts reach."""
    own = np.unique(points.cluster[prompt_ids])
    reached, total = int((own >= 0).sum()), len(np.unique(points.cluster[points.cluster >= 0]))
    return f"Reaches {count(reached)} of {counted(total, 'cluster')} of the map"


def order_title(order: SweepOrder) -> str:
    """Say whether neighbours in time stay with a capability more often than chance would have it."""
    c = order.capability
    if len(c) < _FEW:
        return "Too few requests to see an order"
    stays = float((c[1:] == c[:-1]).mean())
    chance = float(((np.bincount(c) / len(c)) ** 2).sum())
    if chance > 0.8:
        return "Asks for one capability nearly all the time"
    if stays - chance < 0.25 * (1 - chance):
        return "Jumps between capabilities from one request to the next"
    return "Stays with a capability for a while, then moves on"


def timeline_title(timeline: Timeline) -> str:
    """Say on how many days and in how many hours of the day there were requests."""
    if not timeline.days:
        return "The log has no times for these requests"
    first, last = timeline.days[0][0], timeline.days[-1][0]
    hours = sum(n > 0 for n in timeline.hours)
    return f"Active on {len(timeline.days)} of {counted(_span(first, last), 'day')}, in {hours} of 24 hours of the day"


def shares_title(matrix: Matrix) -> str:
    """Say how alike the rows are: the mean cosine between a row and the mean of the others."""
    v = np.asarray(matrix.values, float)
    if len(v) < 2 or not v.shape[1]:
        return "How the members share the ground"
    others = (v.sum(0) - v) / (len(v) - 1)
    norms = np.linalg.norm(v, axis=1) * np.linalg.norm(others, axis=1)
    alike = float(np.mean((v * others).sum(1) / np.maximum(norms, 1e-12)))
    if alike >= 0.8:
        return "The members ask for the same things in like shares"
    if alike <= 0.4:
        return "The members have divided the ground between them"
    return "The members share a part of the ground"


def similarity_title(matrix: Matrix) -> str:
    """Give the median likeness of two members."""
    pairs = matrix.values[np.triu_indices(len(matrix.rows), 1)]
    if not len(pairs):
        return "Likeness of members"
    return f"Their mean prompts are typically {float(np.median(pairs)):.2f} alike"


def union_title(coverage: UnionCoverage) -> str:
    """Say how much more ground all members cover than the widest one."""
    widest = coverage.largest[0][1] if coverage.largest else 0
    times = coverage.cells / max(1, widest)
    if times < 1.15:
        return "Together they cover hardly more ground than the widest member"
    return f"Together they cover {times:.1f} times the ground of the widest member"


def days_title(matrix: Matrix) -> str:
    """Say how many members are at work on a typical day."""
    if not matrix.columns:
        return "The log has no times for these requests"
    at_work = (np.asarray(matrix.values) > 0).sum(0)
    typical = int(np.median(at_work[at_work > 0])) if (at_work > 0).any() else 0
    verb = "is" if typical == 1 else "are"
    return f"On a typical day {typical} of {counted(len(matrix.rows), 'member')} {verb} at work"


def _span(first: date, last: date) -> int:
    return (last - first).days + 1
