"""From an image to a network's input. Defined once for training and scoring."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:  # processes which only decode need not wait seconds for torch
    from torch import Tensor

RESIZE = "bilinear antialias"
CHANNEL_ORDER = "RGB"


@dataclass(frozen=True)
class Preprocessing:
    """What happens to an image before the network sees it.

    The whole picture is squashed to a square by Pillow's bilinear filter, whose support grows
    with the reduction (that is what antialias means here); pixels travel as uint8 and are
    normalised on the device.
    """

    image_size: int
    """Side of the square, in pixels."""
    resize: str = RESIZE
    mean: tuple[float, float, float] = IMAGENET_MEAN
    """Per channel, of values in [0, 1]."""
    std: tuple[float, float, float] = IMAGENET_STD
    channel_order: str = CHANNEL_ORDER

    def pixels(self, image: Image.Image) -> NDArray[np.uint8]:
        """The image as uint8 [image_size, image_size, 3], 0 to 255, in ``channel_order``."""
        size = (self.image_size, self.image_size)
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        if rgb.size != size:
            rgb = rgb.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(rgb, dtype=np.uint8)

    def normalise(self, pixels: "Tensor") -> "Tensor":
        """``(pixels / 255 - mean) / std`` on whatever device the pixels are.

        Args:
            pixels: uint8 [N, S, S, 3], or the same as float after augmentation.

        Returns:
            float32 [N, 3, S, S]; contiguous pixels come out in channels-last memory order,
            without a copy.
        """
        import torch

        mean = torch.tensor(self.mean, dtype=torch.float32, device=pixels.device)
        std = torch.tensor(self.std, dtype=torch.float32, device=pixels.device)
        scaled = torch.mul(pixels, 1 / (255 * std)).sub_(mean / std)
        return scaled.permute(0, 3, 1, 2)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the inverse of :meth:`from_dict`."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Preprocessing":
        """Read what :meth:`to_dict` wrote.

        Raises:
            WeightsError: A field is missing or asks for a resize or channel order that this
                code does not do.
        """
        try:
            mean, std = tuple(map(float, stored["mean"])), tuple(map(float, stored["std"]))
            if len(mean) != 3 or len(std) != 3:
                raise ValueError("mean and std need three numbers each")
            made = cls(
                image_size=int(stored["image_size"]),
                resize=str(stored["resize"]),
                mean=(mean[0], mean[1], mean[2]),
                std=(std[0], std[1], std[2]),
                channel_order=str(stored["channel_order"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"The model's preprocessing cannot be read ({type(error).__name__}: {error}); "
                "take model.json from the folder in which the model was trained."
            ) from None
        if made.resize != RESIZE or made.channel_order != CHANNEL_ORDER:
            raise WeightsError(
                f"The model expects resize {made.resize!r} and channels {made.channel_order!r}; "
                f"this version only does {RESIZE!r} and {CHANNEL_ORDER!r}."
            )
        return made

    @property
    def fingerprint(self) -> str:
        """Hex digits that differ exactly when two preprocessings differ."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
