"""Golden outputs: a model's scores of a few stored images, compared again at every load.

Another library version, a changed preprocessing or a broken device would otherwise change every
score in silence. The model's own are in float32; a prepared engine, which may round, has its own
beside its files (:mod:`emotion_core.vision.prepared_engines`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from emotion_core.errors import WeightsError
from emotion_core.files import replacing
from emotion_core.vision.scores import Scores

GOLDEN_FILE: Final = "golden.safetensors"

EXACT: Final = 0.01
"""How far a probability, valence or arousal may be off in the same precision, on any machine."""
ROUNDED: Final = 0.15
"""How far bfloat16 may be off float32 (the largest seen on trained networks: 0.11)."""


@dataclass(frozen=True, eq=False)
class GoldenOutputs:
    """Images and the scores that a model, or an engine of it, gave them when it was made."""

    pixels: NDArray[np.uint8]
    """[N, S, S, 3], as the model's own preprocessing gives them. No photographs of people."""
    scores: Scores
    """Before calibration."""

    def write(self, folder: Path) -> None:
        """Write ``golden.safetensors``, complete or not at all."""
        with replacing(folder / GOLDEN_FILE) as temporary:
            safetensors.numpy.save_file({"pixels": self.pixels, **vars(self.scores)}, temporary)

    @classmethod
    def read(cls, folder: Path) -> "GoldenOutputs":
        """Read what :meth:`write` wrote.

        Raises:
            WeightsError: It is missing or damaged.
        """
        path = folder / GOLDEN_FILE
        try:
            stored = safetensors.numpy.load_file(path)
            return cls(stored.pop("pixels"), Scores(**stored))
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{path} cannot be read ({error}); restore the folder of the model as it was made"
            ) from None

    def check(
        self, score: Callable[[NDArray[np.uint8]], Scores], *, tolerance: float, source: str
    ) -> None:
        """Score the images again and compare.

        Args:
            score: Pixels to scores before calibration.
            tolerance: ``EXACT`` or ``ROUNDED``.
            source: The model, for the message.

        Raises:
            WeightsError: A score is further off than ``tolerance``; scoring must not begin.
        """
        difference = self.scores.widest_difference(score(self.pixels))
        if not difference <= tolerance:  # NaN is above every tolerance
            raise WeightsError(
                f"{source} no longer gives its own golden outputs: off by {difference:.3f}, "
                f"allowed is {tolerance}. Libraries, preprocessing or device changed what it says; "
                "score with the versions that model.json names, or train again"
            )
