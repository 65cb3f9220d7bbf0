"""Time a build step by step, first with an empty cache and then with a full one.

    python benchmarks/bench_pipeline.py [LOG] [--encoder fast] [--models DIR]

Without LOG the demo log is built. The machine is shared with others: read the ratios, not the seconds.
"""

import argparse
import tempfile
from pathlib import Path

from sweeplens.config import Settings
from sweeplens.demo import write_demo
from sweeplens.pipeline import build
from sweeplens.pipeline.writing import BuildResult


def main() -> None:
    """Build twice, print a table, and say whether the tables are the same, byte for byte."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("log", nargs="?")
    ap.add_argument("--encoder", default="fast")
    ap.add_argument("--models", type=Path)
    ap.add_argument("--corpora", help="taken by every benchmark; this one does not need it")
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        log = a.log or str(write_demo(root / "log", 7)[0])
        settings = Settings(store=root / "store", encoder=a.encoder, **({"models": a.models} if a.models else {}))
        cold, warm = build([log], settings), build([log], settings)
        print_table(cold, warm)


def print_table(cold: BuildResult, warm: BuildResult) -> None:
    """Print seconds of each step of both builds."""
    print("| step | empty cache, s | full cache, s |\n|---|---|---|")
    for step, seconds in cold.seconds.items():
        print(f"| {step} | {seconds:.1f} | {warm.seconds[step]:.1f} |")
    first, second = sum(cold.seconds.values()), sum(warm.seconds.values())
    print(f"| all | {first:.1f} | {second:.1f} |\n")
    after = first - sum(cold.seconds[k] for k in ("read", "languages", "encode"))
    s = cold.summary
    print(f"{s['requests']} requests, {s['prompts']} prompts, {s['accounts']} accounts, {s['clusters']} clusters")
    print(f"after encoding / encoding: {after / max(cold.seconds['encode'], 1e-9):.2f}")
    print(f"second build / first: {second / first:.2f}")
    print(f"peak memory {warm.summary['peak_memory'] / 2**30:.2f} GiB")
    print("same bytes twice:", cold.snapshot.manifest["files"] == warm.snapshot.manifest["files"])


if __name__ == "__main__":
    main()
