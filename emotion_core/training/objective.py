"""What training makes small, and the metrics of a split beside it."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from emotion_core.errors import TrainingError
from emotion_core.statistics import metrics
from emotion_core.training.recipe import Recipe
from emotion_core.vision.scores import Scores

_SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)


def objective(
    recipe: Recipe, logits: Tensor, va: Tensor, truth: Tensor, truth_va: Tensor
) -> Tensor:
    """Both tasks' losses, weighed by the recipe.

    ``expression_weight`` × cross-entropy of the expressions + ``affect_weight`` × mean squared
    error over valence and arousal + ``ccc_weight`` × (1 − their mean concordance).

    Args:
        recipe: For its weights and its label smoothing.
        logits: float [N, 8].
        va: float [N, 2].
        truth: int64 [N], or float [N, 8] where several expressions are blended.
        truth_va: float [N, 2].

    Returns:
        A scalar: the mean over the N images, and the concordance among them.
    """
    loss = logits.new_zeros(())
    if recipe.expression_weight:
        loss = loss + recipe.expression_weight * F.cross_entropy(
            logits, truth, label_smoothing=recipe.label_smoothing
        )
    if recipe.affect_weight:
        loss = loss + recipe.affect_weight * F.mse_loss(va, truth_va)
    if recipe.ccc_weight:
        loss = loss + recipe.ccc_weight * (1 - concordance(va, truth_va).mean())
    return loss


def concordance(predicted: Tensor, truth: Tensor) -> Tensor:
    """Lin's concordance correlation of each column (Lin 1989), differentiable.

    Args:
        predicted: float [N, D].
        truth: float [N, D].

    Returns:
        [D], each in [-1, 1]; nearly 0 where a column is constant.
    """
    mean, true_mean = predicted.mean(dim=0), truth.mean(dim=0)
    deviation, true_deviation = predicted - mean, truth - true_mean
    covariance = (deviation * true_deviation).mean(dim=0)
    spread = deviation.square().mean(dim=0) + true_deviation.square().mean(dim=0)
    tiny = torch.finfo(predicted.dtype).eps
    return 2 * covariance / (spread + (mean - true_mean).square() + tiny)


def loss_and_metrics(
    recipe: Recipe, truth: NDArray[np.int64], truth_va: NDArray[np.float64], scores: Scores
) -> dict[str, float]:
    """``loss`` as the recipe weighs it, and all of :func:`emotion_core.statistics.metrics.score`.

    The loss is :func:`objective` over all images at once. A probability that float32 rounds to 0
    enters it as the smallest normal float32.

    Raises:
        TrainingError: The scores are not finite numbers.
    """
    log_probabilities = np.log(
        np.maximum(scores.probabilities.astype(float), _SMALLEST_PROBABILITY)
    )
    loss = objective(
        recipe,
        *map(torch.from_numpy, (log_probabilities, scores.va.astype(float), truth, truth_va)),
    ).item()
    if not math.isfinite(loss):
        raise TrainingError("the network's answers are not numbers; use a smaller learning_rate")
    return {"loss": loss, **metrics.score(truth, truth_va, scores.probabilities, scores.va)}
