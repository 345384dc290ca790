"""Every metric: what it is called, its formula, what guessing reaches, and how sure it can be.

To add one, add an entry to :data:`METRICS`; nothing else names it. Training computes it each epoch,
registering stores it with its interval, the report compares runs by it, the views hold its rows.

Where a formula divides zero by zero, the score is 0, the value of "no skill": a constant prediction
has no correlation to speak of, and a class that is neither present nor predicted has no F1 to be
proud of. All is computed in float64.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.statistics.predictions import Floats, Integers, Predictions, finite, labels

Task = Literal["expression", "affect"]
TASKS: Final[Mapping[Task, str]] = {"expression": "Expression", "affect": "Valence and arousal"}
"""The two tasks, as headings."""


@dataclass(frozen=True)
class Metric:
    """One metric; the fields without a default are what every metric needs."""

    name: str
    """Key in tables and files."""
    label: str
    """Column heading, short."""
    task: Task
    formula: Callable[[Predictions], npt.ArrayLike] = field(metadata={"page_only": True})
    """The score: a scalar, or [G] for predictions without each group in turn (the jackknife)."""
    chance: Callable[[Integers, Floats], float] = field(metadata={"page_only": True})
    """What guessing reaches, from the labels [N] and valence and arousal [N, 2]."""
    source: str
    """Where the formula was published."""
    dimension: str | None = None
    """``valence`` or ``arousal``, where it is about one of them."""
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    """Its lowest and highest possible value."""
    interval: Literal["share", "class mean", "score"] = "score"
    """``share`` of images: Wilson's interval. Otherwise from the jackknife, a mean over expressions
    with the evidence that the rarest of them gives."""
    is_flattered: bool = False
    """Whether few images raise it: the interval is then that of the score without its bias."""
    decides: bool = False
    """Whether its task's verdict rests on it; one per task, fixed before anything is measured."""
    supports: bool = False
    """Whether a verdict says if it agrees."""
    is_headline: bool = False
    """Whether it is among the few that overviews and learning curves show."""
    phrase: str = ""
    """Its name within a sentence, where :attr:`title` would not do."""

    @property
    def title(self) -> str:
        """``Macro F1``, ``CCC of valence``."""
        return f"{self.label} of {self.dimension}" if self.dimension else self.label

    @property
    def in_sentence(self) -> str:
        """``macro F1``, ``CCC of valence``."""
        return self.phrase or self.title


# --- expression -------------------------------------------------------------------------------


def accuracy(confusion: npt.NDArray[Any]) -> Floats:
    """Share of samples whose label is right, of confusion matrices [..., 8, 8]: [...]."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def precision_recall_f1(confusion: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each label, each [..., 8]; 0 where nothing is counted."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    return _ratio(hits, predicted), _ratio(hits, actual), _ratio(2 * hits, actual + predicted)


def macro_f1(confusion: npt.NDArray[Any]) -> Floats:
    """Mean F1 over all eight labels, of confusion matrices [..., 8, 8]: [...].

    A label that is absent from truth and prediction counts as 0, as scikit-learn's
    ``f1_score(labels=range(8), average="macro", zero_division=0)`` has it: the divisor stays 8,
    so that results on different samples stay comparable.
    """
    return np.asarray(precision_recall_f1(confusion)[2].mean(axis=-1))


def cohen_kappa(confusion: npt.NDArray[Any]) -> Floats:
    """Agreement beyond chance, at most 1, of confusion matrices [..., 8, 8]: [...].

    0 if truth and prediction are one and the same label. ``(p_o - p_e) / (1 - p_e)`` with ``p_e``
    from the label frequencies of both.
    """
    total = confusion.sum(axis=(-2, -1)).astype(np.float64)
    expected = _ratio((confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1), total**2)
    return _ratio(accuracy(confusion) - expected, 1.0 - expected)


def _guessed_f1(truth: Integers, _: Floats) -> float:
    """Ratio of expected counts, each label guessed with probability 1/8."""
    shares, k = np.bincount(truth, minlength=len(EXPRESSIONS)) / len(truth), len(EXPRESSIONS)
    return float(np.mean(2 * shares / k / (shares + 1 / k)))


def _random_ranking(truth: Integers, _: Floats) -> float:
    """Expected mean average precision of a random ranking of n samples without ties.

    At rank k a positive has ``1 + (k - 1)(r - 1)/(n - 1)`` of the r positives at or above it on
    average; the mean over k of that divided by k gives the closed form with the harmonic number.
    """
    n, positives = len(truth), np.unique(truth, return_counts=True)[1]
    if n == 1:
        return 1.0
    harmonic = np.sum(1.0 / np.arange(1, n + 1))
    return float(np.mean((harmonic + (positives - 1) / (n - 1) * (n - harmonic)) / n))


# --- valence and arousal ------------------------------------------------------------------------


def _rmse(column: int, of: Predictions) -> Floats:
    return np.asarray(np.sqrt(of.mean((of.truth_va[:, column] - of.va[:, column]) ** 2)))


def _pearson(column: int, of: Predictions) -> Floats:
    m = of.moments[column]
    spread = np.sqrt(m.variance_truth) * np.sqrt(m.variance_predicted)
    return np.clip(_ratio(m.covariance, np.where(m.varies, spread, 0.0)), -1.0, 1.0)


def _ccc(column: int, of: Predictions) -> Floats:
    """``2 s_xy / (s_x² + s_y² + (mean_x - mean_y)²)``, moments divided by N."""
    m = of.moments[column]
    divisor = m.variance_truth + m.variance_predicted + m.gap**2
    return _ratio(2 * m.covariance, np.where(m.varies, divisor, 0.0))


def _ccc_mean(of: Predictions) -> Floats:
    return np.asarray(np.mean([_ccc(column, of) for column in range(len(DIMENSIONS))], axis=0))


def _sagr(column: int, of: Predictions) -> Floats:
    """A truth of exactly 0 agrees with a prediction of exactly 0 alone."""
    return of.mean(np.sign(of.truth_va[:, column]) == np.sign(of.va[:, column]))


def _shuffled_rmse(column: int, _: Integers, truth_va: Floats) -> float:
    return float(np.sqrt(2.0) * truth_va[:, column].std())


def _shuffled_signs(column: int, _: Integers, truth_va: Floats) -> float:
    counts = np.unique(np.sign(truth_va[:, column]), return_counts=True)[1]
    return float(np.sum((counts / len(truth_va)) ** 2))


def _no_skill(_: Integers, __: Floats) -> float:
    return 0.0


def _of_dimension(column: int, dimension: str) -> tuple[Metric, ...]:
    return (
        Metric(
            f"rmse_{dimension}",
            "RMSE",
            "affect",
            partial(_rmse, column),
            partial(_shuffled_rmse, column),
            "root of the mean squared error",
            dimension=dimension,
            higher_is_better=False,
            bounds=(0.0, 2.0),
            supports=True,
        ),
        Metric(
            f"pearson_{dimension}",
            "Pearson r",
            "affect",
            partial(_pearson, column),
            _no_skill,
            "linear correlation (Pearson 1895)",
            dimension=dimension,
            bounds=(-1.0, 1.0),
        ),
        Metric(
            f"ccc_{dimension}",
            "CCC",
            "affect",
            partial(_ccc, column),
            _no_skill,
            "concordance correlation coefficient (Lin 1989)",
            dimension=dimension,
            bounds=(-1.0, 1.0),
            is_headline=True,
        ),
        Metric(
            f"sagr_{dimension}",
            "SAGR",
            "affect",
            partial(_sagr, column),
            partial(_shuffled_signs, column),
            "share of images on which the sign agrees (Nicolaou 2011; Mollahosseini 2017)",
            dimension=dimension,
            interval="share",
        ),
    )


METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            "accuracy",
            "Accuracy",
            "expression",
            lambda of: accuracy(of.confusion),
            lambda *_: 1 / len(EXPRESSIONS),
            "share of images whose label is right",
            interval="share",
            decides=True,
            is_headline=True,
            phrase="accuracy",
        ),
        Metric(
            "macro_f1",
            "Macro F1",
            "expression",
            lambda of: macro_f1(of.confusion),
            _guessed_f1,
            "mean over the eight labels of the harmonic mean of precision and recall "
            "(averaged F1 of Opitz and Burst 2019)",
            interval="class mean",
            supports=True,
            is_headline=True,
            phrase="macro F1",
        ),
        Metric(
            "mean_average_precision",
            "mAP",
            "expression",
            lambda of: np.nanmean(of.average_precisions, axis=-1),
            _random_ranking,
            "mean over the present labels of average precision without interpolation "
            "(Zhu 2004; as in scikit-learn)",
            interval="class mean",
            is_flattered=True,
            supports=True,
        ),
        Metric(
            "cohen_kappa",
            "Cohen’s κ",
            "expression",
            lambda of: cohen_kappa(of.confusion),
            _no_skill,
            "agreement beyond what the label frequencies would give by themselves (Cohen 1960)",
            bounds=(-1.0, 1.0),
        ),
        Metric(
            "ccc_mean",
            "Mean CCC",
            "affect",
            _ccc_mean,
            _no_skill,
            "mean of the CCC of valence and of arousal",
            bounds=(-1.0, 1.0),
            decides=True,
            phrase="mean CCC",
        ),
        *_of_dimension(0, DIMENSIONS[0]),
        *_of_dimension(1, DIMENSIONS[1]),
    )
}
"""Every metric by name, in the order in which they are shown."""

DECISIVE: Final[dict[Task, str]] = {m.task: m.name for m in METRICS.values() if m.decides}
"""The one metric of each task on which its verdict rests."""


def headlines() -> dict[str, str]:
    """Name and title of the metrics that overviews and learning curves show."""
    return {name: metric.title for name, metric in METRICS.items() if metric.is_headline}


# --- all of them --------------------------------------------------------------------------------


def scores_of(predictions: Predictions) -> dict[str, float]:
    """Every metric of :data:`METRICS`, by name."""
    return {name: float(np.asarray(m.formula(predictions))) for name, m in METRICS.items()}


def score(
    truth: npt.ArrayLike,
    truth_va: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    va: npt.ArrayLike,
) -> dict[str, float]:
    """:func:`scores_of` these arrays: labels [N], [N, 2], [N, 8], [N, 2].

    Raises:
        ValueError: Shapes differ, nothing is there, or a number is NaN or infinite.
    """
    return scores_of(
        Predictions(*(np.asarray(array) for array in (truth, truth_va, probabilities, va)))
    )


def chance_line(truth: npt.ArrayLike, truth_va: npt.ArrayLike) -> dict[str, float]:
    """What guessing reaches on these images: every metric, in closed form, without a draw.

    Expression: each label with probability 1/8. Accuracy, kappa and average precision (of a
    random ranking without ties) are expectations; F1 is the ratio of expected counts. Valence
    and arousal: the true values handed out in random order; RMSE is the root of the expected
    squared error, the others are expectations (of CCC and Pearson's r: 0).

    Raises:
        ValueError: As :func:`score`.
    """
    known = labels(truth)
    affect = finite("valence and arousal", truth_va, (len(known), len(DIMENSIONS)))
    return {name: metric.chance(known, affect) for name, metric in METRICS.items()}


def constant_predictor(
    train_truth: npt.ArrayLike,
    train_va: npt.ArrayLike,
    truth: npt.ArrayLike,
    truth_va: npt.ArrayLike,
) -> dict[str, float]:
    """Every metric of the majority and mean baseline: what a network must beat.

    It predicts the most frequent training label (of equals, the first) with certainty and the mean
    training valence and arousal.

    Raises:
        ValueError: As :func:`score`, of either part.
    """
    majority = np.bincount(labels(train_truth), minlength=len(EXPRESSIONS)).argmax()
    train = np.asarray(train_va, dtype=np.float64)
    mean = finite("valence and arousal", train, (len(train), len(DIMENSIONS))).mean(axis=0)
    count = len(labels(truth))
    probabilities = np.tile(np.eye(len(EXPRESSIONS))[majority], (count, 1))
    return score(truth, truth_va, probabilities, np.tile(mean, (count, 1)))


def selection_score(scores: Mapping[str, float]) -> float:
    """One number for both tasks: mean of macro F1 and of the mean CCC of valence and arousal.

    Picks the epoch of a run that keeps its best and the better of several models; higher is better.
    """
    affect = sum(scores[f"ccc_{dimension}"] for dimension in DIMENSIONS) / len(DIMENSIONS)
    return (scores["macro_f1"] + affect) / 2


def _ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    result = np.zeros(top.shape)
    np.divide(top, bottom, out=result, where=bottom != 0)
    return result
