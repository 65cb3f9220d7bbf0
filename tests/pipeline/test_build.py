"""The whole way from a log to a snapshot, with the fast encoder, on logs that are written here or synthesised."""

import csv
import json

import numpy as np
import pytest

from sweeplens.config import Settings
from sweeplens.demo import write_demo
from sweeplens.detect.detector import LEVELS
from sweeplens.errors import EncoderError, RejectsError, StoreError
from sweeplens.pipeline import build, encode_query
from sweeplens.report.search import search
from sweeplens.store.schema import TABLES, schemas
from sweeplens.store.snapshot import open_snapshot

SUBJECTS = ("bread", "rivers", "trains", "stars", "violins", "taxes", "cats", "bridges")


def settings(store, **more):
    return Settings(store=store, encoder="fast", workers=2, **more)


def write_log(path, accounts, prompts, *, ts=True, extra=()):
    rows = []
    for a in range(accounts):
        for p in range(prompts):
            row = {"account_id": f"a{a}", "prompt": f"Tell account {a} fact {p} about {SUBJECTS[p % 8]}"}
            rows.append(row | ({"ts": f"2026-03-0{1 + p % 9}T10:00:{p % 60:02d}Z"} if ts else {}))
    path.write_text("\n".join([*map(json.dumps, rows), *extra]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The synthetic log, its truth, and two stores built from it one after the other with one cache."""
    folder = tmp_path_factory.mktemp("demo")
    log, labels = write_demo(folder / "log", 7)
    with labels.open(encoding="utf-8") as stream:
        truth = {r["account_id"]: r for r in csv.DictReader(stream)}
    first = build([str(log)], settings(folder / "store"))
    second = build([str(log)], settings(folder / "store"))
    return truth, first, second


def test_every_table_is_there_and_agrees_with_its_schema(demo):
    _, first, _ = demo
    for name in TABLES:
        table = first.snapshot.table(name)
        assert table.schema.names == schemas()[name].names
        assert table.num_rows > 0 or name in {"texts", "lineage"}


def test_the_same_log_twice_gives_the_same_bytes_and_embeds_nothing_again(demo):
    _, first, second = demo
    assert first.snapshot.snapshot_id != second.snapshot.snapshot_id
    assert first.snapshot.manifest["files"] == second.snapshot.manifest["files"]
    assert first.summary["prompts_from_cache"] == 0
    assert second.summary["prompts_from_cache"] == second.summary["prompts"]


def test_counts_add_up(demo):
    truth, first, _ = demo
    requests, prompts, accounts = (first.snapshot.table(n) for n in ("requests", "prompts", "accounts"))
    assert set(accounts["account_id"].to_pylist()) == set(truth)
    assert sum(accounts["n_requests"].to_pylist()) == requests.num_rows == first.stats.rows
    assert sum(first.snapshot.table("use")["n_requests"].to_pylist()) == requests.num_rows
    assert len(first.snapshot.vectors) == prompts.num_rows == first.snapshot.table("membership").num_rows
    clustered = [c for c in first.snapshot.table("membership")["cluster"].to_pylist() if c >= 0]
    assert sum(first.snapshot.table("clusters")["n_prompts"].to_pylist()) == len(clustered)
    assert np.allclose(np.linalg.norm(np.asarray(first.snapshot.vectors, np.float32), axis=1), 1, atol=2e-3)


def test_both_campaigns_of_the_demo_are_found(demo):
    truth, first, _ = demo
    table = first.snapshot.table("campaigns").to_pylist()
    found = [set(c["accounts"]) for c in table if c["label"] == "sweep"]
    campaigns = {r["campaign_id"] for r in truth.values() if r["label"] == "attack" and r["campaign_id"]}
    assert len(campaigns) == 2
    for campaign in campaigns:
        members = {a for a, r in truth.items() if r["campaign_id"] == campaign}
        assert max(len(members & g) / len(members | g) for g in found) >= 0.7


def test_accounts_with_signals_have_a_score_and_reasons_that_belong_to_them(demo):
    _, first, _ = demo
    for row in first.snapshot.table("accounts").to_pylist():
        if row["n_prompts"] >= 10:
            assert 0 <= row["score"] <= 1
        assert (row["level_from"] == "account") or row["campaign_id"]
        assert all(r["weight"] > 0 and r["text"] for r in row["reasons"])


def test_levels_of_accounts_follow_from_p_and_q_is_never_below_it(demo):
    _, first, _ = demo
    reference = first.snapshot.manifest["reference"]
    assert reference["accounts"] >= 1000
    rows = first.snapshot.table("accounts").to_pylist()
    sweeps = {c["campaign_id"]: c for c in first.snapshot.table("campaigns").to_pylist() if c["label"] == "sweep"}
    assert any(row["p_value"] is None for row in rows)
    for row in rows:
        p = row["p_value"]
        if p is None:
            assert row["n_prompts"] < 10
            assert row["q_value"] is None
            own = "insufficient"
        else:
            assert 1 / (reference["accounts"] + 1) <= p <= row["q_value"] <= 1
            own = "high" if p <= 0.001 else "review" if p <= 0.005 else "watch" if p <= 0.05 else "none"
        if row["level_from"] == "account":
            assert row["level"] == own
        else:
            assert row["level"] == sweeps[row["campaign_id"]]["level"]
            assert LEVELS.index(row["level"]) > LEVELS.index(own)


def test_what_kin_add_is_among_the_reasons_and_a_campaign_helps_on_top(demo):
    _, first, _ = demo
    rows = first.snapshot.table("accounts").to_pylist()
    kin = [r for row in rows for r in row["reasons"] if r["signal"] == "kin"]
    assert kin
    assert all(0 <= r["value"] <= 1 and r["peer_percentile"] is None for r in kin)
    helped = [row for row in rows if any(r["signal"] == "campaign" for r in row["reasons"])]
    sweeps = {c["campaign_id"] for c in first.snapshot.table("campaigns").to_pylist() if c["label"] == "sweep"}
    assert helped
    assert {row["campaign_id"] for row in helped} <= sweeps


def test_what_was_redacted_is_nowhere_in_the_store(demo):
    _, first, _ = demo
    texts = "\n".join(first.snapshot.table("prompts")["text"].to_pylist())
    assert first.stats.redactions
    assert "AKIAIOSFODNN7EXAMPLE" not in texts
    assert "@example.com" not in texts


def test_a_text_is_found_again(demo):
    _, first, _ = demo
    text = first.snapshot.table("prompts")["text"][5].as_py()
    hits = search(first.snapshot, encode_query(first.snapshot, text, settings(first.snapshot.folder.parent)), 3)
    assert hits[0].prompt_id == 5
    assert hits[0].similarity == pytest.approx(1, abs=0.01)


def test_an_encoder_that_is_another_than_at_the_build_is_refused(demo):
    _, first, _ = demo
    snapshot = open_snapshot(first.snapshot.folder.parent)
    snapshot.manifest["encoder"]["fingerprint"] = "another"
    with pytest.raises(EncoderError, match="rebuild"):
        encode_query(snapshot, "hello", settings(first.snapshot.folder.parent))


@pytest.mark.parametrize(("accounts", "prompts"), [(1, 30), (1, 3), (3, 1), (1, 1), (2, 12)])
def test_tiny_logs_make_a_snapshot(tmp_path, accounts, prompts):
    result = build([write_log(tmp_path / "log.jsonl", accounts, prompts)], settings(tmp_path / "store"))
    table = result.snapshot.table("accounts")
    assert table.num_rows == accounts
    if prompts < 10:
        assert set(table["level"].to_pylist()) == {"insufficient"}
        assert table["score"].null_count == accounts


def test_a_log_without_times_is_scored_without_the_signals_of_order(tmp_path):
    result = build([write_log(tmp_path / "log.jsonl", 4, 14, ts=False)], settings(tmp_path / "store"))
    signals = result.snapshot.table("signals").to_pylist()
    assert {s["value"] for s in signals if s["signal"] == "locality"} == {None}
    assert all(s["value"] is not None for s in signals if s["signal"] == "repeats")
    assert result.snapshot.table("accounts")["first_ts"].null_count == 4


def test_rejects_are_kept_with_file_line_and_reason_and_never_the_text(tmp_path):
    log = write_log(tmp_path / "log.jsonl", 4, 30, extra=['{"account_id": "a1", "prompt": 7, "note": "hush"}'])
    result = build([log], settings(tmp_path / "store"))
    lines = (result.snapshot.folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["line"] for line in lines] == [121]
    assert "hush" not in lines[0]
    assert result.summary["rejected"] == 1
    assert result.snapshot.manifest["log"]["rejected"] == 1


def test_too_many_rejects_stop_the_build_and_leave_the_store_as_it_was(tmp_path):
    build([write_log(tmp_path / "good.jsonl", 2, 12)], settings(tmp_path / "store"))
    before = sorted(p.name for p in (tmp_path / "store").iterdir())
    bad = write_log(tmp_path / "bad.jsonl", 2, 12, extra=["{nonsense"] * 6)
    with pytest.raises(RejectsError):
        build([bad], settings(tmp_path / "store"))
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == before


def test_nothing_is_redacted_when_that_is_asked_for(tmp_path):
    log = write_log(
        tmp_path / "log.jsonl", 2, 12, extra=['{"account_id": "a1", "prompt": "mail me at jo@example.com"}']
    )
    result = build([log], settings(tmp_path / "store", redact=False))
    assert "mail me at jo@example.com" in result.snapshot.table("prompts")["text"].to_pylist()
    assert not result.stats.redactions


def test_a_store_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "store").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        build([write_log(tmp_path / "log.jsonl", 1, 3)], settings(tmp_path / "store"))
