"""Bootstrap resamples of the validation images, and every metric on each of them.

A resample draws the distinct images with replacement: byte-identical files come together. All
metrics of all runs are computed on the same resamples, so column ``n`` of two runs belongs
together. (B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 8.)

Up to :data:`LARGE` images each one is drawn for itself and every metric is computed from scratch.
With more, groups of images are drawn, and average precision follows its first-order expansion:
at that size the two differ by less than the resampling's own noise, at a hundredth of the time.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from emotion_core import metrics
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.reporting.evaluation import Evaluation

RESAMPLES: Final = 5000
"""Bootstrap resamples behind every interval."""
LARGE: Final = 4000
"""With more distinct images than this, groups of them are drawn."""
MEAN_CCC: Final = "ccc_mean"
"""Mean of the CCC of valence and of arousal: not a metric of its own, but what decides."""
CLASS_AP: Final = "class_ap"
"""Average precision per expression, [resamples, 8]; NaN where a resample lacks the expression."""

_GROUPS: Final = 2000
_BLOCK_CELLS: Final = 1_000_000
_TINY_VARIANCE: Final = 1e-12


def resampled_scores(
    evaluation: Evaluation, seed: int, resamples: int = RESAMPLES
) -> dict[str, metrics.Floats]:
    """Every metric, :data:`MEAN_CCC` and :data:`CLASS_AP` on each resample.

    The same seed and the same validation samples give the same resamples, whatever was predicted.

    Args:
        evaluation: One run's predictions.
        seed: Of the resampling.
        resamples: How many.

    Returns:
        Name to float [resamples], of the expressions' average precision [resamples, 8].
    """
    is_large = int(evaluation.images.max()) + 1 > LARGE
    blocks = (
        _of_groups(evaluation, seed, resamples)
        if is_large
        else _of_images(evaluation, seed, resamples)
    )
    collected = list(blocks)
    names = (*metrics.METRICS, CLASS_AP)
    scores = {name: np.concatenate([block[name] for block in collected]) for name in names}
    scores[MEAN_CCC] = np.mean([scores[f"ccc_{name}"] for name in DIMENSIONS], axis=0)
    return scores


# --- each image for itself --------------------------------------------------------------------


def _of_images(
    evaluation: Evaluation, seed: int, resamples: int
) -> Iterator[dict[str, metrics.Floats]]:
    cells = np.zeros((len(evaluation), len(EXPRESSIONS) ** 2))
    cells[np.arange(len(evaluation)), _cell(evaluation)] = 1.0
    moments = _affect_features(evaluation)
    for weights in _resampled_weights(evaluation.images, seed, resamples):
        count = weights.sum(axis=1)
        precisions = _average_precisions(evaluation, weights)
        yield _expression_scores(weights @ cells, precisions) | _affect_scores(
            evaluation, weights @ moments / count[:, None]
        )


def _resampled_weights(
    images: npt.NDArray[np.intp], seed: int, resamples: int
) -> Iterator[metrics.Floats]:
    """How often each sample is in each resample: float [block, N], in blocks that fit a cache."""
    count = int(images.max()) + 1
    block = max(1, _BLOCK_CELLS // len(images))
    for times in _draws(count, seed, resamples, block):
        yield times[:, images]


def _draws(count: int, seed: int, resamples: int, block: int) -> Iterator[metrics.Floats]:
    """How often each of ``count`` things is drawn in ``count`` draws: float [block, count]."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, count, size=(rows, count))
        drawn += np.arange(rows)[:, None] * count
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield times.astype(np.float64)


@lru_cache(maxsize=1)
def _group_draws(seed: int, resamples: int) -> list[npt.NDArray[np.uint8]]:
    """:func:`_draws` of groups, kept for the next run: a comparison's runs share their seed."""
    block = max(1, _BLOCK_CELLS // _GROUPS)
    return [times.astype(np.uint8) for times in _draws(_GROUPS, seed, resamples, block)]


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


# --- groups of images -------------------------------------------------------------------------


def _of_groups(
    evaluation: Evaluation, seed: int, resamples: int
) -> Iterator[dict[str, metrics.Floats]]:
    """Groups of equally many images, drawn whole.

    Images are numbered in the order of their SHA-256, which is no order at all: every group is a
    random one, and the same whoever was predicted.
    """
    group = evaluation.images % _GROUPS
    precisions = evaluation.average_precisions
    k = len(EXPRESSIONS)
    columns = [
        np.bincount(group * k * k + _cell(evaluation), minlength=_GROUPS * k * k).reshape(
            _GROUPS, k * k
        ),
        *(
            np.bincount(group, weights=column, minlength=_GROUPS)[:, None]
            for column in (
                *_affect_features(evaluation).T,
                *(_influence_on_precision(evaluation, label) for label in range(k)),
            )
        ),
    ]
    sums = np.concatenate([column.astype(np.float64) for column in columns], axis=1)
    for times in _group_draws(seed, resamples):
        drawn = times.astype(np.float64) @ sums
        cells, moments, influence = np.split(drawn, [k * k, drawn.shape[1] - k], axis=1)
        yield _expression_scores(cells, np.clip(precisions + influence, 0.0, 1.0)) | _affect_scores(
            evaluation, moments / cells.sum(axis=1, keepdims=True)
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
