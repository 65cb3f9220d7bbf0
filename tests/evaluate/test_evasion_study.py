"""The evasion study: what a tactic makes of a prompt set, what it costs, and what is counted as found."""

import itertools
import json
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "detection"))

import evasion
import evasion_report
from nearest import NEAREST, Near
from prompt_sets import read_prompts, read_talks, share_out
from tactics import DAY, PLAIN, SETTINGS, Made, Tactic, make_attack, sort_by_likeness

from sweeplens.signals.account import MISSING, group_accounts
from sweeplens.signals.ground import measure_ground
from sweeplens.signals.measure import measure_accounts

PROMPTS = [f"Explain item {i} of the list and what {i + 7} of them cost." for i in range(900)]
TALKS = [[f"hello from talk {i}", f"and then turn two of {i}"] for i in range(700)]
SPAN = (1_775_000_000 * 10**6, 1_775_000_000 * 10**6 + 28 * DAY)
EVERY = [(f"{group}, {label}", t) for group, own in SETTINGS.items() for label, t in own]


def make(tactic: Tactic) -> Made:
    return make_attack("lists", PROMPTS, tactic, TALKS, SPAN)


def by_account(made: Made) -> dict[str, list[list[dict[str, str]]]]:
    out: dict[str, list[list[dict[str, str]]]] = defaultdict(list)
    for row in made.rows:
        out[str(row["account_id"])].append(row["messages"])  # type: ignore[arg-type]
    return out


def last_turns(made: Made) -> list[list[str]]:
    return [[messages[-1]["content"] for messages in own] for own in by_account(made).values()]


@pytest.mark.parametrize("tactic", [t for _, t in EVERY], ids=[name for name, _ in EVERY])
def test_every_campaign_can_be_read_and_lies_in_the_time_of_the_log(tactic: Tactic) -> None:
    made = make(tactic)
    taken = evasion.read_attack(made)
    assert len(taken.accounts.prompts) == len(made.rows)
    assert SPAN[0] <= taken.accounts.times.min() <= taken.accounts.times.max() <= SPAN[1]
    assert taken.accounts.times.max() - taken.accounts.times.min() <= tactic.days * DAY


def test_the_plain_campaign_asks_each_prompt_once_and_no_two_accounts_the_same() -> None:
    own = last_turns(make(PLAIN))
    asked = [p for account in own for p in account]
    assert [len(account) for account in own] == [40] * 20
    assert len(set(asked)) == 800
    assert set(asked) <= set(PROMPTS)
    assert make(PLAIN).costs() == {"requests_per_answer": 1, "accounts_per_1000": 25, "chars": 1}


@pytest.mark.parametrize(
    ("tactic", "requests", "accounts"),
    [
        (Tactic(sent=4), 4, 25),
        (Tactic(sent=4, passes=True), 4, 25),
        (Tactic(chat=0.6), 2.5, 25),
        (Tactic(split=9), 1, 1000 / 9),
        (Tactic(split=9, chat=0.7), 10 / 3, 1000 / 3),
        (Tactic(prompts=8), 1, 125),
        (Tactic(place="system prompt"), 1, 25),
    ],
)
def test_costs(tactic: Tactic, requests: float, accounts: float) -> None:
    costs = make(tactic).costs()
    assert costs["requests_per_answer"] == pytest.approx(requests, rel=0.02)
    assert costs["accounts_per_1000"] == pytest.approx(accounts)


def test_characters_count_all_that_is_sent() -> None:
    made = make_attack("lists", ["a" * 30], Tactic(accounts=1, prompts=1, place="system prompt"), [], SPAN)
    last = by_account(made)["made-0000"][0][-1]["content"]
    assert made.costs()["chars"] == pytest.approx(1 + len(last) / 30)


def test_resending_is_in_a_row_or_pass_after_pass() -> None:
    row, passes = (last_turns(make(Tactic(sent=2, passes=p)))[0] for p in (False, True))
    assert row[0::2] == row[1::2]
    assert passes[:40] == passes[40:]


def test_chat_is_put_between_the_prompts_in_whole_conversations() -> None:
    chat = [[p for p in own if p not in PROMPTS] for own in last_turns(make(Tactic(chat=0.5)))]
    assert [len(own) for own in chat] == [40] * 20
    assert all("turn two" in after for own in chat for at, after in itertools.pairwise(own) if "talk" in at)
    assert len({p for own in chat for p in own}) == 800  # no two accounts send the same chat


@pytest.mark.parametrize("place", ["system prompt", "earlier turn"])
def test_a_question_stands_elsewhere_behind_a_constant_turn(place: str) -> None:
    own = by_account(make(Tactic(place=place)))["made-0000"]
    role = "system" if place == "system prompt" else "user"
    assert len({messages[-1]["content"] for messages in own}) == 1
    assert all(messages[0]["role"] == role and messages[0]["content"] in PROMPTS for messages in own)


def test_a_question_stands_behind_turns_of_chat() -> None:
    own = by_account(make(Tactic(place="behind chat")))["made-0000"]
    assert len({messages[-1]["content"] for messages in own}) == 40
    assert all(messages[0]["content"] in PROMPTS and messages[1]["content"] not in PROMPTS for messages in own)


def test_words_around_a_prompt_leave_it_whole() -> None:
    for around in ("line", "paragraph", "by account", "filler"):
        assert all(any(p in text for p in PROMPTS) for text in last_turns(make(Tactic(around=around)))[0])
    assert all(json.loads(text)["input"] in PROMPTS for text in last_turns(make(Tactic(around="JSON")))[0])
    frames = {text.partition("\n\n")[0] for text in last_turns(make(Tactic(around="filler")))[0]}
    assert len(frames) > 30


def test_a_fifth_of_the_words_is_left_out() -> None:
    made = make(Tactic(around="words dropped"))
    assert made.costs()["chars"] == pytest.approx(0.8, abs=0.03)


def test_sorting_puts_alike_texts_next_to_each_other() -> None:
    texts = ["the cat sat", "import numpy", "the cat sat down", "import numpy as np"]
    assert sort_by_likeness(texts) == ["the cat sat", "the cat sat down", "import numpy", "import numpy as np"]


def test_conversations_are_dealt_from_different_places_and_without_end() -> None:
    first, second = share_out([["a", "b"], ["c"], ["d"], ["e", "f"]], 2)
    assert [next(first) for _ in range(5)] == [["a", "b"], ["c"], ["d"], ["e", "f"], ["a", "b"]]
    assert next(second) == ["d"]


def test_a_log_may_know_the_hour_only_or_no_times() -> None:
    hour = 3_600_000_000
    times = np.array([1, 2, 3, hour + 1, 5])
    accounts = group_accounts(["a", "a", "a", "a", "b"], np.arange(5), times)
    blurred = evasion.blur(accounts, "to the hour")
    assert sorted(blurred.prompts[:3].tolist()) == [0, 1, 2]
    assert blurred.prompts[3:].tolist() == [3, 4]
    assert blurred.times.tolist() == [0, 0, 0, hour, 0]
    assert (evasion.blur(accounts, "none").times == MISSING).all()


def test_neighbours_are_those_of_a_full_search() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    old, prompts = np.arange(0, 200, 2), np.r_[np.arange(0, 200, 2), np.arange(201, 290)]
    found = Near.of(vectors, old).among(vectors, prompts)(prompts)
    likeness = vectors[prompts] @ vectors[prompts].T
    np.fill_diagonal(likeness, -2)
    expected = prompts[np.argsort(-likeness, axis=1)[:, :NEAREST]]
    assert all(set(a) == set(b) for a, b in zip(found.tolist(), expected.tolist(), strict=True))


def test_cells_are_those_of_the_log_that_is_judged() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"item {i}" for i in range(80)]
    nowhere = np.zeros(80, np.int32)
    ground = measure_ground(vectors, texts, ["en"] * 80, cell=nowhere, cluster=nowhere, capability=nowhere)
    accounts = group_accounts(["a"] * 60 + ["b"] * 5, np.arange(65), np.arange(65))
    before = measure_accounts(accounts, ground)
    cut = evasion.cut_cells(ground, np.arange(65))
    assert len(np.unique(cut.cell[:65])) == 65 // 20
    assert not cut.cell[65:].any()
    np.testing.assert_array_equal(evasion.cover_anew(accounts, cut, before), measure_accounts(accounts, cut))
    assert not np.array_equal(before[0], measure_accounts(accounts, cut)[0], equal_nan=True)


def judged(levels: list[str], scores: list[float], sweeps: list[tuple[int, ...]]) -> SimpleNamespace:
    groups = [SimpleNamespace(label="sweep", codes=codes) for codes in sweeps]
    return SimpleNamespace(raised=SimpleNamespace(level=levels, score=np.array(scores)), campaigns=groups)


def test_figures_of_a_campaign() -> None:
    levels = ["none", "review", "none", "high", "none", "insufficient"]
    found = evasion.figures(
        judged(levels, [0.1, 0.8, 0.2, 0.9, 0.5, np.nan], [(1, 3, 4)]), 3, np.array([10, 40, 11, 40, 10, 10])
    )
    assert found["flagged"] == pytest.approx(1 / 3)
    assert (found["honest_flagged"], found["honest"]) == (1, 3)
    assert found["jaccard"] == pytest.approx(0.5)
    assert found["found"] == 1
    assert found["auroc"] == pytest.approx((3 + 2 + 0) / 9)
    # Of like volume: 0.9 above 0.8; 0.5 above 0.1 and 0.2; the one without a score below both.
    assert found["auroc_same_volume"] == pytest.approx(3 / 5)


def test_what_ships_is_judged_unless_asked_otherwise() -> None:
    words = ["--corpora", "c", "--mix", "m", "--out", "o", "log:0"]
    for more, fitted in (([], False), (["--shipped"], False), (["--fitted"], True)):
        assert evasion.read_arguments([*words, *more]).fitted is fitted


def test_collections_are_read(tmp_path: Path) -> None:
    import gzip

    rows = [
        {"prompt": "second", "conv": "x", "turn": 1}, {"prompt": "first", "conv": "x", "turn": 0},
        {"prompt": "other", "conv": "y", "turn": 0}, {"prompt": " ", "conv": "y", "turn": 1},
    ]  # fmt: skip
    with gzip.open(tmp_path / "talk.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(r) + "\n" for r in rows)
    assert read_prompts(tmp_path, "talk") == ["second", "first", "other"]
    assert sorted(read_talks(tmp_path, ["talk"], set())) == [["first", "second"], ["other"]]
    assert read_talks(tmp_path, ["talk"], {"second"}) == [["other"]]


def record(group: str, label: str, name: str, flagged: float, **more: object) -> dict[str, object]:
    figures = dict.fromkeys(evasion_report.FIGURES, 1.0) | {"flagged": flagged, "chars": 1.0, "honest_flagged": 2}
    return {"fold": "0", "set": name, "language": "en", "group": group, "label": label, "honest": 50} | figures | more


def test_report_has_means_the_worst_set_and_every_set_by_language(tmp_path: Path) -> None:
    plain, nine = (next(label for label, _ in SETTINGS[k]) for k in ("plain", "split"))
    records = [
        record("plain", plain, "a", 1.0), record("split", nine, "a", 0.5, chars=2.0, found=None),
        record("plain", plain, "b", 0.8), record("split", nine, "b", 0.0, chars=8.0, found=None),
        record("plain", plain, "c", 0.0, language="ko"),
    ]  # fmt: skip
    facts = {"encoder": "fast", "fitted": False, "sets": 2, "detector": "d", "logs": ["l"]}
    evasion_report.write_report(tmp_path, facts | {"without_attack": [{"flagged": 1, "honest": 50}]}, records)
    points = {(p["group"], p["label"]): p for p in json.loads((tmp_path / "evasion.json").read_text())["points"]}
    assert points["plain", plain]["flagged"] == pytest.approx(0.9)
    assert points["split", nine]["flagged_lowest"] == 0
    assert points["split", nine]["chars"] == pytest.approx(4)
    assert points["split", nine]["found"] is None
    assert points["split", nine]["honest_flagged_share"] == pytest.approx(0.04)
    assert points["language of the set", "ko"]["flagged"] == 0
    text = (tmp_path / "evasion.md").read_text()
    assert "| 25 % (0 %) | - | 4.0 % |" in text
    assert "without\n  any campaign it is 2.0 %" in text
    assert (tmp_path / "evasion.svg").read_text().count("<circle") == 2 * (len(points)) + 2
