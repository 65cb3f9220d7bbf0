"""Fit a store's own detector to labels of its accounts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.calibration import FILE as CALIBRATION
from sweeplens.detect.calibration import Floats, Reference, full_name, make_reference, read_reference
from sweeplens.detect.detector import Detector, load_detector, parse_detector
from sweeplens.detect.fingerprints import take_fingerprints
from sweeplens.detect.kin import pool_kin
from sweeplens.detect.population import load_population
from sweeplens.detect.prints import Prints, take_prints
from sweeplens.detect.training import FILE, Examples, Trained, default_json, own_detector, read_store_detector, train
from sweeplens.embed.encoder import known_name
from sweeplens.errors import DetectorError
from sweeplens.evaluate.bootstrap import find_units
from sweeplens.evaluate.labels import Label, LabelsError, read_labels
from sweeplens.evaluate.verdicts import verdict_labels
from sweeplens.pipeline.calibrate import FEWEST as FEWEST_HONEST
from sweeplens.report.columns import NO_TIME, columns_of
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.sample import hash_keys, sample_accounts
from sweeplens.store.private import remove_private, write_private

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot


@dataclass(frozen=True)
class Given:
    """Labels to train on.

    weights   float64: how many accounts each label stands for
    source    where they come from, in words
    drawn     whether the benign ones were not picked for their score, and so may serve as a reference
    """

    labels: tuple[Label, ...]
    weights: Floats
    source: str
    drawn: bool


@dataclass(frozen=True)
class Training:
    """What training came to. Nothing is written yet.

    detector    the new one, and its file
    unit        what groups are: corpora, campaigns or accounts
    counts      labelled accounts by what became of them
    factors     (signal, factor) of the default detector's signals, those that changed most first
    reference   of the benign accounts out of fold, None where they are too few or were picked
    """

    encoder: str
    trained: Trained
    detector: Detector
    file: bytes
    parent: str
    unit: str
    n_groups: int
    counts: Mapping[str, int]
    factors: tuple[tuple[str, float], ...]
    reference: Reference | None


def labels_of_file(path: Path) -> Given:
    """Read labels.csv; all weigh the same. Raises `LabelsError`."""
    labels = tuple(read_labels(path))
    return Given(labels, np.ones(len(labels)), path.name, drawn=True)


def labels_of_verdicts(store: Path, snapshot: "Snapshot") -> Given:
    """Take the verdict that counts for each account for its label.

    A confirmed sweep is an attack, benign ones and tenants are benign, a benchmark run is dual, and one that somebody
    is unsure about has none. A verdict on a campaign counts for the members that it had then and that have no later one
    of their own. An account that was looked at only because it was drawn for an audit weighs 1 / its chance, any other
    one 1. Raises `LabelsError` where there is no verdict to learn from.
    """
    labels, weights = verdict_labels(store, snapshot)
    if not any(label.label != "dual" for label in labels):
        raise LabelsError(f"the store {store} has no verdict that says attack or benign: expected some to train on")
    return Given(tuple(labels), weights, f"{len(labels)} verdicts", drawn=False)


def fit_labels(snapshot: "Snapshot", given: Given) -> Training:
    """Fit the default detector to labels of a snapshot's accounts, as measured when it was built.

    Raises `DetectorError` where there are too few labels, or the snapshot's encoder or signals are not the detector's.
    """
    encoder = known_name(snapshot.manifest["encoder"])
    data = default_json(encoder)
    keys = tuple(data["signals"])
    default = load_detector(encoder)
    position, values = columns_of(snapshot).position, _values(snapshot, keys)
    rows = np.array([position.get(label.account_id, -1) for label in given.labels], np.int64)
    measured = (rows >= 0) & ~np.isnan(values[rows]).all(1)
    use = measured & np.array([label.label != "dual" for label in given.labels])
    unit, groups = find_units(_grouped(snapshot, given.labels))
    examples = Examples(
        default.contributions(values[rows[use]])[:, [KEYS.index(k) for k in keys]],
        np.array([label.label == "attack" for label in given.labels])[use],
        given.weights[use] / max(given.weights[use].mean(), 1e-12) if use.any() else given.weights[use],
        np.unique(np.array(groups, dtype=object), return_inverse=True)[1][use].astype(np.int64),
    )
    trained = train(examples, default.base)
    file = own_detector(data, trained.fit, keys, _today("%Y%m%d"), **_facts(given, examples, trained))
    detector = parse_detector(file, "the new detector")
    benign = np.array([label.label == "benign" for label in given.labels]) & (rows >= 0)
    own = np.full(len(rows), np.nan)
    own[use] = trained.held_out
    corpora = len(set(np.array(groups, dtype=object)[benign])) if unit == "corpora" else 1
    return Training(
        encoder, trained, detector, file, full_name(default), unit, len(np.unique(examples.group)),
        _counts(given.labels, rows, measured), _changed(keys, trained.fit.factors),
        _reference(snapshot, rows[benign], own[benign], corpora, given, encoder, detector),
    )  # fmt: skip


def check_replaced(store: Path, training: Training) -> None:
    """Raise `DetectorError` where the new detector is not better than the default, or knows less than the store's own.

    The store's own cannot be tried on labels that it may have been fitted to; the number of its labels speaks for it.
    """
    before, after = training.trained.before, training.trained.after
    if not training.trained.better:
        raise DetectorError(
            f"the new detector is no better than the default one: log loss {before.log_loss:.4f} before and "
            f"{after.log_loss:.4f} after, give or take {training.trained.error:.4f}, AUROC {before.auroc:.4f} and "
            f"{after.auroc:.4f}; --force takes it all the same"
        )
    standing = _standing(store).get("trained_on", {}).get("labels", 0)
    new = training.counts["attack"] + training.counts["benign"]
    if new < standing:
        raise DetectorError(
            f"the store's own detector was fitted to {standing} labels, more than these {new}; --force replaces it all "
            "the same"
        )


def keep_detector(store: Path, training: Training) -> Path:
    """Write the store's own detector, which counts from the next build on, and return its path."""
    return write_private(store, FILE, training.file)


def remove_detector(store: Path) -> bool:
    """Go back to the detector that ships; False where the store had none of its own.

    A calibration of the one that goes is of no use to another, and goes with it.
    """
    data = _standing(store)
    if (store / CALIBRATION).is_file():
        try:
            calibrated = read_reference(store / CALIBRATION).detector
        except DetectorError:
            calibrated = ""  # a damaged one is not known to be of this detector, and stays
        if calibrated == f"{data.get('name')} {data.get('version')}":
            remove_private(store, CALIBRATION)
    return remove_private(store, FILE)


def _standing(store: Path) -> dict[str, Any]:
    """Return the store's own detector as JSON, empty where it has none or a damaged one."""
    try:
        return read_store_detector(store) or {}
    except DetectorError:
        return {}


def _values(snapshot: "Snapshot", keys: Sequence[str]) -> Floats:
    """Return the snapshot's signals in the order of the catalogue, NaN for those that it was not measured by."""
    signals = columns_of(snapshot).signals
    missing = [key for key in keys if key not in signals.names]
    if missing:
        raise DetectorError(
            f"snapshot {snapshot.snapshot_id} was built without the signal {missing[0]}, which the detector uses: "
            "build it again"
        )
    values = np.full((len(signals.values), len(KEYS)), np.nan)
    for at, name in enumerate(signals.names):
        if name in KEYS:
            values[:, KEYS.index(name)] = signals.values[:, at]
    return values


def _grouped(snapshot: "Snapshot", labels: Sequence[Label]) -> list[Label]:
    """Let an account whose label names neither corpus nor campaign belong to the group that the snapshot found."""
    table = snapshot.table("accounts", ["account_id", "campaign_id"])
    found = dict(zip(table["account_id"].to_pylist(), table["campaign_id"].to_pylist(), strict=True))
    return [
        label if label.campaign or label.corpora else replace(label, campaign=found.get(label.account_id) or "")
        for label in labels
    ]


def _counts(labels: Sequence[Label], rows: NDArray[np.int64], measured: NDArray[np.bool_]) -> dict[str, int]:
    kinds = Counter(label.label for label, ok in zip(labels, measured, strict=True) if ok)
    return {
        "attack": kinds["attack"],
        "benign": kinds["benign"],
        "dual": kinds["dual"],
        "too little": int(((rows >= 0) & ~measured).sum()),
        "absent": int((rows < 0).sum()),
    }


def _facts(given: Given, examples: Examples, trained: Trained) -> dict[str, Any]:
    return {
        "source": given.source,
        "labels": len(examples),
        "attacks": int(examples.attack.sum()),
        "groups": len(np.unique(examples.group)),
        "strength": trained.fit.strength,
        "log_loss": [round(trained.before.log_loss, 4), round(trained.after.log_loss, 4)],
        "auroc": [round(trained.before.auroc, 4), round(trained.after.auroc, 4)],
    }


def _changed(keys: Sequence[str], factors: Floats) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-np.abs(factors - 1), kind="stable")
    return tuple((keys[i], round(float(factors[i]), 4)) for i in order)


def _reference(  # noqa: PLR0917 - what a reference is made of
    snapshot: "Snapshot",
    rows: NDArray[np.int64],
    own: Floats,
    corpora: int,
    given: Given,
    encoder: str,
    detector: Detector,
) -> Reference | None:
    """Return the reference of the benign accounts, each with the help of its kin among them alone."""
    if not given.drawn or (~np.isnan(own)).sum() < FEWEST_HONEST:
        return None
    accounts, prints = _traffic(snapshot, rows, encoder)
    kin = pool_kin(own, take_fingerprints(prints, load_population(encoder)))
    return make_reference(
        kin.log_odds, accounts.volumes, corpora=corpora,
        source=f"benign accounts of {given.source}, out of fold", encoder=encoder, detector=detector,
    )  # fmt: skip


def _traffic(snapshot: "Snapshot", rows: NDArray[np.int64], encoder: str) -> tuple[Accounts, Prints]:
    """Return some accounts, in that order, as far as they are looked at, and what their fingerprints are made of."""
    columns = columns_of(snapshot)
    r = columns.requests
    parts = [slice(r.starts[i], r.starts[i + 1]) for i in rows]
    at = np.concatenate([np.arange(p.start, p.stop) for p in parts])
    offsets = np.cumsum([0] + [p.stop - p.start for p in parts])
    keys = hash_keys(snapshot.table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist())
    names = [columns.accounts[i] for i in rows]
    ts = np.where(r.ts[at] == NO_TIME, MISSING, r.ts[at])
    accounts = sample_accounts(Accounts(names, offsets, r.prompt[at], ts, r.row[at]), keys)
    return accounts, take_prints(snapshot.vectors, accounts, keys, load_population(encoder))


def _today(form: str) -> str:
    return datetime.now(UTC).strftime(form)
