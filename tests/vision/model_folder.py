"""A small stored model for tests of engines."""

from pathlib import Path

import torch

from emotion_core.vision.checkpoint import save_model
from emotion_core.vision.network import EmotionNetwork, build_network
from emotion_core.vision.preprocessing import Preprocessing

SIDE = 32
NETWORK = "torchvision:resnet18"


def trained_briefly() -> EmotionNetwork:
    """A network whose batch norms and heads are no longer as they were drawn, in a second."""
    torch.manual_seed(3)
    network = build_network(NETWORK)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02)
    for _ in range(3):
        logits, affect = network(torch.randn(8, 3, SIDE, SIDE))
        loss = logits[:, 2].sum() - logits.logsumexp(1).sum() + affect.sum()
        optimizer.zero_grad()
        (-loss).backward()
        optimizer.step()
    return network.eval()


def store_model(folder: Path, network: EmotionNetwork, temperature: float = 1.0) -> Path:
    """``network`` as training would have left it in ``folder``."""
    folder.mkdir()
    save_model(
        folder,
        network,
        name=NETWORK,
        preprocessing=Preprocessing(image_size=SIDE),
        versions={},
        recipe={},
        data={},
        calibration={"temperature": temperature},
        git_revision=None,
    )
    return folder
