"""The charts of single expressions: F1 with intervals, precision against recall."""

from collections.abc import Sequence

from markupsafe import Markup

from emotion_core.charts.svg import Axis, Plot, polyline
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun

_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_HALVES = (0.0, 0.5, 1.0)


def class_chart(name: str, runs: Sequence[ComparedRun]) -> Markup:
    """F1 of every expression and its interval: one row per expression, one marker per run."""
    classes = runs[0].classes
    row = max(28, 9 * len(runs) + 10)
    plot = Plot(
        (420, 32 + row * len(classes)),
        (78, 14, 8, 24),
        Axis(0, 1, _FIFTHS, has_grid=True),
        Axis(0, 1),
        name=name,
        title="F1 of each expression",
        description="; ".join(
            f"{run.label}: "
            + ", ".join(f"{c.expression} {formatting.score(c.f1.value, 2)}" for c in run.classes)
            for run in runs
        ),
        css="chart classes",
    )
    for place, known in enumerate(classes):
        middle = 8 + row * (place + 0.5)
        plot.text((68, middle + 4), known.expression, "label", anchor="end")
        for order, run in enumerate(runs):
            y = middle + 9 * (order - (len(runs) - 1) / 2)
            plot.estimate(run.number, run.classes[place].f1, y)
    return plot.markup()


def precision_recall_chart(name: str, runs: Sequence[ComparedRun], label: int) -> Markup:
    """Precision against recall of one expression, a line per run; dashed: guessing."""
    shown = [run for run in runs if run.classes[label].curve]
    known = runs[0].classes[label]
    plot = Plot(
        (230, 208),
        (34, 10, 24, 40),
        Axis(0, 1, _HALVES, "recall"),
        Axis(0, 1, _HALVES, has_grid=True),
        has_heading=True,
        name=name,
        title=known.expression,
        description="; ".join(
            f"{run.label}: average precision {_precision(run, label)}" for run in shown
        )
        or "no image shows it",
        css="chart recall",
    )
    x, y = plot.x, plot.y
    plot.line((x(0), y(known.prevalence)), (x(1), y(known.prevalence)), "ideal")
    for run in shown:
        points = [(x(recall), y(precision)) for recall, precision in run.classes[label].curve]
        group = plot.run_group(run.number)
        plot.path(polyline(points), "line thin", group)
        plot.marker(points[len(points) // 2], run.number, "mark", group, 3.5)
    return plot.markup()


def _precision(run: ComparedRun, label: int) -> str:
    estimate = run.classes[label].average_precision
    return formatting.score(None if estimate is None else estimate.value, 2)
