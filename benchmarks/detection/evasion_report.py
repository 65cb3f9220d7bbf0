"""Table, picture and record of the evasion study."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from evasion_picture import draw_picture
from tactics import SETTINGS

Point = dict[str, object]
FIGURES = (
    "requests_per_answer", "accounts_per_1000", "chars", "flagged", "found", "jaccard", "honest_flagged", "auroc",
    "auroc_same_volume", "accounts", "prompts", "requests",
)  # fmt: skip
_LANGUAGE = "language of the set"

_COMMAND = """\
    python benchmarks/detection/evasion.py --encoder {encoder} {judge} --sets {sets} --corpora DIR --mix MIX.json \\
        --out benchmarks/detection/results FOLDER:FOLD ...
"""

_NOTES = """\
A campaign of 20 accounts asks 40 prompts of one prompt set from each, dealt at random, over 12 days; one thing about it
is changed at a time, then two. Each is written as a log, read as any log is, put among the honest accounts of one log
of its fold and judged as a build would. All figures are means over prompt sets, the largest of each fold.

What it costs:

- **requests** for one useful answer: to a prompt of the set, the first answer to it only. Chat and resending cost them.
- **accounts** for 1,000 useful answers, each used as long as the campaign takes.
- **characters** sent for one useful answer, over those of the prompt alone: words around it, chat, other
  turns; the geometric mean, as prompts of some sets are short.

What is found:

- **flagged**: the share of the campaign's accounts at review or high; behind it that of the worst prompt set.
- **found**: the share of campaigns that a reported sweep agrees with (Jaccard index of members >= 0.5). One account
  is no campaign.
- **honest flagged**: honest accounts at review or high in the same log. They are not all the campaign's doing: without
  any campaign it is {without}.
- **AUROC** of the campaign's accounts against honest ones of like volume (requests within a factor of 1.5), after
  campaigns, and the least; `-` where none is of like volume. An account without a score counts as the lowest.

What to know about it:

- A prompt set is dealt out once. Where it is too small, accounts of a large campaign get fewer prompts, and long
  accounts are fewer: `accounts x prompts` is what was made and read, chat included.
- Chat is whole conversations that no honest account of the log sent, of the same fold's collections first, then of
  others, whose people the detector has met. Each account's is of one or two collections.
- Words around a prompt are ours and English, whatever the language of the set.
- Sorting is a walk from each prompt to the likest one left, by character n-grams.
- `the log` is no tactic: the campaign is the plain one, and the log, honest accounts included, lacks times.
- {judged}
"""
_JUDGED = {
    True: "The detector was fitted on the other folds' logs: it has met neither these prompt sets nor these people.",
    False: "The detector is the one that ships, whose training held these collections in other logs; `--fitted` says\n"
    "  what a detector finds that has never met them.",
}


def summarise(records: Sequence[Mapping], key: str, wanted: Sequence[tuple[str, str]]) -> list[Point]:
    """Return the means over prompt sets of the records whose `key` and group are as wanted, in that order."""
    out = []
    for group, label in wanted:
        own = [r for r in records if r[key] == label and r["group"] in {group, "plain"}]
        own = own if key != "label" else [r for r in own if r["group"] == group]
        if not own:
            continue
        mean = {k: _mean([r[k] for r in own]) for k in FIGURES}
        # A paragraph around prompts of twenty characters would else decide the mean.
        mean["chars"] = float(np.exp(np.mean([np.log(r["chars"]) for r in own])))
        lowest = {f"{k}_lowest": _lowest([r[k] for r in own]) for k in ("flagged", "auroc_same_volume")}
        share = sum(r["honest_flagged"] for r in own) / sum(r["honest"] for r in own)
        out.append({"group": group, "label": label, "sets": len(own)} | mean | lowest | {"honest_flagged_share": share})
    return out


def points_of(records: Sequence[Mapping]) -> list[Point]:
    """Return a point for each setting, over the sets that all was tried on, and one for each language of all sets."""
    counts = {r["set"]: sum(x["set"] == r["set"] for x in records) for r in records}
    most = max(counts.values())
    full = [r for r in records if counts[r["set"]] == most]
    points = summarise(full, "label", [(g, label) for g, own in SETTINGS.items() for label, _ in own])
    plain = [r for r in records if r["group"] == "plain"]
    spoken = [str(r["language"]) for r in plain]
    order = sorted(set(spoken), key=lambda k: (-spoken.count(k), k))
    return points + summarise(plain, "language", [(_LANGUAGE, k) for k in order])


def _mean(values: Sequence[float | None]) -> float | None:
    there = [v for v in values if v is not None]
    return float(np.mean(there)) if there else None


def _lowest(values: Sequence[float | None]) -> float | None:
    return min((v for v in values if v is not None), default=None)


def draw_table(points: Sequence[Point]) -> str:
    """Return the points as a markdown table."""
    heads = (
        "", "", "sets", "accounts x prompts", "requests", "accounts", "characters", "flagged (worst)", "found",
        "honest flagged", "AUROC (worst)",
    )  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * 2 + "|" + "---:|" * (len(heads) - 2)]
    last = ""
    for p in points:
        cells = [
            "" if p["group"] == last else f"**{p['group']}**", str(p["label"]), str(p["sets"]),
            f"{p['accounts']:.0f} x {p['prompts']:.0f}", f"{p['requests_per_answer']:.1f}",
            f"{p['accounts_per_1000']:.{0 if p['accounts_per_1000'] >= 10 else 1}f}", f"{p['chars']:.1f}",
            f"{_percent(p['flagged'])} ({_percent(p['flagged_lowest'])})", _percent(p["found"]),
            f"{100 * p['honest_flagged_share']:.1f} %",
            f"{_show(p['auroc_same_volume'])} ({_show(p['auroc_same_volume_lowest'])})",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
        last = str(p["group"])
    return "\n".join(lines) + "\n"


def _show(value: object) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(value: object) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"  # type: ignore[operator]


def write_report(out: Path, facts: Mapping[str, object], records: Sequence[Mapping]) -> None:
    """Write evasion.json, evasion.svg and evasion.md, and print the table."""
    points = points_of(records)
    fact = {**facts, "points": [_rounded(p) for p in points], "records": [_rounded(r) for r in records]}
    (out / "evasion.json").write_text(json.dumps(fact, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "evasion.svg").write_text(draw_picture(points), encoding="utf-8")
    table = draw_table(points)
    fitted = bool(facts["fitted"])
    command = _COMMAND.format(encoder=facts["encoder"], judge="--fitted" if fitted else "--shipped", sets=facts["sets"])
    free = facts["without_attack"]
    share = sum(k["flagged"] for k in free) / sum(k["honest"] for k in free)  # type: ignore[attr-defined]
    notes = _NOTES.format(without=f"{100 * share:.1f} %", judged=_JUDGED[fitted])
    text = f"# Evasion\n\nEncoder `{facts['encoder']}`, detector {facts['detector']}.\n\n{command}\n"
    text += f"![What each way to hide costs, and what is still found](evasion.svg)\n\n{notes}\n{table}"
    (out / "evasion.md").write_text(text, encoding="utf-8")
    print(table)


def _rounded(record: Mapping) -> dict:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in record.items()}
