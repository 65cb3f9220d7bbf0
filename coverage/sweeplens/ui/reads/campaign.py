"""Cached reads of the pages about campaigns."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report import members, templates
from sweeplens.report.templates import Templates
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui import data


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=data.LASTING)
def periods(snapshot: Snapshot) -> dict[str, data.Period]:
    """Return by campaign id when its members were first and last seen."""
    return members.periods(snapshot, [(row.campaign_id, row.accounts) for row in data.campaigns(snapshot)])


def found_templates(snapshot: Snapshot, campaign_id: str) -> Templates | None:
    """Return what the members' prompts have in common; None where their text was not kept or is hidden."""
    return _templates(snapshot, campaign_id, data.hidden())


@st.cache_resource(max_entries=16, show_spinner="Looking for templates", hash_funcs=data.LASTING)
def _templates(snapshot: Snapshot, campaign_id: str, hide: bool) -> Templates | None:
    if hide:
        return None

    def read(ids: NDArray[np.int64]) -> list[str | None]:
        return [row.text for row in data.prompt_rows(snapshot, ids)]

    accounts = next(row.accounts for row in data.campaigns(snapshot) if row.campaign_id == campaign_id)
    return templates.campaign_templates(snapshot, accounts, read)
