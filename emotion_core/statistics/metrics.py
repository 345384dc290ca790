"""Every score and its formula, numpy alone; shared by training, reporting and drift.

Arrays throughout: ``truth`` and ``predicted`` int [N], labels in the order of
:data:`emotion_core.emotions.EXPRESSIONS`; ``probabilities`` float [N, 8]; ``va`` float [N, 2],
valence and arousal in [-1, 1]. Everything is computed in float64. Empty arrays, arrays of
different lengths, labels outside 0 … 7 and NaN or infinite numbers are refused with
:class:`ValueError`: a score of them would be a number about nothing.

Where a formula divides zero by zero, the score is 0, the value of "no skill": a constant
prediction has no correlation to speak of, and a class that is neither present nor predicted
has no F1 to be proud of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Task = Literal["expression", "affect"]


@dataclass(frozen=True)
class Metric:
    """A score: what it is called, which way is better and where its formula comes from."""

    name: str
    """Key in tables and files."""
    label: str
    """Column heading, short."""
    higher_is_better: bool
    task: Task
    source: str
    """Where the formula was published."""
    dimension: str | None = None
    """``valence`` or ``arousal`` for the task ``affect``."""
    bounds: tuple[float, float] = (0.0, 1.0)
    """Its lowest and highest possible value."""


_EXPRESSION_METRICS: Final = (
    Metric("accuracy", "Accuracy", True, "expression", "share of images whose label is right"),
    Metric(
        "macro_f1",
        "Macro F1",
        True,
        "expression",
        "mean over the eight labels of the harmonic mean of precision and recall "
        "(averaged F1 of Opitz and Burst 2019)",
    ),
    Metric(
        "mean_average_precision",
        "mAP",
        True,
        "expression",
        "mean over the present labels of average precision without interpolation "
        "(Zhu 2004; as in scikit-learn)",
    ),
    Metric(
        "cohen_kappa",
        "Cohen’s κ",
        True,
        "expression",
        "agreement beyond what the label frequencies would give by themselves (Cohen 1960)",
        bounds=(-1.0, 1.0),
    ),
)
_AFFECT_METRICS: Final = (
    ("rmse", "RMSE", False, "root of the mean squared error", (0.0, 2.0)),
    ("pearson", "Pearson r", True, "linear correlation (Pearson 1895)", (-1.0, 1.0)),
    ("ccc", "CCC", True, "concordance correlation coefficient (Lin 1989)", (-1.0, 1.0)),
    (
        "sagr",
        "SAGR",
        True,
        "share of images on which the sign agrees (Nicolaou 2011; Mollahosseini 2017)",
        (0.0, 1.0),
    ),
)

METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.name: metric for metric in _EXPRESSION_METRICS}
    | {
        f"{name}_{dimension}": Metric(
            f"{name}_{dimension}", label, higher, "affect", source, dimension, bounds
        )
        for name, label, higher, source, bounds in _AFFECT_METRICS
        for dimension in DIMENSIONS
    }
)
"""Every metric by name, in the order in which they are shown."""


# --- expression -------------------------------------------------------------------------------


def confusion_matrix(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Integers:
    """Count images by true and predicted label: int64 [8, 8], rows are the truth."""
    rows, columns = _labels(truth, predicted)
    k = len(EXPRESSIONS)
    return np.bincount(rows * k + columns, minlength=k * k).reshape(k, k).astype(np.int64)


def accuracy(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Share of images whose predicted label is the true one, 0 … 1."""
    return float(accuracy_of(confusion_matrix(truth, predicted)))


def macro_f1(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Mean F1 over all eight labels, 0 … 1.

    A label that is absent from truth and prediction counts as 0, as scikit-learn's
    ``f1_score(labels=range(8), average="macro", zero_division=0)`` has it: the divisor stays 8,
    so that results on different samples stay comparable.
    """
    return float(macro_f1_of(confusion_matrix(truth, predicted)))


def cohen_kappa(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Agreement beyond chance, at most 1; 0 if truth and prediction are one and the same label.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960:
    ``(p_o - p_e) / (1 - p_e)`` with ``p_e`` from the label frequencies of both.
    """
    return float(cohen_kappa_of(confusion_matrix(truth, predicted)))


def accuracy_of(confusion: npt.NDArray[Any]) -> Floats:
    """:func:`accuracy` of confusion matrices [..., 8, 8] (counts or weights): float [...]."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def macro_f1_of(confusion: npt.NDArray[Any]) -> Floats:
    """:func:`macro_f1` of confusion matrices [..., 8, 8] (counts or weights): float [...]."""
    return np.asarray(precision_recall_f1_of(confusion)[2].mean(axis=-1))


def precision_recall_f1_of(confusion: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of each label, each float [..., 8]; 0 where nothing is counted."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    return _ratio(hits, predicted), _ratio(hits, actual), _ratio(2 * hits, actual + predicted)


def cohen_kappa_of(confusion: npt.NDArray[Any]) -> Floats:
    """:func:`cohen_kappa` of confusion matrices [..., 8, 8] (counts or weights): float [...]."""
    total = confusion.sum(axis=(-2, -1))
    expected = _ratio((confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1), total**2)
    return _ratio(accuracy_of(confusion) - expected, 1.0 - expected)


def average_precisions(truth: npt.ArrayLike, probabilities: npt.ArrayLike) -> Floats:
    """Average precision of each label, float [8] in 0 … 1; NaN where no image has the label.

    ``AP = Σ (R_n - R_{n-1}) P_n`` over the distinct thresholds, without interpolation; images of
    equal probability stand at one threshold together. scikit-learn's ``average_precision_score``
    is defined the same way. Source: M. Zhu, "Recall, precision and average precision", 2004.
    """
    labels, scores = _probabilities(truth, probabilities)
    result = np.full(len(EXPRESSIONS), np.nan)
    for label in np.unique(labels):
        order = np.argsort(-scores[:, label], kind="stable")
        hits = np.cumsum(labels[order] == label)
        thresholds = last_of_ties(scores[order, label])
        precision = hits[thresholds] / (thresholds + 1)
        result[label] = np.sum(np.diff(hits[thresholds], prepend=0) * precision) / hits[-1]
    return result


def mean_average_precision(truth: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean of :func:`average_precisions` over the labels that are present, 0 … 1."""
    return float(np.nanmean(average_precisions(truth, probabilities)))


def last_of_ties(ordered: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Indices of the last element of each run of equal values in a sorted array [N]."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


# --- valence and arousal ------------------------------------------------------------------------


def rmse(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Root of the mean squared error, in the unit of the arrays [N]; 0 is perfect."""
    x, y = _pair(truth, predicted)
    return float(np.sqrt(np.mean((x - y) ** 2)))


def pearson(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Pearson's linear correlation, -1 … 1; 0 if either side is constant."""
    x, y = _pair(truth, predicted)
    if _is_constant(x) or _is_constant(y):
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    r = _ratio(np.sum(x * y), np.sqrt(np.sum(x**2)) * np.sqrt(np.sum(y**2)))
    return float(np.clip(r, -1.0, 1.0))


def ccc(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Concordance correlation coefficient, -1 … 1; 0 if either side is constant.

    ``2 s_xy / (s_x² + s_y² + (mean_x - mean_y)²)`` with the moments of the population (divided
    by N). Source: L. I. Lin, "A concordance correlation coefficient to evaluate
    reproducibility", Biometrics 45, 1989.
    """
    x, y = _pair(truth, predicted)
    if _is_constant(x) or _is_constant(y):
        return 0.0
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return float(_ratio(2 * covariance, x.var() + y.var() + (x.mean() - y.mean()) ** 2))


def sagr(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Sign agreement, 0 … 1: share of images on which both signs (-1, 0, 1) are the same.

    A truth of exactly 0 agrees with a prediction of exactly 0 alone. Source: M. A. Nicolaou et
    al. 2011, as used by A. Mollahosseini et al., "AffectNet", 2017.
    """
    x, y = _pair(truth, predicted)
    return float(np.mean(np.sign(x) == np.sign(y)))


# --- all of them --------------------------------------------------------------------------------


def score(
    truth: npt.ArrayLike,
    truth_va: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    va: npt.ArrayLike,
) -> dict[str, float]:
    """Every metric of :data:`METRICS`, by name.

    Args:
        truth: Labels, int [N].
        truth_va: Valence and arousal, float [N, 2].
        probabilities: float [N, 8]; the predicted label is the most probable one (the first of
            equals).
        va: Predicted valence and arousal, float [N, 2].

    Raises:
        ValueError: Shapes differ, nothing is there, or a number is NaN or infinite.
    """
    labels, scores = _probabilities(truth, probabilities)
    confusion = confusion_matrix(labels, scores.argmax(axis=1))
    result = {
        "accuracy": float(accuracy_of(confusion)),
        "macro_f1": float(macro_f1_of(confusion)),
        "mean_average_precision": mean_average_precision(labels, scores),
        "cohen_kappa": float(cohen_kappa_of(confusion)),
    }
    actual, predicted = _affect(truth_va, len(labels)), _affect(va, len(labels))
    for name, formula in (("rmse", rmse), ("pearson", pearson), ("ccc", ccc), ("sagr", sagr)):
        for column, dimension in enumerate(DIMENSIONS):
            result[f"{name}_{dimension}"] = formula(actual[:, column], predicted[:, column])
    return result


def chance_line(truth: npt.ArrayLike, truth_va: npt.ArrayLike) -> dict[str, float]:
    """What guessing reaches on these images: every metric, in closed form, without a draw.

    Expression: each label with probability 1/8. Accuracy, kappa and average precision (of a
    random ranking without ties) are expectations; F1 is the ratio of expected counts. Valence
    and arousal: the true values handed out in random order; RMSE is the root of the expected
    squared error, the others are expectations (of CCC and Pearson's r: 0).

    Raises:
        ValueError: As :func:`score`.
    """
    labels, _ = _labels(truth, truth)
    actual = _affect(truth_va, len(labels))
    n, k = len(labels), len(EXPRESSIONS)
    counts = np.bincount(labels, minlength=k).astype(np.float64)
    result = {
        "accuracy": 1.0 / k,
        "macro_f1": float(np.mean(2 * (counts / k) / (counts + n / k))),
        "mean_average_precision": float(np.mean(_random_ranking(counts[counts > 0], n))),
        "cohen_kappa": 0.0,
    }
    for column, dimension in enumerate(DIMENSIONS):
        values = actual[:, column]
        result[f"rmse_{dimension}"] = float(np.sqrt(2.0) * values.std())
        result[f"pearson_{dimension}"] = 0.0
        result[f"ccc_{dimension}"] = 0.0
        _, signs = np.unique(np.sign(values), return_counts=True)
        result[f"sagr_{dimension}"] = float(np.sum((signs / n) ** 2))
    return {name: result[name] for name in METRICS}


def constant_predictor(
    train_truth: npt.ArrayLike,
    train_va: npt.ArrayLike,
    truth: npt.ArrayLike,
    truth_va: npt.ArrayLike,
) -> dict[str, float]:
    """Every metric of always saying the same: what a network must beat to have learnt anything.

    Says the most frequent training label (of equals, the first) with certainty and the mean
    training valence and arousal.

    Raises:
        ValueError: As :func:`score`, of either part.
    """
    train_labels, _ = _labels(train_truth, train_truth)
    mean = _affect(train_va, len(train_labels)).mean(axis=0)
    labels, _ = _labels(truth, truth)
    favourite = np.bincount(train_labels, minlength=len(EXPRESSIONS)).argmax()
    probabilities = np.zeros((len(labels), len(EXPRESSIONS)))
    probabilities[:, favourite] = 1.0
    return score(labels, truth_va, probabilities, np.tile(mean, (len(labels), 1)))


def selection_score(scores: Mapping[str, float]) -> float:
    """One number for both tasks: mean of macro F1 and of the mean CCC of valence and arousal.

    Picks the epoch of a run that keeps its best and the better of several models; higher is better.
    """
    affect = sum(scores[f"ccc_{dimension}"] for dimension in DIMENSIONS) / len(DIMENSIONS)
    return (scores["macro_f1"] + affect) / 2


# --- what may come in -----------------------------------------------------------------------------


def _labels(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Integers, Integers]:
    pair = []
    for name, given in (("truth", truth), ("predicted", predicted)):
        array = np.asarray(given)
        if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be a non-empty array of integer labels [N], "
                f"not {array.dtype} of shape {array.shape}"
            )
        if array.min() < 0 or array.max() >= len(EXPRESSIONS):
            raise ValueError(f"{name} holds a label outside 0 … {len(EXPRESSIONS) - 1}")
        pair.append(array.astype(np.int64))
    if len(pair[0]) != len(pair[1]):
        raise ValueError(f"{len(pair[0])} true labels but {len(pair[1])} predicted ones")
    return pair[0], pair[1]


def _probabilities(truth: npt.ArrayLike, given: npt.ArrayLike) -> tuple[Integers, Floats]:
    labels, _ = _labels(truth, truth)
    return labels, _finite("probabilities", given, (len(labels), len(EXPRESSIONS)))


def _affect(given: npt.ArrayLike, count: int) -> Floats:
    return _finite("valence and arousal", given, (count, len(DIMENSIONS)))


def _pair(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    x = np.asarray(truth, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"truth must be a non-empty array [N], not of shape {x.shape}")
    return _finite("truth", x, x.shape), _finite("predicted", predicted, x.shape)


def _finite(name: str, given: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    array = np.asarray(given, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    return array


def _is_constant(values: Floats) -> bool:
    # Not by the variance: the mean of equal floats may differ from them in the last bit.
    return bool(values.min() == values.max())


def _ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    result = np.zeros(top.shape)
    np.divide(top, bottom, out=result, where=bottom != 0)
    return result


def _random_ranking(positives: Floats, n: int) -> Floats:
    """Expected average precision of a random ranking of n items, by the number of positives.

    At rank k a positive has ``1 + (k - 1)(r - 1)/(n - 1)`` positives at or above it on average;
    the mean over k of that divided by k gives the closed form with the harmonic number H_n.
    """
    if n == 1:
        return np.ones_like(positives)
    harmonic = np.sum(1.0 / np.arange(1, n + 1))
    return np.asarray((harmonic + (positives - 1) / (n - 1) * (n - harmonic)) / n)
