"""The charts of valence and arousal: predicted against true, and both in the circumplex."""

from collections.abc import Sequence
from itertools import product
from typing import Final, Unpack

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from emotion_core.charts.points import draw_points
from emotion_core.charts.svg import Axis, Plot, Point, Words
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.statistics.predictions import Evaluation

_SIDE: Final = 320
_MARGIN: Final = 36
TICKS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
_CHARACTER: Final = 5.9
"""Mean width of a character of a label, in units of the view box."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def affect_scatter(name: str, run: ComparedRun, evaluation: Evaluation, column: int) -> Markup:
    """Predicted against true valence (column 0) or arousal (column 1), one dot per image."""
    dimension = DIMENSIONS[column]
    truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
    ccc = run.scores[f"ccc_{dimension}"].value
    plot = plane(
        f"true {dimension}",
        f"predicted {dimension}",
        name=name,
        title=f"{run.label}: predicted against true {dimension}",
        description=(
            f"{formatting.count(len(evaluation))} images. Standard deviation of the truth "
            f"{formatting.score(float(truth.std()), 2)}, of the predictions "
            f"{formatting.score(float(predicted.std()), 2)}; CCC {formatting.score(ccc)}."
        ),
        css="chart plane",
    )
    plot.line((plot.x(-1), plot.y(-1)), (plot.x(1), plot.y(1)), "ideal")
    draw_points(plot, plot.run_group(run.number), (truth, predicted))
    return plot.markup()


def circumplex(name: str, run: ComparedRun, evaluation: Evaluation) -> Markup:
    """Mean truth (hollow) and mean prediction (filled) of each expression, joined by a line.

    The plane of valence and arousal is J. A. Russell's circumplex of affect, 1980.
    """
    means = [
        (
            EXPRESSIONS[label],
            evaluation.truth_va[evaluation.truth == label].mean(axis=0),
            evaluation.va[evaluation.truth == label].mean(axis=0),
        )
        for label in np.unique(evaluation.truth)
    ]
    plot = plane(
        "valence",
        "arousal",
        name=name,
        title=f"{run.label}: the expressions in the plane of valence and arousal",
        description="; ".join(
            f"{expression}: true {_coordinates(truth)}, predicted {_coordinates(predicted)}"
            for expression, truth, predicted in means
        ),
        css="chart plane circumplex",
    )
    x, y = plot.x, plot.y
    plot.add("circle", cx=x(0), cy=y(0), r=x(1) - x(0), css="circle")
    group = plot.run_group(run.number)
    placed = []
    for expression, truth, predicted in means:
        start, end = (x(truth[0]), y(truth[1])), (x(predicted[0]), y(predicted[1]))
        plot.line(start, end, "arrow", group)
        plot.add("circle", group, cx=start[0], cy=start[1], r=3.5, css="truth")
        plot.marker(end, run.number, "mark", group, 3.5)
        placed.append((expression, start, end))
    for expression, at, anchor in _label_places(placed):
        plot.text(at, expression, "label halo", anchor=anchor)
    return plot.markup()


def plane(across: str, upward: str, **words: Unpack[Words]) -> Plot:
    """The square from -1 to 1 with its axes named."""
    return Plot(
        (_SIDE, _SIDE),
        (_MARGIN, 8, 8, _MARGIN),
        Axis(-1, 1, TICKS, across, has_grid=True),
        Axis(-1, 1, TICKS, upward, has_grid=True),
        **words,
    )


def _coordinates(point: npt.NDArray[np.float64]) -> str:
    return f"({formatting.score(float(point[0]), 2)}, {formatting.score(float(point[1]), 2)})"


def _label_places(placed: Sequence[tuple[str, Point, Point]]) -> list[tuple[str, Point, str]]:
    """A place for each expression's name near its hollow mark, off marks and other names."""
    taken = [_around(point, 4) for _, start, end in placed for point in (start, end)]
    taken += [
        _around(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), 2) for _, start, end in placed
    ]
    result = []
    for expression, (x, y), _ in placed:
        width = _CHARACTER * len(expression)
        choices: list[tuple[Point, str, Box]] = []
        for distance, dx, dy in product((7.0, 13.0, 20.0, 28.0), (1, -1, 0), (0, -1, 1)):
            if (dx, dy) != (0, 0):
                anchor, before = {1: ("start", 0.0), -1: ("end", 1.0), 0: ("middle", 0.5)}[dx]
                at = (x + dx * distance, y + 4 + dy * (distance + 3))
                left = at[0] - before * width
                choices.append((at, anchor, (left, at[1] - 9, left + width, at[1] + 3)))
        inside = [c for c in choices if c[2][0] >= _MARGIN and c[2][2] <= _SIDE and c[2][1] >= 0]
        at, anchor, box = min(
            inside or choices, key=lambda choice: sum(_overlap(choice[2], other) for other in taken)
        )
        taken.append(box)
        result.append((expression, at, anchor))
    return result


def _around(point: Point, reach: float) -> Box:
    return (point[0] - reach, point[1] - reach, point[0] + reach, point[1] + reach)


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
