"""How each expression fared: precision, recall, average precision, and what it is taken for."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from emotion_core.emotions import EXPRESSIONS
from emotion_core.statistics.intervals import wilson
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.metrics import precision_recall_f1
from emotion_core.statistics.paired_tests import Estimate, interval
from emotion_core.statistics.predictions import Evaluation, Floats, last_of_ties

_COUNT_MISTAKES: Final = 3
_CURVE_POINTS: Final = 60


@dataclass(frozen=True)
class ClassScore:
    """How one expression fared."""

    expression: str
    count: int
    """Images that truly show it."""
    precision: Estimate
    recall: Estimate
    f1: Estimate
    average_precision: Estimate | None
    """None where no image shows it."""
    curve: tuple[tuple[float, float], ...]
    """(recall, precision) by falling threshold, thinned to what a picture can show."""
    prevalence: float
    """Share of all images: the precision of guessing, at every recall."""


@dataclass(frozen=True)
class Mistake:
    """Images of one expression taken for another."""

    truth: str
    predicted: str
    count: int
    of: int
    """Images that truly show ``truth``."""


@dataclass(frozen=True)
class ConfusedPair:
    """Two expressions taken for each other, whichever way round."""

    one: str
    other: str
    count: int
    of: int
    """Images that truly show either."""


@dataclass(frozen=True)
class ConfusionDifference:
    """Where two runs distribute the images of an expression differently."""

    cells: tuple[tuple[float, ...], ...]
    """First run's share of the row minus the second's, -1 to 1; rows are the truth."""
    largest: tuple[tuple[str, str, float], ...]
    """(truth, predicted, difference) of the largest ones off the diagonal, largest first."""


def class_scores(resampled: Jackknife) -> tuple[ClassScore, ...]:
    """One per expression, in the order of ``EXPRESSIONS``."""
    rates = np.stack(precision_recall_f1(resampled.evaluation.confusion), axis=1)
    return tuple(_class_score(resampled, label, *row) for label, row in enumerate(rates.tolist()))


def mistakes(evaluation: Evaluation) -> tuple[Mistake, ...]:
    """The most frequent ones, most frequent first."""
    off_diagonal = evaluation.confusion.copy()
    np.fill_diagonal(off_diagonal, 0)
    order = np.argsort(-off_diagonal, axis=None, kind="stable")[:_COUNT_MISTAKES]
    return tuple(
        Mistake(
            truth=EXPRESSIONS[row],
            predicted=EXPRESSIONS[column],
            count=int(off_diagonal[row, column]),
            of=int(evaluation.confusion[row].sum()),
        )
        for row, column in zip(*np.unravel_index(order, off_diagonal.shape), strict=True)
        if off_diagonal[row, column] > 0
    )


def confused_pairs(evaluation: Evaluation) -> tuple[ConfusedPair, ...]:
    """The expressions most often taken for each other, most often first."""
    both = np.triu(evaluation.confusion + evaluation.confusion.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:_COUNT_MISTAKES]
    truly = evaluation.confusion.sum(axis=1)
    return tuple(
        ConfusedPair(
            EXPRESSIONS[row],
            EXPRESSIONS[column],
            int(both[row, column]),
            int(truly[row] + truly[column]),
        )
        for row, column in zip(*np.unravel_index(order, both.shape), strict=True)
        if both[row, column] > 0
    )


def confusion_difference(first: Evaluation, second: Evaluation) -> ConfusionDifference:
    """First minus second, in shares of each true expression."""
    gap = _shares(first) - _shares(second)
    apart = np.abs(gap)
    np.fill_diagonal(apart, 0)
    order = np.argsort(-apart, axis=None, kind="stable")[:_COUNT_MISTAKES]
    return ConfusionDifference(
        cells=tuple(tuple(row) for row in gap.tolist()),
        largest=tuple(
            (EXPRESSIONS[row], EXPRESSIONS[column], float(gap[row, column]))
            for row, column in zip(*np.unravel_index(order, apart.shape), strict=True)
            if apart[row, column] > 0
        ),
    )


def _shares(evaluation: Evaluation) -> Floats:
    totals = evaluation.confusion.sum(axis=1, keepdims=True)
    return np.asarray(evaluation.confusion / np.maximum(totals, 1))


def _class_score(
    resampled: Jackknife, label: int, precision: float, recall: float, f1: float
) -> ClassScore:
    evaluation = resampled.evaluation
    truly, called = evaluation.truth == label, evaluation.predicted == label
    # F1 is 2 J / (1 + J) of J, the share of hits among images that show it or are called it. It
    # rises with J, so that the ends of J's interval give its own.
    j = f1 / (2 - f1)
    union = _share(j, evaluation.effective_images(truly | called))
    return ClassScore(
        expression=EXPRESSIONS[label],
        count=int(truly.sum()),
        precision=_share(precision, evaluation.effective_images(called)),
        recall=_share(recall, evaluation.effective_images(truly)),
        f1=Estimate(
            f1,
            *(None if end is None else 2 * end / (1 + end) for end in (union.low, union.high)),
        ),
        average_precision=_average_precision(resampled, label),
        curve=_curve(evaluation, label),
        prevalence=int(truly.sum()) / len(evaluation),
    )


def _share(value: float, images: float) -> Estimate:
    """With Wilson's interval over so many distinct images; without any, there is none."""
    return Estimate(value, *(wilson(value * images, images) if images else ()))


def _average_precision(resampled: Jackknife, label: int) -> Estimate | None:
    evaluation = resampled.evaluation
    value = float(evaluation.average_precisions[label])
    if math.isnan(value):
        return None
    images = evaluation.effective_images(evaluation.truth == label)
    moved = resampled.average_precisions[:, label]
    return Estimate(value, *interval(moved, value, (0.0, 1.0), images))


def _curve(evaluation: Evaluation, label: int) -> tuple[tuple[float, float], ...]:
    scores, order = evaluation.probabilities[:, label], evaluation.falling[label]
    ends = last_of_ties(scores[order])
    hits = np.cumsum(evaluation.truth[order] == label)[ends]
    if not hits[-1]:
        return ()
    recall, precision = hits / hits[-1], hits / (ends + 1)
    wanted = np.searchsorted(recall, np.linspace(0, 1, _CURVE_POINTS + 1)[1:] - 1e-9)
    kept = np.unique(np.append(0, wanted))
    return tuple(zip(recall[kept].tolist(), precision[kept].tolist(), strict=True))
