"""Charts whose marks can be clicked."""

from typing import Any

import streamlit as st

from sweeplens.ui.charts.base import Chart

_PLOTLY = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False, "showTips": False, "doubleClick": False}


def touch(chart: Chart, key: str) -> int | None:
    """Draw a chart under its title, and return the number that the mark clicked in this run carries, or None."""
    st.markdown(f"**{chart.title}**", help=chart.caption)
    event = st.plotly_chart(
        chart.figure, key=key, theme=None, config=_PLOTLY, alt=chart.alt, on_select="rerun", selection_mode="points"
    )
    return clicked(event.selection.points)


def clicked(points: Any) -> int | None:  # noqa: ANN401 - Streamlit's selection
    """Return the number of the first of the selected marks that carries one, or None; -1 is a mark of nothing."""
    for point in points:
        carried = point.get("customdata")
        value = carried[0] if isinstance(carried, list | tuple) and carried else carried
        if isinstance(value, int | float) and value >= 0:
            return int(value)
    return None
