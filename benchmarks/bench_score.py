"""Memory of scoring a large log: python benchmarks/bench_score.py [--accounts 25000] [--prompts 40].

Makes a log of so many accounts with so many prompts each, all different, and scores it with the encoder fast against a
small snapshot of the demo. Prints the resident memory at 10, 50 and 100 % of the rows, and the peak.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sweeplens.config import Settings
from sweeplens.demo import write_demo
from sweeplens.engine.memory import memory_used
from sweeplens.pipeline import build, score

_WORDS = (  # noqa: SIM905 - shorter than a list
    "how why what write explain compare list summarise translate solve prove sort plan draft check river engine market "
    "cell protein contract recipe train garden poem matrix orbit tax vaccine battery bridge novel proof query server "
    "sentence table island storm museum school tariff glacier violin chess harbour lens copper valley tunnel comet"
).split()


class Watch:
    """Progress that notes the resident memory at shares of a known number of rows."""

    def __init__(self, total: int) -> None:
        self.total, self.left = total, [0.1, 0.5, 1.0]

    @contextmanager
    def step(self, name: str) -> Iterator["Watch"]:
        """Time one step."""
        start = time.perf_counter()
        yield self
        print(f"{name}: {time.perf_counter() - start:.1f} s, {memory_used() / 2**30:.2f} GiB", flush=True)

    def update(self, done: int, total: int) -> None:
        """Note the memory when the next share is reached."""
        del total
        while self.left and done >= self.left[0] * self.total:
            print(f"{self.left.pop(0):.0%} of the rows read: {memory_used() / 2**30:.2f} GiB", flush=True)

    def note(self, text: str) -> None:
        """Print a note."""
        print(text, flush=True)


def write_log(path: Path, accounts: int, prompts: int) -> int:
    """Write rows in the order of their times, accounts mixed, each prompt a different one; returns their number."""
    rng = np.random.default_rng(3)
    rows = accounts * prompts
    with path.open("w", encoding="utf-8") as stream:
        for at in range(0, rows, 10_000):
            n = min(10_000, rows - at)
            words = rng.integers(0, len(_WORDS), (n, 12))
            for i in range(n):
                row = at + i
                text = " ".join(_WORDS[w] for w in words[i].tolist())
                stamp = 1_780_000_000 + row * 2
                account = f"acct-{row % accounts:06d}"
                stream.write(
                    json.dumps({"request_id": f"r{row}", "account_id": account, "ts": stamp, "prompt": f"{text} {row}"})
                    + "\n"
                )
    return rows


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=2500)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--corpora", help="taken by every benchmark; this one does not need it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = Settings(store=root / "store", encoder="fast")
        build([str(write_demo(root / "demo", 7)[0])], settings)
        rows = write_log(root / "log.jsonl", args.accounts, args.prompts)
        start = time.perf_counter()
        scored = score([str(root / "log.jsonl")], settings, progress=Watch(rows))
        about = scored.summary
        print(f"{rows:,} rows, {about['accounts']:,} accounts in {time.perf_counter() - start:.0f} s")
        print(f"peak {about['peak_memory'] / 2**30:.2f} GiB; levels {about['levels']}")


if __name__ == "__main__":
    main()
