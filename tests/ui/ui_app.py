"""Open a page of the app without a browser, and read what it says."""

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

Open = Callable[..., AppTest]


def open_app(store: Path, page: str = "", **params: str) -> AppTest:
    """Open a page by its address; the queue has the empty one. SWEEPLENS_STORE must name the store."""
    app = AppTest.from_string("from sweeplens.ui.main import run\nrun()", default_timeout=120)
    app._page_hash = calc_hash(page) if page else ""
    for name, value in params.items():
        app.query_params[name] = value
    return app.run()


def texts(app: AppTest) -> str:
    """Everything that the page says outside of its tables and charts."""
    said = [t.value for t in (*app.text, *app.markdown, *app.caption, *app.code)]
    return "\n".join(said)
