"""Peers ask mostly in the account's language where there are enough, in stored percentiles and on its page alike."""

from types import SimpleNamespace

import numpy as np
import pytest

from support.altered import Altered
from support.day_log import quick, write_rows
from sweeplens.pipeline import build, score, update
from sweeplens.report.account import account_evidence
from sweeplens.report.columns import columns_of
from sweeplens.report.mixes import mixes_of
from sweeplens.report.peers import peers_of
from sweeplens.signals.measure import percentile_among

ASKED = {
    "en": "Please explain to account {a} in simple words what the number {p} has to do with the history of trains",
    "de": "Bitte erkläre dem Konto {a} in einfachen Worten, was die Zahl {p} mit der Geschichte der Bahn zu tun hat",
    "fr": "Explique au compte {a} avec des mots simples ce que le nombre {p} a à voir avec l'histoire des trains",
}
SENDERS = {"en": range(34), "de": range(34, 66), "fr": range(66, 70)}


def rows(accounts, prompts, first=0):
    """Requests of accounts that ask in their language; each repeats some prompts as often as its number says."""
    return [
        {
            "request_id": f"a{a}-{p}-{turn}", "account_id": f"{word}{a:02d}",
            "ts": f"2026-03-{3 + turn:02d}T{p // 60 % 24:02d}:{p % 60:02d}:{a % 60:02d}Z",
            "prompt": ASKED[word].format(a=a, p=p),
        }
        for word, senders in SENDERS.items() for a in senders if a in accounts
        for p in range(first, prompts) for turn in range(1 + (p < a % 7))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A log that is built in two parts, the second scored before it is put on top."""
    folder = tmp_path_factory.mktemp("languages")
    everyone = range(70)
    first = write_rows(folder / "1.jsonl", rows(everyone, 11))
    second = write_rows(folder / "2.jsonl", rows(range(0, 70, 2), 14, first=11))
    about = quick(folder / "store")
    one = build([first], about).snapshot
    return SimpleNamespace(one=one, scored=score([second], about), two=update([second], about).snapshot)


def again(snapshot, account_id):
    """The percentiles of an account, made again with the peers that its page has."""
    columns = columns_of(snapshot)
    at = columns.position[account_id]
    values = columns.signals.values
    return percentile_among(values[at], values[peers_of(snapshot, at).rows])[0], columns.signals.percentiles[at]


@pytest.mark.parametrize("which", ["one", "two"])
def test_stored_percentiles_are_among_the_peers_that_a_page_shows(store, which):
    snapshot = getattr(store, which)
    assert snapshot.manifest["peers"] == "volume and language"
    for account_id in columns_of(snapshot).accounts:
        made, stored = again(snapshot, account_id)
        assert np.array_equal(made, stored, equal_nan=True)
        assert np.isfinite(stored).any()


def test_peers_are_of_one_language_and_a_page_says_so(store):
    facts = account_evidence(store.one, "de40")
    assert set(facts.peers.account_ids) == {f"de{a}" for a in SENDERS["de"] if a != 40}
    assert facts.peers.text == "compared with 31 accounts of like volume that ask mostly in German"
    assert (facts.peers.language, facts.peers.n_language) == ("de", 31)
    assert facts.languages.main == "de"
    assert "of 31 accounts of like volume and language." in facts.headline


def test_where_a_language_has_too_few_accounts_any_language_counts_and_a_page_says_so(store):
    facts = account_evidence(store.one, "fr67")
    assert len(facts.peers.account_ids) == 69
    assert facts.peers.text == ("compared with 69 accounts of like volume in any language: only 3 ask mostly in French")
    assert (facts.peers.language, facts.peers.n_language) == (None, 3)


def test_a_score_has_the_reasons_of_an_update(store):
    told = dict(zip(*(store.two.table("accounts")[c].to_pylist() for c in ("account_id", "reasons")), strict=True))
    scored = dict(zip(*(store.scored.accounts[c].to_pylist() for c in ("account_id", "reasons")), strict=True))
    assert scored == told
    assert any(r["peer_percentile"] is not None for reasons in told.values() for r in reasons)


def test_a_snapshot_of_an_earlier_version_keeps_its_peers_of_any_language(store):
    manifest = {key: value for key, value in store.one.manifest.items() if key != "peers"}
    old = Altered(store.one, {})
    old.manifest = manifest
    facts = account_evidence(old, "de40")
    assert len(facts.peers.account_ids) == 69
    assert facts.peers.text == (
        "compared with 69 accounts of like volume in any language: this snapshot is of a version that did not look at "
        "languages"
    )


def test_an_account_of_very_many_requests_has_the_peers_of_the_sample_that_it_was_judged_by(tmp_path):
    many = [
        {
            "request_id": f"m{p}", "account_id": "many", "prompt": ASKED["en" if p < 1900 else "de"].format(a=99, p=p),
            "ts": f"2026-03-{1 + p // 240:02d}T{p // 10 % 24:02d}:{p % 10:02d}:00Z",
        }
        for p in range(3900)
    ]  # fmt: skip
    large = [
        {**row, "account_id": f"{word}-large{i}", "request_id": f"{row['request_id']}-{word}{i}"}
        for i in range(2) for word in ("en", "de") for row in rows([0 if word == "en" else 34], 1200)[:1000]
    ]  # fmt: skip
    log = write_rows(tmp_path / "log.jsonl", [*rows(range(70), 11), *large, *many])
    snapshot = build([log], quick(tmp_path / "store")).snapshot
    columns, judged = columns_of(snapshot), mixes_of(snapshot).likeness
    assert (columns.n_prompts[columns.position["many"]], judged.volume[columns.position["many"]]) == (3900, 2000)
    for account_id in ("many", "en-large0", "de40"):
        made, stored = again(snapshot, account_id)
        assert np.array_equal(made, stored, equal_nan=True)
