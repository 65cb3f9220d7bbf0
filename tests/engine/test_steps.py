"""Steps add up, parts cover everything, processes give the order of the parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.engine.progress import Silent
from sweeplens.engine.steps import Run, map_parts, peak_memory, split

_factor = 0


def prepare(factor):
    global _factor  # noqa: PLW0603 - as a worker does
    _factor = factor


def scaled(part):
    return [_factor * i for i in range(*part)]


@given(st.integers(0, 500), st.integers(1, 40))
def test_parts_cover_the_range_once(n, parts):
    assert [i for a, b in split(n, parts) for i in range(a, b)] == list(range(n))
    assert len(split(n, parts)) <= parts


@pytest.mark.parametrize("workers", [1, 2])
def test_parts_come_back_in_order_whatever_the_workers(workers):
    seen = []
    done = map_parts(
        scaled, split(10, 4), workers=workers, prepare=prepare, state=(3,), done=lambda i, n: seen.append((i, n))
    )
    assert [x for part in done for x in part] == [3 * i for i in range(10)]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_times_of_equal_names_add_up():
    run = Run(Silent())
    for _ in range(2):
        with run.step("read") as step:
            step.update(1, 2)
    assert list(run.seconds) == ["read"]
    assert run.seconds["read"] >= 0


def test_peak_memory_grows_with_what_is_held():
    held = bytearray(64 << 20)
    assert peak_memory() > len(held)
