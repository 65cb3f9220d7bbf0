"""The evasion study as a picture: a row for each way to hide, what is found of it, and what it costs."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Point = Mapping[str, object]

_ROW, _HEAD, _TOP = 17, 22, 64
_LABELS, _PLOT, _GAP, _RIGHT = 250, 330, 60, 30
_LEFT = _LABELS + 14
_COST = _LEFT + _PLOT + _GAP
_WIDE = _COST + _PLOT + _RIGHT
_FOUND = (("flagged", "accounts flagged", "#1f5fa8"), ("found", "campaigns found", "#c2571a"))
_COSTS = (
    ("requests_per_answer", "requests", "#1f7a4d"),
    ("accounts_per_1000", "accounts", "#8a3f9e"),
    ("chars", "characters", "#7a6a1f"),
)
_TICKS = (0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


def draw_picture(points: Sequence[Point]) -> str:
    """Return an SVG: left shares of the campaign that are found, right costs over those of the plain campaign."""
    groups = list(dict.fromkeys(str(p["group"]) for p in points))
    high = _TOP + _ROW * len(points) + _HEAD * len(groups) + 34
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high}" width="{_WIDE}" height="{high}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#333">'
    )
    parts = [
        svg,
        "<title>What each way to hide costs, and what is still found</title>",
        f'<rect width="{_WIDE}" height="{high}" fill="#ffffff"/>',
        *_legend(_LEFT, "What is still found (line: to the worst set)", _FOUND),
        *_legend(_COST, "What an answer costs (plain campaign: 1)", _COSTS),
        *_axes(high - 30),
    ]
    base = points[0]
    y, last = _TOP, ""
    for p in points:
        if p["group"] != last:
            last = str(p["group"])
            y += _HEAD
            parts.append(f'<text x="8" y="{y - 5}" font-weight="bold">{escape(last.capitalize())}</text>')
        parts += _row(p, base, y + _ROW / 2)
        y += _ROW
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(p: Point, base: Point, y: float) -> list[str]:
    label = escape(str(p["label"]))
    parts = [f'<text x="{_LABELS}" y="{y + 4:.1f}" text-anchor="end">{label}</text>']
    low, mean = (float(p[k]) * _PLOT + _LEFT for k in ("flagged_lowest", "flagged"))  # type: ignore[arg-type]
    parts.append(_line((low, y), (mean, y), _FOUND[0][2], 2))
    for at, (key, name, colour) in enumerate(_FOUND):
        if p[key] is not None:
            value = float(p[key])  # type: ignore[arg-type]
            title = f"{name}, {label}: {100 * value:.0f} %"
            parts.append(_mark(_LEFT + value * _PLOT, y, at, colour, title))
    for at, (key, name, colour) in enumerate(_COSTS):
        value = float(p[key]) / float(base[key])  # type: ignore[arg-type]
        parts.append(_mark(_place(value), y, at, colour, f"{name}, {label}: {value:.2g} times"))
    return parts


def _place(value: float) -> float:
    low, high = math.log(_TICKS[0]), math.log(_TICKS[-1])
    return _COST + _PLOT * (math.log(min(max(value, _TICKS[0]), _TICKS[-1])) - low) / (high - low)


def _axes(bottom: float) -> list[str]:
    marks = [(_LEFT + v * _PLOT, f"{100 * v:.0f} %") for v in (0, 0.25, 0.5, 0.75, 1)]
    marks += [(_place(v), f"{v:g}") for v in _TICKS]
    parts = []
    for x, text in marks:
        parts.append(_line((x, _TOP), (x, bottom), "#999999" if text == "1" else "#dddddd", 1))
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>')
    return parts


def _legend(x: float, title: str, series: Sequence[tuple[str, str, str]]) -> list[str]:
    parts = [f'<text x="{x}" y="20" font-size="13" font-weight="bold">{escape(title)}</text>']
    for at, (_, name, colour) in enumerate(series):
        parts.append(_mark(x + 6, 36, at, colour))
        parts.append(f'<text x="{x + 14}" y="40">{escape(name)}</text>')
        x += 26 + 6.1 * len(name)
    return parts


def _line(begin: tuple[float, float], end: tuple[float, float], colour: str, width: int) -> str:
    (x1, y1), (x2, y2) = begin, end
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}" '
        'stroke-opacity="0.6"/>'
    )


def _mark(x: float, y: float, shape: int, colour: str, title: str = "") -> str:
    inside = f"<title>{title}</title>" if title else ""
    if shape == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">{inside}</circle>'
    if shape == 1:
        return (
            f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="none" stroke="{colour}" '
            f'stroke-width="2">{inside}</rect>'
        )
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{colour}">{inside}</path>'
