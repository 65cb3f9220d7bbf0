"""The look of the app in the colours of the palettes: the plotly template, and the flags that Streamlit takes."""

from functools import cache
from typing import TYPE_CHECKING

from sweeplens.report.palette import PALETTES, Mode, Palette, palette, translucent
from sweeplens.report.wording import THIN

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "FONT",
    "PALETTES",
    "THIN",
    "Mode",
    "Palette",
    "options",
    "palette",
    "streamlit_flags",
    "template",
    "translucent",
]

FONT = "'Source Sans', 'Source Sans 3', 'Source Sans Pro', sans-serif"


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
