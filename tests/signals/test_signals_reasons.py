"""What a signal says as a reason: on the side that the detector counts, or plainly that it counts in any log."""

import pytest

from sweeplens.signals.catalog import BY_KEY


@pytest.mark.parametrize(
    ("value", "peers", "adds", "peers_add", "text"),
    [
        (0.5, 0.0, 0.6, -0.4, "50 % of its requests repeat an earlier prompt; for peers 0 %"),
        (0.0, 0.2, 0.4, -0.4, "0 % of its requests repeat an earlier prompt; for peers 20 %"),
        (0.0, 0.0, 0.4, 0.4, "repeated prompts: 0 %, as for its peers; in any log that counts towards a sweep"),
        (0.0, 0.0, -0.4, -0.4, "repeated prompts: 0 %, as for its peers; in any log that counts against a sweep"),
        (0.1, 0.2, 0.4, 0.4, "repeated prompts: 10 %, for its peers 20 %; both count towards a sweep"),
        (0.1, 0.2, 0.4, 0.9, "repeated prompts: 10 %, for its peers 20 %; both count towards a sweep, theirs more"),
        (0.1, 0.2, -0.4, -0.9, "repeated prompts: 10 %, for its peers 20 %; both count against a sweep, theirs more"),
    ],
)
def test_a_reason_says_what_its_weight_says(
    value: float, peers: float, adds: float, peers_add: float, text: str
) -> None:
    assert BY_KEY["repeats"].reason(value, peers, adds, peers_add) == text
