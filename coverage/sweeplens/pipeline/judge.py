"""Judge the accounts of a log: scores, p, campaigns, q. A build and the benchmarks share it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sweeplens.detect.accounts import AccountScores, score_accounts
from sweeplens.detect.calibration import Reference, levels_of, load_reference
from sweeplens.detect.campaigns import Campaign, find_campaigns
from sweeplens.detect.detector import Detector
from sweeplens.detect.fingerprints import take_fingerprints
from sweeplens.detect.joining import Near
from sweeplens.detect.links import Link
from sweeplens.detect.nulls import correct
from sweeplens.detect.population import Population, load_population
from sweeplens.detect.prints import Prints, take_prints
from sweeplens.detect.raising import Raised, raise_members
from sweeplens.detect.training import choose_detector
from sweeplens.signals.account import Accounts
from sweeplens.signals.ground import Ground
from sweeplens.signals.languages import Languages, mix_accounts
from sweeplens.signals.measure import Peers, compare_with_peers
from sweeplens.signals.sample import hash_keys


@dataclass(frozen=True)
class Kit:
    """What accounts are judged with: the detector, the frozen population of fingerprints, the benign reference."""

    detector: Detector
    population: Population | None
    reference: Reference | None


@dataclass(frozen=True)
class KnownPrompts:
    """The known set of each prompt, int32 [n] with -1 for none, and the sets' names."""

    of_prompt: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """Everything that detection made. `p` and `q` [N] are the accounts' own, whatever their campaign's are."""

    values: np.ndarray
    peers: Peers
    scores: AccountScores
    p: np.ndarray
    q: np.ndarray
    raised: Raised
    campaigns: tuple[Campaign, ...]
    links: Sequence[Link]
    kit: Kit


def load_kit(encoder: str, store: Path) -> Kit:
    """Return what a store judges with: its own detector and reference where it has some that fit, else what ships."""
    detector = choose_detector(encoder, store)
    return Kit(detector, load_population(encoder), load_reference(encoder, detector, store))


def judge_accounts(
    accounts: Accounts,
    ground: Ground,
    values: np.ndarray,
    hashes: Sequence[str],
    kit: Kit,
    *,
    prints: Prints | None = None,
    links: Sequence[Link] = (),
    near: Near | None = None,
    known: KnownPrompts | None = None,
    languages: Languages | None = None,
    name: Callable[[Sequence[Campaign]], Sequence[Campaign]] | None = None,
) -> Judged:
    """Score the signals `values` [N, S] of the accounts of one log, find campaigns, and raise their members.

    Of `hashes`, the hexadecimal hashes of the prompts, `prints` are made where there are none yet; with `near`, which
    gives the neighbours of prompts, accounts can join a campaign by a part of their prompts. The values of `links` may
    be hashes. With the `languages` of the prompts, peers are of one language where there are enough. `name` gives the
    groups other ids.
    """
    volume = accounts.volumes
    spoken = None if languages is None else mix_accounts(accounts, languages).main
    peers = compare_with_peers(values, volume, spoken)
    if prints is None:
        prints = take_prints(ground.vectors, accounts, hash_keys(hashes), kit.population)
    scores = score_accounts(values, peers, kit.detector, take_fingerprints(prints, kit.population))
    nowhere = np.full(len(volume), np.nan)
    p = nowhere if kit.reference is None else kit.reference.p_values(scores.log_odds, volume)
    levels = levels_of(p, scores.score, kit.detector.levels["watch"])
    campaigns = find_campaigns(
        accounts, ground, scores, kit.detector, prints, population=kit.population, links=links, near=near,
        nulls=() if kit.reference is None else kit.reference.groups,
        known=None if known is None else known.of_prompt, known_names=() if known is None else known.names,
    )  # fmt: skip
    if name is not None:
        campaigns = tuple(name(campaigns))
    group_q, q = correct(campaigns, p)
    campaigns = tuple(replace(c, q_value=x) for c, x in zip(campaigns, group_q.tolist(), strict=True))
    raised = raise_members(scores, levels, campaigns)
    return Judged(values, peers, scores, p, q, raised, campaigns, links, kit)
