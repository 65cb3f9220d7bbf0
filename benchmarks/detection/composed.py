"""Composed logs for training and judging: folders with log.jsonl.gz and labels.csv, each measured once."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeplens.atlas.cells import make_cells
from sweeplens.config import Settings
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import load_encoder
from sweeplens.embed.language import detect_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.evaluate.labels import Label, read_labels
from sweeplens.logs.read import read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.intake import take_alone
from sweeplens.signals.account import Accounts
from sweeplens.signals.ground import Ground, measure_ground
from sweeplens.signals.measure import measure_accounts
from sweeplens.signals.sample import hash_keys, sample_accounts


@dataclass(frozen=True, eq=False)
class Composed:
    """One labelled log; `labels` are in the order of the accounts, `fold` is that of its corpora, or "all"."""

    name: str
    fold: str
    accounts: Accounts
    ground: Ground
    values: np.ndarray
    labels: tuple[Label, ...]
    hashes: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def attack(self) -> np.ndarray:
        """Return which accounts attack, bool [N]."""
        return np.array([k.label == "attack" for k in self.labels])

    @property
    def honest(self) -> np.ndarray:
        """Return which accounts are honest, bool [N]; benchmark runs are neither."""
        return np.array([k.label == "benign" for k in self.labels])

    @property
    def kind(self) -> np.ndarray:
        """Return the type of each account."""
        return np.array([k.type for k in self.labels])

    @property
    def corpus(self) -> np.ndarray:
        """Return the collections that each account was composed from, joined by plus signs."""
        return np.array(["+".join(k.corpora) for k in self.labels])

    @property
    def volume(self) -> np.ndarray:
        """Return the distinct prompts of each account, int64 [N]."""
        return self.accounts.volumes


def read_log(folder: Path, fold: str, encoder_name: str, cache: Path, models: Path) -> Composed:
    """Read, embed and measure one composed log; of the map it has the cells alone, as nothing else is judged by."""
    requests = read_requests([str(folder / "log.jsonl.gz")], stats=ReadStats(), reject=lambda _: None)
    taken = take_alone(requests)
    texts, hashes = taken.texts, taken.hashes
    encoder = load_encoder(encoder_name, models=models, threads=2)
    vectors = embed_prompts(encoder, hashes, texts, VectorCache(cache, encoder.fingerprint, encoder.dim)).vectors
    nowhere = np.zeros(len(texts), np.int32)
    languages = detect_languages(texts)
    cell = make_cells(vectors, cells=Settings().cells, seed=Settings().seed, threads=1)[1]
    ground = measure_ground(vectors, texts, languages, cell=cell, cluster=nowhere, capability=nowhere)
    known = {k.account_id: k for k in read_labels(folder / "labels.csv")}
    accounts = sample_accounts(taken.accounts, hash_keys(hashes))
    labels = tuple(known[name] for name in accounts.names)
    values = measure_accounts(accounts, ground)
    return Composed(folder.name, fold, accounts, ground, values, labels, tuple(hashes), tuple(languages))


def read_logs(specs: Sequence[str], encoder: str, cache: Path, models: Path, workers: int = 2) -> list[Composed]:
    """Read logs named FOLDER:FOLD over some processes."""
    jobs = [(Path(s.rpartition(":")[0]), s.rpartition(":")[2], encoder, cache, models) for s in specs]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(read_log, *zip(*jobs, strict=True)))


def stack(logs: Iterable[Composed], name: str) -> np.ndarray:
    """Return one property of all logs, one after another."""
    return np.concatenate([getattr(k, name) for k in logs])
