"""From pixels to scores, the same way for validation images and for the nightly batch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import ScoringError
from emotion_core.vision.checkpoint import ModelDescription, load_model
from emotion_core.vision.device import pick_device, prepare_device, scoring_precision
from emotion_core.vision.network import EmotionNetwork
from emotion_core.vision.preprocessing import Preprocessing

CPU_BATCH = 32
"""Larger batches leave the caches and are slower on a CPU."""

CUDA_BATCH = 256


@dataclass(frozen=True, eq=False)
class Scores:
    """What a network says about N images."""

    probabilities: NDArray[np.float32]
    """[N, 8] in the order of ``EXPRESSIONS``; each row sums to 1."""
    va: NDArray[np.float32]
    """[N, 2]: valence and arousal in [-1, 1]."""

    @property
    def expressions(self) -> NDArray[np.int64]:
        """[N]: the most probable expression of each image."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def infer(
    network: EmotionNetwork,
    preprocessing: Preprocessing,
    pixels: NDArray[np.uint8],
    device: torch.device,
) -> Scores:
    """Score images with a network that is on ``device`` and in evaluation mode.

    Args:
        pixels: uint8 [N, S, S, 3] as :meth:`Preprocessing.pixels` gives them; N may be 0.
    """
    batch_size = CUDA_BATCH if device.type == "cuda" else CPU_BATCH
    probabilities = np.empty((len(pixels), len(EXPRESSIONS)), dtype=np.float32)
    va = np.empty((len(pixels), 2), dtype=np.float32)
    with torch.inference_mode(), scoring_precision(device):
        for start in range(0, len(pixels), batch_size):
            batch = slice(start, start + batch_size)
            images = torch.from_numpy(np.ascontiguousarray(pixels[batch])).to(device)
            logits, affect = network(preprocessing.normalise(images))
            probabilities[batch] = logits.float().softmax(dim=1).cpu().numpy()
            va[batch] = affect.float().cpu().numpy()
    return Scores(probabilities, va)


class Scorer:
    """A stored model, ready to score.

    Args:
        model_dir: Folder with ``weights.safetensors`` and ``model.json``.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        WeightsError: See :func:`emotion_core.vision.checkpoint.load_model`.
        SettingsError: The device is not there.
    """

    def __init__(self, model_dir: Path, device: str = "auto") -> None:
        self.device = pick_device(device)
        prepare_device(self.device)
        network, self.description = load_model(model_dir)
        self._network = network.to(self.device)

    description: ModelDescription

    @property
    def preprocessing(self) -> Preprocessing:
        """What images must go through before :meth:`score`; part of the model."""
        return self.description.preprocessing

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score images.

        Args:
            pixels: uint8 [N, S, S, 3] as ``self.preprocessing.pixels`` gives them.

        Raises:
            ScoringError: The pixels have another shape or type, or the model's answer is not a
                number.
        """
        side = self.preprocessing.image_size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (side, side, 3):
            raise ScoringError(
                f"pixels are {pixels.dtype} {list(pixels.shape)}; the model takes uint8 "
                f"[N, {side}, {side}, 3] from its own preprocessing"
            )
        scores = infer(self._network, self.preprocessing, pixels, self.device)
        if not (np.isfinite(scores.probabilities).all() and np.isfinite(scores.va).all()):
            raise ScoringError(
                f"The {self.description.network} model with weights "
                f"{self.description.weights_sha256[:12]} answered with something that is not a "
                "number; do not use it, train again or switch back to the model before"
            )
        return scores
