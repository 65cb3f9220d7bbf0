"""Where a report comes from: the snapshot, the detector, the encoder, the settings, and what analysts decided."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeplens import __version__
from sweeplens.detect.training import FILE
from sweeplens.report.cases import cases_of
from sweeplens.report.paper.choice import Choice
from sweeplens.report.plain import to_plain
from sweeplens.review import Verdict, history

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

# Settings that a build depends on; folders, people and what only the app reads are left out.
_SETTINGS = (
    "encoder", "redact", "max_rejects", "seed", "cells", "neighbours", "min_cluster", "taxonomy", "remap", "window",
    "retention", "text",
)  # fmt: skip


def describe_origin(snapshot: "Snapshot") -> dict[str, Any]:
    """Return the facts about the snapshot, its detector and encoder, with their hashes, and the settings as used."""
    manifest = snapshot.manifest
    detector = _dict(manifest.get("detector"))
    config = _dict(manifest.get("config"))
    log = _dict(manifest.get("log"))
    used = {name: config[name] for name in _SETTINGS if name in config}
    if used.get("taxonomy"):
        used["taxonomy"] = Path(str(used["taxonomy"])).name
    return {
        "snapshot": {
            "id": snapshot.snapshot_id,
            "manifest_sha256": snapshot.digest,
            "created": manifest.get("created"),
            "parent": manifest.get("parent"),
            "sweeplens": manifest.get("sweeplens"),
            "text": manifest.get("text", "kept"),
            "counts": _dict(manifest.get("counts")),
            "log": {key: log.get(key) for key in ("files", "rows", "rejected")},
        },
        "detector": {**detector, "sha256": detector.get("sha256") or _detector_hash(snapshot, detector)},
        "reference": manifest.get("reference"),
        "encoder": _dict(manifest.get("encoder")),
        "settings": used,
    }


def describe_review(
    snapshot: "Snapshot", kind: str, subject: str, choice: Choice, *, at: datetime, allow_days: int
) -> dict[str, Any]:
    """Return where the review of the subject stands, and the verdicts that lead there, the last one first.

    For an account that its campaign's verdict settles, those on the campaign are among them. A note may quote a prompt:
    secrets in it are replaced like those of prompts, and without text it is left out.
    """
    store = snapshot.folder.parent
    case = cases_of(snapshot, allow_days=allow_days, now=at).of(kind, subject)
    verdicts = history(store, kind, subject)
    if case.through is not None:
        verdicts = sorted([*verdicts, *history(store, "campaign", case.through)], key=lambda v: v.at, reverse=True)
    return {
        "state": case.state,
        "why": case.why,
        "allowed_until": to_plain(case.ends),
        "through": case.through,
        "verdict": None if case.verdict is None else case.verdict.verdict,
        "history": [_told(verdict, choice) for verdict in verdicts],
    }


def _told(verdict: Verdict, choice: Choice) -> dict[str, Any]:
    return {
        "kind": verdict.kind, "subject": verdict.subject, "verdict": verdict.verdict,
        "note": choice.clean(verdict.note) if choice.text else "",
        "note_left_out": bool(verdict.note) and not choice.text,
        "until": to_plain(verdict.until), "level": verdict.level, "analyst": verdict.analyst,
        "verified": verdict.verified, "at": to_plain(verdict.at), "snapshot_id": verdict.snapshot_id,
        "detector": verdict.detector, "inclusion": verdict.inclusion,
    }  # fmt: skip


def describe_making(choice: Choice, at: datetime, by: str, *, verified: bool) -> dict[str, Any]:
    """Return when the report was made, by whom, with what, and what was left out of it."""
    return {
        "at": to_plain(at), "by": by, "verified": verified, "sweeplens": __version__, "redact": choice.redact,
        "text": choice.text,
    }  # fmt: skip


def _detector_hash(snapshot: "Snapshot", detector: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of the file of that detector; None where no file of that name and version is at hand."""
    own = snapshot.folder.parent / FILE
    shipped = resources.files("sweeplens.detect").joinpath("data")
    for source in (own, shipped.joinpath("default.json"), shipped.joinpath("fast.json")):
        if not source.is_file():
            continue
        raw = source.read_bytes()
        try:
            data = json.loads(raw)
        except ValueError:
            continue
        if isinstance(data, dict) and all(str(data.get(k)) == str(detector.get(k)) for k in ("name", "version")):
            return hashlib.sha256(raw).hexdigest()
    return None


def _dict(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
