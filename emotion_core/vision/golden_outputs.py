"""A model's answers to a few stored pictures: whoever loads it checks that it still gives them.

Another library version, a changed preprocessing or a broken device would otherwise change every
score in silence. The model's own are in float32; a prepared engine, which may round, has its own
beside it (:mod:`emotion_core.vision.prepared_engines`).
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

GOLDEN_FILE: Final = "golden.safetensors"

EXACT: Final = 0.01
"""How far a probability, valence or arousal may be off in the same precision, on any machine."""
ROUNDED: Final = 0.15
"""How far bfloat16 may be off float32 (the largest seen on trained networks: 0.11)."""

Answer = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Pixels to probabilities [N, 8], before calibration, and affect [N, 2]."""


@dataclass(frozen=True, eq=False)
class Golden:
    """Pictures and what the model, or an engine of it, said of them when it was made."""

    pixels: NDArray[np.uint8]
    """[N, S, S, 3], as the model's own preprocessing gives them. No photographs of people."""
    probabilities: NDArray[np.float32]
    """[N, 8], before calibration."""
    va: NDArray[np.float32]
    """[N, 2]."""

    def write(self, folder: Path, name: str = GOLDEN_FILE) -> None:
        """Write ``golden.safetensors``, or a file of another name, complete or not at all."""
        with replacing(folder / name) as temporary:
            safetensors.numpy.save_file(
                {"pixels": self.pixels, "probabilities": self.probabilities, "va": self.va},
                temporary,
            )

    @classmethod
    def read(cls, folder: Path, name: str = GOLDEN_FILE) -> "Golden":
        """Read what :meth:`write` wrote.

        Raises:
            WeightsError: It is missing or damaged.
        """
        path = folder / name
        try:
            return cls(**safetensors.numpy.load_file(path))
        except (OSError, SafetensorError, TypeError) as error:
            raise WeightsError(
                f"{path} cannot be read ({error}); restore the folder of the model as it was made"
            ) from None

    def drift(self, answer: Answer) -> float:
        """Ask for the answers again; the furthest that one is off, NaN when one is no number."""
        probabilities, va = answer(self.pixels)
        # NumPy's maximum hands a NaN on; Python's may lose it.
        return float(
            np.maximum(np.abs(probabilities - self.probabilities).max(), np.abs(va - self.va).max())
        )

    def check(self, answer: Answer, *, tolerance: float, source: str) -> None:
        """Ask for the answers again and compare.

        Args:
            tolerance: ``EXACT`` or ``ROUNDED``.
            source: The model, for the message.

        Raises:
            WeightsError: An answer is further off than ``tolerance``; scoring must not begin.
        """
        drift = self.drift(answer)
        if not drift <= tolerance:  # a NaN is no answer either
            raise WeightsError(
                f"{source} no longer gives its own stored answers: off by {drift:.3f}, allowed is "
                f"{tolerance}. Libraries, preprocessing or device changed what it says; score with "
                "the versions that model.json names, or train again"
            )
