"""The recipe's optimizer and its learning rate at every step."""

import math

import torch
from torch import nn

from emotion_core.training.recipe import Recipe

_WARM_UP = 0.25
_FIRST_DIVISOR = 25.0
_LAST_DIVISOR = 10_000.0


def build_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """Adam or AdamW with PyTorch's default moments (0.9, 0.999), over all parameters."""
    made: type[torch.optim.Adam] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[
        recipe.optimizer
    ]
    # Fused: one pass over memory instead of about ten, on a CPU as on a GPU.
    return made(
        network.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """For the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The rate of one step: a function of its number alone, so that a resumed run has no state.

    ``one_cycle`` follows Smith and Topin 2018 (arXiv 1708.07120) with cosine in both directions:
    from 1/25 of the rate up to it in the first quarter, then down to 1/10,000.

    Args:
        step: Number of the step in the whole training, from 0.
        steps: How many steps the whole training has.
    """
    highest = recipe.learning_rate
    if recipe.schedule == "constant":
        return highest
    turn = max(1.0, _WARM_UP * steps)
    if step < turn:
        return _between(highest / _FIRST_DIVISOR, highest, step / turn)
    return _between(highest, highest / _LAST_DIVISOR, (step - turn) / max(1.0, steps - 1 - turn))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
