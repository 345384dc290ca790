"""More charts of valence and arousal: where answers lie, residuals, and limits of agreement."""

import numpy as np
from markupsafe import Markup

from emotion_core.charts.affect import SIDE, plane
from emotion_core.charts.points import draw_density, draw_points
from emotion_core.charts.svg import Drawing, Scale, number, tick_text
from emotion_core.comparison import formatting
from emotion_core.comparison.affect import DimensionFacts
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.statistics.predictions import Evaluation

_CELLS = 20
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 250, 40, 10, 24, 42


def density_chart(name: str, run: ComparedRun, evaluation: Evaluation, whose: str) -> Markup:
    """How many images lie where in the plane: by the ``truth``, or by the run's ``answer``."""
    is_truth = whose == "truth"
    points = evaluation.truth_va if is_truth else evaluation.va
    means, spreads = points.mean(axis=0), points.std(axis=0)
    drawing = Drawing(
        SIDE,
        SIDE,
        name=name,
        title="Where the truth lies" if is_truth else f"{run.label}: where its answers lie",
        description=(
            f"{formatting.count(len(points))} images. Valence: mean "
            f"{formatting.score(float(means[0]), 2)}, standard deviation "
            f"{formatting.score(float(spreads[0]), 2)}; arousal: mean "
            f"{formatting.score(float(means[1]), 2)}, standard deviation "
            f"{formatting.score(float(spreads[1]), 2)}."
        ),
        css="chart plane",
    )
    x, y = plane(drawing, "valence", "arousal")
    group = drawing.group("truth-density" if is_truth else f"run run-{run.number}")
    draw_density(drawing, group, (points[:, 0], points[:, 1]), x, y, _CELLS)
    drawing.add("circle", cx=x(0), cy=y(0), r=x(1) - x(0), css="circle")
    return drawing.markup()


def residual_chart(name: str, run: ComparedRun, facts: DimensionFacts) -> Markup:
    """Images by answer minus truth, in bins of a tenth; zero and the bias marked."""
    counts = facts.residuals
    drawing = Drawing(
        _WIDTH,
        _HEIGHT,
        name=name,
        title=f"Residuals of {facts.dimension}",
        description=(
            f"{run.label}, answer minus truth: mean {formatting.signed(facts.bias)}, most images "
            f"between {formatting.score(facts.limit_low, 2)} and "
            f"{formatting.score(facts.limit_high, 2)}."
        ),
        css="chart residuals",
    )
    drawing.text((0, 11), f"Residuals of {facts.dimension}", "heading")
    x = Scale(-2, 2, _LEFT, _WIDTH - _RIGHT)
    y = Scale(0, max(counts), _HEIGHT - _BOTTOM, _TOP)
    for tick in (-2.0, -1.0, 0.0, 1.0, 2.0):
        drawing.line((x(tick), _TOP), (x(tick), _HEIGHT - _BOTTOM), "grid")
        drawing.text(
            (x(tick), _HEIGHT - _BOTTOM + 16),
            tick_text(tick, (-2.0, -1.0, 0.0, 1.0, 2.0)),
            "tick",
            anchor="middle",
        )
    drawing.text((_LEFT - 6, _TOP + 4), formatting.count(max(counts)), "tick", anchor="end")
    drawing.text((_LEFT - 6, y(0) + 4), "0", "tick", anchor="end")
    drawing.text((x(0), _HEIGHT - 7), "answer minus truth", "axis", anchor="middle")
    group = drawing.group(f"run run-{run.number}")
    wide = (x.far - x.near) / len(counts)
    data = "".join(
        f"M{number(x.near + n * wide + 0.4)} {number(y(0))}V{number(y(count))}"
        f"h{number(wide - 0.8)}V{number(y(0))}z"
        for n, count in enumerate(counts)
        if count
    )
    drawing.path(data, "bars", group)
    drawing.line((x(0), _TOP), (x(0), y(0)), "zero")
    drawing.line((x(facts.bias), _TOP), (x(facts.bias), y(0)), "ideal")
    return drawing.markup()


def bland_altman_chart(
    name: str, run: ComparedRun, evaluation: Evaluation, facts: DimensionFacts, column: int
) -> Markup:
    """Answer minus truth against their mean, with the bias and the limits of agreement.

    J. M. Bland and D. G. Altman, "Statistical methods for assessing agreement between two methods
    of clinical measurement", Lancet 1986.
    """
    truth, answer = evaluation.truth_va[:, column], evaluation.va[:, column]
    drawing = Drawing(
        _WIDTH,
        _HEIGHT,
        name=name,
        title=f"Bland–Altman, {facts.dimension}",
        description=(
            f"{run.label}: bias {formatting.signed(facts.bias)}, limits of agreement "
            f"{formatting.interval(facts.limit_low, facts.limit_high, 2)}."
        ),
        css="chart limits",
    )
    drawing.text((0, 11), f"Bland–Altman, {facts.dimension}", "heading")
    x = Scale(-1, 1, _LEFT, _WIDTH - _RIGHT)
    y = Scale(-2, 2, _HEIGHT - _BOTTOM, _TOP)
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        drawing.text(
            (x(tick), _HEIGHT - _BOTTOM + 16),
            tick_text(tick, (-1.0, -0.5, 0.0, 0.5, 1.0)),
            "tick",
            anchor="middle",
        )
    for tick in (-2.0, -1.0, 0.0, 1.0, 2.0):
        drawing.line((_LEFT, y(tick)), (_WIDTH - _RIGHT, y(tick)), "grid")
        drawing.text(
            (_LEFT - 6, y(tick) + 4),
            tick_text(tick, (-2.0, -1.0, 0.0, 1.0, 2.0)),
            "tick",
            anchor="end",
        )
    drawing.text((x(0), _HEIGHT - 7), "mean of answer and truth", "axis", anchor="middle")
    group = drawing.group(f"run run-{run.number}")
    draw_points(drawing, group, (np.asarray((truth + answer) / 2), answer - truth), x, y)
    for value, css in (
        (facts.bias, "whole"),
        (facts.limit_low, "ideal"),
        (facts.limit_high, "ideal"),
    ):
        drawing.line((_LEFT, y(value)), (_WIDTH - _RIGHT, y(value)), css)
    return drawing.markup()
