"""Windows are run in batches by a plan, side by side or in halves, and come back in their order."""

import threading

import numpy as np
import pytest

from sweeplens.embed.running import Plan, Runner, torch_plan, torch_run

DIM = 3


def _sums(ids):
    """A model: what a window adds up to, its length and its first piece."""
    return np.stack([ids.sum(1), np.full(len(ids), ids.shape[1]), ids[:, 0]], axis=1).astype(np.float32)


class _Model:
    """Starts the model and keeps what was asked of it."""

    def __init__(self):
        self.started, self.shapes = [], []

    def __call__(self, threads):
        self.started.append(threads)

        def run(ids):
            self.shapes.append(ids.shape)
            return _sums(ids)

        return run


def _windows(count):
    return [[i, *range(i % 7)] for i in range(count)]


def _expected(windows):
    return np.array([[sum(w), len(w), w[0]] for w in windows], dtype=np.float32)


@pytest.mark.parametrize("plan", [Plan(), Plan(budget=1), Plan(budget=10), Plan(lanes=3, budget=12)])
def test_rows_are_in_the_order_of_the_windows(plan):
    model = _Model()
    windows = _windows(100)
    vectors = Runner(model, "numpy", DIM, plan).encode(windows)
    np.testing.assert_array_equal(vectors, _expected(windows))
    assert sum(rows for rows, _ in model.shapes) == 100
    assert all(rows == 1 or rows * length <= plan.budget for rows, length in model.shapes)


def test_no_windows_give_no_rows():
    assert Runner(_Model(), "numpy", DIM, Plan()).encode([]).shape == (0, DIM)


def test_of_the_windows_that_are_left_at_the_end_the_longest_go_first():
    model = _Model()
    Runner(model, "numpy", DIM, Plan(budget=10_000)).encode(_windows(50))
    assert [length for _, length in model.shapes] == [7, 6, 5, 4, 3, 2, 1]


def test_a_full_batch_runs_while_windows_still_come():
    ran = threading.Event()

    def run(ids):
        ran.set()
        return _sums(ids)

    def windows():
        yield from [[1, 2]] * 5
        assert ran.wait(30)
        yield [1, 2]

    vectors = Runner(lambda _: run, "numpy", DIM, Plan(budget=10)).encode(windows())
    np.testing.assert_array_equal(vectors, [[3, 2, 1]] * 6)


def test_lanes_keep_the_order_although_the_first_batch_ends_last():
    second_is_done = threading.Event()

    def run(ids):
        if ids[0, 0] == 0:
            assert second_is_done.wait(30)
        elif ids[0, 0] == 1:
            second_is_done.set()
        return _sums(ids)

    batches = [np.full((2, 3), i, dtype=np.int64) for i in range(5)]
    found = list(Runner(lambda _: run, "numpy", DIM, Plan(lanes=2)).run(batches))
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate([_sums(ids) for ids in batches]))


def test_a_plan_is_asked_for_once_and_only_for_long_runs():
    model, asked = _Model(), []

    def tune():
        asked.append(1)
        return Plan(lanes=2, threads=1, budget=64)

    runner = Runner(model, "numpy", DIM, Plan(threads=4), tune)
    runner.prepare(511)
    assert (asked, model.started, runner.plan) == ([], [4], Plan(threads=4))
    runner.prepare(512)
    np.testing.assert_array_equal(runner.encode(_windows(512)), _expected(_windows(512)))
    runner.prepare(600)
    assert (asked, model.started, runner.plan) == ([1], [4, 1], Plan(2, 1, 64))


def test_the_model_is_started_anew_only_for_another_number_of_threads():
    model = _Model()
    runner = Runner(model, "numpy", DIM, Plan(lanes=1, threads=2))
    runner.use(Plan(lanes=4, threads=2, budget=9))
    runner.use(Plan(lanes=1, threads=1))
    assert model.started == [2, 1]


class _Small:
    """A forward pass on a device that has room for `room` rows."""

    def __init__(self, room):
        self.room, self.sizes = room, []

    def __call__(self, ids):
        import torch

        self.sizes.append(len(ids))
        if len(ids) > self.room:
            raise torch.cuda.OutOfMemoryError("no room")
        return torch.from_numpy(_sums(ids.numpy()))


def test_a_batch_without_room_is_halved_until_it_fits():
    forward = _Small(room=3)
    ids = np.arange(44, dtype=np.int64).reshape(11, 4)
    vectors = torch_run(forward, "cpu")(ids)
    np.testing.assert_array_equal(vectors, _sums(ids))
    assert vectors.dtype == np.float32
    assert forward.sizes == [11, 5, 2, 3, 6, 3, 3]


def test_a_row_without_room_is_an_error():
    import torch

    with pytest.raises(torch.cuda.OutOfMemoryError):
        torch_run(_Small(room=0), "cpu")(np.ones((4, 2), dtype=np.int64))


def test_half_precision_comes_back_as_float32():
    import torch

    vectors = torch_run(lambda ids: torch.ones((len(ids), 2), dtype=torch.float16), "cpu")(np.ones((3, 1), np.int64))
    assert (vectors.dtype, vectors.shape) == (np.float32, (3, 2))


def test_a_gpu_takes_what_half_of_its_free_memory_holds(monkeypatch):
    import torch

    for free, budget in [(0, 4096), (8 << 30, 43_690), (1 << 50, 1 << 20)]:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda free=free: (free, free))
        assert torch_plan("cuda", 2).budget == budget
