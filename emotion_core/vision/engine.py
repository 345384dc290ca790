"""What every scoring engine is: pixels in, scores out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emotion_core.vision.scores import Scores


class Engine(Protocol):
    """Something that scores the pixels of one model."""

    @property
    def device(self) -> str:
        """The processor, for people."""

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3] from the model's preprocessing; N may be 0."""
