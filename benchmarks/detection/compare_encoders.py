"""Put the held-out figures of several encoders side by side: compare_encoders.py heldout-NAME.json ... --out FOLDER.

The files are those that heldout.py writes, each for the same logs. Writes encoders.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

KINDS = {
    "attack": "all attacks",
    "solo": "lone sweeps",
    "solo_blend": "lone sweeps under chat",
    "hydra": "campaign members",
}
LANGUAGES = ("en", "zh", "ru", "ko")


def _number(value: dict[str, Any] | None) -> str:
    if value is None or value["value"] is None:
        return ""
    low, high = value.get("low"), value.get("high")
    return f"{value['value']:.2f}" + ("" if low is None else f" ({low:.2f} to {high:.2f})")


def render(found: dict[str, dict[str, Any]], logs: list[str]) -> str:
    """Return the tables as Markdown."""
    names = list(found)
    head, rule = "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"
    about = (
        f"{len(logs)} logs ({', '.join(logs)}), each judged by what was fitted on the other folds in the same way;"
        " intervals by collection. Made by `heldout.py` and `compare_encoders.py`."
    )
    lines = ["# Encoders, judged on collections that their detectors did not see", "", about, ""]
    lines += ["## Same-volume AUROC", "", head, rule]
    kinds = {k: {kind["name"]: kind for kind in v["kinds"]} for k, v in found.items()}
    for kind, title in KINDS.items():
        lines.append(f"| {title} | " + " | ".join(_ranking(kinds[n].get(kind), "same_volume") for n in names) + " |")
    for kind, title in KINDS.items():
        cells = " | ".join(_ranking(kinds[n].get(kind), "tpr_at_1") for n in names)
        lines.append(f"| {title}: TPR at 1 % | {cells} |")
    lines += ["", "## By the main language of the account (same-volume AUROC, all attacks)", "", head, rule]
    languages = {k: {language["name"]: language for language in v["languages"]} for k, v in found.items()}
    for code in LANGUAGES:
        own = languages[names[0]].get(code)
        if own is not None:
            group = f"{code}: {own['n_attack']} attacks, {own['n_benign']} honest"
            lines.append(
                f"| {group} | " + " | ".join(_ranking(languages[n].get(code), "same_volume") for n in names) + " |"
            )
    lines += ["", "## Flagged, and campaigns", "", head, rule]
    for title, read in {
        "attacks flagged": lambda v: _number(v["flagged"]["recall"]),
        "honest accounts flagged": lambda v: f"{v['flagged']['false']} of {v['flagged']['benign']}",
        "campaigns found": lambda v: f"{v['campaigns']['found']} of {v['campaigns']['true']}",
        "false groups": lambda v: str(v["campaigns"]["false"]),
        "mean Jaccard": lambda v: _number(v["campaigns"]["mean_jaccard"]),
    }.items():
        lines.append(f"| {title} | " + " | ".join(read(found[n]) for n in names) + " |")
    return "\n".join(lines) + "\n"


def _ranking(kind: dict[str, Any] | None, figure: str) -> str:
    return "" if kind is None else _number(kind["rankings"][0][figure])


def main() -> None:
    """Read the files and write the tables."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("files", nargs="+", type=Path)
    ap.add_argument("--out", type=Path, required=True)
    a = ap.parse_args()
    data = {f.stem.removeprefix("heldout-"): json.loads(f.read_text(encoding="utf-8")) for f in a.files}
    found = {name: value["evaluation"] for name, value in data.items()}
    text = render(found, next(iter(data.values()))["logs"])
    (a.out / "encoders.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
