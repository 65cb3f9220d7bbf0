"""Everything about prompts that signals look at, computed once for a log."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sweeplens.signals.account import Accounts

if TYPE_CHECKING:
    from sweeplens.index.neighbours import Neighbours

HEAD = 400  # characters of a prompt that compression and form look at first
SHARED = -1  # owner of a prompt that several accounts sent
_PER_ACCOUNT = 20  # prompts an account gives to the population's covariance, so that volume does not decide it
_RIDGE = 1e-4  # added to the covariance's diagonal: unit rows in d dimensions have variances near 1/d
_WHITE_NEIGHBOURS = 20

FORM = (
    "log_length", "word_length", "capitals", "digits", "beyond_ascii", "code_marks", "line_breaks", "distinct_words",
)  # fmt: skip
_CODE = re.compile(r"[{}\[\]()<>=;_/\\]")


@dataclass(frozen=True)
class Ground:
    """The prompts of a log on the map. All arrays have one row a prompt.

    vectors    float32 [n, d]: unit rows
    near       the nearest neighbours of each prompt, by cosine
    white      float32 [n, d]: unit rows in the space where the population is round
    distance   float32 [n]: length in that space, the Mahalanobis distance from the population's mean
    white_near the nearest neighbours there
    cell, cluster, capability   int32 [n]
    owner      int32 [n]: code of the account that sent the prompt, or SHARED
    form       float32 [n, len(FORM)]: how the text looks
    pack       float32 [n]: compressed length over length
    packed     int32 [n]: bytes of the compressed head
    first_word int32 [n]: number of the first word
    heads      the first characters of each text, as bytes
    """

    vectors: np.ndarray
    near: "Neighbours"
    white: np.ndarray
    distance: np.ndarray
    white_near: "Neighbours"
    cell: np.ndarray
    cluster: np.ndarray
    capability: np.ndarray
    owner: np.ndarray
    form: np.ndarray
    pack: np.ndarray
    packed: np.ndarray
    first_word: np.ndarray
    heads: Sequence[bytes]

    def owned_as(self, owner: np.ndarray) -> "Ground":
        """Return the same ground with other owners."""
        return replace(self, owner=owner)


@dataclass(frozen=True)
class Whitening:
    """A linear map into the space where the population's covariance is the identity."""

    mean: np.ndarray
    matrix: np.ndarray

    def apply(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (unit rows, their lengths before) of float32 [n, d]."""
        z = (vectors - self.mean) @ self.matrix
        length = np.linalg.norm(z, axis=1)
        z /= np.maximum(length, 1e-12)[:, None]
        return z, length


def fit_whitening(vectors: np.ndarray, accounts: Accounts) -> Whitening:
    """Fit on at most 20 prompts an account: the Cholesky factor of the inverse covariance (Kessy et al. 2018)."""
    chosen = np.concatenate([_spread(a.distinct, _PER_ACCOUNT) for a in accounts])
    rows = vectors[chosen].astype(np.float64)
    d = rows.shape[1]
    mean = rows.mean(0)
    centred = rows - mean
    covariance = centred.T @ centred / max(1, len(rows) - 1) + _RIDGE * np.eye(d)
    matrix = np.linalg.cholesky(np.linalg.inv(covariance))
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32))


def make_ground(
    vectors: np.ndarray,
    near: "Neighbours",
    texts: Sequence[str],
    accounts: Accounts,
    *,
    cell: np.ndarray,
    cluster: np.ndarray,
    capability: np.ndarray,
    threads: int,
) -> Ground:
    """Compute what signals need of every prompt of a log."""
    from sweeplens.index.neighbours import all_neighbours

    white, distance = fit_whitening(vectors, accounts).apply(vectors)
    heads = [t[:HEAD].encode("utf-8", "replace") for t in texts]
    packed = np.fromiter((len(zlib.compress(h, 9)) for h in heads), np.int32, len(heads))
    return Ground(
        vectors=vectors,
        near=near,
        white=white,
        distance=distance.astype(np.float32),
        white_near=all_neighbours(white, _WHITE_NEIGHBOURS, threads=threads),
        cell=cell,
        cluster=cluster,
        capability=capability,
        owner=find_owners(accounts, len(vectors)),
        form=np.array([measure_form(t) for t in texts], np.float32).reshape(len(texts), len(FORM)),
        pack=np.fromiter((measure_pack(t) for t in texts), np.float32, len(texts)),
        packed=packed,
        first_word=_first_words(texts),
        heads=heads,
    )


def find_owners(accounts: Accounts, n_prompts: int) -> np.ndarray:
    """Return the code of the one account that sent each prompt, or SHARED where several did."""
    owner = np.full(n_prompts, -2, np.int32)
    for code, account in enumerate(accounts):
        mine = account.distinct
        owner[mine] = np.where(owner[mine] == -2, code, SHARED)
    return owner


def measure_form(text: str) -> tuple[float, ...]:
    """Return the numbers named in FORM for one text; shares are of its characters, line breaks per 100 of them."""
    head = text[: 5 * HEAD]
    n = max(1, len(head))
    words = head.split()
    lower = {w.lower() for w in words}
    return (
        float(np.log1p(len(text))),
        sum(map(len, words)) / max(1, len(words)),
        sum(map(str.isupper, head)) / n,
        sum(map(str.isdigit, head)) / n,
        sum(c > "\x7f" for c in head) / n,
        len(_CODE.findall(head)) / n,
        100 * head.count("\n") / n,
        len(lower) / max(1, len(words)),
    )


def measure_pack(text: str) -> float:
    """Return the compressed length of the first 3,000 characters over their length, in bytes."""
    raw = text[:3000].encode("utf-8", "replace")
    return len(zlib.compress(raw)) / max(1, len(raw))


def _first_words(texts: Sequence[str]) -> np.ndarray:
    known: dict[str, int] = {}
    words = ((t[:100].split(maxsplit=1) or [""])[0].lower() for t in texts)
    return np.fromiter((known.setdefault(w, len(known)) for w in words), np.int32, len(texts))


def _spread(values: np.ndarray, n: int) -> np.ndarray:
    """Return at most `n` of the values, evenly over their order."""
    return values if len(values) <= n else values[np.linspace(0, len(values) - 1, n).astype(int)]
