"""What a sample takes from a snapshot."""

import numpy as np
import pyarrow as pa
import pytest

from support.small_store import SENT, write_small_store
from sweeplens.evaluate.labels import Label, LabelsError
from sweeplens.evaluate.sample import take_sample, take_traffic
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, INDEX, TABLES, VECTORS
from sweeplens.store.snapshot import Snapshot

LANGUAGES = ["de"] * 10 + ["it"] * 10 + ["en"] * 10 + ["fr"] * 8 + ["und"] * 2
LABELS = [
    Label("lone", "attack", "solo", n=500),
    Label("gone", "benign"),
    Label("chat-1", "benign", "user"),
    Label("=cmd", "dual"),
    Label("dealt-c", "attack", "hydra", "c"),
    Label("dealt-a", "attack", "hydra", "c"),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Publish the small store once more, in five languages."""
    store = tmp_path_factory.mktemp("sample")
    old = write_small_store(store)
    prompts = old.table("prompts")
    at = prompts.schema.get_field_index("language")
    tables = {"prompts": prompts.set_column(at, prompts.schema.field(at), pa.array(LANGUAGES))}
    with write_snapshot(store) as writer:
        for name in TABLES:
            writer.add_table(name, tables.get(name, old.table(name)))
        for name in (VECTORS, CELLS, INDEX):
            writer.adopt(old, name)
        return writer.publish({k: old.manifest[k] for k in ("detector", "counts", "encoder")})


def test_accounts_stand_in_the_order_of_the_labels(snapshot: Snapshot) -> None:
    found = take_sample(snapshot, LABELS)
    assert found.volume.tolist() == [500, 0, len(SENT["chat-1"]), 3, 9, 10]
    assert np.array_equal(found.score, [0.97, np.nan, 0.12, np.nan, 0.58, 0.71], equal_nan=True)
    assert found.flagged.tolist() == [True, False, False, False, True, True]
    assert found.groups == (frozenset({"dealt-a", "dealt-b", "dealt-c"}),)
    assert (found.absent, found.unlabelled) == (1, 3)


def test_the_main_language_is_that_of_most_requests(snapshot: Snapshot) -> None:
    # lone: five prompts in each of de, it and en, four in fr. dealt-c: two de, three it, four en. =cmd: no other.
    assert take_sample(snapshot, LABELS).language == ("de", "und", "fr", "und", "en", "de")


def test_traffic_is_what_each_account_sent_first(snapshot: Snapshot) -> None:
    traffic = take_traffic(snapshot, take_sample(snapshot, LABELS))
    assert [p.tolist() for p in traffic.prompts[1:4]] == [[], [30, 31, 32, 33, 34, 35, 36, 37, 0, 1], [38]]
    assert np.allclose(traffic.rows(2)[0], np.asarray(snapshot.vectors[30], np.float32))


def test_labels_of_another_log_are_refused(snapshot: Snapshot) -> None:
    with pytest.raises(LabelsError, match="none of the 1 labelled accounts is among the 8 of snapshot"):
        take_sample(snapshot, [Label("somebody", "benign")])
