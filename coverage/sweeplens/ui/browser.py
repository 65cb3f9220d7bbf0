"""The few things in the browser that Streamlit has no option for. Everything here is our own constant text."""

import streamlit as st

from sweeplens.ui.theme import palette

# Narrower margins, the size of the headline, quiet ink that is not faded, a button that nobody sees.
_STYLE = """<style>
[data-testid="stMainBlockContainer"] {{ padding-left: 2.4rem; padding-right: 2.4rem; padding-top: 2.2rem;
  padding-bottom: 4rem; }}
[class*="st-key-headline"] [data-testid="stText"] {{ font-size: 1.3rem; line-height: 1.35; }}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {{ color: {quiet}; opacity: 1; }}
[class*="st-key-drawn-in-"] {{ display: none; }}
</style>"""

# Streamlit leaves for another page in two steps of the browser's history, first the query, then the path; this makes
# them one, so that the back button goes back. And it does not run again when the user changes the theme, which would
# leave charts in the colours of the old one: the unseen button makes it.
_SCRIPT = """<script>
if (!window.sweeplens) {
  window.sweeplens = true;
  const push = history.pushState.bind(history);
  let half = null;
  history.pushState = (state, title, url) => {
    const from = new URL(location.href), to = new URL(url ?? location.href, location.href);
    const second = half === from.href && to.search === from.search && to.pathname !== from.pathname;
    half = to.pathname === from.pathname && to.search !== from.search ? to.href : null;
    if (second) history.replaceState(state, title, url); else push(state, title, url);
  };
  window.addEventListener("popstate", () => { half = null; });
  let asked = null;
  setInterval(() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const drawn = document.querySelector('[class*="st-key-drawn-in-"]');
    if (!app || !drawn) return;
    const now = getComputedStyle(app).colorScheme;
    if (drawn.className.includes(`drawn-in-${now}`)) asked = null;
    else if (asked !== now) { asked = now; drawn.querySelector("button")?.click(); }
  }, 300);
}
</script>"""


def prepare() -> None:
    """Set up the page in the browser; done on every run, takes effect once."""
    st.html(_STYLE.format(quiet=palette(st.context.theme.type).quiet))
    st.html(_SCRIPT, unsafe_allow_javascript=True)


def follow_theme() -> None:
    """Say in which colours this run draws, and let the script ask for another run."""
    with st.sidebar.container(key=f"drawn-in-{palette(st.context.theme.type).mode}"):
        st.button("Draw again in the colours of the theme", key="draw-again")
