"""The options that several commands share."""

import csv
import io
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sweeplens.cli.output import Format, Page
from sweeplens.cli.streams import choose_lines
from sweeplens.config import Settings, describe_settings, load_settings
from sweeplens.errors import ConfigError, MapError

_HELP = {name: text for name, _, text in describe_settings()}


class FailOn(StrEnum):
    """What `--fail-on` takes."""

    review = "review"
    high = "high"


def read_time(text: str) -> datetime:
    """Read an ISO date or time; one without a zone is UTC, a date is its first moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"expected a date or time such as 2026-03-01 or 2026-03-01T09:30Z, not {text!r}"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _setting(name: str, flag: str, **more: Any) -> Any:  # noqa: ANN401 - typer's own type
    return typer.Option(flag, help=_HELP[name], show_default=False, rich_help_panel=None, **more)


Store = Annotated[Path | None, _setting("store", "--store", metavar="DIR")]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; without it sweeplens.toml, if there is one."),
]
SnapshotId = Annotated[
    str | None, typer.Option("--snapshot", metavar="ID", help="Snapshot to read; without it the current one.")
]
FormatName = Annotated[
    Format | None,
    typer.Option("--format", help="Output format; without it by the ending of --output, else a table."),
]
PageFormat = Annotated[
    Page | None, typer.Option("--format", help="Output format; without it by the ending of --output, else a table.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, whole or not at all.")
]
Top = Annotated[
    int | None,
    typer.Option("--top", min=0, metavar="N", help="Only the first N; 0: all. A table shows 50 when not told."),
]
FailOnLevel = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="Exit with 3 when a row of this level or above is open, and new or raised."),
]
MaxQ = Annotated[
    float | None,
    typer.Option("--max-q", min=0, max=1, metavar="Q", help="Only rows whose q value is at most Q."),
]
Manifest = Annotated[
    Path | None, typer.Option("--manifest", metavar="FILE", help="Write what this run did to FILE as JSON.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no closing line; warnings stay.")]
Prompts = Annotated[int, typer.Option("--prompts", min=0, metavar="N", help="Number of prompts that are shown.")]
Encoder = Annotated[str | None, _setting("encoder", "--encoder", metavar="NAME")]
Redact = Annotated[bool | None, typer.Option("--redact/--no-redact", help=_HELP["redact"], show_default=False)]
MaxRejects = Annotated[float | None, _setting("max_rejects", "--max-rejects", metavar="SHARE")]
Workers = Annotated[int | None, _setting("workers", "--workers", metavar="N")]
Seed = Annotated[int | None, _setting("seed", "--seed", metavar="N")]
Models = Annotated[Path | None, _setting("models", "--models", metavar="DIR")]
Cells = Annotated[int | None, _setting("cells", "--cells", metavar="N")]
Neighbours = Annotated[int | None, _setting("neighbours", "--neighbours", metavar="N")]
MinCluster = Annotated[int | None, _setting("min_cluster", "--min-cluster", metavar="N")]
Taxonomy = Annotated[Path | None, _setting("taxonomy", "--taxonomy", metavar="FILE")]
Remap = Annotated[float | None, _setting("remap", "--remap", metavar="TIMES")]
Window = Annotated[str | None, _setting("window", "--window", metavar="SPAN")]
NoText = Annotated[  # the setting `text`: --no-text gives False
    bool | None, typer.Option("--text/--no-text", help=_HELP["text"], show_default=False)
]
MemoryLimit = Annotated[str | None, _setting("memory_limit", "--memory-limit", metavar="SIZE")]
LogJson = Annotated[
    bool, typer.Option("--log-json", callback=choose_lines, is_eager=True, help="Standard error as JSON, a line each.")
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="TIME", parser=read_time, help="Only requests from then on: a date or time, UTC."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", metavar="TIME", parser=read_time, help="Only requests before then: a date or time, UTC."),
]
AccountsFile = Annotated[
    Path | None,
    typer.Option(
        "--accounts", metavar="FILE", help="Only the accounts in FILE: one id a line, or CSV with account_id."
    ),
]
CampaignsOutput = Annotated[
    Path | None,
    typer.Option(
        "--campaigns-output", metavar="FILE", help="Write the campaigns, too: as JSONL, unless the ending says else."
    ),
]
SinceSnapshot = Annotated[
    str | None,
    typer.Option(
        "--since-snapshot", metavar="ID", help="Snapshot since which rows must be new or raised to count for --fail-on."
    ),
]
InputFormat = Annotated[
    str | None,
    typer.Option("--input-format", metavar="NAME", help="Format of the log; without it, found from the content."),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=PATH", help="Where a field is in the log: account_id=user.id. Repeatable."),
]


def read_settings(config: Path | None, **flags: object) -> Settings:
    """Merge flags, environment, file and defaults."""
    return load_settings(flags, file=config)


def read_map(entries: list[str] | None) -> dict[str, str]:
    """Split --map entries into field and path; one of the wrong form is wrong usage."""
    from sweeplens.logs.mapping import parse_map

    try:
        return parse_map(entries or [])
    except MapError as error:
        raise typer.BadParameter(str(error)) from None


def read_accounts(path: Path) -> frozenset[str]:
    """Read the ids of accounts: one a line, or the column account_id of a CSV with a header.

    Raises `ConfigError` for a file that cannot be read or holds none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"the accounts {path} must be text in UTF-8, but they are not") from None
    except OSError as error:
        raise ConfigError(f"the accounts {path} cannot be read: {error.strerror}") from None
    header, *rows = csv.reader(io.StringIO(text, newline="")) if text else [[]]
    names = [name.strip() for name in header]
    if "account_id" in names:
        at = names.index("account_id")
        ids = [row[at] for row in rows if len(row) > at]
    else:
        ids = text.splitlines()
    found = frozenset(name.strip() for name in ids) - {""}
    if not found:
        raise ConfigError(f"the accounts {path} hold no id: expected one a line, or CSV with a column account_id")
    return found
