"""What a network reaches against what it costs."""

from collections.abc import Sequence

from markupsafe import Markup

from emotion_core.charts.svg import Drawing, Scale, tick_text, ticks
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.statistics.metrics import METRICS

_BESIDE = 9
"""Between markers of equal cost, in units of the view box."""
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 420, 270, 42, 16, 26, 42


def cost_chart(name: str, runs: Sequence[ComparedRun], metric: str) -> Markup:
    """A metric with its interval against GFLOP per image; against parameters, unless all have it.

    Better is up, cheaper is left.
    """
    by_work = all(run.cost.flops for run in runs)
    costs = {
        run.number: (run.cost.flops or 0) / 1e9 if by_work else (run.cost.parameters or 0) / 1e6
        for run in runs
    }
    axis = "GFLOP per image" if by_work else "million parameters"
    title = f"{METRICS[metric].title} against cost"
    drawing = Drawing(
        _WIDTH,
        _HEIGHT,
        name=name,
        title=title,
        description="; ".join(
            f"{run.label}: {formatting.score(run.scores[metric].value)} at "
            f"{formatting.rounded(costs[run.number])} {axis}"
            for run in runs
        ),
        css="chart cost",
    )
    estimates = [run.scores[metric] for run in runs]
    low = min(e.value if e.low is None else e.low for e in estimates)
    high = max(e.value if e.high is None else e.high for e in estimates)
    margin = max(0.02, 0.08 * (high - low))
    x = Scale(0, 1.15 * max(costs.values()) or 1.0, _LEFT, _WIDTH - _RIGHT)
    y = Scale(low - margin, high + margin, _HEIGHT - _BOTTOM, _TOP)
    drawing.text((0, 11), title, "heading")
    marks = ticks(y.low, y.high, 5)
    for tick in marks:
        drawing.line((_LEFT, y(tick)), (_WIDTH - _RIGHT, y(tick)), "grid")
        drawing.text((_LEFT - 6, y(tick) + 4), tick_text(tick, marks), "tick", anchor="end")
    across = ticks(0, x.high, 6)
    for tick in across:
        drawing.text(
            (x(tick), _HEIGHT - _BOTTOM + 16), tick_text(tick, across), "tick", anchor="middle"
        )
    drawing.text(((_LEFT + _WIDTH) / 2, _HEIGHT - 7), axis, "axis", anchor="middle")
    for run, estimate in zip(runs, estimates, strict=True):
        # Runs of equal cost stand side by side.
        alike = [n for n, cost in costs.items() if abs(x(cost) - x(costs[run.number])) < _BESIDE]
        at = x(costs[run.number]) + _BESIDE * (alike.index(run.number) - (len(alike) - 1) / 2)
        group = drawing.group(f"run run-{run.number}")
        if estimate.low is not None and estimate.high is not None:
            drawing.line((at, y(estimate.low)), (at, y(estimate.high)), "whisker", group)
        drawing.marker((at, y(estimate.value)), run.number, "mark", group, 5)
    return drawing.markup()
