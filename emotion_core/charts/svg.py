"""A small drawing surface: inline SVG built as a tree, so that every text in it is escaped.

Colours come from the style sheet alone (``currentColor`` and classes), so that the same drawing
serves light, dark and print. Class ``run-N`` sets the colour of run N; its marker tells it apart
without colour.
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypedDict, Unpack

from markupsafe import Markup

from emotion_core.comparison import formatting
from emotion_core.statistics.paired_tests import Estimate

Point = tuple[float, float]


def number(value: float) -> str:
    """A coordinate: one decimal is a tenth of a pixel."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class Drawing:
    """One picture with a title and a description for those who do not see it."""

    def __init__(
        self,
        width: float,
        height: float,
        *,
        css: str,
        name: str = "",
        title: str = "",
        description: str = "",
    ) -> None:
        """An empty picture; without a title it is hidden from those who do not see it.

        Args:
            width: Of the view box, in units that are about a pixel.
            height: Of the view box.
            css: Class of the element.
            name: Of the element; no other drawing on the page may have it.
            title: What it is.
            description: What it shows, in words.
        """
        self.root = ET.Element(
            "svg", {"viewBox": f"0 0 {number(width)} {number(height)}", "class": css}
        )
        if not title:
            self.root.set("aria-hidden", "true")
            return
        self.root.set("role", "img")
        self.root.set("aria-labelledby", f"{name}-title {name}-desc")
        self.add("title", id=f"{name}-title").text = title
        self.add("desc", id=f"{name}-desc").text = description

    def add(
        self, tag: str, parent: ET.Element | None = None, **attributes: float | str
    ) -> ET.Element:
        """Add an element; ``css`` becomes ``class``, underscores become hyphens."""
        return ET.SubElement(
            self.root if parent is None else parent,
            tag,
            {
                "class" if key == "css" else key.replace("_", "-"): (
                    value if isinstance(value, str) else number(value)
                )
                for key, value in attributes.items()
            },
        )

    def group(self, css: str) -> ET.Element:
        """Add a group of this class."""
        return self.add("g", css=css)

    def line(
        self, start: Point, end: Point, css: str, parent: ET.Element | None = None
    ) -> ET.Element:
        """Add a straight line."""
        return self.add("line", parent, x1=start[0], y1=start[1], x2=end[0], y2=end[1], css=css)

    def text(
        self,
        at: Point,
        content: str,
        css: str,
        parent: ET.Element | None = None,
        anchor: str = "start",
    ) -> ET.Element:
        """Add one line of text."""
        element = self.add("text", parent, x=at[0], y=at[1], css=css, text_anchor=anchor)
        element.text = content
        return element

    def path(self, data: str, css: str, parent: ET.Element | None = None) -> ET.Element:
        """Add a path."""
        return self.add("path", parent, d=data, css=css)

    def run_group(self, run: int) -> ET.Element:
        """Add a group in the colour of a run."""
        return self.group(f"run run-{run}")

    def marker(
        self, at: Point, run: int, css: str, parent: ET.Element | None = None, size: float = 4.0
    ) -> ET.Element:
        """Add the marker of a run, a shape of its own."""
        return self.path(marker_path(at, run, size), css, parent)

    def markup(self) -> Markup:
        """The element, ready to stand in HTML."""
        return Markup(ET.tostring(self.root, encoding="unicode", short_empty_elements=True))  # noqa: S704 - the tree escapes every text


@dataclass(frozen=True)
class Scale:
    """A linear map from values to coordinates; ``near`` may lie beyond ``far``."""

    low: float
    high: float
    near: float
    far: float

    def __call__(self, value: float) -> float:
        """The coordinate of a value."""
        return self.near + (value - self.low) / (self.high - self.low) * (self.far - self.near)


@dataclass(frozen=True)
class Axis:
    """One axis of a :class:`Plot`."""

    low: float
    high: float
    ticks: Sequence[float] = ()
    title: str = ""
    has_grid: bool = False


class Words(TypedDict):
    """What :class:`Drawing` needs beside its size."""

    name: str
    title: str
    description: str
    css: str


class Plot(Drawing):
    """A drawing with two axes; ``x`` and ``y`` map values to coordinates."""

    def __init__(
        self,
        size: tuple[float, float],
        margins: tuple[float, float, float, float],
        x: Axis,
        y: Axis,
        *,
        has_heading: bool = False,
        **words: Unpack[Words],
    ) -> None:
        """An empty plot.

        Args:
            size: Width and height of the view box.
            margins: Left, right, top, bottom, in units of the view box.
            x: The axis across.
            y: The axis upward.
            has_heading: Whether the title stands above the plot.
            words: As for :class:`Drawing`.
        """
        (width, height), (left, right, top, bottom) = size, margins
        super().__init__(width, height, **words)
        self.x = Scale(x.low, x.high, left, width - right)
        self.y = Scale(y.low, y.high, height - bottom, top)
        if has_heading:
            self.text((0, 11), words["title"], "heading")
        for tick in x.ticks:
            at = self.x(tick)
            if x.has_grid:
                self.line((at, self.y.near), (at, top), _grid(tick, x))
            text = tick_text(tick, x.ticks)
            self.text((at, self.y.near + 16), text, "tick", anchor="middle")
        for tick in y.ticks:
            at = self.y(tick)
            if y.has_grid:
                self.line((left, at), (self.x.far, at), _grid(tick, y))
            self.text((left - 6, at + 4), tick_text(tick, y.ticks), "tick", anchor="end")
        if x.title:
            self.text(((left + self.x.far) / 2, height - 7), x.title, "axis", anchor="middle")
        if y.title:
            label = self.text((0, 0), y.title, "axis", anchor="middle")
            middle = number((self.y.near + top) / 2)
            label.set("transform", f"translate(11 {middle}) rotate(-90)")

    def estimate(self, run: int, found: Estimate, at: float, *, is_upright: bool = False) -> None:
        """Add a run's marker and, where there is one, its interval, cut off at the axis' ends.

        Args:
            run: Number of the run.
            found: What it reached.
            at: Coordinate on the other axis.
            is_upright: Whether values are read from the axis upward, not from the one across.
        """
        scale = self.y if is_upright else self.x

        def place(value: float) -> Point:
            along = scale(min(scale.high, max(scale.low, value)))
            return (at, along) if is_upright else (along, at)

        group = self.run_group(run)
        if found.low is not None and found.high is not None:
            self.line(place(found.low), place(found.high), "whisker", group)
        self.marker(place(found.value), run, "mark", group, 4.5)


def _grid(tick: float, axis: Axis) -> str:
    return "grid middle" if tick == 0 and axis.low < 0 else "grid"


def polyline(points: Iterable[Point]) -> str:
    """Path data through these points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def dots(points: Iterable[Point]) -> str:
    """Path data of points without length; round line ends make them dots."""
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in points)


def marker_path(at: Point, run: int, size: float) -> str:
    """Path data of the marker of a run: circle, square, diamond, triangles, then polygons."""
    x, y = at
    if run % 8 == 0:
        r = number(size)
        return f"M{number(x - size)} {number(y)}a{r} {r} 0 1 0 {number(2 * size)} 0a{r} {r} 0 1 0 {number(-2 * size)} 0z"  # noqa: E501
    corners, turn = _POLYGONS[run % 8]
    radius = size * (1.3 if corners < 5 else 1.15)
    angles = [turn + 2 * math.pi * n / corners for n in range(corners)]
    return polyline((x + radius * math.sin(a), y - radius * math.cos(a)) for a in angles) + "z"


_POLYGONS: Final = {
    1: (4, math.pi / 4),
    2: (4, 0.0),
    3: (3, 0.0),
    4: (3, math.pi),
    5: (5, 0.0),
    6: (6, 0.0),
    7: (3, math.pi / 2),
}
"""Corners of each run's marker and how far it is turned."""


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most ``most`` round numbers from low to high, evenly spaced."""
    if not high > low:
        return [low]
    magnitude = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = factor * magnitude
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [n * step for n in range(first, last + 1)]
    return [low, high]


def whole_ticks(low: int, high: int, most: int = 6) -> list[int]:
    """At most ``most`` whole numbers from low to high, evenly spaced, beginning with low."""
    step = max(1, math.ceil((high - low) / (most - 1)))
    return list(range(low, high + 1, step))


def tick_text(value: float, shown: Sequence[float]) -> str:
    """A tick's number with as many digits as tell it from its neighbours; no leading zero."""
    step = min((b - a for a, b in pairwise(shown)), default=1.0)
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    text = formatting.score(value, digits)
    if not text.strip("0."):
        return "0"
    if digits and max(abs(tick) for tick in shown) <= 1:  # 1 beside .5, but 2.0 beside 2.5
        text = text.removesuffix("." + "0" * digits)
    return text
