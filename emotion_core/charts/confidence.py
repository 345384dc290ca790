"""The charts of confidence: reliability, and error against coverage. Each one inline SVG."""

from collections.abc import Callable

from markupsafe import Markup

from emotion_core.charts.svg import Drawing, Scale, polyline, tick_text
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.comparison.confidence import Confidence

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 262, 34, 12, 24, 44
_MARKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
Axis = Callable[[float], float]


def reliability_chart(name: str, run: ComparedRun, confidence: Confidence) -> Markup:
    """Accuracy against confidence, a marker per bin, larger where more images are."""
    words = "; ".join(
        f"{formatting.percent(b.confidence)} sure, {formatting.percent(b.accuracy)} right, "
        f"{formatting.count(b.count)} images"
        for b in confidence.bins
    )
    drawing, x, y = _square(name, "Share right by confidence", words, "confidence")
    drawing.line((x(0), y(0)), (x(1), y(1)), "ideal")
    group = drawing.group(f"run run-{run.number}")
    points = [(x(b.confidence), y(b.accuracy)) for b in confidence.bins]
    if len(points) > 1:
        drawing.path(polyline(points), "line train", group)
    most = max(b.count for b in confidence.bins)
    for point, found in zip(points, confidence.bins, strict=True):
        drawing.marker(point, run.number, "mark", group, 2 + 4 * (found.count / most) ** 0.5)
    return drawing.markup()


def risk_chart(name: str, run: ComparedRun, confidence: Confidence) -> Markup:
    """Share of wrong labels when only the surest images are kept."""
    ends = [confidence.risk_coverage[0], confidence.risk_coverage[-1]]
    words = "; ".join(
        f"of the surest {formatting.percent(kept)}, {formatting.percent(error)} wrong"
        for kept, error in ends
    )
    drawing, x, y = _square(name, "Share wrong among the surest", words, "share of images kept")
    group = drawing.group(f"run run-{run.number}")
    points = [(x(kept), y(error)) for kept, error in confidence.risk_coverage]
    if len(points) > 1:
        drawing.path(polyline(points), "line", group)
    drawing.marker(points[-1], run.number, "mark", group)
    return drawing.markup()


def _square(name: str, title: str, words: str, axis: str) -> tuple[Drawing, Axis, Axis]:
    drawing = Drawing(
        _WIDTH, _HEIGHT, name=name, title=title, description=words, css="chart calibration"
    )
    x = Scale(0, 1, _LEFT, _WIDTH - _RIGHT)
    y = Scale(0, 1, _HEIGHT - _BOTTOM, _TOP)
    drawing.text((0, 11), title, "heading")
    for tick in _MARKS:
        text = tick_text(tick, _MARKS)
        drawing.line((_LEFT, y(tick)), (_WIDTH - _RIGHT, y(tick)), "grid")
        drawing.text((_LEFT - 6, y(tick) + 4), text, "tick", anchor="end")
        drawing.text((x(tick), _HEIGHT - _BOTTOM + 17), text, "tick", anchor="middle")
    drawing.text(((x(0) + x(1)) / 2, _HEIGHT - 8), axis, "axis", anchor="middle")
    return drawing, x, y
