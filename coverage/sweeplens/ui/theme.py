"""All colours of the app in one place: palettes, the plotly template, and the flags that give Streamlit its look."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

Mode = Literal["light", "dark"]
Scale = tuple[tuple[float, str], ...]

FONT = "'Source Sans', 'Source Sans 3', 'Source Sans Pro', sans-serif"
THIN = "\u2009"  # between thousands
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


@cache
def template(mode: Mode) -> "go.layout.Template":
    """Return the plotly template of a theme: quiet axes, no frame, ink on ground."""
    import plotly.graph_objects as go

    p = PALETTES[mode]
    axis = {
        "gridcolor": p.line, "linecolor": p.line, "zeroline": False, "ticks": "",
        "automargin": True, "ticklabelstandoff": 4,
        "tickfont": {"color": p.quiet, "size": 12}, "title": {"font": {"color": p.quiet, "size": 12}, "standoff": 6},
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "paper_bgcolor": p.ground, "plot_bgcolor": p.ground, "colorway": list(p.categories[:7]),
            "font": {"family": FONT, "size": 13, "color": p.ink},
            "separators": "." + THIN,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "pad": 0},
            "showlegend": False, "hovermode": "closest", "dragmode": False, "bargap": 0.25,
            "hoverlabel": {
                "bgcolor": p.panel, "bordercolor": p.line, "font": {"color": p.ink, "family": FONT, "size": 13},
                "align": "left",
            },
            "legend": {"font": {"color": p.ink, "size": 12}, "bgcolor": "rgba(0,0,0,0)", "itemsizing": "constant"},
            "xaxis": axis, "yaxis": axis,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": p.quiet, "activecolor": p.accent},
            "newselection": {"line": {"color": p.accent, "width": 1.5, "dash": "dot"}},
            "activeselection": {"fillcolor": p.accent, "opacity": 0.06},
            "annotationdefaults": {"font": {"color": p.ink, "size": 12}, "showarrow": False},
            "coloraxis": {"colorbar": {"outlinewidth": 0, "thickness": 10, "tickfont": {"color": p.quiet, "size": 11}}},
        }
    )  # fmt: skip


def translucent(colour: str, alpha: float) -> str:
    """Return a colour of this module as rgba."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def _theme(p: Palette) -> dict[str, str]:
    levels = p.levels
    return {
        "primaryColor": p.accent, "backgroundColor": p.ground, "secondaryBackgroundColor": p.panel, "textColor": p.ink,
        "linkColor": p.accent, "borderColor": p.line, "codeTextColor": p.ink, "codeBackgroundColor": p.panel,
        "redColor": levels["high"], "orangeColor": levels["review"], "blueColor": levels["watch"],
        "grayColor": levels["none"], "redTextColor": levels["high"], "orangeTextColor": levels["review"],
        "blueTextColor": levels["watch"], "grayTextColor": p.quiet,
        "dataframeBorderColor": p.line, "dataframeHeaderBackgroundColor": p.panel, "dataframeHeaderTextColor": p.quiet,
    }  # fmt: skip


def options() -> dict[str, str | int | bool]:
    """Return every Streamlit option that the app needs, by its full name; .streamlit/config.toml holds the same."""
    fixed: dict[str, str | int | bool] = {
        "server.address": "127.0.0.1",
        "server.headless": True,
        "server.showEmailPrompt": False,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.disableDataExport": True,  # Streamlit's CSV would hand "=..." of a prompt to a spreadsheet as a formula
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "viewer",
        "runner.magicEnabled": False,
        "theme.baseFontSize": 14,
        "theme.baseRadius": "4px",
        "theme.metricValueFontSize": "1.5rem",
        "theme.paddingTop": "0.5rem",
        "theme.showWidgetBorder": True,
        "theme.showSidebarBorder": True,
        "theme.linkUnderline": False,
    }
    for mode, colours in PALETTES.items():
        fixed |= {f"theme.{mode}.{name}": value for name, value in _theme(colours).items()}
    return fixed


def streamlit_flags() -> list[str]:
    """Return the options as flags of `streamlit run`, so that an installed wheel looks as a checkout does."""
    return [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in options().items()]
