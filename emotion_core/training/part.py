"""One side of the split as arrays, and a network's figures on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_core.errors import TrainingError
from emotion_core.statistics import metrics
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.objective import objective
from emotion_core.training.recipe import Recipe
from emotion_core.vision.scores import Scores

_SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)


RESIDENT_SHARE = 0.4
"""Of a GPU's free memory that the decoded images may take."""


@dataclass(eq=False)
class Part:
    """The images and labels of one side of the split."""

    pixels: NDArray[np.uint8]
    """[N, S, S, 3]."""
    truth: NDArray[np.int64]
    """[N]: expressions, 0 to 7."""
    truth_va: NDArray[np.float64]
    """[N, 2]: valence and arousal in [-1, 1]."""
    _held: tuple[torch.device, Tensor] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, labelled_set: LabelledSet, indices: Sequence[int], pixels: NDArray[np.uint8]
    ) -> "Part":
        """The samples at ``indices``; ``pixels`` are those of the whole set."""
        samples = [labelled_set.samples[index] for index in indices]
        return cls(
            pixels=pixels[np.array(indices, dtype=np.int64)],
            truth=np.array([sample.expression for sample in samples], dtype=np.int64),
            truth_va=np.array([(sample.valence, sample.arousal) for sample in samples]),
        )

    def __len__(self) -> int:
        return len(self.truth)

    def on(self, device: torch.device, positions: Tensor) -> Tensor:
        """Pixels of the images at ``positions``, uint8 [N, S, S, 3] on ``device``."""
        return self._resident(device)[positions.to(self._resident(device).device)].to(device)

    def _resident(self, device: torch.device) -> Tensor:
        """All pixels, on the device where they fit beside the network: then no step waits for a
        copy."""
        if self._held is None or self._held[0] != device:
            pixels = torch.from_numpy(self.pixels)
            if device.type == "cuda":
                free, _ = torch.cuda.mem_get_info(device)
                if pixels.nbytes < RESIDENT_SHARE * free:
                    pixels = pixels.to(device)
            self._held = (device, pixels)
        return self._held[1]


def figures(
    recipe: Recipe, truth: NDArray[np.int64], truth_va: NDArray[np.float64], scores: Scores
) -> dict[str, float]:
    """``loss`` as the recipe weighs it, and all of :func:`emotion_core.statistics.metrics.score`.

    The loss is :func:`emotion_core.training.objective.objective` over the whole part. A probability
    that float32 rounds to 0 enters it as the smallest normal float32.

    Raises:
        TrainingError: The scores are not finite numbers.
    """
    log_probabilities = torch.from_numpy(
        np.log(np.maximum(scores.probabilities.astype(np.float64), _SMALLEST_PROBABILITY))
    )
    loss = objective(
        recipe,
        log_probabilities,
        torch.from_numpy(scores.va.astype(np.float64)),
        torch.from_numpy(truth),
        torch.from_numpy(truth_va),
    ).item()
    if not math.isfinite(loss):
        raise TrainingError("the network's answers are not numbers; use a smaller learning_rate")
    return {"loss": loss, **metrics.score(truth, truth_va, scores.probabilities, scores.va)}
