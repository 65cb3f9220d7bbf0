"""What is said about a selection of the map: who passes, who sent it, which words, what is near, and the file."""

import csv
import io
import json
from collections import Counter
from datetime import date
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control, hypergeom

from support.small_store import HOSTILE, JUDGED, SENT, START, cluster_of, prompt_text
from sweeplens.errors import NotFoundError
from sweeplens.report import terms as terms_module
from sweeplens.report.columns import columns_of
from sweeplens.report.ground import map_points, typical_order
from sweeplens.report.search import near_account, near_prompt, near_vector
from sweeplens.report.selection import (
    FIELDS,
    Filter,
    _upper_tail,
    measure_senders,
    passing,
    prompt_fields,
    write_selection,
)
from sweeplens.report.terms import distinctive_terms, read_background
from sweeplens.store.snapshot import Snapshot

COOKING = list(range(30, 38))


def kept(snapshot: Snapshot, **wanted: object) -> set[int]:
    return set(np.flatnonzero(passing(map_points(snapshot), prompt_fields(snapshot), Filter(**wanted))).tolist())


def test_no_filter_lets_all_through(snapshot: Snapshot) -> None:
    assert kept(snapshot) == set(range(40))
    assert Filter().is_empty()
    assert not Filter(levels=("high",)).is_empty()


def test_a_level_is_the_highest_of_the_senders(snapshot: Snapshot) -> None:
    high = {p for a, sent in SENT.items() if JUDGED[a][1] == "high" for p in sent}
    assert kept(snapshot, levels=("high",)) == high


def test_filters_are_joined_by_and(snapshot: Snapshot) -> None:
    assert kept(snapshot, capabilities=("coding",)) == {p for p in range(40) if cluster_of(p) == 0}
    high = kept(snapshot, levels=("high",))
    assert kept(snapshot, levels=("high",), capabilities=("coding",)) == high & set(range(10))
    assert kept(snapshot, languages=("de",)) == set()
    assert kept(snapshot, languages=("en", "de")) == set(range(40))


def test_days_are_those_of_the_first_sending_and_both_belong(snapshot: Snapshot) -> None:
    first = {p: min(7 * (a == "lone") for a, sent in SENT.items() if p in sent and a != "=cmd") for p in range(38)}
    day = START.date()
    early = {p for p, days in first.items() if days == 0}
    assert kept(snapshot, since=day, until=day) == early
    assert kept(snapshot, since=date(2026, 3, 9)) == {p for p, days in first.items() if days == 7} | {38}
    assert kept(snapshot, until=date(2026, 3, 1)) == set()


def test_senders_are_compared_with_all_others(snapshot: Snapshot) -> None:
    found = measure_senders(snapshot, COOKING)
    names = [columns_of(snapshot).accounts[i] for i in found.account]
    asked = {a: set(sent) for a, sent in SENT.items()}
    total = sum(len(s) for s in asked.values())
    here = {a: len(s & set(COOKING)) for a, s in asked.items() if s & set(COOKING)}
    assert names == sorted(here)
    marked = sum(here.values())
    for i, name in enumerate(names):
        k, n = here[name], len(asked[name])
        assert (found.here[i], found.prompts[i]) == (k, n)
        assert found.others[i] == pytest.approx((marked - k) / (total - n))
        low = binomtest(k, n).proportion_ci(0.95, "exact").low
        assert found.at_least[i] == pytest.approx(low / ((marked - k + 1) / (total - n + 1)))
    p = [found.p[names.index(a)] if a in here else 1.0 for a in asked]
    assert found.q == pytest.approx([false_discovery_control(p)[list(asked).index(a)] for a in names])
    assert found.p[names.index("shop")] < 0.01 < found.p[names.index("lone")]


@pytest.mark.parametrize(("total", "marked"), [(40, 8), (500, 3), (2000, 1900), (2_500_000, 40_000)])
def test_the_chance_is_the_tail_of_the_hypergeometric(total: int, marked: int) -> None:
    rng = np.random.default_rng(3)
    drawn = rng.integers(1, min(total, 900), 60)
    k = np.minimum(rng.integers(0, 40, 60) + drawn * marked // total, np.minimum(drawn, marked))
    want = np.where(k * total > drawn * marked, hypergeom.sf(k - 1, total, marked, drawn), 1.0)
    got = _upper_tail(k, total, marked, drawn)
    able = want > 1e-290
    assert got[able] == pytest.approx(want[able], rel=1e-5)


def test_words_set_a_selection_apart(snapshot: Snapshot) -> None:
    found = distinctive_terms(snapshot, np.arange(10), read_background(snapshot))
    assert {t.text for t in found} == {"function", "list", "python", "sorts", "write"}
    assert all("recipe" not in t.text for t in found)
    assert found[0].here == pytest.approx(0.9)  # prompt 5 is another text
    assert found[0].elsewhere == 0.0
    assert [t.at_least for t in found] == sorted((t.at_least for t in found), reverse=True)


def test_the_log_odds_of_a_word_are_those_of_monroe(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms_module, "split_words", lambda text, joins: text.lower().split())
    monkeypatch.setattr(terms_module, "read_stop_words", lambda: frozenset(map(str, range(40))))
    counts = [Counter(), Counter()]
    for prompt in range(40):
        words = prompt_text(prompt).lower().split()
        told = {w for w in words if not w.isdigit()}
        pairs = {f"{a} {b}" for a, b in pairwise(words) if a in told and b in told}
        counts[prompt not in COOKING].update(told | {p for p in pairs if p.isascii()})
    here, rest = counts
    y, n, m, o = here["recipe"], here.total(), rest["recipe"], rest.total()
    weight = (n + o) / 10
    prior = weight * (y + m) / (n + o)
    delta = log((y + prior) / (n + weight - y - prior)) - log((m + prior) / (o + weight - m - prior))
    low = delta - 1.96 * sqrt(1 / (y + prior) + 1 / (m + prior))
    found = distinctive_terms(snapshot, np.array(COOKING), read_background(snapshot))
    assert {t.text: t.at_least for t in found}["recipe"] == pytest.approx(low)


def test_everything_is_set_apart_from_nothing(snapshot: Snapshot) -> None:
    assert distinctive_terms(snapshot, np.arange(40), read_background(snapshot)) == []


def test_what_is_like_a_prompt_is_near_to_it(snapshot: Snapshot) -> None:
    near = near_prompt(snapshot, 30, k=5)
    assert 30 not in near.ids
    assert {cluster_of(i) for i in near.ids.tolist()} == {3}
    vectors = np.asarray(snapshot.vectors[np.arange(40)], np.float32)
    cosines = vectors @ vectors[30]
    assert near.similarity == pytest.approx(np.sort(np.delete(cosines, 30))[::-1][:5], abs=2e-3)
    assert len(near_prompt(snapshot, 30, k=500).ids) == 39
    assert near_vector(snapshot, vectors[30], 1).ids.tolist() == [30]


def test_what_is_like_an_account_is_asked_by_others(snapshot: Snapshot) -> None:
    near = near_account(snapshot, "chat-2", k=6)
    own = set(SENT["chat-2"])
    assert not own & set(near.ids.tolist())
    assert len(set(near.ids.tolist())) == len(near.ids) == 6
    vectors = np.asarray(snapshot.vectors[np.arange(40)], np.float32)
    best = {i: float((vectors[sorted(own)] @ vectors[i]).max()) for i in range(40) if i not in own}
    want = sorted(best, key=lambda i: -best[i])[:6]
    assert near.ids.tolist() == want
    assert near.similarity.tolist() == sorted(near.similarity.tolist(), reverse=True)


@pytest.mark.parametrize("prompt", [-1, 40])
def test_an_unknown_prompt_is_said_to_be_unknown(snapshot: Snapshot, prompt: int) -> None:
    with pytest.raises(NotFoundError, match=f"has no prompt {prompt}: its prompts are 0 to 39"):
        near_prompt(snapshot, prompt)


def test_of_many_prompts_an_even_sample_comes_first(snapshot: Snapshot) -> None:
    many = np.tile(np.arange(40), 200)
    order = typical_order(snapshot, many)
    assert sorted(order.tolist()) == list(range(len(many)))
    looked = order[:4096]
    assert looked.max() == len(many) - 1
    assert np.diff(np.sort(looked)).max() <= 2


def test_a_selection_as_csv_has_no_formulas_and_no_text_unless_asked(snapshot: Snapshot) -> None:
    raw = write_selection(snapshot, [38, 5], "csv", with_text=True).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(raw, newline="")))
    assert [r["prompt_id"] for r in rows] == ["38", "5"]
    assert json.loads(rows[0]["accounts"]) == ["=cmd", "lone"]
    assert (rows[0]["n_requests"], rows[0]["n_accounts"], rows[0]["level"]) == ("4", "2", "review")
    assert "\x1b" not in raw
    assert r"\x1b[31m" in rows[1]["text"]
    bare = write_selection(snapshot, [38, 5], "csv", with_text=False).decode("utf-8")
    assert tuple(csv.DictReader(io.StringIO(bare, newline="")).fieldnames or ()) == FIELDS
    assert "script" not in bare


def test_a_selection_as_jsonl_is_ascii_and_whole(snapshot: Snapshot) -> None:
    raw = write_selection(snapshot, np.array([5, 30]), "jsonl", with_text=True)
    assert raw.isascii()
    first, second = (json.loads(line) for line in raw.splitlines())
    assert first["text"] == HOSTILE
    assert (second["cluster"], second["capability"], second["language"]) == ("soup, recipe", "unassigned", "en")
    assert second["first_sent"] == START.isoformat()
    assert second["accounts"] == ["chat-1", "shop", "lone"]
    assert b'"text"' not in write_selection(snapshot, [5], "jsonl", with_text=False)
