"""A campaign's evidence agrees with a count by hand over the literal log."""

from datetime import timedelta

import numpy as np
import pytest

from support.small_store import SENT, START, cluster_of
from sweeplens.errors import NotFoundError
from sweeplens.report.campaign import campaign_evidence
from sweeplens.store.snapshot import Snapshot

MEMBERS = ("dealt-a", "dealt-b", "dealt-c")


def test_members_are_ranked_and_their_union_is_counted(snapshot: Snapshot) -> None:
    facts = campaign_evidence(snapshot, "C-01")
    union = {p for a in MEMBERS for p in SENT[a]}
    assert tuple(m.account_id for m in facts.members) == MEMBERS
    assert facts.prompt_ids.tolist() == sorted(union)
    assert facts.coverage.cells == len({p // 2 for p in union})
    assert facts.coverage.of == 20
    cells = {a: len({p // 2 for p in SENT[a]}) for a in MEMBERS}
    assert facts.coverage.largest == tuple(sorted(cells.items(), key=lambda c: (-c[1], c[0])))
    assert facts.n_shared_prompts == sum(sum(p in SENT[a] for a in MEMBERS) > 1 for p in union)
    assert facts.headline == (
        "3 accounts that resemble one sweep dealt out over many: 29 requests over 15 of 20 cells, "
        "where the widest member alone reaches 10."
    )


def test_matrices_hold_shares_of_each_members_prompts(snapshot: Snapshot) -> None:
    facts = campaign_evidence(snapshot, "C-01")
    assert facts.capabilities.rows == facts.clusters.rows == facts.similarity.rows
    assert sorted(facts.capabilities.rows) == sorted(MEMBERS)
    assert sorted(facts.capabilities.columns) == ["Coding", "Mathematics", "Translation"]
    topics = [("Coding", "Translation", "Mathematics").index(c) for c in facts.capabilities.columns]
    for i, member in enumerate(facts.capabilities.rows):
        own = SENT[member]
        assert facts.capabilities.values[i].tolist() == pytest.approx(
            [sum(cluster_of(p) == c for p in own) / len(own) for c in topics]
        )
        for j, column in enumerate(facts.clusters.columns):
            share = sum(cluster_of(p) == int(column.split()[0]) for p in own) / len(own)
            assert facts.clusters.values[i, j] == pytest.approx(share)


def test_all_accounts_stand_beside_the_members_with_the_mean_of_their_shares(snapshot: Snapshot) -> None:
    facts = campaign_evidence(snapshot, "C-01")
    distinct = [set(sent) for sent in SENT.values()]
    for j, column in enumerate(facts.clusters.columns):
        mean = sum(sum(cluster_of(p) == int(column.split()[0]) for p in own) / len(own) for own in distinct) / 8
        assert facts.clusters.everybody is not None
        assert facts.clusters.everybody[j] == pytest.approx(mean)
    coding = facts.capabilities.columns.index("Coding")
    mean = sum(sum(p < 10 for p in own) / len(own) for own in distinct) / 8
    assert facts.capabilities.everybody is not None
    assert facts.capabilities.everybody[coding] == pytest.approx(mean)


def test_days_and_hours_count_requests_of_who_began_first(snapshot: Snapshot) -> None:
    facts = campaign_evidence(snapshot, "C-01")
    assert facts.days.rows == facts.hours.rows == MEMBERS
    assert facts.days.columns == ("2026-03-02",)
    assert facts.days.values[:, 0].tolist() == [10, 10, 9]
    assert facts.hours.values[2].tolist() == [0] * 9 + [1] * 9 + [0] * 6
    assert (facts.first_ts, facts.last_ts) == (START, START + timedelta(hours=9))


def test_the_widest_account_elsewhere_stands_beside_the_union(snapshot: Snapshot) -> None:
    assert campaign_evidence(snapshot, "C-01").coverage.outside == ("lone", 20)


def test_too_few_accounts_say_nothing_about_two_of_them(snapshot: Snapshot) -> None:
    assert campaign_evidence(snapshot, "C-01").alike_elsewhere is None


def test_similarity_is_the_cosine_of_centred_means(snapshot: Snapshot) -> None:
    matrix = campaign_evidence(snapshot, "C-01").similarity
    assert matrix.rows == matrix.columns
    assert sorted(matrix.rows) == sorted(MEMBERS)
    vectors = np.asarray(snapshot.vectors, np.float64)
    means = {a: vectors[list(dict.fromkeys(SENT[a]))].mean(0) - vectors.mean(0) for a in MEMBERS}
    for i, a in enumerate(matrix.rows):
        for j, b in enumerate(matrix.rows):
            cosine = means[a] @ means[b] / np.linalg.norm(means[a]) / np.linalg.norm(means[b])
            assert matrix.values[i, j] == pytest.approx(cosine, abs=1e-3)


def test_links_of_several_members(snapshot: Snapshot) -> None:
    links = campaign_evidence(snapshot, "C-01").links
    assert [(link.kind, link.value, link.n_members, link.n_accounts) for link in links] == [
        ("ip", "192.0.2.7", 2, 2),
        ("org", "org-9", 2, 3),
    ]


def test_typical_prompts_count_the_members_sendings(snapshot: Snapshot) -> None:
    prompts = campaign_evidence(snapshot, "K-02").prompts
    sent = SENT["chat-1"] + SENT["chat-2"]
    assert {p.prompt_id: p.n_sent for p in prompts} == {p: sent.count(p) for p in sent}
    assert [p.cluster_id for p in campaign_evidence(snapshot, "C-01").prompts[:4]] == [0, 2, 1, 0]


def test_members_are_drawn_spread_over_all_and_all_are_counted(snapshot: Snapshot) -> None:
    facts = campaign_evidence(snapshot, "C-01", max_members=2, max_prompts=4)
    assert sorted(facts.capabilities.rows) == ["dealt-a", "dealt-c"]
    assert facts.similarity.values.shape == (2, 2)
    assert [m.account_id for m in campaign_evidence(snapshot, "C-01", max_rows=1).members] == ["dealt-a"]
    assert (len(facts.members), len(facts.prompts), sum(n for _, n in facts.timeline.days)) == (3, 4, 29)


def test_unknown_campaign(snapshot: Snapshot) -> None:
    with pytest.raises(NotFoundError, match="no campaign 'C-02': did you mean K-02, C-01"):
        campaign_evidence(snapshot, "C-02")
