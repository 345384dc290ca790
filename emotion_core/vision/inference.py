"""From pixels to scores with a network as it was trained: validation, and the reference engine."""

import numpy as np
import torch
from numpy.typing import NDArray

from emotion_core.emotions import EXPRESSIONS
from emotion_core.vision.device import scoring_precision
from emotion_core.vision.network import EmotionNetwork
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.scores import Scores

CPU_BATCH = 32
"""Larger batches leave the caches and are slower on a CPU."""

CUDA_BATCH = 256


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
