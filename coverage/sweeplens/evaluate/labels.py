"""labels.csv: which accounts are known to attack, to be benign, or to be neither."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeplens.errors import SweepLensError
from sweeplens.text import one_line

LABELS = ("attack", "benign", "dual")
_NEEDED = ("account_id", "label")
_MOST_SHOWN = 40  # characters of a cell or a header that a message repeats


class LabelsError(SweepLensError):
    """The labels cannot be read, or not used with this snapshot."""


@dataclass(frozen=True)
class Label:
    """What is known about one account; an empty text, and `n` None, where the file does not say.

    label     attack, benign, or dual: neither an attack nor a false alarm, as somebody who runs a benchmark
    type      the kind of attack or of honest use
    campaign  the campaign of an attack, or the tenant whose keys these accounts are
    corpora   the collections of prompts that the account was composed from
    n         number of requests
    """

    account_id: str
    label: str
    type: str = ""
    campaign: str = ""
    corpora: tuple[str, ...] = ()
    n: int | None = None


def read_labels(path: Path) -> list[Label]:
    """Read a CSV of account_id, label[, type, campaign_id, corpus, n]; other columns are not looked at.

    Several corpora of one account are joined by a plus sign. Raises `LabelsError`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LabelsError(f"the labels {path} must be CSV in UTF-8, but they are not text in UTF-8") from None
    except OSError as error:
        raise LabelsError(f"the labels {path} cannot be read: {error.strerror}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path)
        labels = _read_rows(((reader.line_num, row) for row in reader if row), header, path)
    except csv.Error as error:
        raise LabelsError(f"the labels {path} are no CSV: line {reader.line_num}: {error}") from None
    if not labels:
        raise LabelsError(f"the labels {path} hold no account: expected one row for each after the header")
    return labels


def _check_header(header: Sequence[str], path: Path) -> None:
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise LabelsError(
            f"the labels {path} need a header with account_id and label, but the first line has no "
            f"{' and no '.join(missing)}: {_shown(', '.join(header))}"
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise LabelsError(f"the labels {path} have the column {_shown(twice[0])} twice")


def _read_rows(rows: Iterable[tuple[int, list[str]]], header: Sequence[str], path: Path) -> list[Label]:
    lines: dict[str, int] = {}
    labels = []
    for line, row in rows:
        where = f"line {line} of the labels {path}"
        if len(row) != len(header):
            raise LabelsError(f"{where} has {len(row)} fields, but the header has {len(header)}")
        label = _read_row(dict(zip(header, row, strict=True)), where)
        if label.account_id in lines:
            raise LabelsError(f"{where} names the account of line {lines[label.account_id]} again: one row for each")
        lines[label.account_id] = line
        labels.append(label)
    return labels


def _read_row(row: Mapping[str, str], where: str) -> Label:
    if not row["account_id"]:
        raise LabelsError(f"{where} has no account_id")
    label = row["label"].strip()
    if label not in LABELS:
        raise LabelsError(f"{where} must have a label of {', '.join(LABELS)}, but it has {_shown(label)}")
    count = row.get("n", "").strip()
    if count and not (count.isascii() and count.isdigit()):
        raise LabelsError(f"{where} must have a whole number in n, but it has {_shown(count)}")
    return Label(
        row["account_id"],
        label,
        row.get("type", "").strip(),
        row.get("campaign_id", "").strip(),
        tuple(name.strip() for name in row.get("corpus", "").split("+") if name.strip()),
        int(count) if count else None,
    )


def _shown(text: str) -> str:
    return repr(one_line(text, _MOST_SHOWN))
