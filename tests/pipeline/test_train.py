"""A store's own detector: from labels and from verdicts, kept where it is better, with a reference where it can be."""

import csv
import json
import stat

import numpy as np
import pytest

from support.labelled_store import write_labelled_store
from sweeplens.detect.calibration import FILE as CALIBRATION
from sweeplens.detect.calibration import full_name, load_reference
from sweeplens.detect.detector import load_detector
from sweeplens.detect.training import FILE, choose_detector
from sweeplens.errors import DetectorError
from sweeplens.evaluate.labels import LabelsError
from sweeplens.pipeline.calibrate import keep_reference
from sweeplens.pipeline.train import (
    check_replaced,
    fit_labels,
    keep_detector,
    labels_of_file,
    labels_of_verdicts,
    remove_detector,
)
from sweeplens.review import add_verdict


def write_labels(path, rows, header=("account_id", "label", "campaign_id", "corpus")):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(row[: len(header)] for row in rows)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_labelled_store(tmp_path_factory.mktemp("labelled") / "store")


@pytest.fixture(scope="module")
def labels(made, tmp_path_factory):
    """Every account but one, which is dual, and one more that the snapshot does not have."""
    rows = [
        (name, "attack" if attack else "benign", "", "")
        for name, attack in zip(made.accounts, made.attack, strict=True)
    ]
    rows[5] = (made.accounts[5], "dual", "", "")
    return write_labels(tmp_path_factory.mktemp("labels") / "labels.csv", [*rows, ("gone", "benign", "", "")])


@pytest.fixture(scope="module")
def training(made, labels):
    return fit_labels(made.snapshot, labels_of_file(labels))


def test_labels_that_differ_from_the_default_give_a_better_detector(made, training):
    assert training.trained.better
    counts = dict(training.counts)
    assert (counts["dual"], counts["too little"], counts["absent"]) == (1, 2, 1)
    assert counts["attack"] + counts["benign"] == len(made.accounts) - 3
    assert training.unit == "campaigns"  # the group that the snapshot found is one unit, every other account another
    assert training.n_groups == counts["attack"] + counts["benign"] - 2
    data = json.loads(training.file)
    assert data["parent"] == {"name": "fast", "version": load_detector("fast").version}
    assert data["trained_on"]["labels"] == counts["attack"] + counts["benign"]
    assert data["trained_on"]["source"] == "labels.csv"
    assert training.detector.version == data["version"]


def test_what_is_kept_is_private_and_taken_by_the_next_build(made, training, tmp_path):
    check_replaced(tmp_path, training)
    path = keep_detector(tmp_path, training)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert full_name(choose_detector("fast", tmp_path)) == full_name(training.detector)
    assert not choose_detector("default", tmp_path).version.startswith(training.detector.version)
    assert remove_detector(tmp_path)
    assert not remove_detector(tmp_path)
    assert choose_detector("fast", tmp_path) is load_detector("fast")


def test_benign_accounts_out_of_fold_become_the_reference_and_go_with_the_detector(made, training, tmp_path):
    reference = training.reference
    assert reference is not None
    # Of the two accounts without signals those that are benign may have kin, and so a score.
    assert 0 <= len(reference) - training.counts["benign"] <= 2
    assert reference.detector == full_name(training.detector)
    assert reference.corpora == 1
    assert set(reference.volumes.tolist()) == {12}
    own = training.trained.held_out[~made.attack[[i for i in range(698) if i != 5]]]
    shares = np.linspace(0, 1, 21)
    assert np.corrcoef(np.quantile(own, shares), np.quantile(reference.log_odds, shares))[0, 1] > 0.95
    keep_detector(tmp_path, training)
    keep_reference(tmp_path, reference)
    found = load_reference("fast", choose_detector("fast", tmp_path), tmp_path)
    assert found is not None
    assert found.source == "benign accounts of labels.csv, out of fold"
    remove_detector(tmp_path)
    assert not (tmp_path / CALIBRATION).exists()


def test_a_reference_of_another_detector_stays(made, training, tmp_path):
    keep_detector(tmp_path, training)
    (tmp_path / CALIBRATION).write_bytes(b"not even one")
    assert remove_detector(tmp_path)
    assert (tmp_path / CALIBRATION).exists()


def test_a_damaged_detector_can_be_replaced_and_removed(training, tmp_path):
    (tmp_path / FILE).write_bytes(b"\x80")
    check_replaced(tmp_path, training)
    assert remove_detector(tmp_path)


def test_corpora_count_and_are_never_torn_apart(made, labels, tmp_path):
    rows = [
        (name, "attack" if attack else "benign", "", f"corpus {i % 40}")
        for i, (name, attack) in enumerate(zip(made.accounts, made.attack, strict=True))
    ]
    training = fit_labels(made.snapshot, labels_of_file(write_labels(tmp_path / "corpora.csv", rows)))
    assert (training.unit, training.n_groups) == ("corpora", 40)
    assert training.reference is not None
    assert training.reference.corpora == 40


def test_a_detector_that_is_no_better_is_not_taken(tmp_path):
    made = write_labelled_store(tmp_path / "store", 300, differs=False)
    rows = [(n, "attack" if a else "benign") for n, a in zip(made.accounts, made.attack, strict=True)]
    path = write_labels(tmp_path / "labels.csv", rows, ("account_id", "label"))
    training = fit_labels(made.snapshot, labels_of_file(path))
    with pytest.raises(DetectorError, match=r"no better than the default one: log loss 0\.\d+ before .*--force"):
        check_replaced(tmp_path / "store", training)


def test_fewer_labels_do_not_replace_more(training, tmp_path):
    known = json.loads(training.file)
    (tmp_path / FILE).write_text(json.dumps(known | {"trained_on": {"labels": 5000}}), encoding="utf-8")
    with pytest.raises(DetectorError, match="fitted to 5000 labels, more than these 697; --force"):
        check_replaced(tmp_path, training)


def test_what_the_labels_cannot_be_used_for_is_one_sentence(made, tmp_path):
    few = write_labels(tmp_path / "few.csv", [(n, "benign") for n in made.accounts[:30]], ("account_id", "label"))
    with pytest.raises(DetectorError, match=r"20 or more attacks with a score, .* give 0 from 0"):
        fit_labels(made.snapshot, labels_of_file(few))
    nobody = write_labels(tmp_path / "nobody.csv", [("gone", "benign")], ("account_id", "label"))
    with pytest.raises(DetectorError, match="20 or more attacks"):
        fit_labels(made.snapshot, labels_of_file(nobody))


def test_a_snapshot_of_other_signals_or_another_encoder_is_refused(labels, tmp_path):
    key = next(iter(load_detector("fast").shapes))
    other = write_labelled_store(tmp_path / "store", 40, leave_out=key)
    with pytest.raises(DetectorError, match=f"without the signal {key}, .* build it again"):
        fit_labels(other.snapshot, labels_of_file(labels))
    foreign = write_labelled_store(tmp_path / "store", 40, encoder="somebody/elses-model")
    with pytest.raises(DetectorError, match="none was made for vectors of the encoder somebody/elses-model"):
        fit_labels(foreign.snapshot, labels_of_file(labels))


# -- verdicts ------------------------------------------------


def leave(made, store, subject, verdict, *, kind="account", snapshot=None, **more):
    about = snapshot or made.snapshot.snapshot_id
    add_verdict(store, kind, subject, verdict, snapshot_id=about, detector="fast 1", **more)


def test_the_last_verdict_on_an_account_is_its_label(made, tmp_path):
    a = made.accounts
    leave(made, tmp_path, a[10], "benign")
    leave(made, tmp_path, a[10], "confirmed sweep")
    leave(made, tmp_path, a[11], "tenant")
    leave(made, tmp_path, a[12], "benchmark")
    leave(made, tmp_path, a[13], "benign")
    leave(made, tmp_path, a[13], "unsure")
    leave(made, tmp_path, "gone", "benign", inclusion=0.25)
    given = labels_of_verdicts(tmp_path, made.snapshot)
    assert {x.account_id: x.label for x in given.labels} == {
        a[10]: "attack", a[11]: "benign", a[12]: "dual", "gone": "benign",
    }  # fmt: skip
    assert given.weights.tolist() == [1.0, 1.0, 1.0, 4.0]
    assert not given.drawn


def test_a_verdict_on_a_campaign_is_one_on_its_members_without_a_later_one_of_their_own(made, tmp_path):
    a = made.accounts  # the first three are the campaign C-01
    leave(made, tmp_path, a[0], "benign", inclusion=0.5)
    leave(made, tmp_path, "C-01", "confirmed sweep", kind="campaign")
    leave(made, tmp_path, a[1], "benign")
    leave(made, tmp_path, a[2], "unsure")
    given = labels_of_verdicts(tmp_path, made.snapshot)
    assert {x.account_id: x.label for x in given.labels} == {a[0]: "attack", a[1]: "benign"}
    assert given.weights.tolist() == [1.0, 1.0]


def test_a_verdict_on_a_campaign_is_one_on_the_members_that_it_had_then(made, tmp_path):
    a = made.accounts
    leave(made, tmp_path, a[31], "benign")
    leave(made, tmp_path, "C-01", "benign", kind="campaign", members=(a[0], a[30], a[31]), snapshot="of-long-ago")
    leave(made, tmp_path, "C-77", "tenant", kind="campaign", members=(a[40], "gone"), snapshot="of-long-ago")
    leave(made, tmp_path, "C-01", "unsure", kind="campaign", members=(a[0], a[30]))
    given = labels_of_verdicts(tmp_path, made.snapshot)
    assert {x.account_id: x.label for x in given.labels} == {a[31]: "benign", a[40]: "benign", "gone": "benign"}
    leave(made, tmp_path, "C-01", "confirmed sweep", kind="campaign", members=(a[0], a[30], a[31]))
    given = labels_of_verdicts(tmp_path, made.snapshot)
    assert {x.account_id: x.label for x in given.labels if x.label == "attack"}.keys() == {a[0], a[30], a[31]}


def test_a_verdict_on_a_campaign_of_another_snapshot_says_nothing_here(made, tmp_path):
    leave(made, tmp_path, "C-01", "confirmed sweep", kind="campaign", snapshot="20260101-000000-00000000")
    with pytest.raises(LabelsError, match="no verdict that says attack or benign"):
        labels_of_verdicts(tmp_path, made.snapshot)


def test_verdicts_train_by_weight_and_give_no_reference(made, tmp_path):
    for i, (name, attack) in enumerate(zip(made.accounts[:120], made.attack, strict=False)):
        word = "confirmed sweep" if attack else "benign"
        leave(made, tmp_path, name, word, inclusion=0.1 if i % 10 == 0 else None)
    given = labels_of_verdicts(tmp_path, made.snapshot)
    assert sorted(set(given.weights.tolist())) == [1.0, 10.0]
    training = fit_labels(made.snapshot, given)
    assert training.counts["attack"] + training.counts["benign"] == 120
    assert training.reference is None
    assert np.isfinite(training.trained.fit.factors).all()
