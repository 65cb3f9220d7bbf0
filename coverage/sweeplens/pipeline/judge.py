"""Judge the accounts of a log: scores, p, campaigns, q. A build and the benchmarks share it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sweeplens.detect.accounts import AccountScores, score_accounts
from sweeplens.detect.bulk import Bulk, cautious_p, measure_bulk
from sweeplens.detect.calibration import Reference, levels_of, load_reference
from sweeplens.detect.campaigns import Campaign, find_campaigns
from sweeplens.detect.detector import Detector
from sweeplens.detect.fingerprints import take_fingerprints
from sweeplens.detect.group_test import GroupTest, load_group_test
from sweeplens.detect.joining import Near
from sweeplens.detect.links import Link
from sweeplens.detect.neighbourhood import fill_neighbourhood
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
    """What accounts are judged with: detector, frozen population of fingerprints, benign reference, test of groups."""

    detector: Detector
    population: Population | None
    reference: Reference | None
    groups: GroupTest | None = None


@dataclass(frozen=True)
class KnownPrompts:
    """The known set of each prompt, int32 [n] with -1 for none, and the sets' names."""

    of_prompt: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """Everything that detection made. `p` and `q` [N] are the accounts' own, whatever their campaign's are.

    `bulk` says whether p was taken from the log's own bulk rather than from the reference.
    """

    values: np.ndarray
    peers: Peers
    scores: AccountScores
    p: np.ndarray
    q: np.ndarray
    raised: Raised
    campaigns: tuple[Campaign, ...]
    links: Sequence[Link]
    kit: Kit
    bulk: Bulk


def load_kit(encoder: str, store: Path) -> Kit:
    """Return what a store judges with: its own detector and reference where it has some that fit, else what ships."""
    detector = choose_detector(encoder, store)
    reference = load_reference(encoder, detector, store)
    return Kit(detector, load_population(encoder), reference, None if detector.fallback else load_group_test(encoder))


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

    Signals of family "kin", which compare an account with others, are measured here.

    Of `hashes`, the hexadecimal hashes of the prompts, `prints` are made where there are none yet; with `near`, which
    gives the neighbours of prompts, accounts can join a campaign by a part of their prompts. The values of `links` may
    be hashes. With the `languages` of the prompts, peers are of one language where there are enough. `name` gives the
    groups other ids.
    """
    volume = accounts.volumes
    spoken = None if languages is None else mix_accounts(accounts, languages).main
    if prints is None:
        prints = take_prints(ground.vectors, accounts, hash_keys(hashes), kit.population)
    fingerprints = take_fingerprints(prints, kit.population)
    values = fill_neighbourhood(values, accounts, fingerprints)
    peers = compare_with_peers(values, volume, spoken)
    scores = score_accounts(values, peers, kit.detector, fingerprints, volume)
    nowhere = np.full(len(volume), np.nan)
    p, bulk = nowhere, Bulk()
    if kit.reference is not None:
        bulk = measure_bulk(scores.log_odds, volume, kit.reference)
        p = cautious_p(scores.log_odds, volume, kit.reference, bulk)
    levels = levels_of(p, scores.score, kit.detector.levels["watch"])
    campaigns = find_campaigns(
        accounts, ground, scores, kit.detector, prints, values=values, test=kit.groups, population=kit.population,
        links=links, near=near, nulls=() if kit.reference is None else kit.reference.groups,
        known=None if known is None else known.of_prompt, known_names=() if known is None else known.names,
    )  # fmt: skip
    if name is not None:
        campaigns = tuple(name(campaigns))
    group_q, q = correct(campaigns, p)
    campaigns = tuple(replace(c, q_value=x) for c, x in zip(campaigns, group_q.tolist(), strict=True))
    raised = raise_members(scores, levels, campaigns)
    return Judged(values, peers, scores, p, q, raised, campaigns, links, kit, bulk)
