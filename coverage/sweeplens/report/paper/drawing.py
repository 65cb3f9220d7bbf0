"""Static pictures: SVG drawn by matplotlib, the same bytes for the same facts, safe to draw from several threads.

Text stays text, so that it can be searched, copied and read aloud, and letters that the drawing's own font lacks come
from the reader's. It is measured in a wider font than most readers have, so that it does not run into its neighbours.
"""

import re
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.palette import PALETTES, Scale
from sweeplens.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

P = PALETTES["light"]  # paper is white
HALF, FULL = 3.42, 7.0  # inches: a picture beside another, and one that has the page's width
SMALL, TEXT = 6.5, 7.5  # points
HALO = "halo"  # name of texts that are written over a picture, and stand out from it by a rim
_DPI = 220  # of what is drawn as dots: maps, heat maps
_LOCK = threading.Lock()  # matplotlib's settings belong to the process, and its fonts to no thread
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with dollars in it is a name
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT,
    "timezone": "UTC",
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "path.simplify": True,
    "image.composite_image": False,
}
_OF_PROCESS = {"backend", "backend_fallback", "date.epoch", "interactive", "toolbar"}  # not of a picture
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_HREF = "{http://www.w3.org/1999/xlink}href"
_OWN_FONT = re.compile(r"font-family: [^;]*;? ?|font: [^;]*;? ?")


@dataclass(frozen=True)
class Picture:
    """A picture: what to see, how to read it and what fools it, words for those who cannot see it.

    `draw` makes the SVG, when it is called.
    """

    title: str
    caption: str
    alt: str
    draw: Callable[[], str]


def draw(key: str, size: tuple[float, float], paint: "Callable[[Figure], None]") -> str:
    """Return the SVG of a figure of `size` inches that `paint` fills; `key` keeps its ids apart from all others."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    _accept_letters()
    raw = BytesIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    # From the settings that matplotlib ships with: those of a user might call LaTeX, or draw everything in pink.
    plain = {name: value for name, value in mpl.rcParamsDefault.items() if name not in _OF_PROCESS}
    settings: Any = {**plain, **_SETTINGS, "svg.hashsalt": key}
    with _LOCK, mpl.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0.0)
        paint(figure)
        figure.savefig(raw, format="svg", dpi=_DPI, metadata=nothing)
    return _slim(raw.getvalue(), key)


@cache
def _accept_letters() -> None:
    """Warn of no letter that the measuring font lacks: the reader's fonts have it."""
    warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)


def _slim(svg: bytes, key: str) -> str:
    """Return an SVG as an element of a page: without a head, metadata, styles, names of parts, and long numbers."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - just written here
    for parent in list(root.iter()):
        for child in [c for c in parent if _name(c) in {"metadata", "style"}]:
            parent.remove(child)
    linked = {e.attrib[_HREF][1:] for e in root.iter() if e.attrib.get(_HREF, "").startswith("#")}
    linked |= {found for e in root.iter() for found in re.findall(r"url\(#([^)]+)\)", e.attrib.get("clip-path", ""))}
    for element in root.iter():
        element.tag = _name(element)
        element.tail = "\n"
        if element.tag != "text":
            element.text = None
        if element.attrib.get("id") == HALO:
            element.set("class", HALO)
        if element.attrib.get("id") not in linked:
            element.attrib.pop("id", None)
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        for name in ("d", "transform", "x", "y", "style"):
            if name in element.attrib:
                element.set(name, _NUMBER.sub(_shorten, element.attrib[name]).strip())
        if element.tag == "text" and "style" in element.attrib:
            element.set("style", _OWN_FONT.sub(_font_size, element.attrib["style"]))
    root.attrib.pop("version", None)
    root.set("aria-hidden", "true")  # the words beside it say what it shows
    root.set("class", key)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _font_size(found: re.Match[str]) -> str:
    size = re.search(r"([\d.]+px)", found[0])
    return f"font-size: {size[1]}; " if found[0].startswith("font:") and size else ""


def _shorten(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def quiet(axes: "Axes", *, x: str = "", y: str = "") -> None:
    """Give axes the look of the house: no frame but the floor, quiet ticks and titles."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(P.line)
    axes.tick_params(colors=P.quiet, labelsize=SMALL)
    axes.set_xlabel(x, color=P.quiet, fontsize=SMALL)
    axes.set_ylabel(y, color=P.quiet, fontsize=SMALL)


def bare(axes: "Axes") -> None:
    """Make axes a blank sheet."""
    axes.set_axis_off()


def label_rows(axes: "Axes", names: Sequence[str], width: int, size: float = SMALL, least: int = 0) -> None:
    """Name the rows of a picture, from the top; names may be anybody's. Fewer than `least` rows do not fill it."""
    axes.set_yticks(range(len(names)), labels=[one_line(name, width) for name in names], fontsize=size, color=P.ink)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(names), least) - 0.5, -0.5)


def scale(colours: Scale) -> "Colormap":
    """Return a colour map of a scale of the palette."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("scale", list(colours)).with_extremes(bad=(0.0, 0.0, 0.0, 0.0))


def thousands(axis: Any) -> None:  # noqa: ANN401 - an axis of either kind
    """Write whole numbers with thin spaces on an axis."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    from sweeplens.report.wording import count

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda v, _: count(v)))


def limits(values: NDArray[np.float32], margin: float = 0.04) -> tuple[float, float]:
    """Return the range of the values with a margin on both sides."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = (high - low) * margin or 1.0
    return low - pad, high + pad
