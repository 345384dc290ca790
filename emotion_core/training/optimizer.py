"""The recipe's optimizer and its learning rate at every step."""

import math
from typing import Any

import torch

from emotion_core.training.recipe import Recipe
from emotion_core.vision.network import EmotionNetwork

_FIRST_DIVISOR = 25.0
_LAST_DIVISOR = 10_000.0


def build_optimizer(recipe: Recipe, network: EmotionNetwork) -> torch.optim.Optimizer:
    """Adam or AdamW with PyTorch's default moments (0.9, 0.999), over all parameters.

    Heads and backbone learn at their own rates, and only weights with more than one dimension
    decay: nothing speaks for pulling a bias or a normalisation's scale to zero (Bello et al. 2021,
    arXiv 2103.07579).
    """
    made: type[torch.optim.Adam] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[
        recipe.optimizer
    ]
    groups: dict[tuple[bool, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        is_backbone, decays = name.startswith("backbone."), parameter.ndim > 1
        group = groups.setdefault(
            (is_backbone, decays),
            {
                "params": [],
                "share": recipe.backbone_rate if is_backbone else 1.0,
                "weight_decay": recipe.weight_decay if decays else 0.0,
            },
        )
        group["params"].append(parameter)
    # Fused: one pass over memory instead of about ten, on a CPU as on a GPU.
    return made(list(groups.values()), lr=recipe.learning_rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """For the next step: the heads' rate; the backbone's follows by its share."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The heads' rate in one step: a function of its number alone, so a resumed run has no state.

    ``cosine`` follows Loshchilov and Hutter 2017 (arXiv 1608.03983) after a warm-up (Goyal et al.
    2017, arXiv 1706.02677) that is a cosine too: from 1/25 of the rate up to it, then down to
    1/10,000.

    Args:
        recipe: For the highest rate, the schedule and the warm-up.
        step: Number of the step in the whole training, from 0.
        steps: How many steps the whole training has.
    """
    highest = recipe.learning_rate
    turn = recipe.warm_up * steps
    if step < turn:
        return _between(highest / _FIRST_DIVISOR, highest, step / max(turn, 1.0))
    if recipe.schedule == "constant":
        return highest
    return _between(highest, highest / _LAST_DIVISOR, (step - turn) / max(1.0, steps - 1 - turn))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
