"""The reference engine: PyTorch as the model was trained, float32 on a CPU."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_core.vision.checkpoint import load_model
from emotion_core.vision.device import device_name, pick_device, prepare_device
from emotion_core.vision.inference import infer
from emotion_core.vision.scores import Scores


class EagerEngine:
    """Runs the stored network operation by operation; slow, and right by definition.

    Raises:
        WeightsError: See :func:`emotion_core.vision.checkpoint.load_model`.
        SettingsError: The device is not there.
    """

    name = "eager"

    def __init__(self, model_dir: Path, device: str) -> None:
        self._device = pick_device(device)
        prepare_device(self._device)
        network, self.description = load_model(model_dir)
        self.network = network.to(self._device)
        self.device = device_name(self._device)

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3]; N may be 0."""
        return infer(self.network, self.description.preprocessing, pixels, self._device)
