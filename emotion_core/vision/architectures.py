"""The networks one can train, as plain data: adding one is adding an entry. Imports no torch."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Architecture:
    """A backbone of torchvision, and where its own classifier sits."""

    label: str
    """How people write it."""
    builder: str
    """Its name in ``torchvision.models``."""
    classifier: str
    """The attribute that the two heads replace; its last linear layer tells the feature count."""
    weights: str
    """Entry of the builder's own weights enumeration."""
    weights_file: str
    """torchvision's file name for those weights; eight hex digits of its SHA-256 are in it."""


# IMAGENET1K_V1 throughout: the report fine-tuned weights of the plain recipe of its time, and
# EfficientNet-B0 has no other; V2 would give ResNet50 alone a stronger start (label smoothing,
# mixup, averaging over 600 epochs), and the comparison would then compare pretraining.
NETWORKS: Final[dict[str, Architecture]] = {
    "resnet50": Architecture(
        label="ResNet50",
        builder="resnet50",
        classifier="fc",
        weights="IMAGENET1K_V1",
        weights_file="resnet50-0676ba61.pth",
    ),
    "efficientnet_b0": Architecture(
        label="EfficientNet-B0",
        builder="efficientnet_b0",
        classifier="classifier",
        weights="IMAGENET1K_V1",
        weights_file="efficientnet_b0_rwightman-7f5810bc.pth",
    ),
}
"""Every network by the name used in recipes, forms and tables."""
