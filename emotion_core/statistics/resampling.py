"""How far every score moves with the images it was measured on: the jackknife, without a draw.

Every content is left out once, all its byte-identical files together, and every metric is computed
on what remains. From these scores follow a score's standard error and its bias (J. Tukey 1958;
B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 11). All runs of a
comparison leave out the same contents, so that element ``n`` of two runs belongs together.

Nothing is drawn: the same predictions always give the same figures, whatever the seed of a run.
With more than :data:`GROUPS` contents, groups of them are left out, and average precision follows
its first-order expansion.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.statistics import metrics
from emotion_core.statistics.predictions import Evaluation

GROUPS: Final = 2000
"""With more contents than this, so many groups of them are left out."""
MEAN_CCC: Final = "ccc_mean"
"""Mean of the CCC of valence and of arousal: not a metric of its own, but what decides."""
CLASS_AP: Final = "class_ap"
"""Average precision per expression, [contents, 8]; NaN where no image shows the expression."""

_BLOCK_CELLS: Final = 1_000_000
_TINY_VARIANCE: Final = 1e-12


def resampled_scores(evaluation: Evaluation) -> dict[str, metrics.Floats]:
    """Every metric, :data:`MEAN_CCC` and :data:`CLASS_AP`, moved as each content moves it.

    Of a score θ and the scores θ₍ᵢ₎ without content i, element i is
    θ − bias + √(n − 1)·(θ₍ᵢ₎ − mean θ₍ᵢ₎): the elements' standard deviation is the jackknife's
    standard error. Their mean is θ itself, but for average precision: few images flatter that one,
    and its mean is θ less the jackknife's bias (n − 1)·(mean θ₍ᵢ₎ − θ).

    Args:
        evaluation: One run's predictions.

    Returns:
        Name to float [n], of the expressions' average precision [n, 8]; n is the number of contents
        or of groups of them.
    """
    count = int(evaluation.images.max()) + 1
    if count == 1:  # without its only content there is no score
        left = {name: np.array([value]) for name, value in evaluation.scores().items()}
        left[CLASS_AP] = evaluation.average_precisions[None]
    elif count <= GROUPS:
        left = _without_each_content(evaluation, count)
    else:
        left = _without_each_group(evaluation)
    measured: dict[str, npt.ArrayLike] = {**evaluation.scores()}
    measured[CLASS_AP] = evaluation.average_precisions
    moved = {
        name: _moved(left[name], np.asarray(value), name in ("mean_average_precision", CLASS_AP))
        for name, value in measured.items()
    }
    moved[MEAN_CCC] = np.mean([moved[f"ccc_{name}"] for name in DIMENSIONS], axis=0)
    return moved


def _moved(left: metrics.Floats, measured: metrics.Floats, is_flattered: bool) -> metrics.Floats:
    # Without its only content an expression has no average precision: that tells nothing of it.
    known = np.where(np.isfinite(left), left, measured)
    further, middle = len(known) - 1, known.mean(axis=0)
    centre = measured - further * (middle - measured) if is_flattered else measured
    return np.asarray(centre + np.sqrt(further) * (known - middle))


# --- each content for itself ------------------------------------------------------------------


def _without_each_content(evaluation: Evaluation, count: int) -> dict[str, metrics.Floats]:
    cells = np.zeros((len(evaluation), len(EXPRESSIONS) ** 2))
    cells[np.arange(len(evaluation)), _cell(evaluation)] = 1.0
    moments = _affect_features(evaluation)
    block = max(1, _BLOCK_CELLS // len(evaluation))
    found = []
    for start in range(0, count, block):
        left_out = np.arange(start, min(start + block, count))
        weights = (left_out[:, None] != evaluation.images).astype(np.float64)
        kept = weights.sum(axis=1, keepdims=True)
        found.append(
            _expression_scores(weights @ cells, _average_precisions(evaluation, weights))
            | _affect_scores(evaluation, weights @ moments / kept)
        )
    return {name: np.concatenate([block[name] for block in found]) for name in found[0]}


def _average_precisions(evaluation: Evaluation, weights: metrics.Floats) -> metrics.Floats:
    """:func:`metrics.average_precisions` of each row of weights: cumulative sums, no sort."""
    result = np.full((len(weights), len(EXPRESSIONS)), np.nan)
    for label in np.unique(evaluation.truth):
        scores = evaluation.probabilities[:, label]
        order = evaluation.falling[label]
        thresholds = metrics.last_of_ties(scores[order])
        weighed = weights[:, order]
        everything = np.cumsum(weighed, axis=1)[:, thresholds]
        hits = np.cumsum(weighed * (evaluation.truth[order] == label), axis=1)[:, thresholds]
        gained = np.diff(hits, axis=1, prepend=0.0)
        precision = np.divide(hits, everything, out=np.zeros_like(hits), where=everything > 0)
        positives = hits[:, -1]
        here = positives > 0
        result[here, label] = (gained * precision).sum(axis=1)[here] / positives[here]
    return result


# --- groups of contents -----------------------------------------------------------------------


def _without_each_group(evaluation: Evaluation) -> dict[str, metrics.Floats]:
    """Groups of equally many contents, left out whole.

    Contents are numbered in the order of their SHA-256, which is no order at all: every group is a
    random one, and the same whoever predicted.
    """
    group = evaluation.images % GROUPS
    k = len(EXPRESSIONS)
    cells = np.bincount(group * k * k + _cell(evaluation), minlength=GROUPS * k * k)
    columns = (
        *_affect_features(evaluation).T,
        *(_influence_on_precision(evaluation, label) for label in range(k)),
    )
    sums = np.concatenate(
        [
            cells.reshape(GROUPS, k * k).astype(np.float64),
            *(np.bincount(group, weights=column, minlength=GROUPS)[:, None] for column in columns),
        ],
        axis=1,
    )
    kept = sums.sum(axis=0) - sums
    counts, moments, influence = np.split(kept, [k * k, kept.shape[1] - k], axis=1)
    precisions = np.clip(evaluation.average_precisions + influence, 0.0, 1.0)
    return _expression_scores(counts, precisions) | _affect_scores(
        evaluation, moments / counts.sum(axis=1, keepdims=True)
    )


def _influence_on_precision(evaluation: Evaluation, label: int) -> metrics.Floats:
    """By how much one more copy of each sample changes the label's average precision: [N].

    The derivative of ``AP = Σ w_i y_i H_i / N_i / P`` by each weight, where ``H_i`` and ``N_i``
    count the hits and the samples at or above sample i's threshold (the infinitesimal jackknife
    of L. Jaeckel 1972). The weights' derivatives sum to 0, since AP does not know the scale.
    """
    scores, order = evaluation.probabilities[:, label], evaluation.falling[label]
    is_hit = (evaluation.truth[order] == label).astype(np.float64)
    positives = is_hit.sum()
    if positives == 0:
        return np.zeros(len(scores))
    ends = metrics.last_of_ties(scores[order])
    step = np.searchsorted(ends, np.arange(len(order)))
    first = np.append(0, ends[:-1] + 1)[step]
    hits, above = np.cumsum(is_hit)[ends][step], (ends + 1.0)[step]
    from_here = np.cumsum((is_hit / above)[::-1])[::-1][first]
    lost = np.cumsum((is_hit * hits / above**2)[::-1])[::-1][first]
    precision = float((is_hit * hits / above).sum() / positives)
    influence = np.empty(len(scores))
    influence[order] = (is_hit * (hits / above + from_here - precision) - lost) / positives
    return influence


# --- metrics of sums --------------------------------------------------------------------------


def _cell(evaluation: Evaluation) -> npt.NDArray[np.int64]:
    return np.asarray(evaluation.truth * len(EXPRESSIONS) + evaluation.predicted)


def _expression_scores(
    cells: metrics.Floats, average_precisions: metrics.Floats
) -> dict[str, metrics.Floats]:
    """Of weighted confusion cells [rows, 64] and average precisions [rows, 8]."""
    confusion = cells.reshape(-1, len(EXPRESSIONS), len(EXPRESSIONS))
    present = np.isfinite(average_precisions)
    total = np.where(present, average_precisions, 0.0).sum(axis=1)
    return {
        "accuracy": metrics.accuracy_of(confusion),
        "macro_f1": metrics.macro_f1_of(confusion),
        "mean_average_precision": np.asarray(total / present.sum(axis=1)),
        "cohen_kappa": metrics.cohen_kappa_of(confusion),
        CLASS_AP: average_precisions,
    }


def _affect_features(evaluation: Evaluation) -> metrics.Floats:
    """What the affect metrics are made of, per sample [N, 14]: seven for each dimension."""
    features = []
    for column in range(len(DIMENSIONS)):
        truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
        # Moments about a middle value: sums of squares of numbers near 1 would lose digits.
        x, y = truth - truth.mean(), predicted - predicted.mean()
        same_sign = (np.sign(truth) == np.sign(predicted)).astype(np.float64)
        features += [x, y, x * x, y * y, x * y, (truth - predicted) ** 2, same_sign]
    return np.stack(features, axis=1)


def _affect_scores(evaluation: Evaluation, means: metrics.Floats) -> dict[str, metrics.Floats]:
    """Of the weighted means [rows, 14] of :func:`_affect_features`."""
    scores: dict[str, metrics.Floats] = {}
    for column, dimension in enumerate(DIMENSIONS):
        truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
        shift = truth.mean() - predicted.mean()
        mean_x, mean_y, xx, yy, xy, squared_error, same_sign = means[
            :, 7 * column : 7 * column + 7
        ].T
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
