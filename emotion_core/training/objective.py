"""What training makes small."""

import torch.nn.functional as F
from torch import Tensor

from emotion_core.training.recipe import Recipe


def objective(
    recipe: Recipe, logits: Tensor, va: Tensor, truth: Tensor, truth_va: Tensor
) -> Tensor:
    """Both tasks' losses, weighed by the recipe.

    ``expression_weight`` × cross-entropy of the expressions + ``affect_weight`` × mean squared
    error over valence and arousal.

    Args:
        recipe: For its weights.
        logits: float [N, 8].
        va: float [N, 2].
        truth: int64 [N].
        truth_va: float [N, 2].

    Returns:
        A scalar, the mean over the N images.
    """
    return recipe.expression_weight * F.cross_entropy(
        logits, truth
    ) + recipe.affect_weight * F.mse_loss(va, truth_va)
