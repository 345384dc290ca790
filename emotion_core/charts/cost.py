"""What a network reaches against what it costs."""

from collections.abc import Sequence

from markupsafe import Markup

from emotion_core.charts.svg import Axis, Plot, ticks
from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.comparison.pair import metric_name

_BESIDE = 9
"""Between markers of equal cost, in units of the view box."""


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
    estimates = [run.scores[metric] for run in runs]
    low = min(e.value if e.low is None else e.low for e in estimates)
    high = max(e.value if e.high is None else e.high for e in estimates)
    margin = max(0.02, 0.08 * (high - low))
    most = 1.15 * max(costs.values()) or 1.0
    plot = Plot(
        (420, 270),
        (42, 16, 26, 42),
        Axis(0, most, ticks(0, most, 6), axis),
        Axis(low - margin, high + margin, ticks(low - margin, high + margin, 5), has_grid=True),
        has_heading=True,
        name=name,
        title=f"{metric_name(metric)} against cost",
        description="; ".join(
            f"{run.label}: {formatting.score(run.scores[metric].value)} at "
            f"{formatting.rounded(costs[run.number])} {axis}"
            for run in runs
        ),
        css="chart cost",
    )
    x = plot.x
    for run, estimate in zip(runs, estimates, strict=True):
        # Runs of equal cost stand side by side.
        alike = [n for n, cost in costs.items() if abs(x(cost) - x(costs[run.number])) < _BESIDE]
        at = x(costs[run.number]) + _BESIDE * (alike.index(run.number) - (len(alike) - 1) / 2)
        plot.estimate(run.number, estimate, at, is_upright=True)
    return plot.markup()
