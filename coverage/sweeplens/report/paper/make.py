"""Make the evidence report on one account or campaign, as HTML or JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sweeplens.errors import NotFoundError
from sweeplens.report.find import unknown
from sweeplens.report.paper import account, campaign
from sweeplens.report.paper.about import describe_making, describe_origin, describe_review
from sweeplens.report.paper.choice import Choice
from sweeplens.report.paper.method import CAUTION, describe_doubts, describe_method, describe_reach, look_alikes
from sweeplens.report.paper.page import write_page
from sweeplens.report.releases import Release

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

SCHEMA = 1
Kind = Literal["account", "campaign"]
KINDS: tuple[Kind, ...] = ("account", "campaign")


def make_report(
    snapshot: "Snapshot",
    kind: Kind,
    subject: str,
    *,
    format: Literal["html", "json"] = "html",  # noqa: A002 - what the command line calls it
    redact: bool = True,
    prompts: int = 20,
    text: bool = True,
    by: str,
    verified: bool,
    at: datetime | None = None,
    releases: Sequence[Release] = (),
    allow_days: int = 90,
) -> bytes:
    """Return the report as the bytes of one file that stands alone.

    `redact` replaces secrets in what is or derives from prompts; without `text` none of that is in the file; `prompts`
    is the most that are listed; `releases` are marked on the timeline; `allow_days` is how long an entry of the
    allow-list lasts that names no end. `by` is who makes it, `verified` whether a login has proven that name; `at` is
    when, by default now: all else depends on the snapshot and the review file alone. Raises `NotFoundError` for an
    unknown id.
    """
    now = at or datetime.now(UTC)
    choice = Choice(redact=redact, prompts=prompts, text=text)
    room: Any = account if kind == "account" else campaign
    evidence = room.gather(snapshot, subject, choice)
    origin = describe_origin(snapshot)
    record = {
        "schema": SCHEMA,
        "kind": kind,
        "subject": subject,
        "caution": CAUTION,
        **room.describe(evidence, choice),
        "doubts": describe_doubts(kind, origin, evidence),
        "method": describe_method(kind, origin),
        "reach": describe_reach(),
        "look_alikes": look_alikes(evidence),
        "review": describe_review(snapshot, kind, subject, choice, at=now, allow_days=allow_days),
        **origin,
        "made": describe_making(choice, now, by, verified=verified),
    }
    pictures = room.draw(snapshot, evidence, choice, releases)
    if format == "json":
        shown = [{"key": k, "title": q.title, "caption": q.caption} for k, q in pictures.items() if q.title]
        return (json.dumps({**record, "pictures": shown}, indent=1, allow_nan=False) + "\n").encode()
    return write_page(record, pictures).encode()


def find_kinds(snapshot: "Snapshot", subject: str) -> tuple[Kind, ...]:
    """Return what has this id, an account, a campaign or both; raises `NotFoundError` where neither has."""
    ids = {kind: snapshot.table(f"{kind}s")[f"{kind}_id"].to_pylist() for kind in KINDS}
    found = tuple(kind for kind in KINDS if subject in ids[kind])
    if not found:
        raise NotFoundError(unknown("account or campaign", subject, [*ids["campaign"], *ids["account"]], snapshot))
    return found
