"""How sure a figure is: bootstrap intervals, paired tests, correction for many comparisons.

One resampling serves everything (:mod:`emotion_core.reporting.resampling`): a difference between
two runs is the difference of their columns, paired image by image. (B. Efron and R. Tibshirani,
"An introduction to the bootstrap", 1993, chapters 8 and 13.)

What is resampled are images: the figures tell how far they would move with other images of the
same kind, not how far with another seed of training.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from emotion_core import metrics
from emotion_core.reporting.evaluation import Evaluation
from emotion_core.reporting.resampling import RESAMPLES, resampled_scores

CONFIDENCE: Final = 0.95
"""Coverage of the intervals."""
SIGNIFICANCE: Final = 0.05
"""Below this (corrected) p a difference counts as more than chance."""


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
    """``McNemar exact`` or ``paired bootstrap``."""


@dataclass(frozen=True)
class Agreement:
    """On how many samples two runs gave the true label, together and alone."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def p(self) -> float:
        """McNemar's exact test of equal accuracy, two-sided.

        Under the hypothesis each sample that only one of them got right is a fair coin.
        Source: Q. McNemar 1947; the exact binomial form as in A. Agresti, "Categorical data
        analysis", section 11.1.
        """
        tosses = self.only_first + self.only_second
        fewer = min(self.only_first, self.only_second)
        if tosses == 0:
            return 1.0
        log_all = math.lgamma(tosses + 1) - tosses * math.log(2)
        tail = math.fsum(
            math.exp(log_all - math.lgamma(n + 1) - math.lgamma(tosses - n + 1))
            for n in range(fewer + 1)
        )
        return min(1.0, 2.0 * tail)


def agreement(first: Evaluation, second: Evaluation) -> Agreement:
    """Count the samples by which of the two runs got them right; both saw the same samples."""
    a, b = first.right, second.right
    return Agreement(
        both=int(np.sum(a & b)),
        only_first=int(np.sum(a & ~b)),
        only_second=int(np.sum(~a & b)),
        neither=int(np.sum(~a & ~b)),
    )


def interval(
    values: npt.ArrayLike, measured: float, within: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrapped values [resamples], about what was measured.

    The resamples are first shifted so that their mean is ``measured``. A resample holds some
    images twice, which lifts average precision by itself (twins stand at one threshold); unshifted
    intervals of weak networks would lie above their own value. The other metrics hardly move.

    Args:
        values: The score on each resample.
        measured: The score itself.
        within: Lowest and highest possible score; the shift never leads past them.
    """
    centred = np.clip(_centred(values, measured), *within)
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(centred, [tail, 1.0 - tail])
    return float(low), float(high)


def score_intervals(
    predictions: pd.DataFrame, seed: int, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """The 95 % interval of every metric of a table of validation predictions.

    Raises:
        ReportError: The table cannot be used, as :meth:`Evaluation.from_frame`.
    """
    evaluation = Evaluation.from_frame(predictions)
    measured = evaluation.scores()
    scores = resampled_scores(evaluation, seed, resamples)
    return {
        name: interval(scores[name], measured[name], metric.bounds)
        for name, metric in metrics.METRICS.items()
    }


def difference(
    metric: str,
    value: float,
    first: metrics.Floats,
    second: metrics.Floats,
    counts: Agreement | None = None,
) -> Difference:
    """First minus second, tested by the paired bootstrap or, given ``counts``, by McNemar.

    The bootstrap's p is twice the smaller share of resamples (shifted as for :func:`interval`) on
    either side of zero, each count raised by one so that it is never 0.

    Args:
        metric: Its name.
        value: The difference on the validation samples themselves.
        first: The first run's scores on the resamples.
        second: The second run's, on the same resamples.
        counts: For accuracy, who was right on how many samples.
    """
    gaps = _centred(first - second, value)
    low, high = interval(gaps, value)
    if counts is not None:
        return Difference(metric, value, low, high, counts.p, "McNemar exact")
    below, above = int(np.sum(gaps <= 0)), int(np.sum(gaps >= 0))
    p = min(1.0, 2 * (min(below, above) + 1) / (len(gaps) + 1))
    return Difference(metric, value, low, high, p, "paired bootstrap")


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


def _centred(values: npt.ArrayLike, measured: float) -> metrics.Floats:
    resampled = np.asarray(values, dtype=np.float64)
    return np.asarray(resampled - resampled.mean() + measured)
