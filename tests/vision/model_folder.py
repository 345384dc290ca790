"""A small stored model for tests of engines."""

from pathlib import Path

import torch

from emotion_core.vision.checkpoint import save_model
from emotion_core.vision.description import ModelDescription
from emotion_core.vision.network import EmotionNetwork, build_network
from emotion_core.vision.preprocessing import Preprocessing

SIDE = 32
NETWORK = "timm:test_resnet"


def trained_briefly() -> EmotionNetwork:
    """A network whose batch norms and heads are no longer as they were drawn, in a second.

    Its answers differ from picture to picture: saturated ones would hide what an engine changes.
    """
    torch.manual_seed(3)
    network = build_network(NETWORK)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02)
    pictures = torch.randn(16, 3, SIDE, SIDE)
    labels = torch.arange(16) % 8
    for _ in range(20):
        logits, affect = network(pictures)
        loss = torch.nn.functional.cross_entropy(logits, labels) + affect.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def store_model(folder: Path, network: EmotionNetwork, temperature: float = 1.0) -> Path:
    """``network`` as training would have left it in ``folder``."""
    folder.mkdir()
    save_model(
        folder,
        network,
        ModelDescription(
            NETWORK, Preprocessing(image_size=SIDE), calibration={"temperature": temperature}
        ),
    )
    return folder
