"""More charts of valence and arousal: density, residuals, and limits of agreement."""

import numpy as np
from markupsafe import Markup

from emotion_core.charts.affect import TICKS, plane
from emotion_core.charts.points import draw_density, draw_points
from emotion_core.charts.svg import Axis, Plot, number
from emotion_core.comparison import formatting
from emotion_core.comparison.affect import DimensionFacts
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.emotions import DIMENSIONS
from emotion_core.statistics.predictions import Evaluation

_CELLS = 20
_SIZE, _MARGINS = (320, 250), (40, 10, 24, 42)
_WIDE = (-2.0, -1.0, 0.0, 1.0, 2.0)


def density_chart(name: str, run: ComparedRun, evaluation: Evaluation, whose: str) -> Markup:
    """How many images lie where in the plane: by the ``truth``, or as the run predicts."""
    is_truth = whose == "truth"
    points = evaluation.truth_va if is_truth else evaluation.va
    spreads = [
        f"{dimension}: mean {formatting.score(float(values.mean()), 2)}, standard deviation "
        f"{formatting.score(float(values.std()), 2)}"
        for dimension, values in zip(DIMENSIONS, points.T, strict=True)
    ]
    plot = plane(
        "valence",
        "arousal",
        name=name,
        title="Distribution of the labels"
        if is_truth
        else f"{run.label}: distribution of the predictions",
        description=f"{formatting.count(len(points))} images. {'; '.join(spreads)}.",
        css="chart plane",
    )
    group = plot.group("truth-density") if is_truth else plot.run_group(run.number)
    draw_density(plot, group, (points[:, 0], points[:, 1]), _CELLS)
    plot.add("circle", cx=plot.x(0), cy=plot.y(0), r=plot.x(1) - plot.x(0), css="circle")
    return plot.markup()


def residual_chart(name: str, run: ComparedRun, facts: DimensionFacts) -> Markup:
    """Images by prediction minus truth, in bins of a tenth; zero and the bias marked."""
    counts = facts.residuals
    plot = Plot(
        _SIZE,
        _MARGINS,
        Axis(-2, 2, _WIDE, "prediction minus truth", has_grid=True),
        Axis(0, max(counts)),
        has_heading=True,
        name=name,
        title=f"Residuals of {facts.dimension}",
        description=(
            f"{run.label}, prediction minus truth: mean {formatting.signed(facts.bias)}, most "
            f"images between {formatting.score(facts.limit_low, 2)} and "
            f"{formatting.score(facts.limit_high, 2)}."
        ),
        css="chart residuals",
    )
    x, y = plot.x, plot.y
    for value in (0, max(counts)):
        plot.text((x.near - 6, y(value) + 4), formatting.count(value), "tick", anchor="end")
    wide = (x.far - x.near) / len(counts)
    bars = "".join(
        f"M{number(x.near + n * wide + 0.4)} {number(y(0))}V{number(y(count))}"
        f"h{number(wide - 0.8)}V{number(y(0))}z"
        for n, count in enumerate(counts)
        if count
    )
    plot.path(bars, "bars", plot.run_group(run.number))
    for at, css in ((0.0, "zero"), (facts.bias, "ideal")):
        plot.line((x(at), y.far), (x(at), y.near), css)
    return plot.markup()


def bland_altman_chart(
    name: str, run: ComparedRun, evaluation: Evaluation, facts: DimensionFacts, column: int
) -> Markup:
    """Prediction minus truth against their mean, with the bias and the limits of agreement.

    J. M. Bland and D. G. Altman, "Statistical methods for assessing agreement between two methods
    of clinical measurement", Lancet 1986.
    """
    truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
    plot = Plot(
        _SIZE,
        _MARGINS,
        Axis(-1, 1, TICKS, "mean of prediction and truth"),
        Axis(-2, 2, _WIDE, has_grid=True),
        has_heading=True,
        name=name,
        title=f"Bland–Altman, {facts.dimension}",
        description=(
            f"{run.label}: bias {formatting.signed(facts.bias)}, limits of agreement "
            f"{formatting.interval(facts.limit_low, facts.limit_high, 2)}."
        ),
        css="chart limits",
    )
    points = np.asarray((truth + predicted) / 2), predicted - truth
    draw_points(plot, plot.run_group(run.number), points)
    lines = ((facts.bias, "whole"), (facts.limit_low, "ideal"), (facts.limit_high, "ideal"))
    for value, css in lines:
        plot.line((plot.x.near, plot.y(value)), (plot.x.far, plot.y(value)), css)
    return plot.markup()
