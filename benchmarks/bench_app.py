"""How long a view of the app takes, in a real Chromium: python benchmarks/bench_app.py [STORE] [--large] [--repeats 5].

Each view is opened in three ways, and timed until its script has run and all its charts are drawn: "cold" is the first
time after the server and the browser started; "new tab" is by its address, in a browser that has the app's scripts;
"in app" is a step within a tab that is open, as the back button does it, and as an analyst moves all day. For a search,
the time is from Enter on. "Headline" is how soon that stands there in a new tab, "server" how long the script takes for
a client that draws nothing, "CPU" what all processes, the browser's too, worked for a step in the app: on a machine
that has other work to do, it says more than the clock.

Then ten sessions come at once: ten tabs of one Chromium, and ten clients that speak Streamlit's protocol and draw
nothing, which tell how long the server takes where no browser competes for its cores. Counted are the bytes that the
server sends for a view, what goes wrong in the browsers' consoles, in the pages and in the server's log, and the memory
of the server: all that is resident, and what of it is not the page cache of mapped files.

Without a STORE one is drawn by make_big_store.py: 6,000 prompts, or with --large the million that the app is made for
(two to four minutes more, 3 GB of memory). A search needs the encoder of the store; SWEEPLENS_MODELS names its folder.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

import app_server
from app_server import App, Visit, chromium, serve, settle
from drawn_log import Size
from make_big_store import write_big_store
from playwright.sync_api import Browser, BrowserContext, Page

from sweeplens.config import load_settings
from sweeplens.embed.encoder import load_encoder
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.store.snapshot import open_snapshot
from sweeplens.ui.links import address

SMALL, LARGE = Size(6000, 300, 15_000), Size()
_SESSIONS = 10
_PATIENCE = 300_000  # ms for a view; ten tabs on two cores that others use as well take long
_SMALL_MESSAGE = 200  # bytes under which a message may be the one that ends a script
_WINDOW = {"width": 1280, "height": 800}
_WORDS = (
    "sort a list in Python", "translate a letter", "a recipe for soup", "explain the theorem", "plan a journey",
    "summarise the report", "a poem on rain", "find the bug", "write a contract", "a headache that stays",
)  # fmt: skip


@dataclass
class View:
    """One view: its address, what is done there after it is open, and what was measured, in seconds and bytes."""

    name: str
    path: str
    act: Callable[[Page, int], None] | None = None
    cold: float = 0.0
    headline: list[float] = field(default_factory=list)
    new_tab: list[float] = field(default_factory=list)
    in_app: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


def find_views(store: Path) -> list[View]:
    """Choose what is opened: the accounts with most and with a middling number of requests, the largest campaign."""
    with open_snapshot(store) as snapshot:
        accounts = sorted(account_queue(snapshot), key=lambda a: a.n_requests)
        campaigns = sorted(campaign_queue(snapshot, include_all=True), key=lambda c: len(c.accounts))
        cluster = snapshot.table("clusters")["cluster_id"][0].as_py()
    busy, small = accounts[-1], accounts[len(accounts) // 2]
    group = campaigns[-1]
    return [
        View("queue", address("queue")),
        View(f"account, {busy.n_requests:,} requests", address("account", account=busy.account_id)),
        View(f"account, {small.n_requests:,} requests", address("account", account=small.account_id)),
        View(f"campaign of {len(group.accounts):,}", address("campaign", campaign=group.campaign_id)),
        View("map", address("map")),
        View("map, search", address("map"), _search),
        View("clusters", address("clusters")),
        View("cluster", address("clusters", cluster=str(cluster))),
    ]


def _search(page: Page, turn: int) -> None:
    """Look for a phrase; another one each time, so that nothing answers from a cache."""
    box = page.get_by_placeholder("a question, a topic, a phrase")
    box.fill(f"{_WORDS[turn % len(_WORDS)]} {turn}")
    box.press("Enter")
    page.get_by_text("nearest to what you looked for").wait_for(timeout=_PATIENCE)
    settle(page)


# -- one after the other -----------------------------------------------------------------------------------------------


class Tab:
    """A tab that counts what the server sends it, and how often a script has run to its end."""

    def __init__(self, context: BrowserContext, app: App) -> None:
        self.visit = Visit(context.new_page(), app.url)
        self.page = self.visit.page
        self.sent = self.ended = 0
        self.page.on("console", self.visit.hear)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._take))

    def _take(self, data: str | bytes) -> None:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        self.sent += len(data)
        if isinstance(data, bytes) and len(data) < _SMALL_MESSAGE:
            self.ended += ForwardMsg.FromString(data).WhichOneof("type") == "script_finished"

    def move(self, path: str) -> None:
        """Go to another view as the back button does, and wait until it is drawn."""
        before = self.ended
        self.page.evaluate(
            "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }", f"/{path}"
        )
        end = time.monotonic() + _PATIENCE / 1000
        while self.ended == before:
            if time.monotonic() > end:
                raise SystemExit(f"expected the view /{path} within {_PATIENCE // 1000} s, and it did not come")
            self.page.wait_for_timeout(5)
        settle(self.page)


def measure(browser: Browser, app: App, views: list[View], repeats: int) -> list[str]:
    """Open each view once cold, and then so many times in a new tab and within the app; return what went wrong."""
    errors: list[str] = []
    with browser.new_context(viewport=_WINDOW) as context:
        context.set_default_timeout(_PATIENCE)
        for view in views:
            view.cold = _open_tab(context, app, view, 0, errors)[1]
        desk = Tab(context, app)
        desk.visit.open(views[-1].path)
        for turn in range(1, repeats + 1):
            for view in views:
                if view.act is None:
                    ask(app, view.path, view.server, errors)
                headline, whole = _open_tab(context, app, view, 2 * turn - 1, errors)
                view.headline.append(headline)
                view.new_tab.append(whole)
                _step(desk, view, 2 * turn)
        errors += _errors(desk.visit)
    return errors


def _open_tab(context: BrowserContext, app: App, view: View, turn: int, errors: list[str]) -> tuple[float, float]:
    """Return the seconds until the headline stood there, and until all was drawn."""
    tab, start = Tab(context, app), time.perf_counter()
    tab.page.goto(f"{app.url}/{view.path}")
    tab.page.wait_for_selector(".st-key-headline", timeout=_PATIENCE)
    headline = time.perf_counter() - start
    settle(tab.page)
    if view.act is not None:
        start = time.perf_counter()
        view.act(tab.page, turn)
    seconds = time.perf_counter() - start
    errors += [f"{view.name}: {e}" for e in _errors(tab.visit)]
    tab.page.close()
    return headline, seconds


def _step(desk: Tab, view: View, turn: int) -> None:
    """Move to the view within the open tab, and write down what that took."""
    if view.act is not None and not desk.page.url.endswith(f"/{view.path}"):
        desk.move(view.path)
    start, worked, sent = time.perf_counter(), cpu_seconds(), desk.sent
    if view.act is None:
        desk.move(view.path)
    else:
        view.act(desk.page, turn)
    view.in_app.append(time.perf_counter() - start)
    view.worked.append(cpu_seconds() - worked)
    view.sent.append(desk.sent - sent)


def _errors(visit: Visit) -> list[str]:
    shown = visit.page.locator('[data-testid="stException"]').count()
    return [*visit.errors, *(["an error is shown"] if shown else [])]


# -- at once -----------------------------------------------------------------------------------------------------------


def open_tabs(browser: Browser, app: App, views: list[View], sessions: int) -> tuple[list[float], list[str]]:
    """Let so many tabs open their views at the same moment; return seconds until each was drawn, and errors."""
    tabs = [browser.new_context(viewport=_WINDOW).new_page() for _ in range(sessions)]
    for tab in tabs:
        tab.set_default_timeout(_PATIENCE)
    visits = [Visit(page, app.url) for page in tabs]
    for visit in visits:
        visit.page.on("console", visit.hear)
    start, seconds, errors = time.perf_counter(), [], []
    for i, visit in enumerate(visits):
        visit.page.goto(f"{app.url}/{views[i % len(views)].path}", wait_until="commit")
    for visit in visits:
        settle(visit.page)
        seconds.append(time.perf_counter() - start)
        errors += _errors(visit)
    for page in tabs:
        page.context.close()
    return seconds, errors


def open_clients(app: App, views: list[View], sessions: int) -> tuple[list[float], list[str]]:
    """Let so many clients without a browser ask for their views at the same moment."""
    seconds: list[float] = []
    errors: list[str] = []
    gate = threading.Barrier(sessions)
    threads = [
        threading.Thread(target=ask, args=(app, views[i % len(views)].path, seconds, errors, gate))
        for i in range(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, errors


def ask(app: App, path: str, seconds: list[float], errors: list[str], gate: threading.Barrier | None = None) -> None:
    """Run the script of a view once and read all that it sends."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    name, _, query = path.partition("?")
    ask = BackMsg()
    ask.rerun_script.page_name, ask.rerun_script.query_string = name, query
    ask.rerun_script.context_info.color_scheme = "light"
    address_of = f"{app.url.replace('http', 'ws')}/_stcore/stream"
    with connect(address_of, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        if gate is not None:
            gate.wait()
        start = time.perf_counter()
        socket.send(ask.SerializeToString())
        while True:
            got = ForwardMsg.FromString(socket.recv(timeout=_PATIENCE / 1000))  # type: ignore[arg-type]
            if got.WhichOneof("type") == "script_finished":
                break
            if got.delta.new_element.WhichOneof("type") == "exception":
                errors.append(f"{path}: {got.delta.new_element.exception.type}")
        seconds.append(time.perf_counter() - start)


# -- the server --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Process:
    """What /proc says of a process: its parent, its seconds of CPU with those of its children that ended, a command."""

    parent: int
    seconds: float
    command: bytes


def processes() -> dict[int, Process]:
    """Return every process by its id."""
    found, tick = {}, os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                values = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it ended
            found[int(folder.name)] = Process(int(values[1]), sum(map(int, values[11:15])) / tick, command)
    return found


def find_server() -> int:
    """Return the process id of the server, which `serve` started as a child of this process."""
    for number, process in processes().items():
        if process.parent == os.getpid() and b"streamlit" in process.command:
            return number
    raise SystemExit("expected the server among the children of this process, and it is not there")


def cpu_seconds() -> float:
    """Return the seconds of CPU that this process and all that it started have worked: server, browser, its driver."""
    known = processes()
    family, found = {os.getpid()}, -1
    while found != len(family):
        found = len(family)
        family |= {number for number, process in known.items() if process.parent in family}
    return sum(known[number].seconds for number in family)


def memory(process: int) -> dict[str, float]:
    """Return GB: resident, resident without mapped files, and the most that was ever resident."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    keys = {"resident": "VmRSS", "without mapped files": "RssAnon", "at most": "VmHWM"}
    return {name: int(status[key].split()[0]) / 1e6 for name, key in keys.items()}


def _failures(log: Path) -> list[str]:
    text = log.read_text(encoding="utf-8", errors="replace")
    return [line[:200] for line in text.splitlines() if "Traceback" in line or "ERROR" in line or "Error:" in line]


# -- all together ------------------------------------------------------------------------------------------------------


def run(store: Path, home: Path, repeats: int, sessions: int) -> int:
    """Measure everything, print it, and return how many things went wrong."""
    app_server.TIMEOUT = _PATIENCE
    views = find_views(store)
    with serve(store, home / "server.log", home) as app, chromium() as browser:
        process = find_server()
        errors = measure(browser, app, views, repeats)
        _print_views(views)
        alone = memory(process)
        plain = [view for view in views if view.act is None]
        for what, opened in (
            ("tabs of one Chromium", lambda: open_tabs(browser, app, plain, sessions)),
            ("clients without a browser", lambda: open_clients(app, plain, sessions)),
        ):
            seconds, wrong = opened()
            errors += wrong
            print(f"{sessions} {what} at once: median {statistics.median(seconds):.1f} s, last {max(seconds):.1f} s")
        after = memory(process)
        errors += _failures(app.log)
    for when, seen in (("one by one", alone), (f"and {sessions} at once", after)):
        print(f"server after the views {when}: " + ", ".join(f"{v:.2f} GB {k}" for k, v in seen.items()))
    print(f"load of the machine {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores; {len(errors)} errors")
    for error in errors[:20]:
        print(f"  {error}")
    return len(errors)


def _print_views(views: list[View]) -> None:
    """Print the table: seconds, medians where nothing else is said."""
    print(
        f"{'view':28} {'cold':>6} {'headline':>9} {'new tab':>8} {'max':>6} {'in app':>7} {'max':>6} {'server':>7} "
        f"{'CPU':>6} {'kB sent':>8}"
    )
    for view in views:
        headline, new_tab, in_app, worked, sent = map(
            statistics.median, (view.headline, view.new_tab, view.in_app, view.worked, view.sent)
        )
        server = f"{statistics.median(view.server):.2f}" if view.server else "-"
        print(
            f"{view.name:28} {view.cold:6.1f} {headline:9.2f} {new_tab:8.2f} {max(view.new_tab):6.2f} {in_app:7.2f} "
            f"{max(view.in_app):6.2f} {server:>7} {worked:6.2f} {sent / 1000:8.0f}",
            flush=True,
        )


def _draw(store: Path, size: Size) -> None:
    encoder = "fast" if size is SMALL else "default"
    settings = load_settings({"store": store, "encoder": encoder})
    write_big_store(store, size, settings, load_encoder(encoder, models=settings.models, threads=settings.threads))


def main(argv: list[str] | None = None) -> Any:  # noqa: ANN401 - an exit code
    parser = argparse.ArgumentParser(description="How long a view of the app takes, in a real Chromium.")
    parser.add_argument("store", nargs="?", type=Path, help="a store that is there; without it one is drawn")
    parser.add_argument("--large", action="store_true", help="draw a million prompts and 25,000 accounts")
    parser.add_argument("--repeats", type=int, default=5, help="times that each view is opened warm")
    parser.add_argument("--sessions", type=int, default=_SESSIONS)
    parser.add_argument("--corpora", help=argparse.SUPPRESS)  # `make bench` names one to all benchmarks
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        store = args.store or Path(folder) / "store"
        if args.store is None:
            _draw(store, LARGE if args.large else SMALL)
        return 1 if run(store.resolve(), Path(folder), args.repeats, args.sessions) else 0


if __name__ == "__main__":
    sys.exit(main())
