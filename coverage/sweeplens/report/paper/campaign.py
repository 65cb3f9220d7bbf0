"""What a report says about one campaign, as plain values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.facts import CampaignEvidence, Matrix
from sweeplens.report.grouping import describe_grouping, describe_label
from sweeplens.report.paper.campaign_pictures import draw_campaign
from sweeplens.report.paper.choice import Choice
from sweeplens.report.paper.drawing import Picture
from sweeplens.report.plain import to_plain
from sweeplens.report.releases import Release
from sweeplens.report.sentences import describe_rarity

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_ROW = ("label", "level", "score", "p_value", "q_value", "n_requests", "n_prompts")
_MEMBER = (
    "account_id", "level", "level_from", "score", "p_value", "q_value", "n_requests", "n_prompts", "first_ts",
    "last_ts",
)  # fmt: skip


def gather(snapshot: "Snapshot", campaign_id: str, choice: Choice) -> CampaignEvidence:
    """Return the evidence. Raises `NotFoundError` for an unknown campaign."""
    return campaign_evidence(snapshot, campaign_id, max_prompts=choice.prompts if choice.text else 0)


def describe(evidence: CampaignEvidence, choice: Choice) -> dict[str, Any]:
    """Return what the report says about the campaign."""
    row = evidence.row
    return {
        "summary": evidence.headline,
        "chance": describe_rarity(row),
        **{key: to_plain(getattr(row, key)) for key in _ROW},
        "label_text": describe_label(row.label),
        "first_ts": to_plain(evidence.first_ts),
        "last_ts": to_plain(evidence.last_ts),
        "reasons": [{"text": sentence} for sentence in describe_grouping(row, evidence.n_shared_prompts)],
        "evidence": choice.evidence(row.evidence),
        "n_members": len(row.accounts),
        "members": [{key: to_plain(getattr(m, key)) for key in _MEMBER} for m in evidence.members],
        "coverage": {
            "cells": evidence.coverage.cells, "of": evidence.coverage.of,
            "largest": [{"account_id": a, "cells": n} for a, n in evidence.coverage.largest],
        },
        "n_shared_prompts": evidence.n_shared_prompts,
        "capabilities": _matrix(evidence.capabilities),
        "similarity": _matrix(evidence.similarity),
        "days": _matrix(evidence.days),
        "timeline": to_plain(evidence.timeline),
        "links": [{**to_plain(link), "value": choice.link(link.kind, link.value)} for link in evidence.links],
        "prompts": choice.listing(evidence.prompts, len(evidence.prompt_ids)),
    }  # fmt: skip


def draw(
    snapshot: "Snapshot", evidence: CampaignEvidence, choice: Choice, releases: Sequence[Release]
) -> Mapping[str, Picture]:
    """Return the pictures by their keys."""
    return draw_campaign(snapshot, evidence, choice, releases)


def _matrix(matrix: Matrix) -> dict[str, Any]:
    rounded = np.asarray(matrix.values, np.float64).round(4)
    return {"rows": list(matrix.rows), "columns": list(matrix.columns), "values": to_plain(rounded)}
