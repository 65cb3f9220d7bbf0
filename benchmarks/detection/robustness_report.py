"""Table, picture and record of the robustness study."""

import json
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from made import FACTORS

FIGURES = (
    "auroc_own",
    "auroc",
    "flagged",
    "found",
    "jaccard",
    "honest_flagged",
    "accounts",
    "prompts",
    "sent_by_honest",
)
Point = dict[str, object]

_COMMAND = """\
    python benchmarks/detection/robustness.py --encoder default --sets 2 --corpora DIR --mix MIX.json \\
        --out benchmarks/detection/results FOLDER:FOLD ...
    python benchmarks/detection/robustness.py --encoder fast --factors language --corpora DIR --mix MIX.json \\
        --out benchmarks/detection/results FOLDER:FOLD ...
"""

_NOTES = """\
Everything is fitted on the logs of the other folds, whose collections are not those of the fold that is judged. The
background is the honest accounts of one log a fold; one made attack at a time is put among them and judged as a build
would. An attack deals one prompt set over 20 accounts of 40 prompts each at random, without chat, each prompt sent
once; one of these numbers is changed at a time.

- **own AUROC**: the attack's accounts against the honest ones by their own score; **AUROC**: after kin and campaigns,
  with the lowest of the prompt sets beside it. **Flagged** is review or high. **Found** is the share of attacks that a
  reported campaign agrees with (Jaccard index >= 0.5); an attack of one account is no campaign. All are means over
  prompt sets, for most factors the two largest of each fold.
- **accounts x prompts** is what the sets lasted for, since no prompt is dealt twice: where a set is too small, accounts
  of a large campaign get fewer prompts, and long accounts are fewer. Chat counts among the prompts.
- **Chat** is added to the 40 prompts in whole conversations of one of the fold's chat collections, those first that
  honest accounts of the background did not send; few are left, so that most of it is what honest accounts sent, too
  (**also honest**: the share of an attack's requests), and accounts of one attack share some. That pulls kin and groups
  towards honest accounts: AUROC and campaigns under chat are on the dark side, while the own score looks at the account
  alone. An AUROC under 0.5 is no mistake: an account that is mostly many people's chat looks like an app that forwards
  it, and those are among the lowest scores. Nor was hiding learnt: in the composed logs behind these numbers 2 of the
  268 accounts of campaigns and blended sweeps hold any chat, since honest accounts had used up what was set aside.
- **Noise** is tried on ten accounts of 30 prompts, of two English sets a fold.
- **Order**: no signal looks at times, only at the order of an account's requests. A log whose times are blinded but in
  order gives the same scores, but for how requests of several accounts are merged when their group is tested. Here
  requests are shuffled inside each session, of honest and made accounts alike; without times the order of rows is not
  trusted, and the signals of locality are missing. The detector was trained on neither.
- **Language** is that of most prompts of a set. All sets of the folds are tried; the same attacks compare encoders.
"""


def summarise(records: Sequence[dict], wanted: Sequence[tuple[str, str]]) -> list[Point]:
    """Return the means over prompt sets of each (factor, label)."""
    out = []
    for factor, label in wanted:
        own = [r for r in records if [factor, label] in r["points"]]
        if not own:
            continue
        mean = {k: _mean([r[k] for r in own]) for k in FIGURES}
        lowest = min(r["auroc"] for r in own)
        out.append({"factor": factor, "label": label, "sets": len(own), "auroc_lowest": lowest} | mean)
    return out


def _mean(values: Sequence[float | None]) -> float | None:
    there = [v for v in values if v is not None]
    return float(np.mean(there)) if there else None


def points_of(runs: dict[str, dict]) -> list[Point]:
    """Return all points: those of the first encoder, by its name, that has all factors, and one for each encoder."""
    main = max(sorted(runs), key=lambda e: len({f for r in runs[e]["records"] for f, _ in r["points"]}))
    records = runs[main]["records"]
    spoken = sorted({r["language"] for r in records}, key=lambda k: (-sum(r["language"] == k for r in records), k))
    labels = {f: [label for label, _ in options] for f, options in FACTORS.items()} | {"language": spoken}
    points = summarise(records, [(f, label) for f, own in labels.items() for label in own])
    for name in sorted(runs):
        base = [
            r | {"points": [["encoder", name]]}
            for r in runs[name]["records"]
            if ["language", r["language"]] in r["points"]
        ]
        points += summarise(base, [("encoder", name)])
    return points


def draw_table(points: Sequence[Point]) -> str:
    """Return the points as a markdown table."""
    heads = (
        "",
        "",
        "sets",
        "accounts x prompts",
        "own AUROC",
        "AUROC (lowest)",
        "flagged",
        "found",
        "Jaccard",
        "honest flagged",
        "also honest",
    )
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    last = ""
    for p in points:
        cells = [
            "" if p["factor"] == last else f"**{p['factor']}**", str(p["label"]), str(p["sets"]),
            f"{p['accounts']:.0f} x {p['prompts']:.0f}", _show(p["auroc_own"]),
            f"{_show(p['auroc'])} ({_show(p['auroc_lowest'])})",
            _show(p["flagged"]), _show(p["found"]), _show(p["jaccard"]), f"{100 * p['honest_flagged']:.1f} %",
            _show(p["sent_by_honest"]),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
        last = p["factor"]
    return "\n".join(lines) + "\n"


def _show(value: object) -> str:
    return "-" if value is None else f"{value:.2f}"


_WIDE, _HIGH, _COLUMNS = 330, 250, 3
_LEFT, _TOP, _PLOT_W, _PLOT_H = 52, 34, 262, 140
_SERIES = (("auroc", "AUROC", "#1f5fa8", ""), ("found", "campaigns found", "#c2571a", "6 3"))
_AXES = {
    "share of chat": "ordinary chat, share of requests", "accounts": "accounts of the campaign",
    "prompts per account": "prompts per account", "answers per prompt": "answers per prompt",
    "noise": "what is done to the words", "order": "order of requests", "language": "language of the prompt set",
    "encoder": "encoder",
}  # fmt: skip
_LINED = {"share of chat", "accounts", "prompts per account", "answers per prompt"}
_SHORT = {
    "fixed instruction": "instruction", "wrapper by account": "wrappers", "10 % of words dropped": "10 % dropped",
    "20 % of words dropped": "20 % dropped", "shuffled within sessions": "shuffled in sessions",
}  # fmt: skip


def draw_picture(points: Sequence[Point]) -> str:
    """Return small multiples as SVG: one panel a factor, a line or marks for AUROC and for campaigns found."""
    factors = list(dict.fromkeys(str(p["factor"]) for p in points))
    rows = -(-len(factors) // _COLUMNS)
    wide, high = _COLUMNS * _WIDE, rows * _HIGH + 36
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#333">'
    )
    title = "<title>AUROC and share of campaigns found, by what an attack is made by</title>"
    parts = [head, title, f'<rect width="{wide}" height="{high}" fill="#ffffff"/>']
    for at, (_, name, colour, dash) in enumerate(_SERIES):
        x = _LEFT + 130 * at
        parts += [_line([(x, 18), (x + 28, 18)], colour, dash), _mark(x + 14, 18, colour, dash)]
        parts.append(f'<text x="{x + 34}" y="22">{name}</text>')
    for at, factor in enumerate(factors):
        x, y = at % _COLUMNS * _WIDE, 36 + at // _COLUMNS * _HIGH
        parts.append(f'<g transform="translate({x} {y})">')
        parts += _panel(factor, [p for p in points if p["factor"] == factor])
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(factor: str, own: Sequence[Point]) -> list[str]:
    bottom, right = _TOP + _PLOT_H, _LEFT + _PLOT_W
    parts = [
        f'<text x="{_LEFT}" y="{_TOP - 14}" font-size="13" font-weight="bold">{escape(factor.capitalize())}</text>'
    ]
    for value in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - value * _PLOT_H
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    middle = _TOP + _PLOT_H / 2
    parts.append(f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">AUROC, share found</text>')
    parts.append(
        f'<text x="{_LEFT + _PLOT_W / 2}" y="{bottom + 52}" text-anchor="middle">{escape(_AXES[factor])}</text>'
    )
    step = _PLOT_W / len(own)
    places = [_LEFT + step * (i + 0.5) for i in range(len(own))]
    for i, (x, p) in enumerate(zip(places, own, strict=True)):
        label = _SHORT.get(str(p["label"]), str(p["label"]))
        low = 19 if len(own) * max(map(len, (str(q["label"]) for q in own))) < 40 else 19 + 13 * (i % 2)
        parts.append(f'<text x="{x:.1f}" y="{bottom + low}" text-anchor="middle">{escape(label)}</text>')
    for key, name, colour, dash in _SERIES:
        line = [(x, bottom - p[key] * _PLOT_H) for x, p in zip(places, own, strict=True) if p[key] is not None]
        if factor in _LINED and len(line) > 1:
            parts.append(_line(line, colour, dash))
        known = [p for p in own if p[key] is not None]
        for (x, y), p in zip(line, known, strict=True):
            parts.append(_mark(x, y, colour, dash, f"{name}, {p['label']}: {p[key]:.2f}"))
    return parts


def _line(at: Sequence[tuple[float, float]], colour: str, dash: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    style = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{style}/>'


def _mark(x: float, y: float, colour: str, square: str, title: str = "") -> str:
    inside = f"<title>{escape(title)}</title>" if title else ""
    if square:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}">{inside}</rect>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">{inside}</circle>'


def write_report(out: Path, encoder: str, logs: Sequence[str], records: Sequence[dict]) -> None:
    """Replace this encoder's part of robustness.json, and draw table and picture from all of it."""
    path = out / "robustness.json"
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else {}
    runs[encoder] = {"logs": list(logs), "records": [_rounded(r) for r in records]}
    points = points_of(runs)
    fact = {"points": [_rounded(p) for p in points], "runs": dict(sorted(runs.items()))}
    path.write_text(json.dumps(fact, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    table = draw_table(points)
    (out / "robustness.svg").write_text(draw_picture(points), encoding="utf-8")
    text = f"# Robustness\n\n{_COMMAND}\n![AUROC and campaigns found by factor](robustness.svg)\n\n{_NOTES}\n{table}"
    (out / "robustness.md").write_text(text, encoding="utf-8")
    print(table)


def _rounded(record: dict) -> dict:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in record.items()}
