"""Scores of images: plain arrays, whichever engine computed them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion_core.statistics.calibration import scaled


@dataclass(frozen=True, eq=False)
class Scores:
    """A network's scores of N images."""

    probabilities: NDArray[np.float32]
    """[N, 8] in the order of ``EXPRESSIONS``; each row sums to 1."""
    va: NDArray[np.float32]
    """[N, 2]: valence and arousal in [-1, 1]."""

    @property
    def expressions(self) -> NDArray[np.int64]:
        """[N]: the most probable expression of each image."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def margins(self) -> NDArray[np.float32]:
        """[N]: how far the most probable expression is ahead of the second, in [0, 1]."""
        top = np.partition(self.probabilities, -2, axis=1)[:, -2:]
        return np.asarray(top[:, 1] - top[:, 0], dtype=np.float32)

    def calibrated(self, temperature: float) -> "Scores":
        """The same with the confidence that held-out images gave the model; labels stay.

        Args:
            temperature: See :class:`emotion_core.statistics.calibration.Calibration`.
        """
        if temperature == 1.0 or not self.are_numbers:
            return self
        return Scores(scaled(self.probabilities, temperature).astype(np.float32), self.va)

    def widest_difference(self, other: "Scores") -> float:
        """The largest change of a probability, valence or arousal; NaN where one is no number."""
        pairs = (self.probabilities, other.probabilities), (self.va, other.va)
        # NumPy's maximum keeps a NaN; Python's may lose it.
        return float(np.max([np.abs(ours - theirs).max(initial=0.0) for ours, theirs in pairs]))

    @property
    def are_numbers(self) -> bool:
        """False when any score is infinite or not a number."""
        return bool(np.isfinite(self.probabilities).all() and np.isfinite(self.va).all())
