"""What every scoring engine is: pixels in, scores out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emotion_core.vision.golden_outputs import Answer
from emotion_core.vision.scores import Scores


class Engine(Protocol):
    """Something that scores the pixels of one model."""

    @property
    def name(self) -> str:
        """As in :class:`emotion_core.vision.engines.Choice`."""

    @property
    def device(self) -> str:
        """The processor, for people."""

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3] from the model's preprocessing; N may be 0."""


def answers_of(engine: Engine) -> Answer:
    """What :class:`emotion_core.vision.golden_outputs.Golden` asks for, given by an engine."""

    def answer(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        scores = engine.score(pixels)
        return scores.probabilities, scores.va

    return answer
