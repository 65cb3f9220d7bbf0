"""What a signal says as a reason: on the side that the detector counts, or plainly that it counts in any log."""

from math import nan

import pytest

from sweeplens.signals.catalog import BY_KEY, SIGNALS

TWO = "repeated prompts: 10 %, for its peers 20 %"
AGAIN = "of its requests repeat an earlier prompt; for peers"


@pytest.mark.parametrize(
    ("value", "peers", "percentile", "adds", "peers_add", "text"),
    [
        (0.5, 0.0, 97.9, 0.6, -0.4, f"50 % {AGAIN} 0 %; more than 97 in 100 peers"),
        (0.0, 0.2, 2.5, 0.4, -0.4, f"0 % {AGAIN} 20 %; less than 97 in 100 peers"),
        (0.5, 0.0, 100.0, 0.6, -0.4, f"50 % {AGAIN} 0 %; more than 99 in 100 peers"),
        (0.5, 0.0, nan, 0.6, -0.4, f"50 % {AGAIN} 0 %"),
        (0.5, nan, nan, 0.6, 0.1, f"50 % {AGAIN} 50 %"),
        (0.1, 0.0, 55.0, 0.6, -0.4, "repeated prompts: 10 %, for its peers 0 %; both count towards a sweep"),
        (0.0, 0.0, 20.0, 0.4, 0.4, "repeated prompts: 0 %, as for its peers; in any log that counts towards a sweep"),
        (0.0, 0.0, 20.0, -0.4, -0.4, "repeated prompts: 0 %, as for its peers; in any log that counts against a sweep"),
        (0.1, 0.2, 9.0, 0.4, 0.4, f"{TWO}; both count towards a sweep"),
        (0.1, 0.2, 9.0, 0.4, 0.9, f"{TWO}; both count towards a sweep, theirs more"),
        (0.1, 0.2, 9.0, -0.4, -0.9, f"{TWO}; both count against a sweep, theirs more"),
    ],
)  # fmt: skip
def test_a_reason_says_what_its_weight_says(
    value: float, peers: float, percentile: float, adds: float, peers_add: float, text: str
) -> None:
    assert BY_KEY["repeats"].reason(value, peers, percentile, adds, peers_add) == text


@pytest.mark.parametrize(
    ("value", "peers", "percentile", "adds", "peers_add", "apart"),
    [
        (0.5, 0.1, 97.0, 0.6, 0.1, True),
        (0.5, 0.1, 97.0, 0.6, 0.56, False),
        (0.5, 0.1, 59.0, 0.6, 0.1, False),
        (0.501, 0.502, 3.0, 0.6, 0.1, False),
        (0.1, 0.5, 3.0, -0.6, -0.1, True),
        (0.1, 0.5, 3.0, -0.6, -0.9, False),
        (0.5, nan, nan, 0.6, 0.6, True),
    ],
)
def test_what_sets_an_account_apart_is_rare_seen_and_counts(
    value: float, peers: float, percentile: float, adds: float, peers_add: float, apart: bool
) -> None:
    assert BY_KEY["repeats"].sets_apart(value, peers, percentile, adds, peers_add) is apart


def test_a_signal_without_a_theme_is_one_by_itself() -> None:
    assert BY_KEY["leaning"].theme == "leaning"
    assert BY_KEY["runs"].theme == BY_KEY["resent"].theme == "repeats"
    assert all(signal.theme for signal in SIGNALS)
