"""A snapshot that keeps no text: reports leave the text open, and say everything else."""

import pytest

from support.altered import Altered, without_text
from sweeplens.report.account import account_evidence
from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.cluster import cluster_evidence, cluster_table
from sweeplens.report.plain import to_plain
from sweeplens.report.search import search
from sweeplens.report.sentences import shown_text
from sweeplens.store.snapshot import Snapshot


@pytest.fixture(scope="module")
def bare(snapshot: Snapshot) -> Altered:
    return without_text(snapshot)


def test_prompts_of_accounts_and_campaigns_have_no_text_and_all_else(snapshot: Snapshot, bare: Altered) -> None:
    was, now = account_evidence(snapshot, "lone"), account_evidence(bare, "lone")
    assert {p.text for p in now.prompts} == {None}
    assert [(p.prompt_id, p.n_sent, p.cluster_id) for p in now.prompts] == [
        (p.prompt_id, p.n_sent, p.cluster_id) for p in was.prompts
    ]
    assert now.headline == was.headline
    assert {p.text for p in campaign_evidence(bare, "C-01").prompts} == {None}


def test_clusters_may_have_no_terms_and_no_exemplars(bare: Altered) -> None:
    assert {row.terms for row in cluster_table(bare)} == {()}
    facts = cluster_evidence(bare, 1)
    assert facts.exemplars == ()
    assert len(facts.prompts) == 10
    assert to_plain(facts)["prompts"][0]["text"] is None


def test_search_finds_prompts_by_their_vectors(snapshot: Snapshot, bare: Altered) -> None:
    was, now = (search(s, snapshot.vectors[30], k=4) for s in (snapshot, bare))
    assert [(h.prompt_id, h.accounts, h.cluster_id) for h in now] == [
        (h.prompt_id, h.accounts, h.cluster_id) for h in was
    ]
    assert {h.text for h in now} == {None}


def test_words_stand_where_a_text_would_be() -> None:
    assert shown_text(None) == "(text not shown)"
    assert shown_text("") == ""
