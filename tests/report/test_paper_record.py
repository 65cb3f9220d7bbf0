"""The JSON of a report: documented keys, the numbers of the evidence, and where it all comes from."""

import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from support.altered import Altered
from support.hostile_store import EMAIL, NAME, NOTE, SYSTEM_PROMPT, TEXTS, write_hostile_store
from support.small_store import write_small_store
from sweeplens import __version__
from sweeplens.errors import NotFoundError
from sweeplens.report.account import account_evidence
from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.paper import find_kinds, make_report
from sweeplens.report.paper.about import describe_origin
from sweeplens.report.plain import to_plain
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.report.releases import Release
from sweeplens.report.wording import day
from sweeplens.review import add_verdict
from sweeplens.review.people import Person
from sweeplens.store.snapshot import Snapshot

AT = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "report.md"


def record(snapshot: Any, kind: str, subject: str, **more: Any) -> dict[str, Any]:
    made = make_report(snapshot, kind, subject, format="json", by="mia", verified=True, at=AT, **more)  # type: ignore[arg-type]
    assert made.isascii()
    return json.loads(made)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return write_hostile_store(tmp_path_factory.mktemp("record") / "store")


@pytest.mark.parametrize(("kind", "subject"), [("account", "lone"), ("campaign", "C-01")])
def test_its_keys_are_documented_and_no_others(snapshot: Snapshot, kind: str, subject: str) -> None:
    both, account, campaign = (
        {key for cell in re.findall(r"^\| (`[^|]*) \|", part, re.M) for key in re.findall(r"`(\w+)`", cell)}
        for part in re.split(r"An account has besides|A campaign has besides", DOCS.read_text(encoding="utf-8"))
    )
    assert set(record(snapshot, kind, subject)) == both | (account if kind == "account" else campaign)


def test_numbers_of_an_account_are_those_of_the_queue_and_the_evidence(snapshot: Snapshot) -> None:
    for row in account_queue(snapshot):
        queued = to_plain(row)
        told, known = record(snapshot, "account", row.account_id), account_evidence(snapshot, row.account_id)
        for key in ("n_requests", "n_prompts", "score", "p_value", "q_value", "level", "level_from", "campaign_id"):
            assert told[key] == queued[key], key
        assert told["summary"] == known.headline
        assert told["curve"] == to_plain(known.curve)
        assert told["timeline"] == to_plain(known.timeline)
        assert [r["text"] for r in told["reasons"]] == [r["text"] for r in queued["reasons"]]
        assert [r["contribution"] for r in told["reasons"]] == [r["weight"] for r in queued["reasons"]]
        assert {s["signal"]: s["value"] for s in told["signals"]} == {f.signal: f.value for f in known.signals}
        assert [p["prompt_id"] for p in told["prompts"]["entries"]] == [p.prompt_id for p in known.prompts[:20]]
        assert told["order"]["total"] == row.n_requests == len(told["order"]["ts"])


def test_numbers_of_a_campaign_are_those_of_the_queue_and_the_evidence(snapshot: Snapshot) -> None:
    for row in campaign_queue(snapshot, include_all=True):
        told, known = record(snapshot, "campaign", row.campaign_id), campaign_evidence(snapshot, row.campaign_id)
        queued = to_plain(row)
        for key in ("label", "n_requests", "score", "p_value", "q_value", "level", "evidence"):
            assert told[key] == queued[key], key
        assert sorted(m["account_id"] for m in told["members"]) == sorted(queued["accounts"])
        assert told["n_members"] == len(queued["accounts"])
        assert told["coverage"]["cells"] == known.coverage.cells
        assert told["similarity"]["rows"] == list(known.similarity.rows)
        assert told["n_shared_prompts"] == known.n_shared_prompts


def test_reasons_say_their_numbers_as_people_read_them(snapshot: Snapshot) -> None:
    (reason,) = record(snapshot, "account", "lone")["reasons"]
    assert (reason["signal"], reason["contribution"]) == ("cells", 1.5)
    assert reason["value_text"].endswith("in 40")
    assert reason["peer_median_text"].endswith("in 40")
    assert reason["fools"]
    assert reason["fools"] in record(snapshot, "account", "lone")["look_alikes"]


def test_text_is_redacted_cut_or_left_out(hostile: Snapshot) -> None:
    told = record(hostile, "account", NAME)
    assert EMAIL not in json.dumps(told)
    by_id = {entry["prompt_id"]: entry for entry in told["prompts"]["entries"]}
    assert by_id[14]["text"] == "write to [email] and pay with [card]"
    assert (by_id[16]["cut"], by_id[16]["n_chars"], len(by_id[16]["text"])) == (True, len(TEXTS[16]), 3000)
    assert by_id[10]["text"] == TEXTS[10]
    assert told["prompts"]["replaced"] == {"card": 1, "email": 1}
    assert told["made"]["redact"] is True
    assert EMAIL in json.dumps(record(hostile, "account", NAME, redact=False))


@pytest.mark.parametrize(("kind", "subject"), [("account", NAME), ("campaign", "C-01")])
def test_without_text_there_is_none_of_any_kind(hostile: Snapshot, kind: str, subject: str) -> None:
    told = record(hostile, kind, subject, text=False)
    whole = json.dumps(told)
    for needle in (*TEXTS.values(), SYSTEM_PROMPT, NOTE, "alpha", "soup", EMAIL):
        assert json.dumps(needle)[1:-1] not in whole
    assert told["prompts"]["entries"] == []
    assert told["prompts"]["left_out"] is True
    assert "(text left out)" in [link["value"] for link in told["links"]]
    assert told["review"]["history"][0]["note_left_out"] is True


def test_the_history_of_review(hostile: Snapshot) -> None:
    review = record(hostile, "account", NAME)["review"]
    assert review["verdict"] == "unsure"
    (entry,) = review["history"]
    assert entry["note"] == NOTE.replace(EMAIL, "[email]")
    assert (entry["verified"], entry["snapshot_id"], entry["detector"]) == (
        False, hostile.snapshot_id, "handmade 1",
    )  # fmt: skip
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None
    untouched = record(hostile, "account", "shop")["review"]
    assert (untouched["state"], untouched["verdict"], untouched["history"]) == ("open", None, [])


def test_a_verdict_on_the_campaign_counts_for_its_members(tmp_path: Path) -> None:
    snapshot = write_small_store(tmp_path / "store")
    members = tuple(campaign_queue(snapshot)[0].accounts)
    known = {"snapshot_id": snapshot.snapshot_id, "detector": "handmade 1", "by": Person("mia@example.org", True)}
    add_verdict(tmp_path / "store", "campaign", "C-01", "confirmed sweep", members=members, **known)
    review = record(snapshot, "account", "dealt-a")["review"]
    assert (review["state"], review["verdict"], review["through"]) == ("confirmed", "confirmed sweep", "C-01")
    assert [(v["kind"], v["subject"], v["verified"]) for v in review["history"]] == [("campaign", "C-01", True)]
    html = make_report(snapshot, "account", "dealt-a", by="mia", verified=False).decode()
    assert "on campaign <bdi>C-01</bdi>" in html


def test_an_entry_of_the_allow_list_names_its_end(tmp_path: Path) -> None:
    snapshot = write_small_store(tmp_path / "store")
    ends = datetime.now(UTC) + timedelta(days=30)
    known = {"snapshot_id": snapshot.snapshot_id, "detector": "handmade 1", "until": ends, "level": "none"}
    add_verdict(tmp_path / "store", "account", "shop", "tenant", **known)
    review = record(snapshot, "account", "shop")["review"]
    assert (review["state"], review["allowed_until"]) == ("allowed", to_plain(ends))
    html = make_report(snapshot, "account", "shop", by="mia", verified=False).decode()
    assert f"allowed until {day(ends)}: tenant" in html


def test_where_it_comes_from(snapshot: Snapshot) -> None:
    told = record(snapshot, "account", "lone")
    manifest = (snapshot.folder / "manifest.json").read_bytes()
    assert told["snapshot"]["id"] == snapshot.snapshot_id
    assert told["snapshot"]["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert told["made"] == {
        "at": "2026-03-12T08:00:00Z", "by": "mia", "verified": True, "sweeplens": __version__, "redact": True,
        "text": True,
    }  # fmt: skip
    assert told["detector"]["sha256"] is None


def test_the_detector_is_known_by_the_hash_of_its_file(snapshot: Snapshot) -> None:
    raw = resources.files("sweeplens.detect").joinpath("data").joinpath("default.json").read_bytes()
    version = json.loads(raw)["version"]
    shipped: Any = Altered(snapshot, {}, detector={"name": "default", "version": version})
    assert describe_origin(shipped)["detector"]["sha256"] == hashlib.sha256(raw).hexdigest()
    older: Any = Altered(snapshot, {}, detector={"name": "default", "version": "0"})
    assert describe_origin(older)["detector"]["sha256"] is None


def test_settings_name_neither_folders_nor_people(snapshot: Snapshot) -> None:
    config = {
        "store": "/home/mia/indexes",
        "models": "/m",
        "taxonomy": "/home/mia/own.toml",
        "cells": 512,
        "admins": "x@y",
    }
    told = describe_origin(Altered(snapshot, {}, config=config))["settings"]  # type: ignore[arg-type]
    assert told == {"cells": 512, "taxonomy": "own.toml"}


def test_doubts_are_said(snapshot: Snapshot) -> None:
    doubts = " ".join(record(snapshot, "account", "=cmd")["doubts"])
    assert "too few distinct prompts" in doubts
    assert "only 8 accounts" in doubts
    assert "no times" in doubts
    assert "no benign reference" in " ".join(record(snapshot, "account", "lone")["doubts"])
    fallback: Any = Altered(snapshot, {}, detector={"name": "fallback", "version": "1", "fallback": True})
    assert "No detector was trained" in " ".join(record(fallback, "account", "lone")["doubts"])


def test_releases_are_marked_on_the_timeline(snapshot: Snapshot) -> None:
    days = [Release(date(2026, 3, 9), "New <model>"), Release(date(2025, 1, 1), "Old one")]
    shown = {p["key"]: p for p in record(snapshot, "account", "lone", releases=days)["pictures"]}
    assert "Dotted lines: 1 New <model> (9 Mar 2026)." in shown["timeline"]["caption"]
    html = make_report(snapshot, "account", "lone", by="mia", verified=False, releases=days).decode()
    assert "1 New &lt;model&gt; (9 Mar 2026)" in html
    assert "Old one" not in html


def test_what_an_id_is_of(snapshot: Snapshot) -> None:
    assert find_kinds(snapshot, "lone") == ("account",)
    assert find_kinds(snapshot, "C-01") == ("campaign",)
    with pytest.raises(NotFoundError, match=r"no account or campaign 'C-1'.*C-01"):
        find_kinds(snapshot, "C-1")
    with pytest.raises(NotFoundError, match="no account 'C-01'"):
        make_report(snapshot, "account", "C-01", by="mia", verified=False)
