"""How sure a figure is: intervals, paired tests, correction for many comparisons.

Everything rests on contents: byte-identical files are one piece of evidence. Intervals and tests
follow from how every score moves when a content is left out
(:mod:`emotion_core.statistics.resampling`); a difference between two runs moves with both, paired
image by image. Nothing is drawn, so no verdict hangs on a seed.

What varies are images: the figures tell how far they would move with other images of the same
kind, not how far with another seed of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
import pandas as pd
from scipy import special

from emotion_core.statistics import metrics
from emotion_core.statistics.intervals import wilson
from emotion_core.statistics.predictions import Evaluation
from emotion_core.statistics.resampling import MEAN_CCC, resampled_scores

BOUNDS: Final = {name: metric.bounds for name, metric in metrics.METRICS.items()} | {
    MEAN_CCC: metrics.METRICS["ccc_valence"].bounds
}
"""Lowest and highest possible value of every score."""

MCNEMAR: Final = "McNemar exact"
JACKKNIFE: Final = "paired jackknife"

_SHARES: Final = ("accuracy", "sagr_valence", "sagr_arousal")
_NOTHING: Final = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference:
    """By how much a first run differs from a second in one metric."""

    metric: str
    value: float
    """First minus second, in the metric's own unit."""
    low: float
    high: float
    """The 95 % interval of ``value``."""
    p: float
    """Two-sided: how often at least such a difference would come up if the runs were equal."""
    test: str
    """:data:`MCNEMAR` or :data:`JACKKNIFE`."""


@dataclass(frozen=True)
class Agreement:
    """On how many contents two runs gave the true label, together and alone."""

    both: int
    """Neither had more samples right, and both had some."""
    only_first: int
    """More of the content's samples are right under the first run than under the second."""
    only_second: int
    neither: int
    """No sample was right under either."""

    @property
    def p(self) -> float:
        """McNemar's exact test of equal accuracy, two-sided: one toss per content.

        Under the hypothesis each content that speaks for one of them is a fair coin. Byte-identical
        files get the same answer, so they are one toss. Source: Q. McNemar 1947; the exact binomial
        form as in A. Agresti, "Categorical data analysis", section 11.1.
        """
        tosses = self.only_first + self.only_second
        fewer = min(self.only_first, self.only_second)
        return min(1.0, 2.0 * float(special.bdtr(fewer, tosses, 0.5))) if tosses else 1.0


def agreement(first: Evaluation, second: Evaluation) -> Agreement:
    """Count the contents by which of the two runs had more of its samples right.

    Both runs saw the same samples.
    """
    a, b = (np.bincount(run.images, weights=run.right) for run in (first, second))
    return Agreement(
        both=int(np.sum((a == b) & (a > 0))),
        only_first=int(np.sum(a > b)),
        only_second=int(np.sum(a < b)),
        neither=int(np.sum((a == b) & (a == 0))),
    )


def interval(
    values: metrics.Floats, measured: float, within: tuple[float, float], evidence: float
) -> tuple[float, float]:
    """The 95 % interval of a score, within its bounds; it knows doubt at the bounds, too.

    Wilson's interval of a share, read on the scale from the lowest to the highest possible score:
    the number of trials is the one at which a share would have the score's own standard error (the
    effective number of E. Korn and B. Graubard 1998). Where no image moves the score (everything
    is right), its standard error is 0 and says nothing: there ``evidence`` is the number of trials.
    The interval is that of the score without flattery, and is widened to hold what was measured.

    Args:
        values: The score as each content moves it, from :func:`resampled_scores`.
        measured: The score itself.
        within: Lowest and highest possible score.
        evidence: Distinct images behind the score, above 0.
    """
    lowest, width = within[0], within[1] - within[0]
    share = float(np.clip((values.mean() - lowest) / width, 0.0, 1.0))
    error = float(values.std()) / width
    trials = share * (1 - share) / error**2 if error > _NOTHING else 0.0
    trials = trials or evidence
    low, high = (lowest + width * end for end in wilson(share * trials, trials))
    return min(low, measured), max(high, measured)


def estimates(evaluation: Evaluation, moved: dict[str, metrics.Floats]) -> dict[str, Estimate]:
    """Every metric and the mean CCC with its 95 % interval.

    Shares of images (accuracy, sign agreement) have Wilson's interval over the distinct images,
    every other score :func:`interval`.

    Args:
        evaluation: One run's predictions.
        moved: What :func:`resampled_scores` makes of them.
    """
    measured = evaluation.scores()
    measured[MEAN_CCC] = (measured["ccc_valence"] + measured["ccc_arousal"]) / 2
    images = evaluation.evidence()
    by_label = [evaluation.evidence(evaluation.truth == n) for n in np.unique(evaluation.truth)]
    # A mean over expressions knows as little as the rarest of them lets it.
    balanced = len(by_label) ** 2 / sum(1 / count for count in by_label)
    found = {}
    for name, value in measured.items():
        if name in _SHARES:
            found[name] = Estimate(value, *wilson(value * images, images))
        else:
            is_mean = name in ("macro_f1", "mean_average_precision")
            evidence = balanced if is_mean else images
            found[name] = Estimate(value, *interval(moved[name], value, BOUNDS[name], evidence))
    return found


def score_intervals(predictions: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """The 95 % interval of every metric of a table of validation predictions.

    Raises:
        ReportError: The table cannot be used, as :meth:`Evaluation.from_frame`.
    """
    evaluation = Evaluation.from_frame(predictions)
    found = estimates(evaluation, resampled_scores(evaluation))
    return {
        name: (one.low, one.high)
        for name, one in found.items()
        if name in metrics.METRICS and one.low is not None and one.high is not None
    }


def difference(
    metric: str,
    value: float,
    first: metrics.Floats,
    second: metrics.Floats,
    counts: Agreement | None = None,
    apart: tuple[Estimate, Estimate] | None = None,
) -> Difference:
    """First minus second, tested by the jackknife or, given ``counts``, by McNemar.

    The jackknife's t is the difference over its standard error, with one degree of freedom less
    than there are contents (J. Tukey 1958). No test of n contents that may each speak for either
    run tells more than n equal tosses of a coin: p is never below 2/2ⁿ.

    Args:
        metric: Its name.
        value: The difference on the validation samples themselves.
        first: The first run's scores as each content moves them, from :func:`resampled_scores`.
        second: The second run's, with the same contents.
        counts: For accuracy, who was right on how many contents.
        apart: Both scores with their own intervals, from which that of the difference is put
            together (G. Zou and A. Donner 2008); without them it is that of the t test.
    """
    gaps = first - second
    further, error = len(gaps) - 1, float(gaps.std())
    if counts is not None:
        p, test = counts.p, MCNEMAR
    else:
        p, test = _t_test(value, error, further), JACKKNIFE
    if apart is not None:
        low, high = _put_together(value, apart, _correlation(first, second))
    else:
        reach = float(special.stdtrit(further, 0.975)) * error if further else 0.0
        low, high = value - reach, value + reach
    return Difference(metric, value, low, high, p, test)


def _t_test(value: float, error: float, further: int) -> float:
    if abs(value) < _NOTHING or not further:
        return 1.0
    tail = float(special.stdtr(further, -abs(value) / error)) if error > _NOTHING else 0.0
    return min(1.0, max(2.0 * tail, 2.0**-further))


def _put_together(
    value: float, apart: tuple[Estimate, Estimate], correlation: float
) -> tuple[float, float]:
    """The interval of a difference from those of its sides, which vary together.

    For two shares it is method 10 of R. Newcombe, "Improved confidence intervals for the difference
    between binomial proportions based on paired data", Statistics in Medicine 17, 1998.
    """

    def reach(one: float, other: float) -> float:
        return sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    (down, up), (down_2, up_2) = (
        (side.value - side.low, side.high - side.value)
        for side in apart
        if side.low is not None and side.high is not None
    )
    return value - reach(down, up_2), value + reach(up, down_2)


def _correlation(first: metrics.Floats, second: metrics.Floats) -> float:
    spreads = float(first.std() * second.std())
    if spreads <= _NOTHING:
        return 0.0
    shared = float(np.mean((first - first.mean()) * (second - second.mean())))
    return min(1.0, max(-1.0, shared / spreads))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for their number by S. Holm's step-down procedure, 1979.

    Held against 0.05 they keep the chance of even one false alarm among them below 5 %.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """p values corrected by the step-up procedure of Y. Benjamini and Y. Hochberg, 1995.

    Held against 0.05 they keep the expected share of false alarms among all alarms below 5 %.
    """
    count = len(p_values)
    adjusted = [0.0] * count
    lowest = 1.0
    for rank, index in reversed(
        list(enumerate(sorted(range(count), key=p_values.__getitem__), start=1))
    ):
        lowest = min(lowest, p_values[index] * count / rank)
        adjusted[index] = lowest
    return adjusted
