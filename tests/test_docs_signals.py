"""Every signal, level and label stands in the documentation."""

from pathlib import Path

import pytest

from sweeplens.detect.campaigns import BENCHMARK, SWEEP, TEMPLATE, TENANT, UNDECIDED
from sweeplens.detect.detector import LEVELS
from sweeplens.signals.catalog import SIGNALS

PAGE = (Path(__file__).parents[1] / "docs" / "detection.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: s.key)
def test_every_signal_is_documented_with_what_fools_it(signal):
    assert f"| `{signal.key}` | {signal.family} | {signal.label} | {signal.fools} |" in PAGE


@pytest.mark.parametrize("word", [*LEVELS, SWEEP, TENANT, TEMPLATE, BENCHMARK, UNDECIDED])
def test_every_level_and_label_is_documented(word):
    assert f"`{word}`" in PAGE
