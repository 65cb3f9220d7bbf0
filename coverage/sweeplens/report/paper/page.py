"""The report as one page of HTML that asks for nothing: no script, no address, all text escaped."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from sweeplens.report import wording
from sweeplens.report.paper.choice import LONGEST
from sweeplens.report.paper.drawing import P, Picture
from sweeplens.report.sentences import percent
from sweeplens.text import one_line, printable

if TYPE_CHECKING:
    from jinja2 import Environment

_FILES = ("page.html", "account.html", "campaign.html", "signals.html", "page.css")


def write_page(record: Mapping[str, Any], pictures: Mapping[str, Picture]) -> str:
    """Return the page of a record with its pictures."""
    from markupsafe import Markup

    environment = _environment()
    css = Markup(environment.get_template("page.css").render(p=P))  # noqa: S704 - our own file and colours
    # The drawings are our own; matplotlib has escaped the names that stand in them.
    shown = {
        key: {"title": q.title, "caption": q.caption, "alt": q.alt, "svg": Markup(q.draw())}  # noqa: S704
        for key, q in pictures.items()
    }
    return environment.get_template("page.html").render(r=record, pictures=shown, css=css, longest=LONGEST)


@cache
def _environment() -> "Environment":
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = resources.files("sweeplens.report.paper")
    files = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _FILES}
    environment = Environment(loader=DictLoader(files), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(_FILTERS)
    return environment


def _line(text: object, width: int) -> str:
    return one_line(str(text), width)


def _whole(text: str) -> str:
    return printable(text, keep_newlines=True)


def _count(n: float | None) -> str:
    return "–" if n is None else wording.count(n)


def _day(text: str) -> str:
    return wording.day(datetime.fromisoformat(text))


def _moment(text: str | None) -> str:
    return "–" if text is None else wording.moment(datetime.fromisoformat(text))


def _period(first: str | None, last: str | None) -> str:
    return wording.period(*(None if t is None else datetime.fromisoformat(t) for t in (first, last)))


def _signed(value: float | None) -> str:
    if value is None:
        return ""
    return "0" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")


def _percentile(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _setting(value: object) -> str:
    if value in {None, ""}:
        return "not set"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else one_line(str(value), 120)


_FILTERS: Mapping[str, Callable[..., str]] = {
    "count": _count, "day": _day, "first_upper": _first_upper, "line": _line, "moment": _moment, "percent": percent,
    "percentile": _percentile, "period": _period, "score": wording.score, "setting": _setting, "short": wording.short,
    "signed": _signed, "thin": wording.thin, "whole": _whole,
    "level": lambda level: wording.LEVEL_WORDS.get(level, "unjudged"),
    "link_kind": lambda kind: wording.LINK_WORDS.get(kind, one_line(kind, 40)),
}  # fmt: skip
