"""When accounts ask: people in sessions at waking hours, businesses in office hours or batches, programs steadily."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 28
END = START + timedelta(days=DAYS)
_LAST = END - timedelta(seconds=1)


def _clip(at: datetime) -> datetime:
    return min(max(at, START), _LAST)


def sessions(
    rng: random.Random, sizes: Sequence[int], first: float = 0.0, last: float = float(DAYS)
) -> list[list[datetime]]:
    """Return the times of one person's conversations of these sizes, in order, between two days of the log.

    Everybody has a time zone and a favourite hour of the day, and reads an answer for a minute or two before going on.
    """
    zone, hour = rng.choice((-8, -5, -3, 0, 1, 1, 2, 5, 8, 9)), rng.gauss(15, 3)
    starts = []
    for _ in sizes:
        local = (rng.gauss(hour, 2.5) - 7) % 16 + 7
        starts.append(START + timedelta(days=int(rng.uniform(first, last)), hours=local - zone))
    out = []
    for start, size in zip(sorted(starts), sizes, strict=True):
        at, times = min(max(start, START), END - timedelta(minutes=4 * size)), []
        for _ in range(size):
            times.append(_clip(at))
            at += timedelta(seconds=rng.lognormvariate(4.2, 0.8))
        out.append(times)
    return out


def office(rng: random.Random, n: int) -> list[datetime]:
    """Return `n` times on working days between 8 and 18 o'clock."""
    times = []
    for _ in range(n):
        week, day = rng.randrange(DAYS // 7), rng.randrange(5)
        times.append(START + timedelta(days=7 * week + day, hours=rng.uniform(8, 18)))
    return sorted(times)


def batches(rng: random.Random, n: int, runs: int = 1) -> list[datetime]:
    """Return `n` times in nightly runs, a second or two apart."""
    times: list[datetime] = []
    for i in range(runs):
        at = START + timedelta(days=rng.randrange(DAYS - 1), hours=rng.uniform(0, 5))
        for _ in range(n // runs + (i < n % runs)):
            at += timedelta(seconds=rng.expovariate(1 / 1.5))
            times.append(_clip(at))
    return sorted(times)


def steady(rng: random.Random, n: int, first: float = 0.0, last: float = float(DAYS)) -> list[datetime]:
    """Return `n` times spread evenly at random between two days of the log."""
    return sorted(_clip(START + timedelta(days=rng.uniform(first, last))) for _ in range(n))
