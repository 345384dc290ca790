"""How sure a figure is: bootstrap intervals, paired tests, correction for many comparisons.

One resampling serves everything. A resample draws the distinct validation images with
replacement; all metrics of all runs are then computed on the same resamples, so a difference
between two runs is the difference of their columns, paired image by image. (B. Efron and
R. Tibshirani, "An introduction to the bootstrap", 1993, chapters 8 and 13.)

What is resampled are images: the figures tell how far they would move with other images of the
same kind, not how far with another seed of training.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from emotion_core import metrics
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.reporting.evaluation import Evaluation

RESAMPLES: Final = 5000
"""Bootstrap resamples behind every interval."""
CONFIDENCE: Final = 0.95
"""Coverage of the intervals."""
SIGNIFICANCE: Final = 0.05
"""Below this (corrected) p a difference counts as more than chance."""
MEAN_CCC: Final = "ccc_mean"
"""Mean of the CCC of valence and of arousal: not a metric of its own, but what decides."""

_BLOCK_CELLS: Final = 1_000_000
_TINY_VARIANCE: Final = 1e-12


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


def resampled_scores(
    evaluation: Evaluation, seed: int, resamples: int = RESAMPLES
) -> dict[str, metrics.Floats]:
    """Every metric, and :data:`MEAN_CCC`, on each resample: name to float [resamples].

    The same seed and the same validation samples give the same resamples, whatever was
    predicted: column ``n`` of two runs belongs together.
    """
    blocks: list[dict[str, metrics.Floats]] = []
    for weights in _resampled_weights(evaluation.images, seed, resamples):
        blocks.append(_expression_scores(evaluation, weights) | _affect_scores(evaluation, weights))
    scores = {name: np.concatenate([block[name] for block in blocks]) for name in metrics.METRICS}
    scores[MEAN_CCC] = np.mean([scores[f"ccc_{name}"] for name in DIMENSIONS], axis=0)
    return scores


def interval(values: npt.ArrayLike, measured: float) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrapped values [resamples], about what was measured.

    The resamples are first shifted so that their mean is ``measured``. A resample holds some
    images twice, which lifts average precision by itself (twins stand at one threshold); unshifted
    intervals of weak networks would lie above their own value. The other metrics hardly move.
    """
    centred = _centred(values, measured)
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
    return {name: interval(scores[name], measured[name]) for name in metrics.METRICS}


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


def _centred(values: npt.ArrayLike, measured: float) -> metrics.Floats:
    resampled = np.asarray(values, dtype=np.float64)
    return np.asarray(resampled - resampled.mean() + measured)


# --- metrics of weighted samples ------------------------------------------------------------------


def _resampled_weights(
    images: npt.NDArray[np.intp], seed: int, resamples: int
) -> Iterator[metrics.Floats]:
    """How often each sample is in each resample: float [block, N], in blocks that fit a cache."""
    count = int(images.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // len(images))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, count, size=(rows, count))
        drawn += np.arange(rows)[:, None] * count
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield times[:, images].astype(np.float64)


def _expression_scores(
    evaluation: Evaluation, weights: metrics.Floats
) -> dict[str, metrics.Floats]:
    k = len(EXPRESSIONS)
    cells = np.zeros((len(evaluation), k * k))
    cells[np.arange(len(evaluation)), evaluation.truth * k + evaluation.predicted] = 1.0
    confusion = (weights @ cells).reshape(-1, k, k)
    return {
        "accuracy": metrics.accuracy_of(confusion),
        "macro_f1": metrics.macro_f1_of(confusion),
        "mean_average_precision": _mean_average_precision(evaluation, weights),
        "cohen_kappa": metrics.cohen_kappa_of(confusion),
    }


def _mean_average_precision(evaluation: Evaluation, weights: metrics.Floats) -> metrics.Floats:
    """:func:`metrics.mean_average_precision` of each row of weights: cumulative sums, no sort."""
    total = np.zeros(len(weights))
    present = np.zeros(len(weights))
    for label in np.unique(evaluation.truth):
        scores = evaluation.probabilities[:, label]
        order = np.argsort(-scores, kind="stable")
        thresholds = metrics.last_of_ties(scores[order])
        weighed = weights[:, order]
        everything = np.cumsum(weighed, axis=1)[:, thresholds]
        hits = np.cumsum(weighed * (evaluation.truth[order] == label), axis=1)[:, thresholds]
        gained = np.diff(hits, axis=1, prepend=0.0)
        precision = np.divide(hits, everything, out=np.zeros_like(hits), where=everything > 0)
        positives = hits[:, -1]
        here = positives > 0
        total[here] += (gained * precision).sum(axis=1)[here] / positives[here]
        present += here
    return np.asarray(total / present)


def _affect_scores(evaluation: Evaluation, weights: metrics.Floats) -> dict[str, metrics.Floats]:
    scores: dict[str, metrics.Floats] = {}
    count = weights.sum(axis=1)
    for column, dimension in enumerate(DIMENSIONS):
        truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
        # Moments about a middle value: sums of squares of numbers near 1 would lose digits.
        x, y = truth - truth.mean(), predicted - predicted.mean()
        shift = truth.mean() - predicted.mean()
        features = np.stack([x, y, x * x, y * y, x * y, (truth - predicted) ** 2], axis=1)
        mean_x, mean_y, xx, yy, xy, squared_error = (weights @ features / count[:, None]).T
        same_sign = weights @ (np.sign(truth) == np.sign(predicted)) / count
        moments = {
            "x": xx - mean_x**2,
            "y": yy - mean_y**2,
            "xy": xy - mean_x * mean_y,
        }
        scores[f"rmse_{dimension}"] = np.sqrt(squared_error)
        scores |= _correlations(dimension, moments, mean_x - mean_y + shift)
        scores[f"sagr_{dimension}"] = same_sign
    return scores


def _correlations(
    dimension: str, moments: Mapping[str, metrics.Floats], gap: metrics.Floats
) -> dict[str, metrics.Floats]:
    x, y, xy = moments["x"], moments["y"], moments["xy"]
    varies = (x > _TINY_VARIANCE) & (y > _TINY_VARIANCE)
    zero = np.zeros_like(xy)
    pearson = np.divide(xy, np.sqrt(np.where(varies, x * y, 1.0)), out=zero.copy(), where=varies)
    ccc = np.divide(2 * xy, x + y + gap**2, out=zero.copy(), where=varies)
    return {f"pearson_{dimension}": np.clip(pearson, -1.0, 1.0), f"ccc_{dimension}": ccc}
