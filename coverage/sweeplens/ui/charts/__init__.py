"""Pure functions from facts to plotly figures, each with its caption."""
