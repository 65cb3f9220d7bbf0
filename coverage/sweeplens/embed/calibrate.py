"""Which plan encodes fastest on this processor: tried for some seconds once, and remembered in the folder of models."""

import json
import logging
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sweeplens.embed.running import Plan, Run, Runner

log = logging.getLogger(__name__)

_FILE = "calibration.json"
_BUDGETS = (512, 1024, 2048)
_LENGTHS = (24, 64)  # word pieces of windows, as of real prompts
_ROUNDS = 2
_LOWEST, _IDS = 1000, 20_000  # any word pieces take the same time


def calibrated(start: Callable[[int], Run], key: str, models: Path, threads: int) -> Plan:
    """Return the fastest plan for `threads` threads of this processor, as remembered or else as tried now.

    All plans give the same vectors. `key` names the graph; what was remembered for another processor, number of threads
    or version of ONNX Runtime is tried anew. A folder that cannot be written remembers nothing.
    """
    place = f"{key}, {_circumstances(threads)}"
    known = _read(models / _FILE)
    found = _plan(known.get(place))
    if found is None:
        rates = measure(start, plans(threads))
        found = max(rates, key=lambda plan: rates[plan])
        _write(models / _FILE, known | {place: asdict(found) | {"pieces_per_second": round(rates[found])}})
        log.debug("calibrated %s: %s", place, found)
    return found


def remembered_rate(graph: str, models: Path, threads: int) -> float | None:
    """Return the word pieces a second of the remembered plan of a graph whose name begins so, None where there is none.

    Only what was measured on this processor, with as many threads and this version of ONNX Runtime, counts.
    """
    ending = f", {_circumstances(threads)}"
    for place, fact in _read(models / _FILE).items():
        if place.startswith(f"{graph}-") and place.endswith(ending) and isinstance(fact, dict):
            rate = fact.get("pieces_per_second")
            if isinstance(rate, int | float) and rate > 0:
                return float(rate)
    return None


def plans(threads: int) -> list[Plan]:
    """Return the plans to try: batches side by side with a thread each, or one after another with all threads."""
    ways = {(threads, 1), (1, threads)}
    return [Plan(lanes, inner, budget) for lanes, inner in sorted(ways) for budget in _BUDGETS]


def measure(start: Callable[[int], Run], tried: Sequence[Plan]) -> dict[Plan, float]:
    """Return how many word pieces a second each plan encodes: the best of some rounds, in which all take turns."""
    rng = np.random.default_rng(0)
    rates = dict.fromkeys(tried, 0.0)
    runners = {plan: Runner(start, "", 0, plan) for plan in tried}
    for round_number in range(_ROUNDS + 1):
        for plan, runner in runners.items():
            work = [
                rng.integers(_LOWEST, _IDS, (max(1, plan.budget // length), length))
                for length in _LENGTHS
                for _ in range(plan.lanes)
            ]
            begin = time.perf_counter()
            for _ in runner.run(work):
                pass
            rate = sum(ids.size for ids in work) / (time.perf_counter() - begin)
            if round_number:  # the first round warms up
                rates[plan] = max(rates[plan], rate)
    return rates


def processor() -> str:
    """Return the processor's name, or what kind it is where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    facts = {name.strip(): value.strip() for name, _, value in pairs}
    named = " ".join(facts[k] for k in ("model name", "cpu family", "model", "stepping") if facts.get(k))
    return named or f"{platform.machine()} {platform.processor()}".strip()


def _circumstances(threads: int) -> str:
    import onnxruntime

    return f"{threads} threads, onnxruntime {onnxruntime.__version__}, {processor()}"


def _plan(fact: object) -> Plan | None:
    if not isinstance(fact, dict):
        return None
    numbers = [fact.get(name) for name in ("lanes", "threads", "budget")]
    if not all(isinstance(n, int) and 0 < n <= 1 << 20 for n in numbers):
        return None
    return Plan(*numbers)  # type: ignore[arg-type]


def _read(path: Path) -> dict[str, object]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, known: dict[str, object]) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".calibration-", delete=False) as stream:
            json.dump(known, stream, indent=1)
        os.replace(stream.name, path)  # noqa: PTH105 - a name, not a path
    except OSError:
        log.debug("the calibration could not be kept in %s", path, exc_info=True)
