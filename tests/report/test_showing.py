"""The prompts that are said to show a signal are those that do, by a count over the literal log."""

import numpy as np
import pytest

from support.small_store import SENT
from sweeplens.errors import NotFoundError
from sweeplens.report.showing import MOST, prompts_showing, what_shows
from sweeplens.signals.catalog import KEYS
from sweeplens.store.snapshot import Snapshot

# These are about all prompts together, or about other accounts.
NO_PROMPT = {"joint_pack", "kin_nearest", "kin_fifth", "kin_twentieth", "kin_size", "kin_sizes"}


@pytest.mark.parametrize(
    ("account", "signal", "ids"),
    [
        ("chat-1", "repeats", [30, 31]),
        ("chat-2", "most_repeated", [10, 11]),
        ("lone", "resent", []),
        ("=cmd", "runs", [38]),
        ("chat-1", "runs", []),
        ("lone", "cells", list(range(0, 40, 2))),
        ("chat-1", "cells", [30, 32, 34, 36, 0]),
        ("dealt-a", "cells_once", [0, 10, 20, 2, 12, 22, 4, 14, 24, 6]),
        ("chat-1", "cells_once", []),
        ("chat-2", "cell_top", [10, 11]),
        ("lone", "clusters", [0, 10, 20, 30]),
        ("lone", "capabilities", [0, 10, 20, 30]),
        ("shop", "capabilities", [30, 20]),
        ("chat-1", "discovery", [30, 32, 34, 36, 0]),
        ("chat-2", "kin_shared", [10, 12, 14, 16, 18, 11, 13, 15, 19]),
    ],
)
def test_counts_are_those_of_the_log(snapshot: Snapshot, account: str, signal: str, ids: list[int]) -> None:
    assert prompts_showing(snapshot, account, signal).tolist() == ids


def test_the_first_pair_is_the_most_alike_of_all(snapshot: Snapshot) -> None:
    own = np.array(SENT["lone"])
    v = np.asarray(snapshot.vectors[own], np.float32)
    gram = v @ v.T - 2 * np.eye(len(v))
    best = np.unravel_index(gram.argmax(), gram.shape)
    shown = prompts_showing(snapshot, "lone", "nearest").tolist()
    assert set(shown[:2]) == {int(own[i]) for i in best}
    assert len(shown) == len(set(shown))


def test_a_run_keeps_the_order_of_arrival(snapshot: Snapshot) -> None:
    run = prompts_showing(snapshot, "lone", "locality").tolist()
    assert len(run) == 12
    assert run == sorted(run)
    assert run[-1] - run[0] == 22


def test_prompts_far_from_their_neighbours_come_first_when_alone(snapshot: Snapshot) -> None:
    own = list(dict.fromkeys(SENT["dealt-a"]))
    v = np.asarray(snapshot.vectors[np.array(own)], np.float32)
    near = [max(float(v[i] @ v[j]) for j in range(len(own)) if 0 < abs(i - j) <= 3) for i in range(len(own))]
    assert prompts_showing(snapshot, "dealt-a", "alone")[0] == own[int(np.argmin(near))]


@pytest.mark.parametrize("signal", KEYS)
@pytest.mark.parametrize("account", list(SENT))
def test_every_signal_of_every_account_shows_a_few_of_its_prompts(
    snapshot: Snapshot, account: str, signal: str
) -> None:
    ids = prompts_showing(snapshot, account, signal).tolist()
    assert set(ids) <= set(SENT[account])
    assert len(ids) == len(set(ids)) <= MOST
    for percentile in (None, 5.0, 95.0):
        assert (what_shows(signal, percentile) is None) == (signal in NO_PROMPT)


def test_what_is_shown_depends_on_the_side() -> None:
    assert what_shows("locality", 3.0) == "a run in order of arrival, where it jumps most"
    assert what_shows("locality", 97.0) == "a run in order of arrival, where it stays most"
    assert what_shows("kin", None) is None


def test_what_no_prompt_shows_and_unknown_accounts(snapshot: Snapshot) -> None:
    assert prompts_showing(snapshot, "lone", "campaign").tolist() == []
    with pytest.raises(NotFoundError, match="did you mean lone"):
        prompts_showing(snapshot, "lonee", "repeats")
