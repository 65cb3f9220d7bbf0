"""How long attacks go on before they are seen: days and requests until each campaign and lone sweep stood out."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import median

import numpy as np

from sweeplens.evaluate.campaigns import FOUND
from sweeplens.evaluate.labels import Label

DAY = 86_400_000_000  # microseconds
_HALF = 0.5  # of a campaign's accounts so far that are flagged, from which on it stands out without a group


@dataclass(frozen=True)
class Evening:
    """What stood at the end of a day.

    day      days since 1970 in UTC
    flagged  accounts at review or high
    groups   the accounts of each reported sweep
    """

    day: int
    flagged: Set[str]
    groups: Sequence[Set[str]]


@dataclass(frozen=True)
class Attack:
    """One campaign or lone sweep, and when it stood out.

    first     the day of its first request, since 1970
    days      days on which it had gone on by the end of the one on which it stood out, 1 for the first; None for never
    requests  what it had sent by then; None for never
    sent      what it sends in all
    """

    name: str
    is_campaign: bool
    accounts: int
    first: int
    days: int | None
    requests: int | None
    sent: int


@dataclass(frozen=True)
class Yield:
    """What attacks of one kind get before they are seen.

    n, seen   how many there are, and how many stood out on any day
    days, requests, share   the median over all of days, requests, and share of all requests; None where half of them
                            or more were never seen
    """

    n: int
    seen: int
    days: float | None
    requests: float | None
    share: float | None


@dataclass(frozen=True)
class ByDay:
    """All attacks, those of most requests first, and the medians of campaigns and of lone sweeps.

    honest   benign accounts that were flagged on some evening, and of how many
    """

    first: int
    last: int
    attacks: tuple[Attack, ...]
    campaigns: Yield
    lone: Yield
    honest_flagged: int
    honest: int
    absent: int


def by_day(labels: Sequence[Label], times: Mapping[str, np.ndarray], evenings: Iterable[Evening]) -> ByDay:
    """Say when each attack of the labels first stood out. `times` are the requests of each account, int64 [n], sorted.

    A campaign stands out when half of its accounts so far are flagged, or a reported group is it so far (a Jaccard
    index of 0.5); a lone sweep when its account is flagged. Attacks of which no request has a time are `absent`.
    """
    seen = sorted(evenings, key=lambda e: e.day)
    members: dict[tuple[bool, str], set[str]] = {}
    for label in labels:
        if label.label == "attack":
            key = (True, label.campaign) if label.campaign else (False, label.account_id)
            members.setdefault(key, set()).add(label.account_id)
    there = {k: own for k, all_ in members.items() if (own := {a for a in all_ if len(times.get(a, ()))})}
    attacks = [_when(name, own, times, seen, is_campaign=is_campaign) for (is_campaign, name), own in there.items()]
    honest = {k.account_id for k in labels if k.label == "benign" and len(times.get(k.account_id, ()))}
    ever: set[str] = set().union(*(e.flagged for e in seen))
    return ByDay(
        first=seen[0].day if seen else 0,
        last=seen[-1].day if seen else 0,
        attacks=tuple(sorted(attacks, key=lambda a: (not a.is_campaign, -a.sent, a.name))),
        campaigns=_sum_up([a for a in attacks if a.is_campaign]),
        lone=_sum_up([a for a in attacks if not a.is_campaign]),
        honest_flagged=len(honest & ever),
        honest=len(honest),
        absent=len(members) - len(there),
    )


def _when(
    name: str, own: Set[str], times: Mapping[str, np.ndarray], evenings: Sequence[Evening], *, is_campaign: bool
) -> Attack:  # fmt: skip
    began = {a: int(times[a][0]) // DAY for a in own}
    first, sent = min(began.values()), sum(len(times[a]) for a in own)
    for evening in evenings:
        so_far = {a for a, day in began.items() if day <= evening.day}
        if so_far and _stands_out(so_far, evening, is_campaign=is_campaign):
            end = (evening.day + 1) * DAY
            requests = sum(int(np.searchsorted(times[a], end)) for a in so_far)
            return Attack(name, is_campaign, len(own), first, evening.day - first + 1, requests, sent)
    return Attack(name, is_campaign, len(own), first, None, None, sent)


def _stands_out(accounts: Set[str], evening: Evening, *, is_campaign: bool) -> bool:
    if len(accounts & evening.flagged) >= max(1.0, _HALF * len(accounts)):
        return True
    return is_campaign and any(len(accounts & g) >= FOUND * len(accounts | g) for g in evening.groups)


def _sum_up(attacks: Sequence[Attack]) -> Yield:
    def middle(values: Iterable[float | None]) -> float | None:
        known = sorted(np.inf if v is None else v for v in values)
        found = median(known) if known else np.inf
        return None if np.isinf(found) else float(found)

    share = (None if a.requests is None else a.requests / a.sent for a in attacks)
    return Yield(
        len(attacks), sum(a.days is not None for a in attacks), middle(a.days for a in attacks),
        middle(a.requests for a in attacks), middle(share),
    )  # fmt: skip
