"""The charts of metrics: intervals, leads, shares, curves. Each returns one inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from emotion_core.charts.svg import Axis, Drawing, Plot, Scale, polyline, ticks, whole_ticks
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun, Curve, Scored
from emotion_core.comparison.experiment import NetworkResult
from emotion_core.comparison.pair import Pair
from emotion_core.statistics.predictions import Floats

_ROW = 30
_LONGEST_LABEL = 22
_CHARACTER = 6.9
"""Width of a character of a label that is wide for its font, in units of the view box."""


def interval_strip(
    name: str, title: str, runs: Sequence[Scored], metric: str, floor: float | None
) -> Markup:
    """One line per run: its value, its 95 % interval, and the floor that all must leave behind."""
    estimates = [run.scores[metric] for run in runs]
    values = [v for e in estimates for v in (e.low, e.high) if v is not None]
    values += [] if floor is None else [floor]
    margin = max(0.02, 0.06 * (max(values) - min(values)))
    low, high = min(values) - margin, max(values) + margin
    plot = Plot(
        (420, _ROW * len(runs) + 34),
        (14 + _CHARACTER * max(len(_short(run.label)) for run in runs), 46, 0, 26),
        Axis(low, high, ticks(low, high, 6), has_grid=True),
        Axis(0, 1),
        name=name,
        title=title,
        description="; ".join(
            f"{run.label} {formatting.score(e.value)}, {formatting.interval(e.low, e.high)}"
            for run, e in zip(runs, estimates, strict=True)
        )
        + ("" if floor is None else f"; floor {formatting.score(floor)}"),
        css="chart strip",
    )
    x = plot.x
    if floor is not None:
        plot.line((x(floor), 0), (x(floor), plot.y.near), "floor")
    for row, (run, estimate) in enumerate(zip(runs, estimates, strict=True)):
        y = 18.0 + _ROW * row
        plot.text((0, y + 4), _short(run.label), "label")
        plot.estimate(run.number, estimate, y)
        plot.text((382, y + 5), formatting.score(estimate.value), "value")
    return plot.markup()


def lead_bar(name: str, title: str, lead: tuple[float, float, float], reach: float) -> Markup:
    """A difference and its interval about zero, which stands in the middle.

    Args:
        name: Of the element.
        title: What it is.
        lead: (low, value, high); above zero lies to the left, where the first run's column is.
        reach: The largest value that the picture must hold, the same for a whole table.
    """
    low, value, high = lead
    drawing = Drawing(
        160,
        22,
        name=name,
        title=title,
        description=f"{formatting.signed(value)}, {formatting.interval(low, high)}",
        css="chart lead",
    )
    scale = Scale(-reach, reach, 156, 4)
    drawing.line((80, 0), (80, 22), "zero")
    drawing.line((scale(low), 11), (scale(high), 11), "whisker")
    drawing.marker((scale(value), 11), 0, "mark", size=4.5)
    return drawing.markup()


def lead_reach(pair: Pair) -> float:
    """What :func:`lead_bar` needs to hold every finding of a pair."""
    return max(
        max(abs(finding.advantage[0]), abs(finding.advantage[2]), 1e-3) for finding in pair.findings
    )


def agreement_bar(name: str, pair: Pair, first: ComparedRun, second: ComparedRun) -> Markup:
    """The validation images, by which of two runs got them right."""
    counts = pair.agreement
    assert counts is not None  # noqa: S101 - of runs, never of networks
    parts = (
        ("both", "both right", counts.both),
        (f"alone run-{first.number}", f"only {first.label} right", counts.only_first),
        (f"alone run-{second.number}", f"only {second.label} right", counts.only_second),
        ("neither", "neither right", counts.neither),
    )
    total = sum(count for _, _, count in parts)
    drawing = Drawing(
        720,
        30,
        name=name,
        title="Validation images by who got them right",
        description="; ".join(f"{words}: {formatting.count(count)}" for _, words, count in parts),
        css="chart agreement",
    )
    x = 0.0
    for css, _, count in parts:
        width = 720 * count / total
        if count:
            drawing.add(
                "rect", x=x, y=0, width=max(0.5, width - 2), height=30, rx=2, css=f"part {css}"
            )
        x += width
    return drawing.markup()


def share_bar(name: str, title: str, share: float) -> Markup:
    """A share of a whole, as a bar."""
    drawing = Drawing(
        200, 12, name=name, title=title, description=formatting.percent(share, 1), css="chart share"
    )
    drawing.add("rect", x=0, y=1, width=max(1.0, 200 * share), height=10, rx=2, css="part both")
    return drawing.markup()


@dataclass(frozen=True)
class CurveLine:
    """One line of :func:`curve_chart`."""

    run: int
    label: str
    part: str
    """``train`` (dashed) or ``validation``."""
    points: Curve
    best_epoch: int | None
    """Marked on the line, where it is one of its epochs."""


def curve_chart(name: str, title: str, lines: Sequence[CurveLine]) -> Markup:
    """A metric over the epochs, of both parts of every run; the best epochs are marked."""
    values = [value for line in lines for _, value in line.points]
    last = max(2, *(epoch for line in lines for epoch, _ in line.points))
    margin = max(0.05 * (max(values) - min(values)), 0.005)
    low, high = min(values) - margin, max(values) + margin
    plot = Plot(
        (360, 244),
        (44, 12, 26, 30),
        Axis(1, last, whole_ticks(1, last, 12)),
        Axis(low, high, ticks(low, high, 5), has_grid=True),
        has_heading=True,
        name=name,
        title=title,
        description=_curve_words(lines),
        css="chart curve",
    )
    # Training lines first: validation is what counts and lies on top.
    for line in sorted(lines, key=lambda line: (line.part != "train", line.run)):
        places = {epoch: (plot.x(epoch), plot.y(value)) for epoch, value in line.points}
        group = plot.run_group(line.run)
        if len(places) > 1:
            plot.path(polyline(places.values()), f"line {line.part}", group)
        else:
            plot.marker(next(iter(places.values())), line.run, "mark", group, 2.5)
        if line.part == "validation" and line.best_epoch in places:
            plot.marker(places[line.best_epoch], line.run, "best", group, 5)
    return plot.markup()


def training_strip(name: str, title: str, networks: Sequence[NetworkResult], metric: str) -> Markup:
    """One line per network: what each training reached on its own held-out images, as dots."""
    values = [float(value) for network in networks for value in network.trained[metric].flat]
    margin = max(0.02, 0.06 * (max(values) - min(values)))
    low, high = min(values) - margin, max(values) + margin
    plot = Plot(
        (420, _ROW * len(networks) + 34),
        (14 + _CHARACTER * max(len(_short(network.label)) for network in networks), 46, 0, 26),
        Axis(low, high, ticks(low, high, 6), has_grid=True),
        Axis(0, 1),
        name=name,
        title=title,
        description="; ".join(
            f"{network.label} {formatting.listing(_scores(network.trained[metric]))}"
            for network in networks
        ),
        css="chart strip",
    )
    for row, network in enumerate(networks):
        y, group = 18.0 + _ROW * row, plot.run_group(network.number)
        plot.text((0, y + 4), _short(network.label), "label")
        for value in network.trained[metric].flat:
            plot.marker((plot.x(float(value)), y), network.number, "training", group, 3.5)
        plot.line(
            (plot.x(network.scores[metric].value), y - 9),
            (plot.x(network.scores[metric].value), y + 9),
            "whisker",
            group,
        )
    return plot.markup()


@dataclass(frozen=True)
class Band:
    """A metric of all trainings of a network, by epoch."""

    run: int
    label: str
    points: tuple[tuple[int, float, float, float], ...]
    """Epoch, lowest, mean, highest."""


def band_chart(name: str, title: str, bands: Sequence[Band]) -> Markup:
    """A metric on the held-out images over the epochs: mean and range of a network's trainings."""
    values = [value for band in bands for point in band.points for value in point[1:]]
    last = max(2, *(point[0] for band in bands for point in band.points))
    margin = max(0.05 * (max(values) - min(values)), 0.005)
    low, high = min(values) - margin, max(values) + margin
    plot = Plot(
        (360, 244),
        (44, 12, 26, 30),
        Axis(1, last, whole_ticks(1, last, 12)),
        Axis(low, high, ticks(low, high, 5), has_grid=True),
        has_heading=True,
        name=name,
        title=title,
        description="; ".join(
            f"{band.label}: from {formatting.score(band.points[0][2])} to "
            f"{formatting.score(band.points[-1][2])}, in the end between "
            f"{formatting.score(band.points[-1][1])} and {formatting.score(band.points[-1][3])}"
            for band in bands
        ),
        css="chart curve",
    )
    for band in bands:
        group = plot.run_group(band.run)
        lows, means, highs = (
            [(plot.x(point[0]), plot.y(point[n])) for point in band.points] for n in (1, 2, 3)
        )
        plot.path(polyline([*lows, *reversed(highs)]) + "z", "band", group)
        plot.path(polyline(means), "line validation", group)
        plot.marker(means[-1], band.run, "mark", group, 4)
    return plot.markup()


def swatch(run: int) -> Markup:
    """The marker of a run for legends and headings; silent, since its name stands beside it."""
    drawing = Drawing(12, 12, css=f"swatch run run-{run}")
    drawing.marker((6, 6), run, "mark", size=4.5)
    return drawing.markup()


def _curve_words(lines: Sequence[CurveLine]) -> str:
    return "; ".join(
        f"{line.label}, {line.part}: from {formatting.score(line.points[0][1])} in epoch "
        f"{line.points[0][0]} to {formatting.score(line.points[-1][1])} in epoch "
        f"{line.points[-1][0]}"
        for line in lines
    )


def _scores(values: Floats) -> list[str]:
    return [formatting.score(float(value)) for value in values.flat]


def _short(label: str) -> str:
    # Labels of one network differ at their end: the middle can be spared.
    if len(label) <= _LONGEST_LABEL:
        return label
    half = _LONGEST_LABEL // 2
    return f"{label[: half - 1]}…{label[-half:]}"
