"""All colours of SweepLens in one place: the app draws with both palettes, an evidence report with the light one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Mode = Literal["light", "dark"]
Scale = tuple[tuple[float, str], ...]

# Okabe and Ito (2008) without its black and yellow, which drown in one of the grounds, then Tol's muted (2021) without
# what looks like one of the first.
_CATEGORIES = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#882255", "#999933", "#88ccee", "#aa4499", "#117733", "#ddcc77", "#cc6677",
)  # fmt: skip
# Cividis (Nunez, Anderton and Renslow, 2018) at seven even steps.
_CIVIDIS = ("#00224e", "#2a3f6d", "#575d6d", "#7c7b78", "#a59c74", "#d2c060", "#fee838")


@dataclass(frozen=True)
class Palette:
    """The colours of one theme.

    `categories` tell clusters and capabilities apart, `other` is for the rest; `heat` and `shades` run from little to
    much, `density` is the quiet ground of a map.
    """

    mode: Mode
    ink: str
    quiet: str
    line: str
    ground: str
    panel: str
    accent: str
    other: str
    levels: Mapping[str, str]
    categories: tuple[str, ...]
    heat: Scale
    shades: Scale
    density: Scale

    def level(self, level: str) -> str:
        """Return the colour of a level; too little to judge looks like none."""
        return self.levels.get(level, self.levels["none"])


def _even(colours: tuple[str, ...]) -> Scale:
    return tuple((i / (len(colours) - 1), colour) for i, colour in enumerate(colours))


PALETTES: dict[Mode, Palette] = {
    "light": Palette(
        "light", ink="#1b1f24", quiet="#59636e", line="#d8dee4", ground="#ffffff", panel="#f6f8fa", accent="#0b5cad",
        other="#b5bcc4",
        levels={"high": "#b3261e", "review": "#9a5b00", "watch": "#3d6b8e", "none": "#6e7681"},
        categories=_CATEGORIES,
        heat=_even(_CIVIDIS[::-1]),
        shades=_even(("#ffffff", "#c9d3dd", "#8b9cad", "#4c6073", "#1b1f24")),
        density=((0.0, "#ffffff"), (0.02, "#eceff2"), (1.0, "#8a949e")),
    ),
    "dark": Palette(
        "dark", ink="#e6edf3", quiet="#9198a1", line="#30363d", ground="#0d1117", panel="#161b22", accent="#58a6ff",
        other="#565d66",
        levels={"high": "#ff7b72", "review": "#e3a008", "watch": "#79b8e0", "none": "#8b949e"},
        categories=_CATEGORIES,
        heat=_even(_CIVIDIS),
        shades=_even(("#0d1117", "#2c3947", "#566b80", "#93a8bc", "#e6edf3")),
        density=((0.0, "#0d1117"), (0.02, "#1a2028"), (1.0, "#5b6570")),
    ),
}  # fmt: skip


def palette(mode: str | None) -> Palette:
    """Return the palette of a theme; light where none is known yet."""
    return PALETTES["dark" if mode == "dark" else "light"]


def translucent(colour: str, alpha: float) -> str:
    """Return a colour of this module as rgba."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
