"""The list of the queue as files: the records of `sweeplens score` and `sweeplens campaigns`, filtered as shown."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report.cases import Review
from sweeplens.report.queue import KEYS, to_records
from sweeplens.report.ranking import Ranking, rows_at
from sweeplens.report.records import to_csv, to_jsonl
from sweeplens.ui import data, downloads, words

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot


def draw(snapshot: "Snapshot", ranking: Ranking, places: NDArray[np.int64]) -> None:
    """Offer the accounts and the campaigns of the list, each as CSV and as JSON lines."""
    grouped = ranking.grouped[places]
    with st.popover("Export", key="queue-export", disabled=not len(places)):
        for name, noun, some in (("accounts", "account", places[~grouped]), ("campaigns", "campaign", places[grouped])):
            if len(some):
                st.text(words.counted(len(some), noun))
                with st.container(horizontal=True):
                    _offer(snapshot, ranking, name, some)


def _offer(snapshot: "Snapshot", ranking: Ranking, name: str, places: NDArray[np.int64]) -> None:
    def records() -> list[dict[str, Any]]:
        return to_records(rows_at(snapshot, ranking, places), Review(data.cases(snapshot), data.audited(snapshot)))

    def csv() -> bytes:
        return to_csv(KEYS[name], records())

    def jsonl() -> bytes:
        return to_jsonl(records())

    file = f"{name}-{snapshot.snapshot_id}"
    downloads.offer("CSV", file, csv, key=f"queue-{name}-csv", kind="csv")
    downloads.offer("JSON lines", file, jsonl, key=f"queue-{name}-jsonl", kind="jsonl")
