"""An account's evidence agrees with a count by hand over the literal log."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from support.judged_store import write_judged_store
from support.small_store import ABLE, SENT, START, cluster_of
from sweeplens.errors import NotFoundError
from sweeplens.report.account import account_evidence
from sweeplens.report.sentences import describe_chance
from sweeplens.signals.catalog import BY_KEY
from sweeplens.store.snapshot import Snapshot


@pytest.mark.parametrize("account", list(SENT))
def test_counts_agree_with_the_log(snapshot: Snapshot, account: str) -> None:
    sent = SENT[account]
    facts = account_evidence(snapshot, account)
    assert facts.prompt_ids.tolist() == list(dict.fromkeys(sent))
    assert {p.prompt_id: p.n_sent for p in facts.prompts} == Counter(sent)
    assert facts.order.prompt_id.tolist() == sent
    assert facts.order.arrival.tolist() == list(range(1, len(sent) + 1))
    assert facts.order.first.tolist() == [p not in sent[:i] for i, p in enumerate(sent)]
    assert {c.cluster_id: c.n_prompts for c in facts.clusters} == Counter(cluster_of(p) for p in set(sent))
    assert sum(c.share for c in facts.capabilities) == pytest.approx(1.0)
    assert facts.timeline.undated == (len(sent) if account == "=cmd" else 0)
    assert sum(n for _, n in facts.timeline.days) == sum(facts.timeline.hours) == len(sent) - facts.timeline.undated


def test_clusters_come_by_share_with_no_cluster_last(snapshot: Snapshot) -> None:
    shares = account_evidence(snapshot, "lone").clusters
    assert [(s.cluster_id, s.n_prompts) for s in shares] == [(0, 5), (1, 5), (2, 5), (3, 4), (-1, 1)]
    assert shares[3].map_share == pytest.approx(8 / 40)
    assert shares[4].name == "no cluster"


def test_capabilities_stand_beside_the_median_of_the_peers(snapshot: Snapshot) -> None:
    facts = account_evidence(snapshot, "dealt-a")
    others = [a for a in ABLE if a != "dealt-a"]
    coding = [sum(cluster_of(p) == 0 for p in set(SENT[a])) / len(set(SENT[a])) for a in others]
    assert facts.capabilities[0].capability == "coding"
    assert facts.capabilities[0].share == pytest.approx(0.4)
    assert facts.capabilities[0].peer_median == pytest.approx(float(np.median(coding)))


def test_curve_band_is_that_of_the_peers_who_got_as_far(snapshot: Snapshot) -> None:
    curve = account_evidence(snapshot, "lone").curve
    at_eight = [len({p // 2 for p in list(dict.fromkeys(SENT[a]))[:8]}) for a in ABLE if a != "lone"]
    place = curve.n.index(8)
    assert curve.cells == curve.n == (1, 2, 3, 5, 8, 10, 15, 20)
    assert curve.n_peers[place] == 5
    assert curve.low[place] == pytest.approx(float(np.quantile(at_eight, 0.05)))
    assert curve.median[place] == pytest.approx(float(np.median(at_eight)))
    assert curve.high[place] == pytest.approx(float(np.quantile(at_eight, 0.95)))
    assert curve.median[curve.n.index(15)] is None


def test_signals_that_speak_most_come_first_beside_peer_quantiles(snapshot: Snapshot) -> None:
    signals = account_evidence(snapshot, "lone").signals
    assert [s.signal for s in signals] == ["cells", "repeats", "locality"]
    assert signals[0].text == "asks in 20 different cells; peers of like volume in 5"
    repeats = [1 - len(set(s)) / len(s) for a, s in ABLE.items() if a != "lone"]
    assert signals[1].quantiles == pytest.approx(np.quantile(repeats, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())
    assert signals[1].weight is None
    assert (signals[2].value, signals[2].peer_percentile, signals[2].quantiles) == (None, None, None)


def test_typical_prompts_take_turns_among_clusters(snapshot: Snapshot) -> None:
    prompts = account_evidence(snapshot, "chat-1").prompts
    assert [p.cluster_id for p in prompts[:3]] == [3, 0, 3]
    lone = account_evidence(snapshot, "lone").prompts
    assert [p.cluster_id for p in lone[:5]] == [0, 1, 2, 3, 0]
    assert lone[-1].cluster_id == -1
    own = np.asarray(snapshot.vectors[:10:2], np.float32)
    assert lone[0].prompt_id == 2 * int((own @ own.mean(0)).argmax())


def test_nearest_accounts_share_rare_cells(snapshot: Snapshot) -> None:
    nearest = account_evidence(snapshot, "dealt-a").nearest
    assert nearest[0].account_id == "dealt-b"
    mine = {p // 2 for p in SENT["dealt-a"]}
    for other in nearest:
        assert other.shared_cells == len(mine & {p // 2 for p in SENT[other.account_id]})
        assert 0 < other.similarity <= 1
    assert [n.similarity for n in nearest] == sorted((n.similarity for n in nearest), reverse=True)


def test_links_name_the_others(snapshot: Snapshot) -> None:
    links = account_evidence(snapshot, "dealt-a").links
    assert [(link.kind, link.value, link.others) for link in links] == [
        ("ip", "192.0.2.7", ("dealt-b",)),
        ("org", "org-9", ("chat-1", "dealt-b")),
    ]


def test_thinned_order_keeps_both_ends(snapshot: Snapshot) -> None:
    facts = account_evidence(snapshot, "lone", max_order=5, max_prompts=3)
    assert (facts.order.arrival[0], facts.order.arrival[-1], facts.order.total) == (1, 20, 20)
    assert (len(facts.order.arrival), len(facts.prompts), len(facts.prompt_ids)) == (5, 3, 20)


def test_first_sending_is_the_accounts_own(snapshot: Snapshot) -> None:
    first = {p.prompt_id: p.first_ts for p in account_evidence(snapshot, "dealt-a").prompts}
    assert first[0] == START
    assert {p.first_ts for p in account_evidence(snapshot, "=cmd").prompts} == {None}


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("=cmd", "Has too few prompts to be judged alone: 1 distinct prompt in 3 requests."),
        (
            "chat-1",
            (
                "Scores like ordinary use: 0.12, above 1 of only 5 accounts of the nearest volumes (10 to 20 prompts). "
                "Member of K-02 (tenant, 2 accounts)."
            ),
        ),
        (
            "dealt-a",
            (
                "Scores like a sweep: 0.71, above 4 of only 5 accounts of the nearest volumes (10 to 20 prompts). "
                "Raised to high by C-01 (3 accounts): the score without it is 0.25."
            ),
        ),
        (
            "dealt-c",
            (
                "Scores like a sweep: 0.58, above 3 of only 6 accounts of the nearest volumes (1 to 20 prompts). "
                "Raised to high by C-01 (3 accounts): alone it has too few prompts to be judged, 9 distinct ones."
            ),
        ),
        ("lone", "Scores like a sweep: 0.97, above all of only 5 accounts of the nearest volumes (10 prompts)."),
    ],
)
def test_headlines(snapshot: Snapshot, account: str, sentence: str) -> None:
    assert account_evidence(snapshot, account).headline == sentence


def test_kin_and_campaign_stand_among_the_signals_with_labels_of_their_own(tmp_path: Path) -> None:
    snapshot = write_judged_store(tmp_path / "store")
    first, second = account_evidence(snapshot, "dealt-a").signals[:2]
    assert (first.signal, first.label, first.value, first.weight) == ("campaign", "its campaign", 0.93, 2.0)
    assert (second.signal, second.label, second.value, second.weight) == ("kin", "accounts that ask alike", 0.9, 1.75)
    assert second.text == "the 3 accounts that ask most like it score 0.90"
    assert (second.family, second.peer_percentile, second.quantiles) == ("", None, None)
    assert second.fools
    assert "kin" not in {s.signal for s in account_evidence(snapshot, "lone").signals}
    # An account with too few prompts for signals still says what it takes from others.
    assert [s.signal for s in account_evidence(snapshot, "dealt-c").signals if s.weight] == ["campaign", "kin"]


def test_p_is_said_in_words_and_of_the_score_before_the_campaign_helped(tmp_path: Path) -> None:
    snapshot = write_judged_store(tmp_path / "store")
    said = {a: describe_chance(account_evidence(snapshot, a).row) for a in ("lone", "dealt-a", "dealt-c")}
    assert said["lone"] == (
        "of honest accounts, 0.1 % or fewer score as high (q 0.004 after correction for all that was tested)"
    )
    assert said["dealt-a"].startswith("of honest accounts, 0.6 % or fewer score as high as it does without its camp")
    assert said["dealt-c"] == ""


def test_unknown_account_is_answered_with_likely_ones(snapshot: Snapshot) -> None:
    with pytest.raises(NotFoundError, match=r"no account 'dealt-d': did you mean dealt-\w, dealt-\w, dealt-\w\?"):
        account_evidence(snapshot, "dealt-d")
    with pytest.raises(NotFoundError, match="did you mean lone"):
        account_evidence(snapshot, " LONE ")
    with pytest.raises(NotFoundError, match=r"no account '\\x1b\[31mzzzzzz': it has 8, such as =cmd"):
        account_evidence(snapshot, "\x1b[31mzzzzzz")


def test_peers_of_an_account_with_signals_have_signals_too(snapshot: Snapshot) -> None:
    assert account_evidence(snapshot, "lone").peers.account_ids == tuple(a for a in ABLE if a != "lone")
    assert account_evidence(snapshot, "dealt-c").peers.account_ids == tuple(a for a in SENT if a != "dealt-c")


def test_a_reason_speaks_first_and_other_signals_in_the_catalogues_words(snapshot: Snapshot) -> None:
    first, second, _ = account_evidence(snapshot, "lone").signals
    assert (first.weight, first.label, first.family) == (1.5, "ground covered", "coverage")
    assert second.text == BY_KEY["repeats"].sentence(second.value, second.quantiles[2])
    assert second.fools == BY_KEY["repeats"].fools
