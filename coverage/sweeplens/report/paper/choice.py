"""What of the log's texts a report shows, and how each is made fit to leave the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeplens.logs.redact import redact
from sweeplens.report.facts import PromptRow
from sweeplens.report.flat import LEFT_OUT
from sweeplens.report.plain import to_plain

LONGEST = 3000  # characters of a prompt that a report shows


@dataclass(frozen=True)
class Choice:
    """What is shown: `text` nothing that is or derives from a prompt where it is off, `redact` replaces secrets.

    `prompts` is the most that are listed.
    """

    redact: bool = True
    prompts: int = 20
    text: bool = True

    def clean(self, text: str) -> str:
        """Return a text with keys, tokens, addresses, card and phone numbers replaced, unless that is off."""
        return redact(text)[0] if self.redact else text

    def cluster(self, cluster_id: int, name: str) -> str:
        """Return a cluster's name, which is made of words of prompts, or its number where no text is shown."""
        return self.clean(name) if self.text or cluster_id < 0 else f"cluster {cluster_id}"

    def link(self, kind: str, value: str) -> str:
        """Return what accounts have in common; a system prompt is a text like any other."""
        if kind != "system_prompt":
            return value
        return self.clean(value)[:LONGEST] if self.text else LEFT_OUT

    def evidence(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the detector wrote down about a campaign, fit to be shown."""
        links = [{**link, "value": self.link(link["kind"], str(link["value"]))} for link in known.get("links", [])]
        plain: dict[str, Any] = to_plain({**known, "links": links} if "links" in known else known)
        return plain

    def listing(self, rows: Sequence[PromptRow], of: int) -> dict[str, Any]:
        """Return prompts as a report lists them, of so many; long ones are cut, which `n_chars` and `cut` say."""
        found: Counter[str] = Counter()
        entries = [self._entry(row, found) for row in rows[: self.prompts]] if self.text else []
        kept = not any(entry["text"] is None for entry in entries)
        return {
            "of": of, "left_out": not self.text, "kept": kept, "redacted": self.redact,
            "replaced": dict(sorted(found.items())), "entries": entries,
        }  # fmt: skip

    def _entry(self, row: PromptRow, found: Counter[str]) -> dict[str, Any]:
        text, n_chars = row.text, None if row.text is None else len(row.text)
        if text is not None and self.redact:
            text, replaced = redact(text)
            found.update(replaced)
        entry: dict[str, Any] = to_plain(row)
        return {
            **entry,
            "text": None if text is None else text[:LONGEST],
            "n_chars": n_chars,
            "cut": text is not None and len(text) > LONGEST,
            "cluster_name": self.cluster(row.cluster_id, row.cluster_name),
        }
