"""A moving average of a network's weights: what is validated and kept instead of the last ones."""

import copy

import torch
from torch import Tensor

from emotion_core.vision.network import EmotionNetwork


class WeightAverage:
    """Exponential moving average of every parameter and buffer.

    The decay rises to the wanted one, ``min(decay, (1 + n) / (10 + n))`` after n steps, so that the
    first weights are forgotten soon (as in TensorFlow's ExponentialMovingAverage).

    Args:
        network: Followed by :meth:`update`; not changed.
        decay: Per step, above 0 and below 1.
    """

    def __init__(self, network: EmotionNetwork, decay: float) -> None:
        self._decay = decay
        self._source = network
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        """The averaged network, in evaluation mode."""

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Take the network's weights in.

        Args:
            steps: How many steps it has made, this one included.
        """
        share = 1 - min(self._decay, (1 + steps) / (10 + steps))
        averaged, followed = self.network.state_dict(), self._source.state_dict()
        floating: tuple[list[Tensor], list[Tensor]] = ([], [])
        for name, value in averaged.items():
            if value.is_floating_point():
                floating[0].append(value)
                floating[1].append(followed[name])
            else:  # counts of batches
                value.copy_(followed[name])
        torch._foreach_lerp_(*floating, share)
