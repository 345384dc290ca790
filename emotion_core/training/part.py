"""One side of the split as arrays, and a network's figures on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion_core import metrics
from emotion_core.errors import TrainingError
from emotion_core.training.affectnet import LabelledSet
from emotion_core.training.recipe import Recipe
from emotion_core.vision.inference import Scores

_SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Part:
    """The images and labels of one side of the split."""

    pixels: NDArray[np.uint8]
    """[N, S, S, 3]."""
    truth: NDArray[np.int64]
    """[N]: expressions, 0 to 7."""
    truth_va: NDArray[np.float64]
    """[N, 2]: valence and arousal in [-1, 1]."""

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


def figures(
    recipe: Recipe, truth: NDArray[np.int64], truth_va: NDArray[np.float64], scores: Scores
) -> dict[str, float]:
    """``loss`` as the recipe weighs it, and every metric of :func:`emotion_core.metrics.score`.

    A probability that float32 rounds to 0 enters the loss as the smallest normal float32.

    Raises:
        TrainingError: The scores are not finite numbers.
    """
    right = scores.probabilities[np.arange(len(truth)), truth].astype(np.float64)
    cross_entropy = float(-np.log(np.maximum(right, _SMALLEST_PROBABILITY)).mean())
    squared_error = float(np.square(scores.va - truth_va).mean())
    loss = recipe.expression_weight * cross_entropy + recipe.affect_weight * squared_error
    if not math.isfinite(loss):
        raise TrainingError("the network's answers are not numbers; use a smaller learning_rate")
    return {"loss": loss, **metrics.score(truth, truth_va, scores.probabilities, scores.va)}
