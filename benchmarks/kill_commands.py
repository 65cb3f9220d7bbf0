"""Kill real commands at random moments: kill_commands.py [--kills 50] [--seed 0] [--accounts 60] [--only build,use].

Each command runs as a process of its own on a fresh copy of a small store, made from part of the demo log, and gets a
SIGKILL at a random moment of the time that it takes undisturbed. Then the store must open, the deep verification must
find nothing, CURRENT must be the old snapshot or a new one, every snapshot that the command does not remove must hold
the same bytes, and the same command must succeed and leave no temporary file. Prints a table of counts; ends with 1
where anything was wrong.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweeplens.demo import make_demo
from sweeplens.errors import SweepLensError
from sweeplens.store.snapshot import list_snapshots, open_snapshot, read_current
from sweeplens.store.verify import verify

TEMPORARY = (".building-", ".deleting-", ".writing-", ".part-", "CURRENT.new", ".lock.holder")
COLUMNS = (
    "command",
    "seconds",
    "kills",
    "killed",
    "ended before",
    "CURRENT old",
    "CURRENT new",
    "next run",
    "problems",
)


@dataclass(frozen=True)
class Command:
    """A command: its words for a store, whether it publishes or points elsewhere, and whether it removes snapshots."""

    name: str
    words: Callable[[Path], list[str]]
    changes: bool = True
    removes: bool = False


def list_commands(folder: Path, account: str) -> list[Command]:
    """Return the commands on the second log, or on what the store holds."""
    log = str(folder / "second.jsonl")
    encoder = ["--encoder", "fast"]
    return [
        Command("build", lambda store: [log, "--store", str(store), *encoder]),
        Command("update", lambda store: [log, "--store", str(store)]),
        Command("score", lambda store: [log, "--store", str(store), "--format", "jsonl"], changes=False),
        Command("use", lambda store: [list_snapshots(store)[0].snapshot_id, "--store", str(store)]),
        Command("prune", lambda store: ["--keep", "1", "--store", str(store)], changes=False, removes=True),
        Command("forget", lambda store: [account, "--yes", "--store", str(store)]),
    ]


def main() -> int:
    """Kill as often as asked, and print what came of it."""
    options = _parser().parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="sweeplens-kills-") as name:
        folder = Path(name)
        account = write_logs(folder, options.accounts)
        known = [c for c in list_commands(folder, account) if run(c.name, "--help")[0] == 0]
        wanted = options.only.split(",") if options.only else [c.name for c in known]
        commands = [c for c in known if c.name in wanted]
        base = make_store(folder)
        seconds = {c.name: measure(c, base, folder) for c in commands}
        counts: dict[str, Counter[str]] = {c.name: Counter() for c in commands}
        problems = []
        for number in range(options.kills):
            command = commands[number % len(commands)]
            after = rng.uniform(0, seconds[command.name])
            found = kill_once(command, base, folder / f"store-{number}", after, counts[command.name])
            problems += [f"{command.name}, killed after {after:.3f} s: {text}" for text in found]
    print_table(counts, seconds)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def write_logs(folder: Path, accounts: int) -> str:
    """Write two logs, one after the other in time, of some accounts of the demo; return an account that is in both."""
    demo = make_demo()
    step = max(1, len(demo.truth) // accounts)
    kept = set(sorted(demo.truth)[::step])
    rows = [row for row in demo.requests if row["account_id"] in kept]
    middle = len(rows) * 2 // 3
    parts = {"first": rows[:middle], "second": rows[middle:]}
    for name, part in parts.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    both = {row["account_id"] for row in parts["first"]} & {row["account_id"] for row in parts["second"]}
    return str(min(both))


def make_store(folder: Path) -> Path:
    """Build twice on the first log, so that there is a snapshot to go back to."""
    store = folder / "base"
    for _ in range(2):
        code, said = run("build", str(folder / "first.jsonl"), "--store", str(store), "--encoder", "fast")
        if code:
            raise SystemExit(f"the first build failed: {said}")
    return store


def measure(command: Command, base: Path, folder: Path) -> float:
    """Return the seconds that the command takes undisturbed, on a copy of the store."""
    store = copy_store(base, folder / f"measured-{command.name}")
    start = time.perf_counter()
    code, said = run(command.name, *command.words(store))
    taken = time.perf_counter() - start
    if code:
        raise SystemExit(f"{command.name} fails undisturbed: {said}")
    shutil.rmtree(store)
    return taken


def kill_once(command: Command, base: Path, store: Path, after: float, counts: Counter[str]) -> list[str]:
    """Kill the command once and return what is wrong with the store then, or after the same command's next run."""
    copy_store(base, store)
    words = command.words(store)
    before, current = take_hashes(store), read_current(store)[0]
    process = start(command.name, *words)
    time.sleep(after)
    process.kill()
    process.communicate()
    counts["kills"] += 1
    counts["killed" if process.returncode == -9 else "ended before"] += 1
    problems = find_problems(command, store, before, current, counts)
    code, said = run(command.name, *words)
    if code:
        problems.append(f"the next run ends with {code}: {said}")
    else:
        counts["next run"] += 1
    problems += [f"after the next run, {text}" for text in find_problems(command, store, before, current, Counter())]
    left = [str(p.relative_to(store)) for p in store.rglob("*") if p.name.startswith(TEMPORARY)]
    problems += [f"{name} is left behind" for name in left]
    counts["problems"] += len(problems)
    shutil.rmtree(store)
    return problems


def find_problems(
    command: Command, store: Path, before: dict[str, str], current: str, counts: Counter[str]
) -> list[str]:
    """Return what is wrong with a store, and count which snapshot is CURRENT."""
    try:
        snapshot = open_snapshot(store)
        for name in snapshot.manifest["tables"]:
            snapshot.table(name)
        snapshot.index.search(snapshot.vectors[:1], 1)
        snapshot.close()
        problems = [str(problem) for problem in verify(store, deep=True)]
        now = read_current(store)[0]
    except SweepLensError as error:
        return [f"{type(error).__name__}: {error}"]
    counts["CURRENT old" if now == current else "CURRENT new"] += 1
    if now != current and not command.changes:
        problems.append(f"CURRENT is {now}, but it was {current}")
    found = take_hashes(store)
    must_stay = [name for name in before if not command.removes or name.startswith(current)]
    problems += [f"{name} is gone or changed" for name in must_stay if found.get(name) != before[name]]
    return problems


def take_hashes(store: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of every snapshot."""
    paths = [path for info in list_snapshots(store) for path in (store / info.snapshot_id).iterdir()]
    return {str(p.relative_to(store)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def copy_store(base: Path, target: Path) -> Path:
    """Copy a store, its modes and its hard links."""
    subprocess.run(["cp", "-a", base, target], check=True)
    return target


def start(*words: str) -> "subprocess.Popen[str]":
    """Start a command."""
    return subprocess.Popen(
        [sys.executable, "-m", "sweeplens", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def run(*words: str) -> tuple[int, str]:
    """Run a command and return its exit code and the last line that it said."""
    process = start(*words)
    said = process.communicate()[1].strip().splitlines()
    return process.returncode, said[-1] if said else ""


def print_table(counts: dict[str, Counter[str]], seconds: dict[str, float]) -> None:
    """Print one row for each command, and their sum."""
    whole = sum(counts.values(), Counter())
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for name, row in [*counts.items(), ("all", whole)]:
        time_taken = f"{seconds[name]:.1f}" if name in seconds else ""
        print("| " + " | ".join([name, time_taken, *(str(row[column]) for column in COLUMNS[2:])]) + " |")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="how often to kill, the commands in turn")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--accounts", type=int, default=60, help="of the demo log, about")
    parser.add_argument("--only", default="", help="commands to kill, with commas; all that there are by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
