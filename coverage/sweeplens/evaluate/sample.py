"""The labelled accounts of a snapshot: what is known of each, what the detector said, and what each sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.evaluate.labels import Label, LabelsError
from sweeplens.report.columns import Columns, columns_of, whole
from sweeplens.report.facts import FLAGGED
from sweeplens.report.mixes import mixes_of
from sweeplens.signals.languages import UNKNOWN, mix_languages

if TYPE_CHECKING:
    from sweeplens.store.rows import RowView
    from sweeplens.store.snapshot import Snapshot

OURS = "sweeplens"  # the detector that made the snapshot


@dataclass(frozen=True)
class Sample:
    """Labelled accounts, in the order of the labels.

    volume      int64 [n]: requests, as the labels say, else as the snapshot counts; 0 where neither knows
    score       float64 [n]: the snapshot's score, NaN for none and for accounts that it lacks
    flagged     bool [n]: review or high
    language    main language of each account, by requests; "und" where none was recognised
    groups      the snapshot's groups labelled sweep, each as the ids of its accounts
    absent      number of labelled accounts that the snapshot lacks
    unlabelled  number of the snapshot's accounts that have no label
    """

    labels: tuple[Label, ...]
    volume: NDArray[np.int64]
    score: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    language: tuple[str, ...]
    groups: tuple[frozenset[str], ...]
    absent: int
    unlabelled: int


@dataclass(frozen=True)
class Traffic:
    """The vectors of what each account sent: distinct prompts in order of first sending.

    vectors  one array [prompts, dim] of unit rows for each log
    log      int64 [accounts]: the log that an account is in
    prompts  of each account the rows of its log's vectors
    """

    vectors: "tuple[NDArray[np.floating] | RowView, ...]"
    log: NDArray[np.int64]
    prompts: tuple[NDArray[np.int32], ...]

    def rows(self, account: int, most: int | None = None) -> NDArray[np.float32]:
        """Return the vectors of one account, float32; `most` of them spread evenly, where there are more."""
        prompts = self.prompts[account]
        if most is not None and len(prompts) > most:
            prompts = prompts[np.linspace(0, len(prompts) - 1, most).astype(int)]
        return np.asarray(self.vectors[self.log[account]][prompts], np.float32)


def take_sample(snapshot: "Snapshot", labels: Sequence[Label]) -> Sample:
    """Find the labelled accounts in a snapshot. Raises `LabelsError` where it has none of them."""
    columns = columns_of(snapshot)
    position = columns.position
    at = np.array([position.get(label.account_id, -1) for label in labels], np.int64)
    if not (at >= 0).any():
        raise LabelsError(
            f"none of the {len(labels):,} labelled accounts is among the {len(position):,} of snapshot "
            f"{snapshot.snapshot_id}: expected labels of the accounts of that log"
        )
    table = snapshot.table("accounts", ["n_requests", "level"])
    requests, levels = whole(table["n_requests"]), table["level"].to_pylist()
    languages = _main_languages(columns, snapshot)
    known = [int(row) if row >= 0 else None for row in at]
    return Sample(
        labels=tuple(labels),
        volume=np.array(
            [_volume(x.n, None if row is None else int(requests[row])) for x, row in zip(labels, known, strict=True)],
            np.int64,
        ),
        score=np.array([np.nan if row is None else columns.scores[row] for row in known], np.float64),
        flagged=np.array([row is not None and levels[row] in FLAGGED for row in known], bool),
        language=tuple(UNKNOWN if row is None else languages[row] for row in known),
        groups=tuple(
            frozenset(row["accounts"]) for row in snapshot.table("campaigns").to_pylist() if row["label"] == "sweep"
        ),
        absent=sum(row is None for row in known),
        unlabelled=len(position) - sum(row is not None for row in known),
    )


def take_traffic(snapshot: "Snapshot", sample: Sample) -> Traffic:
    """Return what the accounts of a sample sent; nothing for accounts that the snapshot lacks."""
    columns = columns_of(snapshot)
    pairs = columns.pairs
    rows = []
    for label in sample.labels:
        at = columns.position.get(label.account_id)
        part = slice(0, 0) if at is None else slice(int(pairs.starts[at]), int(pairs.starts[at + 1]))
        rows.append(pairs.prompt[part])
    return Traffic((snapshot.vectors,), np.zeros(len(rows), np.int64), tuple(rows))


def pool_samples(samples: Sequence[Sample]) -> Sample:
    """Put the samples of several logs together; their accounts and campaigns stay apart, their corpora are shared."""
    labels: list[Label] = []
    groups: list[frozenset[str]] = []
    for log, sample in enumerate(samples):
        labels += [
            replace(x, account_id=f"{log}/{x.account_id}", campaign=x.campaign and f"{log}/{x.campaign}")
            for x in sample.labels
        ]
        groups += [frozenset(f"{log}/{account}" for account in group) for group in sample.groups]
    return Sample(
        labels=tuple(labels),
        volume=np.concatenate([s.volume for s in samples]),
        score=np.concatenate([s.score for s in samples]),
        flagged=np.concatenate([s.flagged for s in samples]),
        language=tuple(word for s in samples for word in s.language),
        groups=tuple(groups),
        absent=sum(s.absent for s in samples),
        unlabelled=sum(s.unlabelled for s in samples),
    )


def pool_traffic(parts: Sequence[Traffic]) -> Traffic:
    """Put the traffic of several logs together, in the order of `pool_samples`."""
    shift = np.cumsum([0] + [len(part.vectors) for part in parts])
    return Traffic(
        tuple(v for part in parts for v in part.vectors),
        np.concatenate([part.log + s for part, s in zip(parts, shift, strict=False)]),
        tuple(p for part in parts for p in part.prompts),
    )


def _volume(said: int | None, counted: int | None) -> int:
    return said if said is not None else counted or 0


def _main_languages(columns: Columns, snapshot: "Snapshot") -> list[str]:
    """Return the language of most requests of each account, the first in the alphabet of equals."""
    pairs = columns.pairs
    mix = mix_languages(mixes_of(snapshot).languages, pairs.account, pairs.prompt, len(columns.accounts), pairs.sent)
    return [UNKNOWN if word < 0 else mix.words[word] for word in mix.main.tolist()]
