"""Every signal: its name, its family, what it says in words on either side, and what fools it."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from math import exp, expm1, floor, isnan

Shown = Callable[[float], str]
_ALIKE = 0.05  # log-odds by which two contributions may differ and still count alike
_RARE = 0.6  # share of the peers that an account must be above, or below, to be set apart from them


def share(value: float) -> str:
    """Show a share as a percentage, with a digit after the point where it is small."""
    return f"{100 * value:.0f} %" if abs(value) >= 0.095 or value == 0 else f"{100 * value:.1f} %"


def cosine(value: float) -> str:
    """Show a number near 1 with two digits."""
    return f"{value:.2f}"


def of_forty(value: float) -> str:
    """Show a share of a sample of 40 as a count."""
    return f"{40 * value:.0f} in 40"


def number(value: float) -> str:
    """Show a number with two significant digits."""
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}"


def factor(value: float) -> str:
    """Show a logarithm as the factor that it stands for."""
    return f"{exp(value):.1f}"


def times(value: float) -> str:
    """Show log(1 + n) as once, twice, n times."""
    n = round(expm1(value))
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


@dataclass(frozen=True)
class Signal:
    """One number about an account.

    The catalogue, catalog.toml, holds them: `high` and `low` are sentences for values above and below the peers'
    median, with {value} and {peers} (their median) as `show` writes them; `fools` says which honest use looks the same.
    Signals of one `theme` say much the same.
    """

    key: str
    family: str
    label: str
    high: str
    low: str
    fools: str
    show: Shown = cosine
    theme: str = ""

    def __post_init__(self) -> None:
        """Let a signal without a theme be one by itself."""
        if not self.theme:
            object.__setattr__(self, "theme", self.key)

    def sentence(self, value: float, peers: float) -> str:
        """Return the sentence for a value beside the peers' median."""
        side = self.high if value >= peers else self.low
        return side.format(value=self.show(value), peers=self.show(peers))

    def sets_apart(self, value: float, peers: float, percentile: float, adds: float, peers_add: float) -> bool:
        """Say whether a value tells an account from its peers, in what it adds to the log-odds and to a reader's eye.

        `peers` is their median, which would add `peers_add`; `percentile` is that of the account among them. One whose
        peers are not known is measured against honest accounts of other logs alone, and set apart.
        """
        if isnan(peers):
            return True
        more = adds - peers_add if adds > 0 else peers_add - adds
        rare = isnan(percentile) or max(percentile, 100 - percentile) >= 100 * _RARE
        return more >= _ALIKE and rare and self.show(value) != self.show(peers)

    def reason(self, value: float, peers: float, percentile: float, adds: float, peers_add: float) -> str:
        """Return the sentence of a reason, with how unusual it is among peers.

        Where the account looks like its peers it says that, and on which side it counts: the detector knows honest
        accounts of other logs, and here many peers may look like this one.
        """
        if isnan(peers):
            return self.sentence(value, value)
        if self.sets_apart(value, peers, percentile, adds, peers_add):
            return self.sentence(value, peers) + _among(percentile)
        own, theirs = self.show(value), self.show(peers)
        side = "towards" if adds > 0 else "against"
        if own == theirs:
            return f"{self.label}: {own}, as for its peers; in any log that counts {side} a sweep"
        more = ", theirs more" if abs(peers_add) > abs(adds) + _ALIKE else ""
        return f"{self.label}: {own}, for its peers {theirs}; both count {side} a sweep{more}"


def _among(percentile: float) -> str:
    """Say among how many peers a value is as high, or as low; nothing where that is not known."""
    if isnan(percentile):
        return ""
    side, share_of = ("more", percentile) if percentile >= 50 else ("less", 100 - percentile)
    return f"; {side} than {min(99, floor(share_of))} in 100 peers"


def _load() -> tuple[Signal, ...]:
    shown = {f.__name__: f for f in (share, cosine, of_forty, number, factor, times)}
    text = resources.files("sweeplens.signals").joinpath("catalog.toml").read_text(encoding="utf-8")
    return tuple(Signal(key, **{**row, "show": shown[row["show"]]}) for key, row in tomllib.loads(text).items())


SIGNALS: tuple[Signal, ...] = _load()
KEYS: tuple[str, ...] = tuple(s.key for s in SIGNALS)
BY_KEY: dict[str, Signal] = {s.key: s for s in SIGNALS}


def first_of_each_theme(keys: Iterable[str]) -> list[str]:
    """Return the keys without those whose theme an earlier one has; a key of no signal is a theme by itself."""
    first: dict[str, str] = {}
    for key in keys:
        first.setdefault(BY_KEY[key].theme if key in BY_KEY else key, key)
    return list(first.values())
