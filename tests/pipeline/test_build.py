"""The whole way from a log to a snapshot, with the fast encoder, on logs that are written here or synthesised."""

import json

import numpy as np
import pytest

from support.day_log import SUBJECTS, day_rows, quick, write_rows
from support.whole import asked, check_whole
from sweeplens.detect.detector import LEVELS
from sweeplens.errors import EncoderError, RejectsError, StoreError
from sweeplens.pipeline import build, encode_query
from sweeplens.report.search import search
from sweeplens.store.prune import prune
from sweeplens.store.schema import TABLES, schemas
from sweeplens.store.snapshot import open_snapshot


def write_log(path, accounts, prompts, *, ts=True, extra=()):
    rows = []
    for a in range(accounts):
        for p in range(prompts):
            row = {"account_id": f"a{a}", "prompt": f"Tell account {a} fact {p} about {SUBJECTS[p % 8]}"}
            rows.append(row | ({"ts": f"2026-03-0{1 + p % 9}T10:00:{p % 60:02d}Z"} if ts else {}))
    path.write_text("\n".join([*map(json.dumps, rows), *extra]) + "\n", encoding="utf-8")
    return str(path)


def test_every_table_is_there_and_agrees_with_its_schema(demo):
    for name in TABLES:
        table = demo.snapshot.table(name)
        assert table.schema.names == schemas()[name].names
        assert table.num_rows > 0 or name == "lineage"


def test_the_same_log_twice_gives_the_same_bytes_and_embeds_nothing_again(tmp_path):
    log = write_rows(tmp_path / "log.jsonl", day_rows(2, range(6), 0, 24))
    first, second = (build([log], quick(tmp_path / "store")) for _ in range(2))
    assert first.snapshot.snapshot_id != second.snapshot.snapshot_id
    before, after = (dict(r.snapshot.manifest["files"]) for r in (first, second))
    # The second knows where its clusters come from: from the first.
    assert before.pop("lineage.parquet") != after.pop("lineage.parquet")
    assert before == after
    assert first.summary["prompts_from_cache"] == 0
    assert second.summary["prompts_from_cache"] == second.summary["prompts"] == 144


def test_two_stores_of_the_same_log_have_the_same_bytes(tmp_path):
    log = write_rows(tmp_path / "log.jsonl", day_rows(2, range(4), 0, 16))
    one, other = (build([log], quick(tmp_path / name)) for name in ("one", "other"))
    assert one.snapshot.manifest["files"] == other.snapshot.manifest["files"]
    assert one.snapshot.manifest["parent"] is None
    assert one.snapshot.table("lineage").num_rows == 0


def test_a_snapshot_of_the_demo_is_whole(demo):
    check_whole(demo.snapshot)


def test_counts_add_up(demo, demo_log):
    truth = demo_log[1]
    requests, prompts, accounts = (demo.snapshot.table(n) for n in ("requests", "prompts", "accounts"))
    assert set(accounts["account_id"].to_pylist()) == set(truth)
    assert sum(accounts["n_requests"].to_pylist()) == requests.num_rows == demo.stats.rows
    assert sum(demo.snapshot.table("use")["n_requests"].to_pylist()) == requests.num_rows
    assert len(demo.snapshot.vectors) == prompts.num_rows == demo.snapshot.table("membership").num_rows
    clustered = [c for c in demo.snapshot.table("membership")["cluster"].to_pylist() if c >= 0]
    assert sum(demo.snapshot.table("clusters")["n_prompts"].to_pylist()) == len(clustered)
    assert np.allclose(np.linalg.norm(np.asarray(demo.snapshot.vectors, np.float32), axis=1), 1, atol=2e-3)


def test_both_campaigns_of_the_demo_are_found(demo, demo_log):
    truth = demo_log[1]
    table = demo.snapshot.table("campaigns").to_pylist()
    found = [set(c["accounts"]) for c in table if c["label"] == "sweep"]
    campaigns = {r["campaign_id"] for r in truth.values() if r["label"] == "attack" and r["campaign_id"]}
    assert len(campaigns) == 2
    for campaign in campaigns:
        members = {a for a, r in truth.items() if r["campaign_id"] == campaign}
        assert max(len(members & g) / len(members | g) for g in found) >= 0.7


def test_accounts_with_signals_have_a_score_and_reasons_that_belong_to_them(demo):
    for row in demo.snapshot.table("accounts").to_pylist():
        if row["n_prompts"] >= 10:
            assert 0 <= row["score"] <= 1
        assert (row["level_from"] == "account") or row["campaign_id"]
        assert all(r["weight"] > 0 and r["text"] for r in row["reasons"])


def test_levels_of_accounts_follow_from_p_and_q_is_never_below_it(demo):
    reference = demo.snapshot.manifest["reference"]
    assert reference["accounts"] >= 1000
    rows = demo.snapshot.table("accounts").to_pylist()
    sweeps = {c["campaign_id"]: c for c in demo.snapshot.table("campaigns").to_pylist() if c["label"] == "sweep"}
    assert any(row["p_value"] is None for row in rows)
    for row in rows:
        p = row["p_value"]
        if p is None:
            assert row["n_prompts"] < 10
            assert row["q_value"] is None
            own = "insufficient"
        else:
            assert 1 / (reference["accounts"] + 1) <= p <= row["q_value"] + 1e-12 <= 1 + 1e-12
            own = "high" if p <= 0.001 else "review" if p <= 0.005 else "watch" if p <= 0.05 else "none"
        if row["level_from"] == "account":
            assert row["level"] == own
        else:
            assert row["level"] == sweeps[row["campaign_id"]]["level"]
            assert LEVELS.index(row["level"]) > LEVELS.index(own)


def test_what_kin_add_is_among_the_reasons_and_a_campaign_helps_on_top(demo):
    rows = demo.snapshot.table("accounts").to_pylist()
    kin = [r for row in rows for r in row["reasons"] if r["signal"] == "kin"]
    assert kin
    assert all(0 <= r["value"] <= 1 and r["peer_percentile"] is None for r in kin)
    helped = [row for row in rows if any(r["signal"] == "campaign" for r in row["reasons"])]
    sweeps = {c["campaign_id"] for c in demo.snapshot.table("campaigns").to_pylist() if c["label"] == "sweep"}
    assert helped
    assert {row["campaign_id"] for row in helped} <= sweeps


def test_what_was_redacted_is_nowhere_in_the_store(demo):
    texts = "\n".join(demo.snapshot.table("prompts")["text"].to_pylist())
    assert demo.stats.redactions
    assert "AKIAIOSFODNN7EXAMPLE" not in texts
    assert "@example.com" not in texts


def test_a_text_is_found_again(demo):
    text = demo.snapshot.table("prompts")["text"][5].as_py()
    hits = search(demo.snapshot, encode_query(demo.snapshot, text, quick(demo.snapshot.folder.parent)), 3)
    assert hits[0].prompt_id == 5
    assert hits[0].similarity == pytest.approx(1, abs=0.01)


def test_an_encoder_that_is_another_than_at_the_build_is_refused(demo):
    snapshot = open_snapshot(demo.snapshot.folder.parent)
    snapshot.manifest["encoder"]["fingerprint"] = "another"
    with pytest.raises(EncoderError, match="rebuild"):
        encode_query(snapshot, "hello", quick(demo.snapshot.folder.parent))


@pytest.mark.parametrize(("accounts", "prompts"), [(1, 30), (1, 3), (3, 1), (1, 1), (2, 12)])
def test_tiny_logs_make_a_snapshot(tmp_path, accounts, prompts):
    result = build([write_log(tmp_path / "log.jsonl", accounts, prompts)], quick(tmp_path / "store"))
    table = result.snapshot.table("accounts")
    assert table.num_rows == accounts
    if prompts < 10:
        assert set(table["level"].to_pylist()) == {"insufficient"}
        assert table["score"].null_count == accounts


def test_a_log_without_times_is_scored_without_the_signals_of_order(tmp_path):
    result = build([write_log(tmp_path / "log.jsonl", 4, 14, ts=False)], quick(tmp_path / "store"))
    signals = result.snapshot.table("signals").to_pylist()
    assert {s["value"] for s in signals if s["signal"] == "locality"} == {None}
    assert all(s["value"] is not None for s in signals if s["signal"] == "repeats")
    assert result.snapshot.table("accounts")["first_ts"].null_count == 4


def test_rejects_are_kept_with_file_line_and_reason_and_never_the_text(tmp_path):
    log = write_log(tmp_path / "log.jsonl", 4, 30, extra=['{"account_id": "a1", "prompt": 7, "note": "hush"}'])
    result = build([log], quick(tmp_path / "store"))
    lines = (result.snapshot.folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["line"] for line in lines] == [121]
    assert "hush" not in lines[0]
    assert result.summary["rejected"] == 1
    assert result.snapshot.manifest["log"]["rejected"] == 1


def test_too_many_rejects_stop_the_build_and_leave_the_store_as_it_was(tmp_path):
    build([write_log(tmp_path / "good.jsonl", 2, 12)], quick(tmp_path / "store"))
    before = sorted(p.name for p in (tmp_path / "store").iterdir())
    bad = write_log(tmp_path / "bad.jsonl", 2, 12, extra=["{nonsense"] * 6)
    with pytest.raises(RejectsError):
        build([bad], quick(tmp_path / "store"))
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == before


def test_nothing_is_redacted_when_that_is_asked_for(tmp_path):
    log = write_log(
        tmp_path / "log.jsonl", 2, 12, extra=['{"account_id": "a1", "prompt": "mail me at jo@example.com"}']
    )
    result = build([log], quick(tmp_path / "store", redact=False))
    assert "mail me at jo@example.com" in result.snapshot.table("prompts")["text"].to_pylist()
    assert not result.stats.redactions


def test_a_store_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "store").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        build([write_log(tmp_path / "log.jsonl", 1, 3)], quick(tmp_path / "store"))


def test_a_request_id_that_comes_twice_in_a_log_counts_once(tmp_path):
    rows = day_rows(2, range(3), 0, 6)
    again = [row | {"prompt": "Something else altogether"} for row in rows[:5]]
    result = build([write_rows(tmp_path / "log.jsonl", [*rows, *again, *rows[7:9]])], quick(tmp_path / "store"))
    assert (result.summary["requests"], result.summary["repeated"], result.summary["rows"]) == (18, 7, 25)
    assert result.left.repeated == 7
    assert len(asked(result.snapshot)) == 18
    assert "Something else altogether" not in result.snapshot.table("prompts")["text"].to_pylist()
    check_whole(result.snapshot)


def test_a_build_without_text_after_one_with_text_takes_no_names_from_it(tmp_path):
    log = write_rows(tmp_path / "log.jsonl", day_rows(2, range(4), 0, 16))
    kept = build([log], quick(tmp_path / "store")).snapshot
    none = build([log], quick(tmp_path / "store", text=False)).snapshot
    again = build([log], quick(tmp_path / "store")).snapshot
    names = {c["cluster_id"]: c["name"] for c in kept.table("clusters").to_pylist()}
    titles = set(none.table("capabilities")["name"].to_pylist())
    for c in none.table("clusters").to_pylist():
        assert c["name"].rsplit(" ", 1)[0] in titles
        assert c["name"] != names[c["cluster_id"]]
    # Ids go on all the same, and with the text the names come back.
    assert {c["cluster_id"]: c["name"] for c in again.table("clusters").to_pylist()} == names


def test_a_build_lets_go_of_the_snapshot_before(tmp_path):
    log = write_rows(tmp_path / "log.jsonl", day_rows(2, range(2), 0, 3))
    first = build([log], quick(tmp_path / "store")).snapshot
    first.close()
    build([log], quick(tmp_path / "store"))
    assert prune(tmp_path / "store", 1).removed == (first.snapshot_id,)
