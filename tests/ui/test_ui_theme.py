"""One theme in three places: the palettes, the configuration of a checkout, the flags of an installed wheel."""

import re
import tomllib
from pathlib import Path

import pytest

from sweeplens.ui.theme import PALETTES, options, palette, streamlit_flags, template, translucent

ROOT = Path(__file__).resolve().parents[2]


def flatten(table: dict, prefix: str = "") -> dict[str, object]:
    flat = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_configuration_of_a_checkout_says_what_the_flags_say() -> None:
    written = flatten(tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")))
    assert written == options()


def test_streamlit_knows_every_option() -> None:
    from streamlit import config

    known = set(config.get_config_options())
    assert set(options()) <= known


def test_flags_keep_the_app_on_this_machine_and_quiet() -> None:
    flags = streamlit_flags()
    assert "--server.address=127.0.0.1" in flags
    assert "--browser.gatherUsageStats=false" in flags
    assert "--client.showErrorDetails=none" in flags
    assert "--client.disableDataExport=true" in flags
    assert "--theme.dark.backgroundColor=#0d1117" in flags


@pytest.mark.parametrize("mode", PALETTES)
def test_text_can_be_read_on_its_ground(mode: str) -> None:
    p = palette(mode)
    for colour in (p.ink, p.quiet, p.accent, *p.levels.values()):
        assert contrast(colour, p.ground) >= 4.5, colour
    for colour in (p.ink, p.quiet, p.accent, p.level("review")):  # the sidebar writes in these
        assert contrast(colour, p.panel) >= 4.5, colour


@pytest.mark.parametrize("mode", PALETTES)
def test_marks_can_be_seen_on_their_ground(mode: str) -> None:
    p = palette(mode)
    assert len(set(p.categories)) == len(p.categories)
    assert contrast(p.other, p.ground) >= 1.5
    assert template(mode).layout.paper_bgcolor == p.ground


@pytest.mark.parametrize("room", ["ui", "report"])
def test_colours_are_named_in_the_palette_alone(room: str) -> None:
    package = ROOT / "coverage" / "sweeplens"
    seen = 0
    for path in (package / room).rglob("*"):
        if path.suffix in {".py", ".html", ".css"} and path != package / "report" / "palette.py":
            # What has no colour at all is none.
            text = path.read_text(encoding="utf-8").replace("rgba(0,0,0,0)", "")
            assert not re.search(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?\b|rgba?\(|hsla?\(", text), path.name
            seen += 1
    assert seen > 10


def test_a_theme_that_is_not_known_yet_is_light() -> None:
    assert palette(None).mode == "light"
    assert palette("dark").mode == "dark"


def test_translucent_keeps_the_colour() -> None:
    assert translucent("#0b5cad", 0.5) == "rgba(11,92,173,0.5)"
