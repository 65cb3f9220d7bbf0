"""Without text: nothing that was asked can be read anywhere in the store, and all but reading goes on."""

import hashlib
import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from support.scan import Scanner, plain_hashes
from sweeplens.config import Settings
from sweeplens.errors import StoreError
from sweeplens.pipeline import build, encode_query, score, update
from sweeplens.report.account import account_evidence
from sweeplens.report.cluster import cluster_table
from sweeplens.report.search import search
from sweeplens.store.key import keyed_hash, store_key
from sweeplens.text import content_hash

TOPICS = ("Zwiebelkuchenrezepte", "Donaudampfschifffahrt", "Sternwartenbesuche", "Geigenbauwerkstatt")
SYSTEM = "You are the patient helper of the Wunderkammer shop"
N_ACCOUNTS, N_PROMPTS = 4, 16


def settings(store, **more):
    return Settings(store=store, encoder="fast", workers=1, **more)


def rows_of(day, accounts, begin, end):
    return [
        {
            "account_id": f"customer-{a:04d}", "ts": f"2026-03-{day:02d}T10:{p:02d}:00Z",
            "system_prompt": SYSTEM if a else None,
            "prompt": f"Erzähle Konto {a} \"etwas\" über {TOPICS[p % 4]}, Folge {p}\nund bitte <b>kurz</b> & genau",
        }
        for a in accounts
        for p in range(begin, end)
    ]  # fmt: skip


FIRST, SECOND = rows_of(2, range(N_ACCOUNTS), 0, N_PROMPTS), rows_of(3, (1, 2), N_PROMPTS - 4, N_PROMPTS + 4)
TEXTS = sorted({row["prompt"] for row in FIRST + SECOND})
SCANNER = Scanner(texts=[*TEXTS, *TOPICS, SYSTEM], hashes=plain_hashes([*TEXTS, SYSTEM]))


def write_log(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """One log with text and without, each in a store of its own, with an update on top."""
    folder = tmp_path_factory.mktemp("no-text")
    first, second = write_log(folder / "one.jsonl", FIRST), write_log(folder / "two.jsonl", SECOND)
    found = {}
    for name, text in (("kept", True), ("none", False)):
        about = settings(folder / name, text=text)
        found[name] = (build([first], about), update([second], about))
    return folder, found


def test_the_scanner_finds_what_a_store_with_text_holds(stores):
    folder, _ = stores
    traces = SCANNER.scan(folder / "kept")
    places = {(t.file.split("/")[-1], t.kind) for t in traces}
    assert {(f"{name}.parquet", "text") for name in ("prompts", "requests", "clusters", "links")} <= places
    assert ("prompts.parquet", "hash") in places
    assert any(t.file.startswith(".cache/") and t.kind == "hash" for t in traces)
    assert {t.needle for t in traces if t.kind == "text"} >= {*TEXTS, *TOPICS, SYSTEM}
    assert {t.needle for t in traces if t.kind == "hash"} >= set(plain_hashes(TEXTS))


def test_no_text_and_no_plain_hash_is_anywhere_in_the_store(stores):
    folder, found = stores
    assert SCANNER.scan(folder / "none") == []
    for result in found["none"]:
        assert result.snapshot.manifest["text"] == "none"
    assert "text" not in {path.stem for path in (folder / "none").rglob("*.parquet")}


def test_scoring_a_log_leaves_the_store_as_it_was_and_knows_its_prompts(stores):
    folder, found = stores
    before = {path: path.read_bytes() for path in (folder / "none").rglob("*") if path.is_file()}
    logs = [str(folder / "one.jsonl"), str(folder / "two.jsonl")]
    scored = score(logs, settings(folder / "none"))
    assert scored.summary["repeated"] == len(FIRST) + len(SECOND)
    assert (
        scored.accounts["account_id"].to_pylist()
        == found["none"][1].snapshot.table("accounts")["account_id"].to_pylist()
    )
    assert {path: path.read_bytes() for path in (folder / "none").rglob("*") if path.is_file()} == before


def test_each_prompt_has_a_keyed_hash_a_length_a_language_and_a_vector(stores):
    folder, found = stores
    key = store_key(folder / "none", create=False)
    for n in (0, 1):
        kept, none = (found[name][n].snapshot for name in ("kept", "none"))
        texts = kept.table("prompts")["text"].to_pylist()
        prompts = none.table("prompts")
        assert prompts["text"].null_count == len(prompts) == len(texts)
        assert prompts["prompt_hash"].to_pylist() == [keyed_hash(key, text) for text in texts]
        for column in ("n_chars", "language"):
            assert prompts[column] == kept.table("prompts")[column]
        np.testing.assert_array_equal(none.vectors[:], kept.vectors[:])


def test_system_prompts_are_keyed_hashes_of_their_own_and_still_link_accounts(stores):
    folder, found = stores
    snapshot = found["none"][1].snapshot
    hashed = keyed_hash(store_key(folder / "none", create=False), SYSTEM, kind="system")
    assert set(snapshot.table("requests")["system_prompt"].to_pylist()) == {hashed, None}
    links = {(link["account_id"], link["kind"], link["value"]) for link in snapshot.table("links").to_pylist()}
    assert {link for link in links if link[1] == "system_prompt"} == {
        (f"customer-{a:04d}", "system_prompt", hashed) for a in range(1, N_ACCOUNTS)
    }
    assert hashed != keyed_hash(store_key(folder / "none"), SYSTEM)


def test_a_build_judges_accounts_as_with_text_and_an_update_has_the_same_requests(stores):
    _, found = stores
    counts = ("account_id", "n_requests", "n_prompts", "campaign_id", "first_ts", "last_ts")
    for n, columns in ((0, (*counts, "level", "level_from")), (1, counts)):
        kept, none = (found[name][n].snapshot.table("accounts") for name in ("kept", "none"))
        assert none.num_rows == N_ACCOUNTS
        for column in columns:
            assert (n, column, none[column].to_pylist()) == (n, column, kept[column].to_pylist())
    kept, none = (found[name][0].snapshot for name in ("kept", "none"))
    np.testing.assert_allclose(none.table("accounts")["score"], kept.table("accounts")["score"], atol=1e-6)
    assert none.table("signals").num_rows == kept.table("signals").num_rows


def test_clusters_are_named_by_capability_and_have_neither_terms_nor_exemplars(stores):
    _, found = stores
    for result in found["none"]:
        clusters = result.snapshot.table("clusters").to_pylist()
        assert clusters
        assert all(not c["terms"] and not c["exemplars"] for c in clusters)
        names = {c["capability"]: c["name"] for c in result.snapshot.table("capabilities").to_pylist()}
        assert all(c["name"].startswith(names[c["capability"]]) for c in clusters)
        assert len({c["name"] for c in clusters}) == len(clusters)


def test_an_update_knows_the_prompts_again_and_embeds_only_new_ones(stores):
    _, found = stores
    kept, none = (found[name][1].summary for name in ("kept", "none"))
    assert none["new_prompts"] == kept["new_prompts"] == 8
    assert none["requests"] == len(FIRST) + len(SECOND)


def test_a_text_is_found_by_its_vector_and_evidence_shows_no_text(stores):
    folder, found = stores
    snapshot = found["none"][1].snapshot
    wanted = found["kept"][1].snapshot.table("prompts")["text"][5].as_py()
    hits = search(snapshot, encode_query(snapshot, wanted, settings(folder / "none")), 3)
    assert hits[0].prompt_id == 5
    assert hits[0].similarity == pytest.approx(1, abs=0.01)
    assert {hit.text for hit in hits} == {None}
    assert account_evidence(snapshot, "customer-0001").prompts[0].text is None
    assert cluster_table(snapshot)


def test_a_later_build_without_text_finds_its_vectors_in_the_cache(stores):
    folder, _ = stores
    again = build([str(folder / "one.jsonl")], settings(folder / "none", text=False))
    assert again.summary["prompts_from_cache"] == again.summary["prompts"]
    assert SCANNER.scan(folder / "none") == []


def test_ids_of_requests_that_the_log_did_not_give_cannot_be_guessed(stores):
    _, found = stores
    ids = {name: found[name][0].snapshot.table("requests")["request_id"].to_pylist() for name in found}
    moment = int(datetime(2026, 3, 2, 10, 0, tzinfo=UTC).timestamp() * 1e6)
    first = "\0".join(("customer-0000", str(moment), content_hash(FIRST[0]["prompt"]), "0"))
    guess = hashlib.sha256(first.encode()).hexdigest()[:32]
    assert ids["kept"][0] == guess
    assert guess not in ids["none"]
    assert not set(ids["kept"]) & set(ids["none"])


def test_two_stores_have_nothing_in_common_and_the_plain_hash_is_not_used(stores, tmp_path):
    _, found = stores
    build([write_log(tmp_path / "log.jsonl", FIRST[:6])], settings(tmp_path / "store", text=False))
    other = {keyed_hash(store_key(tmp_path / "store"), row["prompt"]) for row in FIRST[:6]}
    mine = set(found["none"][0].snapshot.table("prompts")["prompt_hash"].to_pylist())
    assert not other & mine
    assert not mine & {content_hash(text) for text in TEXTS}
    assert Scanner(hashes=sorted(mine)).scan(tmp_path / "store") == []


def test_without_its_key_a_store_without_text_takes_no_log_and_makes_no_other_key(stores, tmp_path):
    folder, _ = stores
    shutil.copytree(folder / "none", tmp_path / "store")
    (tmp_path / "store" / "key").unlink()
    for take in (update, score):
        with pytest.raises(StoreError, match="key is missing; put it back"):
            take([str(folder / "two.jsonl")], settings(tmp_path / "store"))
    assert not (tmp_path / "store" / "key").exists()
