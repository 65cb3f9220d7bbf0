"""Measure and judge the accounts of some traffic; what did not change since the snapshot before is carried over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.aligning import Lineage, align_campaigns
from sweeplens.config import Settings
from sweeplens.detect.campaigns import Campaign
from sweeplens.detect.joining import Near
from sweeplens.detect.links import find_links
from sweeplens.detect.prints import Prints, merge_prints, take_prints
from sweeplens.engine.steps import Run
from sweeplens.errors import StoreError
from sweeplens.known import load_known
from sweeplens.pipeline.history import History
from sweeplens.pipeline.judge import Judged, Kit, KnownPrompts, judge_accounts
from sweeplens.pipeline.traffic import Traffic
from sweeplens.signals.account import Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.ground import Ground, make_ground
from sweeplens.signals.languages import Languages, name_languages
from sweeplens.signals.measure import measure_accounts
from sweeplens.signals.sample import hash_keys, sample_accounts
from sweeplens.store.publish import SnapshotWriter
from sweeplens.store.snapshot import Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

LINKED = ("account_id", "org_id", "ip", "user_agent", "system_prompt")
_PRINTS = ("prints", "print_codes", "print_sizes", "print_centre")


@dataclass(frozen=True)
class Places:
    """Where each prompt lies: cell, cluster (id, -1 for none) and capability, integers [n]."""

    cell: NDArray[np.integer]
    cluster: NDArray[np.integer]
    capability: NDArray[np.integer]


@dataclass(frozen=True)
class Look:
    """What accounts are judged by: all n prompts that count, and of each account at most a sample of its requests.

    keys       uint64 [n]: of the prompts' hashes
    languages  of the n prompts
    changed    bool [N]: accounts that have other requests than in the snapshot that `history` is of
    moved      bool [n]: prompts whose cluster or capability is another than there; None where all may be
    """

    accounts: Accounts
    ground: Ground
    keys: NDArray[np.uint64]
    languages: Languages
    changed: NDArray[np.bool_]
    history: History | None = None
    moved: NDArray[np.bool_] | None = None
    known: KnownPrompts | None = None


@dataclass(frozen=True)
class Measured:
    """What judging makes: verdicts, the features of the accounts' fingerprints, and where campaigns come from."""

    judged: Judged
    prints: Prints
    lineage: tuple[Lineage, ...]
    next_campaign: int


def look_at(traffic: Traffic, places: Places, settings: Settings, moved: NDArray[np.bool_] | None = None) -> Look:
    """Return what the accounts of some traffic are judged by."""
    keys, old = hash_keys(traffic.hashes), traffic.history
    ground = make_ground(
        traffic.vectors, traffic.numbers, traffic.heads, cell=places.cell, cluster=places.cluster,
        capability=places.capability,
    )  # fmt: skip
    accounts = sample_accounts(traffic.accounts, keys)
    known = match_known(traffic.texts, old, settings)
    languages = name_languages(traffic.languages if old is None else [*old.languages, *traffic.languages])
    return Look(accounts, ground, keys, languages, traffic.changed, old, moved, known)


def judge_look(
    run: Run,
    look: Look,
    kit: Kit,
    settings: Settings,
    *,
    linked: "Callable[[], pa.Table]",
    near: Near,
    former: Snapshot | None = None,
) -> Measured:
    """Score all accounts and find campaigns, which keep the ids that they have in the snapshot `former`.

    `linked` gives the columns LINKED of the requests; `near` the neighbours of prompts.
    """
    accounts = look.accounts
    with run.step("signals") as step:
        values = carry_values(look.history, accounts)
        anew = np.ones(len(accounts), bool)
        if values is None:
            values = np.full((len(accounts), len(KEYS)), np.nan)
        elif look.moved is not None:
            anew = look.changed | _senders(accounts, look.moved)
        workers = settings.threads
        values[anew] = measure_accounts(accounts.only(anew), look.ground, workers=workers, progress=step.update)
    with run.step("prints"):
        prints = carry_prints(look, kit)
    named, number = former_campaigns(former)
    made: list[tuple[tuple[Lineage, ...], int]] = []

    def name(campaigns: Sequence[Campaign]) -> Sequence[Campaign]:
        new = [[accounts.names[c] for c in campaign.codes] for campaign in campaigns]
        aligned = align_campaigns(named, new, next_number=number)
        made.append((aligned.lineage, aligned.next_number))
        return [replace(c, campaign_id=i) for c, i in zip(campaigns, aligned.ids, strict=True)]

    with run.step("detect"):
        judged = judge_accounts(
            accounts, look.ground, values, (), kit, prints=prints, links=find_links(linked(), len(accounts)),
            near=near, known=look.known, languages=look.languages, name=name,
        )  # fmt: skip
    lineage, next_number = made[0]
    return Measured(judged, prints, lineage if former is not None else (), next_number)


def carry_values(history: History | None, accounts: Accounts) -> NDArray[np.float64] | None:
    """Return the signals [N, S] of accounts as the snapshot before has them; None where it has others than today's."""
    if history is None:
        return None
    table = history.snapshot.table("signals")
    if len(table) == 0:
        return None
    names = table["account_id"].unify_dictionaries().combine_chunks()
    signals = table["signal"].unify_dictionaries().combine_chunks()
    if set(signals.dictionary.to_pylist()) != set(KEYS):
        return None
    row = {name: i for i, name in enumerate(accounts.names)}
    rows = np.array([row.get(name, -1) for name in names.dictionary.to_pylist()], np.int64)[names.indices.to_numpy()]
    column = {key: i for i, key in enumerate(KEYS)}
    columns = np.array([column[key] for key in signals.dictionary.to_pylist()], np.int64)[signals.indices.to_numpy()]
    values = np.full((len(accounts), len(KEYS)), np.nan)
    there = rows >= 0
    values[rows[there], columns[there]] = table["value"].to_numpy()[there]
    return values


def carry_prints(look: Look, kit: Kit) -> Prints:
    """Take the features of the accounts that changed, and carry those of the others."""
    population, history, accounts = kit.population, look.history, look.accounts
    kept = None if history is None else read_prints(history.snapshot)
    if history is None or kept is None or not _same_centre(kept, kit):
        return take_prints(look.ground.vectors, accounts, look.keys, population)
    row = {name: i for i, name in enumerate(accounts.names)}
    ids = history.snapshot.table("accounts", ["account_id"])["account_id"].to_pylist()
    to = np.array([row.get(name, -1) for name in ids], np.int64)
    here = np.flatnonzero(to >= 0)
    to[here[look.changed[to[here]]]] = -1
    fresh = take_prints(
        look.ground.vectors, accounts, look.keys, population, centre=kept.centre, codes=np.flatnonzero(look.changed)
    )
    return merge_prints(kept.renumber(to), fresh)


def _same_centre(kept: Prints, kit: Kit) -> bool:
    return kit.population is None or np.array_equal(kit.population.centre, kept.centre)


def read_prints(snapshot: Snapshot) -> Prints | None:
    """Return the features that a snapshot keeps of its accounts; None for one that keeps none."""
    if not all(snapshot.has(name) for name in _PRINTS):
        return None
    parts, codes, sizes, centre = (snapshot.array(name) for name in _PRINTS)
    return Prints(np.asarray(codes), parts, np.asarray(sizes), np.asarray(centre))


def write_prints(writer: SnapshotWriter, prints: Prints) -> None:
    """Keep the features of all accounts, whose codes are rows of the table of accounts."""
    for name, array in zip(_PRINTS, (prints.parts, prints.codes, prints.sizes, prints.centre), strict=True):
        writer.add_array(name, array)


def former_campaigns(snapshot: Snapshot | None) -> tuple[dict[str, list[str]], int]:
    """Return the groups of the snapshot before by id, and the number that the next new one gets."""
    if snapshot is None:
        return {}, 1
    table = snapshot.table("campaigns", ["campaign_id", "accounts"])
    groups = dict(zip(table["campaign_id"].to_pylist(), table["accounts"].to_pylist(), strict=True))
    numbers = [int(name.removeprefix("C-")) for name in groups if name.removeprefix("C-").isdigit()]
    return groups, max([int(snapshot.manifest.get("next_campaign", 1)), *(n + 1 for n in numbers)])


def linked_requests(writer: SnapshotWriter, files: Sequence[str]) -> "Callable[[], pa.Table]":
    """Return what reads the columns LINKED of a snapshot in the making."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def read() -> "pa.Table":
        parts = [pq.read_table(writer.folder / file, columns=list(LINKED)) for file in files]
        return pa.concat_tables(parts).unify_dictionaries()

    return read


def _senders(accounts: Accounts, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which accounts sent a marked prompt, bool [N]."""
    hit = np.concatenate([[0], np.cumsum(marked[accounts.prompts])])
    sent: NDArray[np.bool_] = hit[accounts.offsets[1:]] > hit[accounts.offsets[:-1]]
    return sent


def match_known(texts: Sequence[str], history: History | None, settings: Settings) -> KnownPrompts | None:
    """Match prompts with the store's known sets; old ones whose text is not kept are in none."""
    sets = load_known(settings.store)
    if not sets.names:
        return None
    fresh = sets.match(texts)
    if history is None:
        return KnownPrompts(fresh, sets.names)
    old = np.full(len(history), -1, np.int32)
    before = history.texts(np.arange(len(history)))
    there = [i for i, text in enumerate(before) if text is not None]
    old[there] = sets.match([text for text in before if text is not None])
    return KnownPrompts(np.concatenate([old, fresh]), sets.names)


def check_encoder(snapshot: Snapshot, fingerprint: str) -> None:
    """Raise `StoreError` unless a snapshot was made with the encoder of that fingerprint."""
    known = snapshot.manifest["encoder"]
    if known["fingerprint"] != fingerprint:
        raise StoreError(
            f"snapshot {snapshot.snapshot_id} was built with the encoder {known['name']} of another version than the "
            "one that is installed: vectors of the two cannot be compared, so build anew"
        )
