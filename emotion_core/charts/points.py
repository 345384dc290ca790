"""Many points in a plane: dots while they can be told apart, squares by their number beyond."""

import xml.etree.ElementTree as ET
from typing import Final

import numpy as np

from emotion_core.charts.svg import Plot, dots, number
from emotion_core.statistics.metrics import Floats

MOST_DOTS: Final = 1500
"""With more images than this, dots would cover one another: squares show how many there are."""

_CELLS: Final = 40
_LEVELS: Final = 5
_LAYERS: Final = 8


def draw_points(plot: Plot, group: ET.Element, points: tuple[Floats, Floats]) -> None:
    """One dot per point [N], or squares when there are more than :data:`MOST_DOTS`."""
    if len(points[0]) > MOST_DOTS:
        draw_density(plot, group, points)
        return
    places = [(plot.x(a), plot.y(b)) for a, b in zip(*points, strict=True)]
    # Several paths, so that dots of different ones that overlap look darker.
    for start in range(_LAYERS):
        if layer := places[start::_LAYERS]:
            plot.path(dots(layer), "dots", group)


def draw_density(
    plot: Plot, group: ET.Element, points: tuple[Floats, Floats], cells: int = _CELLS
) -> None:
    """Squares of the plane by how many points [N] they hold, in steps of equal ratio.

    Column and row of a square follow from its lower edges; points beyond the scales stand in the
    outermost squares.
    """
    x, y = plot.x, plot.y
    place = [
        np.clip(((values - scale.low) / (scale.high - scale.low) * cells).astype(int), 0, cells - 1)
        for values, scale in zip(points, (x, y), strict=True)
    ]
    counts = np.bincount(place[0] * cells + place[1], minlength=cells**2).reshape(cells, cells)
    levels = np.ceil(np.log1p(counts) / np.log1p(counts.max()) * _LEVELS).astype(int)
    wide, high = abs(x.far - x.near) / cells, abs(y.far - y.near) / cells
    for level in range(1, _LEVELS + 1):
        data = "".join(
            f"M{number(x.near + column * wide)} {number(y.near - (row + 1) * high)}"
            f"h{number(wide)}v{number(high)}h{number(-wide)}z"
            for column, row in zip(*np.nonzero(levels == level), strict=True)
        )
        if data:
            plot.path(data, f"cell level-{level}", group)
