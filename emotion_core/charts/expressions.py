"""The charts of single expressions: F1 with intervals, precision against recall."""

from collections.abc import Sequence

from markupsafe import Markup

from emotion_core.charts.svg import Drawing, Scale, polyline, tick_text
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun

_MARKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_HALVES = (0.0, 0.5, 1.0)


def class_chart(name: str, runs: Sequence[ComparedRun]) -> Markup:
    """F1 of every expression and its interval: one row per expression, one marker per run."""
    classes = runs[0].classes
    width, left, right, top = 420, 78, 14, 8
    row = max(28, 9 * len(runs) + 10)
    height = top + row * len(classes) + 26
    drawing = Drawing(
        width,
        height,
        name=name,
        title="F1 of each expression",
        description="; ".join(
            f"{run.label}: "
            + ", ".join(f"{c.expression} {formatting.score(c.f1.value, 2)}" for c in run.classes)
            for run in runs
        ),
        css="chart classes",
    )
    x = Scale(0, 1, left, width - right)
    bottom = height - 24
    for tick in _MARKS:
        drawing.line((x(tick), top), (x(tick), bottom), "grid")
        drawing.text((x(tick), bottom + 16), tick_text(tick, _MARKS), "tick", anchor="middle")
    for place, known in enumerate(classes):
        middle = top + row * (place + 0.5)
        drawing.text((left - 10, middle + 4), known.expression, "label", anchor="end")
        for order, run in enumerate(runs):
            y = middle + 9 * (order - (len(runs) - 1) / 2)
            estimate = run.classes[place].f1
            group = drawing.group(f"run run-{run.number}")
            if estimate.low is not None and estimate.high is not None:
                low, high = max(0.0, estimate.low), min(1.0, estimate.high)
                drawing.line((x(low), y), (x(high), y), "whisker", group)
            drawing.marker((x(estimate.value), y), run.number, "mark", group, 4)
    return drawing.markup()


def precision_recall_chart(name: str, runs: Sequence[ComparedRun], label: int) -> Markup:
    """Precision against recall of one expression, a line per run; dashed: guessing."""
    width, height, left, right, top, bottom = 230, 208, 34, 10, 24, 40
    shown = [run for run in runs if run.classes[label].curve]
    expression = runs[0].classes[label].expression
    drawing = Drawing(
        width,
        height,
        name=name,
        title=expression,
        description="; ".join(
            f"{run.label}: average precision {_precision(run, label)}" for run in shown
        )
        or "no image shows it",
        css="chart recall",
    )
    x, y = Scale(0, 1, left, width - right), Scale(0, 1, height - bottom, top)
    drawing.text((0, 11), expression, "heading")
    for tick in _HALVES:
        text = tick_text(tick, _HALVES)
        drawing.line((left, y(tick)), (width - right, y(tick)), "grid")
        drawing.text((left - 5, y(tick) + 4), text, "tick", anchor="end")
        drawing.text((x(tick), height - bottom + 15), text, "tick", anchor="middle")
    drawing.text(((x(0) + x(1)) / 2, height - 6), "recall", "axis", anchor="middle")
    guessing = runs[0].classes[label].prevalence
    drawing.line((x(0), y(guessing)), (x(1), y(guessing)), "ideal")
    for run in shown:
        points = [(x(recall), y(precision)) for recall, precision in run.classes[label].curve]
        group = drawing.group(f"run run-{run.number}")
        drawing.path(polyline(points), "line thin", group)
        drawing.marker(points[len(points) // 2], run.number, "mark", group, 3.5)
    return drawing.markup()


def _precision(run: ComparedRun, label: int) -> str:
    estimate = run.classes[label].average_precision
    return formatting.score(None if estimate is None else estimate.value, 2)
