"""The reference engine: PyTorch as the model was trained, float32 on a CPU."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_core.vision.checkpoint import load_model
from emotion_core.vision.device import device_name, pick_device, prepare_device
from emotion_core.vision.golden_outputs import EXACT, GOLDEN_FILE, ROUNDED, GoldenOutputs
from emotion_core.vision.inference import infer
from emotion_core.vision.scores import Scores


class EagerEngine:
    """Runs the stored network operation by operation; slow, and right by definition.

    Raises:
        WeightsError: See :func:`emotion_core.vision.checkpoint.load_model`.
        SettingsError: The device is not there.
    """

    def __init__(self, model_dir: Path, device: str) -> None:
        self._device = pick_device(device)
        prepare_device(self._device)
        network, description = load_model(model_dir)
        self._network = network.to(self._device)
        self._preprocessing = description.preprocessing
        self.device = device_name(self._device)

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3]; N may be 0."""
        return infer(self._network, self._preprocessing, pixels, self._device)


def load_reference(model_dir: Path, device: str) -> EagerEngine:
    """The reference, compared with the golden outputs that were stored with the model, if any.

    The weights must give them in float32 on the CPU, tightly; a GPU, on which the reference
    computes in bfloat16, may round them besides.

    Raises:
        WeightsError: It gives others; see also :class:`EagerEngine`.
        SettingsError: The device is not there.
    """
    if not (model_dir / GOLDEN_FILE).exists():
        return EagerEngine(model_dir, device)
    golden = GoldenOutputs.read(model_dir)
    engine = EagerEngine(model_dir, "cpu")
    golden.check(engine.score, tolerance=EXACT, source=str(model_dir))
    if device != "cpu":
        engine = EagerEngine(model_dir, device)
        golden.check(engine.score, tolerance=ROUNDED, source=str(model_dir))
    return engine
