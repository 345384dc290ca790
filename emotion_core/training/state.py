"""What moves while a network is trained: its weights, its optimizer, their average."""

from dataclasses import dataclass

import torch
from torch import nn

from emotion_core.training.averaging import WeightAverage
from emotion_core.training.distributed import DistributedContext
from emotion_core.training.optimizer import build_optimizer
from emotion_core.training.recipe import Recipe
from emotion_core.vision.network import EmotionNetwork, preprocessing_for
from emotion_core.vision.preprocessing import Preprocessing


@dataclass(eq=False)
class TrainingState:
    """One process's part of a training.

    Attributes:
        network: On its device.
        learner: The same network as the steps call it: wrapped for several processes, compiled.
        average: Follows the network, where the recipe asks for it.
        micro_batches: Into how many a batch is divided when memory is short, their gradients
            accumulated.
        precision: ``float32``, or ``bfloat16`` by autocast.
    """

    recipe: Recipe
    network: EmotionNetwork
    learner: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    preprocessing: Preprocessing
    context: DistributedContext
    micro_batches: int = 1
    precision: str = "float32"

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        network: EmotionNetwork,
        device: torch.device,
        context: DistributedContext | None = None,
    ) -> "TrainingState":
        """Before the first step; moves the network to ``device``."""
        network.to(device)
        return cls(
            recipe=recipe,
            network=network,
            learner=network,
            optimizer=build_optimizer(recipe, network),
            average=WeightAverage(network, recipe.averaging) if recipe.averaging else None,
            preprocessing=preprocessing_for(recipe.network, recipe.image_size),
            context=context or DistributedContext(),
        )

    @property
    def evaluated(self) -> EmotionNetwork:
        """What is validated and kept: the averaged network where there is one."""
        return self.average.network if self.average else self.network

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device
