"""A campaign's evidence agrees with a count by hand over the literal log."""

import numpy as np
import pytest

from support.small_store import SENT, cluster_of
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
    assert facts.capabilities.rows == facts.clusters.rows == facts.days.rows == MEMBERS
    assert facts.capabilities.columns == ("Coding", "Translation", "Mathematics")
    for i, member in enumerate(MEMBERS):
        own = SENT[member]
        assert facts.capabilities.values[i].tolist() == pytest.approx(
            [sum(cluster_of(p) == c for p in own) / len(own) for c in range(3)]
        )
        for j, column in enumerate(facts.clusters.columns):
            share = sum(cluster_of(p) == int(column.split()[0]) for p in own) / len(own)
            assert facts.clusters.values[i, j] == pytest.approx(share)
    assert facts.days.columns == ("2026-03-02",)
    assert facts.days.values[:, 0].tolist() == [10, 10, 9]


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


def test_only_the_first_members_are_drawn_but_all_are_counted(snapshot: Snapshot) -> None:
    facts = campaign_evidence(snapshot, "C-01", max_members=2, max_prompts=4)
    assert facts.capabilities.rows == MEMBERS[:2]
    assert facts.similarity.values.shape == (2, 2)
    assert (len(facts.members), len(facts.prompts), sum(n for _, n in facts.timeline.days)) == (3, 4, 29)


def test_unknown_campaign(snapshot: Snapshot) -> None:
    with pytest.raises(NotFoundError, match="no campaign 'C-02': did you mean K-02, C-01"):
        campaign_evidence(snapshot, "C-02")
