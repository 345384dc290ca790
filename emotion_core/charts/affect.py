"""The charts of valence and arousal: predicted against true, and both in the circumplex."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from emotion_core.charts.points import draw_points
from emotion_core.charts.svg import Drawing, Point, Scale, number, tick_text
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.statistics.predictions import Evaluation

SIDE: Final = 320
_MARGIN: Final = 36
_TICKS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
_CHARACTER: Final = 5.9
"""Mean width of a character of a label, in units of the view box."""


def affect_scatter(name: str, run: ComparedRun, evaluation: Evaluation, column: int) -> Markup:
    """Predicted against true valence (column 0) or arousal (column 1), one dot per image."""
    dimension = DIMENSIONS[column]
    truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
    ccc = run.scores[f"ccc_{dimension}"].value
    drawing = Drawing(
        SIDE,
        SIDE,
        name=name,
        title=f"{run.label}: predicted against true {dimension}",
        description=(
            f"{formatting.count(len(evaluation))} images. True {dimension} spreads by "
            f"{formatting.score(float(truth.std()), 2)} (standard deviation), the predictions by "
            f"{formatting.score(float(predicted.std()), 2)}; CCC {formatting.score(ccc)}."
        ),
        css="chart plane",
    )
    x, y = plane(drawing, f"true {dimension}", f"predicted {dimension}")
    drawing.line((x(-1), y(-1)), (x(1), y(1)), "ideal")
    group = drawing.group(f"run run-{run.number}")
    draw_points(drawing, group, (truth, predicted), x, y)
    return drawing.markup()


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
    drawing = Drawing(
        SIDE,
        SIDE,
        name=name,
        title=f"{run.label}: the expressions in the plane of valence and arousal",
        description="; ".join(
            f"{expression}: true {_coordinates(truth)}, predicted {_coordinates(predicted)}"
            for expression, truth, predicted in means
        ),
        css="chart plane circumplex",
    )
    x, y = plane(drawing, "valence", "arousal")
    drawing.add("circle", cx=x(0), cy=y(0), r=x(1) - x(0), css="circle")
    group = drawing.group(f"run run-{run.number}")
    placed = []
    for expression, truth, predicted in means:
        start, end = (x(truth[0]), y(truth[1])), (x(predicted[0]), y(predicted[1]))
        drawing.line(start, end, "arrow", group)
        drawing.add("circle", group, cx=start[0], cy=start[1], r=3.5, css="truth")
        drawing.marker(end, run.number, "mark", group, 3.5)
        placed.append((expression, start, end))
    for expression, at, anchor in _label_places(placed):
        drawing.text(at, expression, "label halo", anchor=anchor)
    return drawing.markup()


def plane(drawing: Drawing, across: str, upward: str) -> tuple[Scale, Scale]:
    """The square from -1 to 1 with its axes named."""
    x = Scale(-1, 1, _MARGIN, SIDE - 8)
    y = Scale(-1, 1, SIDE - _MARGIN, 8)
    for tick in _TICKS:
        css = "grid middle" if tick == 0 else "grid"
        drawing.line((x(tick), y(-1)), (x(tick), y(1)), css)
        drawing.line((x(-1), y(tick)), (x(1), y(tick)), css)
        text = tick_text(tick, _TICKS)
        drawing.text((x(tick), y(-1) + 14), text, "tick", anchor="middle")
        drawing.text((x(-1) - 5, y(tick) + 4), text, "tick", anchor="end")
    drawing.text((x(0), SIDE - 6), across, "axis", anchor="middle")
    label = drawing.text((0, 0), upward, "axis", anchor="middle")
    label.set("transform", f"translate(11 {number(y(0))}) rotate(-90)")
    return x, y


def _coordinates(point: npt.NDArray[np.float64]) -> str:
    return f"({formatting.score(float(point[0]), 2)}, {formatting.score(float(point[1]), 2)})"


def _label_places(
    placed: Sequence[tuple[str, Point, Point]],
) -> list[tuple[str, Point, str]]:
    """A place for each expression's name near its hollow mark, off marks and other names."""
    taken = [_box(point, 4, 4) for _, start, end in placed for point in (start, end)]
    for _, start, end in placed:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        taken.append(_box(middle, 2, 2))
    result = []
    for expression, (x, y), _ in placed:
        width = _CHARACTER * len(expression)
        choices: list[tuple[Point, str, tuple[float, float, float, float]]] = []
        for distance in (7.0, 13.0, 20.0, 28.0):
            for dx, dy in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)):
                anchor = {1: "start", -1: "end", 0: "middle"}[dx]
                at = (x + dx * distance, y + 4 + dy * (distance + 3))
                left = at[0] - {1: 0.0, -1: width, 0: width / 2}[dx]
                choices.append((at, anchor, (left, at[1] - 9, left + width, at[1] + 3)))
        inside = [c for c in choices if c[2][0] >= _MARGIN and c[2][2] <= SIDE and c[2][1] >= 0]
        at, anchor, box = min(
            inside or choices, key=lambda choice: sum(_overlap(choice[2], other) for other in taken)
        )
        taken.append(box)
        result.append((expression, at, anchor))
    return result


def _box(point: Point, dx: float, dy: float) -> tuple[float, float, float, float]:
    return (point[0] - dx, point[1] - dy, point[0] + dx, point[1] + dy)


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
