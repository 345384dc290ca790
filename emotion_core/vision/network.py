"""One backbone, two heads: which expression, and how pleasant and aroused the face looks."""

from pathlib import Path

import torch
from torch import Tensor, nn

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import architecture_named
from emotion_core.vision.backbone import build_backbone, normalisation
from emotion_core.vision.preprocessing import Preprocessing

EXPRESSION_UNITS = 256
AFFECT_UNITS = 128


class EmotionNetwork(nn.Module):
    """A backbone whose pooled features feed an expression head and an affect head.

    Args:
        backbone: Maps [N, 3, S, S] to pooled features [N, features].
        features: How many features the backbone gives.
        dropout: Probability with which each head drops a feature while training, in [0, 1).
    """

    def __init__(self, backbone: nn.Module, features: int, dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.expression_head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(features, EXPRESSION_UNITS),
            nn.ReLU(),
            nn.Linear(EXPRESSION_UNITS, len(EXPRESSIONS)),
        )
        self.affect_head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(features, AFFECT_UNITS),
            nn.ReLU(),
            nn.Linear(AFFECT_UNITS, len(DIMENSIONS)),
            nn.Tanh(),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Score normalised images.

        Args:
            images: float [N, 3, S, S] as :meth:`Preprocessing.normalise` gives them.

        Returns:
            Logits [N, 8] in the order of ``EXPRESSIONS``, and valence and arousal [N, 2] in
            (-1, 1).
        """
        features = self.backbone(images)
        return self.expression_head(features), self.affect_head(features)


def build_network(
    name: str, *, weights: str = "none", weights_dir: Path | None = None, dropout: float = 0.5
) -> EmotionNetwork:
    """Build a network. Whatever is not pretrained is drawn from torch's generator.

    Args:
        name: See :func:`emotion_core.vision.architectures.architecture_named`.
        weights: ``imagenet`` for a pretrained backbone, ``none`` for a random one.
        weights_dir: Folder that is looked into before caches and the internet.
        dropout: See :class:`EmotionNetwork`.

    Raises:
        WeightsError: There is no such network, or its pretrained weights cannot be had; names
            the file and where to put it.
    """
    if weights not in ("imagenet", "none"):
        raise WeightsError(f"Weights {weights!r} are unknown; use 'imagenet' or 'none'.")
    backbone, features = build_backbone(architecture_named(name), weights, weights_dir)
    network = EmotionNetwork(backbone, features, dropout)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def preprocessing_for(name: str, image_size: int) -> Preprocessing:
    """How images are prepared for a network of that name, at that side in pixels."""
    mean, std = normalisation(architecture_named(name))
    return Preprocessing(image_size, mean=mean, std=std)
