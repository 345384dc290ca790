"""The charts of confidence: reliability, and error against coverage. Each one inline SVG."""

from markupsafe import Markup

from emotion_core.charts.svg import Axis, Plot, polyline
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.comparison.confidence import Confidence

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def reliability_chart(name: str, run: ComparedRun, confidence: Confidence) -> Markup:
    """Accuracy against confidence, a marker per bin, larger where more images are."""
    words = "; ".join(
        f"confidence {formatting.percent(b.confidence)}, "
        f"accuracy {formatting.percent(b.accuracy)}, {formatting.count(b.count)} images"
        for b in confidence.bins
    )
    plot = _square(name, "Accuracy by confidence", words, "confidence")
    plot.line((plot.x(0), plot.y(0)), (plot.x(1), plot.y(1)), "ideal")
    group = plot.run_group(run.number)
    points = [(plot.x(b.confidence), plot.y(b.accuracy)) for b in confidence.bins]
    if len(points) > 1:
        plot.path(polyline(points), "line train", group)
    most = max(b.count for b in confidence.bins)
    for point, found in zip(points, confidence.bins, strict=True):
        plot.marker(point, run.number, "mark", group, 2 + 4 * (found.count / most) ** 0.5)
    return plot.markup()


def risk_chart(name: str, run: ComparedRun, confidence: Confidence) -> Markup:
    """Share of wrong labels when only the most confident images are kept."""
    words = "; ".join(
        f"of the most confident {formatting.percent(kept)}, {formatting.percent(error)} wrong"
        for kept, error in (confidence.risk_coverage[0], confidence.risk_coverage[-1])
    )
    plot = _square(name, "Error rate by coverage", words, "share of images kept")
    group = plot.run_group(run.number)
    points = [(plot.x(kept), plot.y(error)) for kept, error in confidence.risk_coverage]
    if len(points) > 1:
        plot.path(polyline(points), "line", group)
    plot.marker(points[-1], run.number, "mark", group)
    return plot.markup()


def _square(name: str, title: str, words: str, across: str) -> Plot:
    return Plot(
        (320, 262),
        (34, 12, 24, 44),
        Axis(0, 1, _TICKS, across),
        Axis(0, 1, _TICKS, has_grid=True),
        has_heading=True,
        name=name,
        title=title,
        description=words,
        css="chart calibration",
    )
