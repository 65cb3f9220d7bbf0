"""A store's own reference, from a log of honest accounts scored as a build would score them."""

import json
import stat

import numpy as np
import pytest

from sweeplens.config import Settings
from sweeplens.detect.calibration import FILE, full_name, load_reference, read_reference
from sweeplens.detect.detector import load_detector
from sweeplens.detect.training import FILE as OWN_DETECTOR
from sweeplens.detect.training import default_json
from sweeplens.errors import DetectorError, LogError
from sweeplens.pipeline import build
from sweeplens.pipeline.calibrate import FEWEST, calibrate, remove_calibration
from sweeplens.store.snapshot import list_snapshots

SUBJECTS = ("bread", "rivers", "trains", "stars", "violins", "taxes", "cats", "bridges", "maps", "bees")
VERBS = ("Explain", "Describe", "Tell me about", "What is known of", "Who first wrote about", "Draw", "Sum up", "Name")


def settings(store, **more):
    return Settings(store=store, **({"encoder": "fast", "workers": 1} | more))


def write_log(path, accounts, few=0):
    """Accounts of ten to thirty prompts out of eighty, and a few of three."""
    rng = np.random.default_rng(6)
    texts = [f"{verb} {subject}" for verb in VERBS for subject in SUBJECTS]
    sizes = [*rng.integers(10, 31, accounts).tolist(), *[3] * few]
    rows = [
        {"account_id": f"a{i}", "prompt": texts[p], "ts": f"2026-03-02T10:{at:02d}:00Z"}
        for i, size in enumerate(sizes)
        for at, p in enumerate(rng.choice(len(texts), size, replace=False).tolist())
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("benign") / "honest.jsonl", 210, few=4)


@pytest.fixture(scope="module")
def calibrated(log, tmp_path_factory):
    store = tmp_path_factory.mktemp("calibrated") / "store"
    return store, calibrate([log], settings(store), corpora=2)


def test_the_reference_is_private_and_fits_the_detector_that_made_it(calibrated):
    store, done = calibrated
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    found = load_reference("fast", load_detector("fast"), store)
    assert found is not None
    assert found.log_odds.tolist() == done.reference.log_odds.tolist()
    assert (found.source, found.corpora, found.encoder) == ("honest.jsonl", 2, "fast")
    assert found.detector == full_name(load_detector("fast"))
    assert len(found) + done.without == 214
    assert 210 <= len(found) <= 214
    assert found.least_p <= 0.005


def test_nothing_else_of_the_store_changes(calibrated):
    store, _ = calibrated
    assert {p.name for p in store.iterdir()} <= {FILE, ".cache", ".lock"}
    assert list_snapshots(store) == []


def test_it_holds_what_a_build_of_that_log_says_of_its_accounts(calibrated, log, tmp_path):
    _, done = calibrated
    table = build([log], settings(tmp_path / "store")).snapshot.table("accounts").to_pylist()
    alone = [
        (float(np.log(row["score"] / (1 - row["score"]))), row["n_prompts"])
        for row in table
        if row["score"] is not None and "campaign" not in {r["signal"] for r in row["reasons"]}
    ]
    assert len(alone) > 150
    kept = list(zip(done.reference.log_odds.tolist(), done.reference.volumes.tolist(), strict=True))
    for odds, n in alone:
        assert any(n == volume and abs(odds - x) < 1e-3 for x, volume in kept)


def test_a_store_with_a_detector_of_its_own_calibrates_that_one(log, tmp_path):
    data = default_json("fast")
    own = data | {"version": "3+local-20260302-abcdef", "base": data["base"] - 2.0}
    (tmp_path / OWN_DETECTOR).write_text(json.dumps(own), encoding="utf-8")
    done = calibrate([log], settings(tmp_path))
    assert done.reference.detector == f"{data['name']} 3+local-20260302-abcdef"


def test_too_few_honest_accounts_are_refused_and_nothing_is_written(tmp_path):
    log = write_log(tmp_path / "few.jsonl", 30)
    with pytest.raises(
        DetectorError, match=rf"{FEWEST} or more benign accounts with a score, but .* 30 of 30: p cannot"
    ):
        calibrate([log], settings(tmp_path / "store"))
    assert not (tmp_path / "store" / FILE).exists()
    with pytest.raises(LogError):
        calibrate([str(tmp_path / "none.jsonl")], settings(tmp_path / "store"))


def test_the_fallback_cannot_be_calibrated(tmp_path):
    with pytest.raises(DetectorError, match="none was trained on vectors of the encoder somebody/elses-model"):
        calibrate(["x.jsonl"], settings(tmp_path / "store", encoder="somebody/elses-model"))
    assert not (tmp_path / "store").exists()


def test_removing_goes_back_to_what_ships(calibrated, tmp_path):
    assert not remove_calibration(tmp_path)
    (tmp_path / FILE).write_bytes(calibrated[1].path.read_bytes())
    assert read_reference(tmp_path / FILE).source == "honest.jsonl"
    assert remove_calibration(tmp_path)
    assert list(tmp_path.iterdir()) == []
