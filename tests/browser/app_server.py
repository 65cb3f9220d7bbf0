"""Start the app on a free port, and open a Chromium that leaves the machine alone."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
# WebGL is drawn in software. All else would be, too, at twice the time, if the page were put together on that "GPU".
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--disable-background-networking",
]
TIMEOUT = 30_000  # ms; a loaded machine with two cores draws slowly


@dataclass(frozen=True)
class App:
    """A running app: its address, and the file that holds what the server writes."""

    url: str
    log: Path


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(store: Path, log: Path, home: Path, port: int | None = None, **settings: str) -> Iterator[App]:
    """Run the app on `store` until the block ends; `settings` are given by name, such as hide_prompts="true"."""
    from sweeplens.ui.theme import streamlit_flags

    port = port or free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(ROOT / "app.py"),
        *streamlit_flags(),
        f"--server.port={port}",
    ]
    environ = {**os.environ, "SWEEPLENS_STORE": str(store), "HF_HUB_OFFLINE": "1", "HOME": str(home)}
    environ |= {f"SWEEPLENS_{name.upper()}": value for name, value in settings.items()}
    environ.setdefault("SWEEPLENS_MODELS", str(Path.home() / ".cache" / "sweeplens"))
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=home, env=environ, stdout=stream, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, process, log)
            yield App(url, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text(encoding='utf-8')[-4000:]}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open Debian's Chromium, or the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page) -> None:
    """Wait until the script has run and every chart is drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=TIMEOUT)
    charts = "[...document.querySelectorAll('[data-testid=\"stPlotlyChart\"]')]"
    page.wait_for_function(f"() => {charts}.every(c => c.querySelector('.main-svg'))", timeout=TIMEOUT)
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stSkeleton\"]')", timeout=TIMEOUT)


@dataclass
class Visit:
    """One tab: where it goes, and what went wrong in it."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep an error of the browser's console."""
        # Streamlit looks for its server under the page's own path first, and finds it one level up.
        probe = message.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not probe:
            self.errors.append(f"{message.text} {message.location}")

    def open(self, address: str) -> Page:
        """Open a view by its address and wait until it is drawn."""
        self.page.goto(f"{self.url}/{address}")
        settle(self.page)
        return self.page
