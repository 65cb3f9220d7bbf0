"""How windows of word pieces are run through a transformer: in batches without padding, on a CPU or a GPU."""

import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sweeplens.embed.encoder import Vectors

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]
Run = Callable[[Ids], Vectors]

# Bytes that a word piece takes on a GPU while it is encoded, with room to spare, and the share of free memory to use.
_GPU_BYTES = 96 * 1024
_GPU_SHARE = 0.5
_GPU_LEAST, _GPU_MOST = 4096, 1 << 20
_GPU_DEVICES = ("nvidia0", "nvidiactl", "kfd", "dxg")


@dataclass(frozen=True)
class Plan:
    """How a runner works: `lanes` batches at a time, `threads` threads in each, `budget` word pieces in a batch.

    A batch of 1,024 word pieces leaves what a layer writes in the processor's cache; which plan is fastest on a
    processor is found by `calibrate`.
    """

    lanes: int = 1
    threads: int = 1
    budget: int = 1024


class Runner:
    """Runs windows by a plan, which changes how fast it is, and no vector.

    `start(threads)` loads the model so that each call of what it returns uses that many threads; `label` says what runs
    it. With `tune`, which returns the plan for long runs, the first run that is announced as one of at least `LONG`
    texts asks for it.
    """

    LONG = 512

    def __init__(
        self, start: Callable[[int], Run], label: str, dim: int, plan: Plan, tune: Callable[[], Plan] | None = None
    ) -> None:
        self.label = label
        self.dim = dim
        self.plan = plan
        self._start, self._tune = start, tune
        self._run = start(plan.threads)

    def prepare(self, n: int) -> None:
        """Get ready for a run of n texts."""
        if self._tune is not None and n >= self.LONG:
            self.use(self._tune())
            self._tune = None

    def use(self, plan: Plan) -> None:
        """Work by another plan from now on."""
        if plan.threads != self.plan.threads:
            self._run = self._start(plan.threads)
        self.plan = plan

    def encode(self, windows: Iterable[Sequence[int]]) -> Vectors:
        """Return float32 [n, dim] of unit rows of windows of word pieces, the marks around them included.

        A batch runs as soon as it is full, beside whoever yields the windows: texts are cut into word pieces while
        others are computed.
        """
        waiting: dict[int, tuple[list[int], list[Sequence[int]]]] = {}
        done: list[tuple[list[int], Future[Vectors]]] = []
        n = 0
        with ThreadPoolExecutor(self.plan.lanes) as pool:
            for n, window in enumerate(windows, 1):
                rows, batch = waiting.setdefault(len(window), ([], []))
                rows.append(n - 1)
                batch.append(window)
                if (len(batch) + 1) * len(window) > self.plan.budget:
                    done.append((rows, pool.submit(self._run, np.array(batch, dtype=np.int64))))
                    del waiting[len(window)]
            # The longest first: a lane with a long batch at the end would let the others wait.
            for _, (rows, batch) in sorted(waiting.items(), reverse=True):
                done.append((rows, pool.submit(self._run, np.array(batch, dtype=np.int64))))
            vectors = np.empty((n, self.dim), dtype=np.float32)
            for rows, future in done:
                vectors[rows] = future.result()
        return vectors

    def run(self, batches: Iterable[Ids]) -> Iterator[Vectors]:
        """Yield the vectors of batches [n, length] in their order."""
        with ThreadPoolExecutor(self.plan.lanes) as pool:
            yield from pool.map(self._run, batches)


def has_onnx() -> bool:
    """Return whether ONNX Runtime is installed, without importing it."""
    return importlib.util.find_spec("onnxruntime") is not None


def has_gpu() -> bool:
    """Return whether torch finds a GPU; without a device file torch is not asked, as importing it takes seconds."""
    if not any(Path("/dev", name).exists() for name in _GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def onnx_session(path: Path, threads: int, name: str) -> Callable[[npt.NDArray[np.generic]], Vectors]:
    """Return what runs the graph in the file on its only input, `name`; calls from several threads run side by side."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(values: npt.NDArray[np.generic]) -> Vectors:
        vectors: Vectors = session.run(None, {name: values})[0]
        return vectors

    return run


def torch_plan(device: str, threads: int) -> Plan:
    """Return the plan for torch: on a GPU as many word pieces at a time as half of its free memory takes."""
    import torch

    if device == "cpu":
        torch.set_num_threads(threads)
        return Plan()
    free, _ = torch.cuda.mem_get_info()
    return Plan(budget=int(np.clip(_GPU_SHARE * free / _GPU_BYTES, _GPU_LEAST, _GPU_MOST)))


def torch_run(forward: "Callable[[torch.Tensor], torch.Tensor]", device: str) -> Run:
    """Return what runs `forward`, ids [n, length] to vectors [n, dim], on a device.

    A batch that a GPU has no memory for is run in halves; a single row that does not fit is an error of torch.
    """
    import torch

    def run(ids: Ids) -> Vectors:
        try:
            with torch.inference_mode():
                vectors: Vectors = forward(torch.from_numpy(ids).to(device)).float().cpu().numpy()
        except torch.cuda.OutOfMemoryError:
            if len(ids) == 1:
                raise
            torch.cuda.empty_cache()
            half = len(ids) // 2
            return np.concatenate([run(ids[:half]), run(ids[half:])])
        return vectors

    return run
