"""Measure the index: bench_index.py [--vectors FOLDER] [--n 20000 60000] [--threads 1] [--codes N] [--write NAME].

For each number of vectors, the exact and the inverted index: recall against a comparison with every vector, processor
seconds (of all threads together), bytes in the file. The neighbours of all rows are timed on a block of them, and the
exact index only up to 400,000 vectors. --codes N compares, at N vectors, the ways in which an inverted index can keep a
vector, and how many lists it looks through.

The vectors are a seeded mixture of Gaussians on the sphere, or those of FOLDER: the .npy files of a vector cache (or
plain [n, dim] arrays). Where there are too few, the rest are copies moved by noise to a cosine of about 0.86. --write
puts the tables under NAME into benchmarks/results/index.json and makes index.md from all of it.
"""

import argparse
import io
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from sweeplens.index import build_index, building
from sweeplens.index.contract import Index

RESULTS = Path(__file__).parent / "results"
QUERIES, BLOCK, BLOCK_FLAT, ROWS = 1000, 65_536, 4096, 65_536
FLAT_MOST = 400_000
NOISE = 0.6
CODES = {
    "8 bits": faiss.ScalarQuantizer.QT_8bit,
    "half precision": faiss.ScalarQuantizer.QT_fp16,
    "single precision": None,
}

Halves = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]


class Counter(io.RawIOBase):
    """A stream that counts bytes and keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def write(self, data: object) -> int:
        """Count the bytes of a write."""
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        self.count += size
        return size


def read_vectors(folder: Path) -> Halves:
    """Return the vectors of a folder's .npy files in seeded order, copies dropped."""
    arrays = [np.load(path) for path in sorted(folder.glob("*.npy"))]
    if not arrays:
        raise SystemExit(f"{folder} was expected to hold .npy files of vectors; it holds none")
    rows = np.concatenate([a["vector"] if a.dtype.names else a for a in arrays]).astype(np.float16)
    _, first = np.unique(rows.view(f"V{rows.shape[1] * 2}").ravel(), return_index=True)
    found: Halves = rows[np.random.default_rng(0).permutation(np.sort(first))]
    return found


def make_vectors(n: int, dim: int) -> Halves:
    """Return n rows around n / 50 centres of unlike weight and width."""
    rng = np.random.default_rng(0)
    groups = max(1, n // 50)
    centres = rng.normal(size=(groups, dim)).astype(np.float32)
    width = rng.uniform(0.4, 1.2, groups).astype(np.float32)
    weight = rng.dirichlet(np.full(groups, 0.5))
    rows = np.empty((n, dim), np.float16)
    for start in range(0, n, ROWS):
        label = rng.choice(groups, min(ROWS, n - start), p=weight)
        rows[start : start + ROWS] = unit(centres[label] + width[label, None] * noise(rng, len(label), dim))
    return rows


def enlarge(rows: Halves, n: int) -> Halves:
    """Return n rows: the first n of these, or these and copies moved by noise."""
    if n <= len(rows):
        return rows[:n]
    rng = np.random.default_rng(1)
    found = np.empty((n, rows.shape[1]), np.float16)
    found[: len(rows)] = rows
    for start in range(len(rows), n, ROWS):
        stop = min(start + ROWS, n)
        copies = rows[np.arange(start, stop) % len(rows)].astype(np.float32)
        shift = NOISE / rows.shape[1] ** 0.5 * noise(rng, stop - start, rows.shape[1])
        found[start:stop] = unit(copies + shift)
    return found


def noise(rng: np.random.Generator, n: int, dim: int) -> Floats:
    """Return standard normal numbers, [n, dim]."""
    return rng.standard_normal((n, dim), np.float32)


def unit(rows: Floats) -> Floats:
    """Return the rows at length 1."""
    found: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def find_best(vectors: Halves, queries: Floats, k: int) -> Floats:
    """Return each query's k highest similarities among all vectors, [m, k]."""
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors), ROWS):
        best = np.concatenate([best, queries @ vectors[start : start + ROWS].astype(np.float32).T], axis=1)
        best = -np.partition(-best, min(k, best.shape[1]) - 1, axis=1)[:, :k]
    return -np.sort(-best, axis=1)


def recall(similarity: Floats, best: Floats, k: int) -> float:
    """Return the share of the k found that are as near as the k-th nearest."""
    return round(float((similarity[:, :k] >= best[:, [k - 1]] - 1e-5).mean()), 4)


def measure_kind(vectors: Halves, queries: Floats, best: Floats, threads: int) -> dict[str, object]:
    """Return one row of the table: what building, keeping and searching the index takes, and what it finds."""
    began = time.process_time()
    index = build_index(vectors, threads=threads)
    built = time.process_time() - began
    stream = Counter()
    index.write(stream)  # type: ignore[arg-type]
    block = vectors[: BLOCK_FLAT if index.kind == "flat" else BLOCK].astype(np.float32)
    began = time.process_time()
    index.search(block, 31, quick=True)
    each = (time.process_time() - began) / len(block)
    return {
        "kind": index.kind, "vectors": len(vectors), "dim": index.dim, "bytes a vector": stream.count // len(vectors),
        "build, processor s": round(built, 1), "one search, ms": search_once(index, queries),
        "recall@10": recall(index.search(queries, 10)[0], best, 10),
        "neighbours of all, processor s": round(each * len(vectors)),
        "recall@30, neighbours": recall(index.search(queries, 31, quick=True)[0], best, 31),
    }  # fmt: skip


def search_once(index: Index, queries: Floats) -> float:
    """Return the median milliseconds of a search for one query's 20 nearest."""
    spent = []
    for query in queries[:25]:
        began = time.perf_counter()
        index.search(query, 20)
        spent.append(time.perf_counter() - began)
    return round(1000 * float(np.median(spent)), 2)


def compare_codes(vectors: Halves, threads: int) -> Iterator[dict[str, object]]:
    """Give one row for each way to keep a vector and number of lists looked through."""
    faiss.omp_set_num_threads(threads)
    queries, best = ask(vectors)
    building.FLAT_UP_TO = 0
    trained = building._trained(vectors)
    dim, lists = trained.d, trained.nlist
    for code, quantizer in CODES.items():
        centres, metric = faiss.clone_index(trained.quantizer), faiss.METRIC_INNER_PRODUCT
        index = (
            faiss.IndexIVFFlat(centres, dim, lists, metric)
            if quantizer is None
            else faiss.IndexIVFScalarQuantizer(centres, dim, lists, quantizer, metric, code == "8 bits")
        )
        index.train(vectors[:BLOCK].astype(np.float32))
        building._filled(index, vectors)
        for probes in (16, 32, 64, 128):
            index.nprobe = probes
            began = time.process_time()
            near, ids = index.search(queries, 31)
            spent = (time.process_time() - began) / len(queries)
            near = np.einsum("ij,ikj->ik", queries, vectors[ids].astype(np.float32))  # what was found, without a code
            yield {
                "code": code, "bytes a vector": index.code_size, "lists": f"{probes} of {lists}",
                "recall@10": recall(near, best, 10), "recall@30": recall(near, best, 31),
                "a search in many, processor ms": round(1000 * spent, 3),
            }  # fmt: skip


def ask(vectors: Halves) -> tuple[Floats, Floats]:
    """Return seeded queries among the vectors, and their 31 highest similarities."""
    chosen = np.sort(np.random.default_rng(2).choice(len(vectors), min(QUERIES, len(vectors)), replace=False))
    queries = vectors[chosen].astype(np.float32)
    return queries, find_best(vectors, queries, 31)


def as_table(rows: list[dict[str, object]]) -> str:
    """Return rows as a table in Markdown."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = (f"{v:,}" if isinstance(v, int) else str(v) for v in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(name: str, part: dict[str, object]) -> None:
    """Put what was measured under a name among the results, and make the page from all of them."""
    path = RESULTS / "index.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    results[name] = part
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    notes = (RESULTS / "index-notes.md").read_text(encoding="utf-8").strip()
    pages = ["# Index", notes]
    for title, found in results.items():
        pages += [f"## {title}", f"{found['threads']} thread(s) of {found['machine']}.", as_table(found["rows"])]
    (RESULTS / "index.md").write_text("\n\n".join(pages) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=Path, metavar="FOLDER")
    parser.add_argument("--n", type=int, nargs="+", default=[20_000, 60_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--codes", type=int, metavar="N")
    parser.add_argument("--corpora", help="not used: what is measured are vectors, not prompts")
    parser.add_argument("--write", metavar="NAME")
    asked = parser.parse_args()
    rows: list[dict[str, object]] = []
    source = (
        read_vectors(asked.vectors) if asked.vectors else make_vectors(max([asked.codes or 0, *asked.n]), asked.dim)
    )
    if asked.codes:
        rows.extend(compare_codes(enlarge(source, asked.codes), asked.threads))
    for n in [] if asked.codes else asked.n:
        vectors = enlarge(source, n)
        queries, best = ask(vectors)
        for up_to in (n, 0) if n <= FLAT_MOST else (0,):
            building.FLAT_UP_TO = up_to
            rows.append(measure_kind(vectors, queries, best, asked.threads))
    print(as_table(rows))
    if asked.write:
        write(asked.write, {"threads": asked.threads, "machine": machine(), "rows": rows})


def machine() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
