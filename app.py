"""The app: `streamlit run app.py`, or better `sweeplens app`."""

from sweeplens.ui.main import run

run()
