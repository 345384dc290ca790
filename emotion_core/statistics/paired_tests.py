"""How sure a figure is: intervals, paired tests, correction for many comparisons.

Everything rests on contents: byte-identical files are one piece of evidence. Intervals and tests
follow from how every score moves when a content is left out
(:mod:`emotion_core.statistics.jackknife`); a difference between two runs moves with both, paired
image by image.

What varies are images: the figures tell how far they would move with other images of the same
kind, not how far with another training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from scipy import stats

from emotion_core.statistics.intervals import wilson
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.metrics import METRICS
from emotion_core.statistics.predictions import Evaluation, Floats

MCNEMAR: Final = "McNemar exact"
JACKKNIFE: Final = "paired jackknife"

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
    """:data:`MCNEMAR`, :data:`JACKKNIFE` or, of trainings, "corrected resampled t"."""


@dataclass(frozen=True)
class McNemarTable:
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
        files get the same prediction, so they are one toss. Source: Q. McNemar 1947; the exact
        binomial form as in A. Agresti, "Categorical data analysis", section 11.1.
        """
        tosses = self.only_first + self.only_second
        return float(stats.binomtest(self.only_first, tosses).pvalue) if tosses else 1.0


def mcnemar_table(first: Evaluation, second: Evaluation) -> McNemarTable:
    """Count the contents by which of the two runs had more of its samples right.

    Both runs saw the same samples.
    """
    a, b = (np.bincount(run.images, weights=run.right) for run in (first, second))
    return McNemarTable(
        both=int(np.sum((a == b) & (a > 0))),
        only_first=int(np.sum(a > b)),
        only_second=int(np.sum(a < b)),
        neither=int(np.sum((a == b) & (a == 0))),
    )


def interval(
    moved: Floats, measured: float, bounds: tuple[float, float], evidence: float
) -> tuple[float, float]:
    """The 95 % interval of a score, within its bounds; it knows doubt at the bounds, too.

    Wilson's interval of a share, read on the scale from the lowest to the highest possible score:
    the number of trials is the one at which a share would have the score's own standard error (the
    effective number of E. Korn and B. Graubard 1998). Where no image moves the score (everything
    is right), its standard error is 0 and says nothing: there ``evidence`` is the number of trials.
    The interval is that of the score without flattery, and is widened to hold what was measured.

    Args:
        moved: The score as each content moves it, from :class:`Jackknife`.
        measured: The score itself.
        bounds: Lowest and highest possible score.
        evidence: Distinct images behind the score, above 0.
    """
    lowest, width = bounds[0], bounds[1] - bounds[0]
    share = float(np.clip((moved.mean() - lowest) / width, 0.0, 1.0))
    error = float(moved.std()) / width
    trials = share * (1 - share) / error**2 if error > _NOTHING else 0.0
    trials = trials or evidence
    low, high = (lowest + width * end for end in wilson(share * trials, trials))
    return min(low, measured), max(high, measured)


def estimates(resampled: Jackknife) -> dict[str, Estimate]:
    """Every metric with its 95 % interval, as its entry in :data:`METRICS` asks for it."""
    evaluation = resampled.evaluation
    images = evaluation.effective_images()
    of_labels = [
        evaluation.effective_images(evaluation.truth == label)
        for label in np.unique(evaluation.truth)
    ]
    # A mean over expressions knows as little as the rarest of them lets it.
    balanced = len(of_labels) ** 2 / sum(1 / count for count in of_labels)
    found = {}
    for name, value in resampled.scores.items():
        metric = METRICS[name]
        if metric.interval == "share":
            found[name] = Estimate(value, *wilson(value * images, images))
        else:
            evidence = balanced if metric.interval == "class mean" else images
            found[name] = Estimate(
                value, *interval(resampled.moved[name], value, metric.bounds, evidence)
            )
    return found


def difference(
    metric: str,
    first: Jackknife,
    second: Jackknife,
    sides: tuple[Estimate, Estimate] | None = None,
) -> Difference:
    """First minus second in one metric: accuracy tested by McNemar, all else by the jackknife.

    The jackknife's t is the difference over its standard error, with one degree of freedom less
    than there are contents (J. Tukey 1958). No test of n contents that may each speak for either
    run tells more than n equal tosses of a coin: p is never below 2/2ⁿ.

    Args:
        metric: Its name.
        first: One run.
        second: Another one on the same samples.
        sides: Both scores with their own intervals, from which that of the difference is put
            together (G. Zou and A. Donner 2008); without them it is that of the t test.
    """
    test = MCNEMAR if metric == "accuracy" else JACKKNIFE
    if first.evaluation.predicts_the_same(second.evaluation):
        # The same predictions are the same on other images too: here nothing is in doubt.
        return Difference(metric, 0.0, 0.0, 0.0, 1.0, test)
    value = first.scores[metric] - second.scores[metric]
    moved = first.moved[metric], second.moved[metric]
    if test == MCNEMAR:
        p = mcnemar_table(first.evaluation, second.evaluation).p
    else:
        p = paired_p(value, *moved)
    if sides is not None:
        low, high = interval_from_sides(value, *sides, correlation(*moved))
    else:
        further = len(moved[0]) - 1
        error = float((moved[0] - moved[1]).std())
        reach = float(stats.t.ppf(0.975, further)) * error if further else 0.0
        low, high = value - reach, value + reach
    return Difference(metric, value, low, high, p, test)


def paired_p(value: float, first: Floats, second: Floats) -> float:
    """The two-sided p of a difference from how each content moves both scores [G]."""
    further, error = len(first) - 1, float((first - second).std())
    if abs(value) < _NOTHING or not further:
        return 1.0
    tail = float(stats.t.sf(abs(value) / error, further)) if error > _NOTHING else 0.0
    return min(1.0, max(2.0 * tail, 2.0**-further))


def interval_from_sides(
    value: float, first: Estimate, second: Estimate, correlation: float
) -> tuple[float, float]:
    """The interval of a difference from those of its sides, which vary together.

    For two shares it is method 10 of R. Newcombe, "Improved confidence intervals for the difference
    between binomial proportions based on paired data", Statistics in Medicine 17, 1998.
    """

    def reach(one: float, other: float) -> float:
        return sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    (down, up), (down_2, up_2) = (
        (side.value - side.low, side.high - side.value)
        for side in (first, second)
        if side.low is not None and side.high is not None
    )
    return value - reach(down, up_2), value + reach(up, down_2)


def correlation(first: Floats, second: Floats) -> float:
    """Pearson's r of two scores as each content moves them; 0 where one does not move."""
    if min(first.std(), second.std()) <= _NOTHING:
        return 0.0
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1.0, 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for their number by S. Holm's step-down procedure, 1979.

    Compared with 0.05 they keep the chance of even one false alarm among them below 5 %. SciPy has
    no such function.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return [float(value) for value in np.minimum(adjusted, 1.0)]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """p values corrected by the step-up procedure of Y. Benjamini and Y. Hochberg, 1995.

    Compared with 0.05 they keep the expected share of false alarms among all alarms below 5 %.
    """
    if not p_values:
        return []
    return [float(value) for value in stats.false_discovery_control(p_values)]
