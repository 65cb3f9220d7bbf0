"""A store of the encoder that was called `fast` and is `fast-english` today goes on as if nothing had happened."""

import json
import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from support.day_log import day_rows, quick, write_rows
from support.renamed_store import call_encoder_fast
from sweeplens.detect.calibration import FILE as REFERENCE
from sweeplens.detect.calibration import load_reference, make_reference, write_reference
from sweeplens.detect.detector import encoder_of, load_detector
from sweeplens.detect.training import FILE as DETECTOR
from sweeplens.detect.training import choose_detector, default_json, load_store_detector
from sweeplens.pipeline import build, encode_query, score, update
from sweeplens.pipeline.encoders import name_for_log, named_encoder
from sweeplens.report.search import search
from sweeplens.store.snapshot import open_snapshot

TEXT = "Tell account 3 fact 5 about taxes"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The store as version 0.1 left it, its settings with the encoder left open, and the log of the next day."""
    folder = tmp_path_factory.mktemp("renamed")
    about = replace(quick(folder / "store"), encoder="fast-english")
    log = write_rows(folder / "first.jsonl", day_rows(2, range(6), 0, 16))
    build([log], about).snapshot.close()
    call_encoder_fast(about.store).close()
    second = write_rows(folder / "second.jsonl", day_rows(3, range(3, 9), 10, 26))
    return SimpleNamespace(about=replace(about, encoder="auto"), first=log, second=second)


def test_it_opens_and_its_encoder_is_found(old):
    with open_snapshot(old.about.store) as snapshot:
        assert snapshot.manifest["encoder"]["name"] == "fast"
        encoder = named_encoder(old.about, snapshot)
        assert (encoder.name, encoder.fingerprint) == ("fast-english", snapshot.manifest["encoder"]["fingerprint"])
    assert name_for_log(old.about, [old.second], None, None) == "fast-english"


def test_it_is_searched_by_text(old):
    with open_snapshot(old.about.store) as snapshot:
        hits = search(snapshot, encode_query(snapshot, TEXT, old.about), 3)
        assert hits[0].text == TEXT
        assert hits[0].similarity > 0.99


def test_it_scores_a_log_and_an_update_gives_the_same_scores(old, caplog):
    with caplog.at_level(logging.WARNING):
        scored = score([old.second], old.about)
        with update([old.second], old.about).snapshot as child:
            assert child.manifest["encoder"]["name"] == "fast-english"
            assert child.manifest["config"]["encoder"] == "fast-english"
            known = {row["account_id"]: row["score"] for row in child.table("accounts").to_pylist()}
            assert child.manifest["detector"]["name"] == load_detector("fast-english").name
    found = {row["account_id"]: row["score"] for row in scored.accounts.to_pylist()}
    assert found.keys() <= known.keys()
    assert any(value is not None for value in found.values())
    for account, value in found.items():
        assert value == pytest.approx(known[account], abs=1e-6)
    assert "not used" not in caplog.text


def test_a_new_build_keeps_the_encoder(old, tmp_path):
    about = replace(old.about, store=tmp_path / "store")
    build([old.first], replace(about, encoder="fast-english")).snapshot.close()
    before = call_encoder_fast(about.store)
    with before, build([old.first, old.second], about).snapshot as snapshot:
        assert snapshot.manifest["encoder"]["name"] == "fast-english"
        assert snapshot.manifest["encoder"]["fingerprint"] == before.manifest["encoder"]["fingerprint"]
        assert snapshot.manifest["parent"] == before.snapshot_id


@pytest.mark.parametrize("version", ["1+local-20260302-abcdef", "2+local-20260302-abcdef"])
def test_a_detector_and_a_reference_of_its_own_are_still_used(tmp_path, caplog, version):
    data = default_json("fast-english") | {"encoder": "fast", "version": version}
    (tmp_path / DETECTOR).write_text(json.dumps(data), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        detector = choose_detector("fast-english", tmp_path)
        assert detector.version == version
        reference = make_reference(
            np.array([0.0, 1.0]), np.array([20, 20]),
            corpora=1, source="our own", encoder="fast", detector=detector,
        )  # fmt: skip
        (tmp_path / REFERENCE).write_bytes(write_reference(reference, "2026-03-02"))
        found = load_reference("fast-english", detector, tmp_path)
    assert found is not None
    assert found.source == "our own"
    assert caplog.records == []


def test_they_are_not_used_for_the_encoder_that_is_called_fast_now(tmp_path, caplog):
    data = default_json("fast-english") | {"encoder": "fast", "version": "2+local-20260302-abcdef"}
    (tmp_path / DETECTOR).write_text(json.dumps(data), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert load_store_detector("fast", tmp_path) is None
    assert "not used with fast" in caplog.text


@pytest.mark.parametrize(
    ("encoder", "version", "today"),
    [
        ("fast", "1", "fast-english"),
        ("fast", "2", "fast-english"),
        ("fast", "2+local-20260302-abcdef", "fast-english"),
        ("fast", "3", "fast"),
        ("fast", "12", "fast"),
        ("fast", "20", "fast"),
        ("fast-english", "2", "fast-english"),
        ("default", "2", "default"),
        ("own/model", "1", "own/model"),
    ],
)
def test_the_version_tells_which_encoder_fast_was(encoder, version, today):
    assert encoder_of(encoder, version) == today
