"""Chance variations of training images, made on the whole batch where it lies."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 1 / 16
"""Images move by up to this share of their side in each direction."""
SMALLEST_CROP = 0.6
"""Least share of the area that a crop keeps; its sides differ by up to a ninth."""
LARGEST_TURN = 15.0
"""Degrees, either way."""
COLOUR_RANGE = 0.3
"""Brightness, contrast and saturation change by up to this share."""
GREY_SHARE = 0.15
"""Of the images lose their colour."""
ERASED_SHARE = 0.25
"""Of the images lose a rectangle of up to a fifth of their area (Zhong et al. 2017, 1708.04896)."""

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def augment(pixels: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    """Vary each image by lot. None of it changes what a face expresses: the labels stay.

    ``flip`` mirrors half of the images; ``shift``, ``crop`` and ``rotate`` move, enlarge and turn
    them, edges repeated; ``colour`` changes brightness, contrast and saturation; ``grey`` takes the
    colour from some; ``erase`` puts a grey rectangle over a part of some.

    Args:
        pixels: uint8 [N, S, S, 3] on any device.
        names: Of ``AUGMENTATIONS``.
        generator: Of the CPU, so that the same seed gives the same variations on every device.

    Returns:
        float32 [N, S, S, 3] from 0 to 255 on the same device, or ``pixels`` themselves when
        ``names`` is empty.
    """
    if not names:
        return pixels
    images = pixels.permute(0, 3, 1, 2).float()
    if {"flip", "shift", "crop", "rotate"} & set(names):
        images = _move(images, names, generator)
    if {"colour", "grey"} & set(names):
        images = _recolour(images, names, generator)
    if "erase" in names:
        images = _erase(images, generator)
    return images.permute(0, 2, 3, 1)


def _move(images: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    """Everything geometric as one resampling: every further one would blur."""
    count = len(images)
    width, height = torch.ones(count), torch.ones(count)
    right, down = torch.zeros(count), torch.zeros(count)
    if "crop" in names:
        area = _between(SMALLEST_CROP, 1.0, count, generator)
        shape = _between(-math.log(9 / 8), math.log(9 / 8), count, generator).exp().sqrt()
        width, height = (area.sqrt() * shape).clamp(max=1), (area.sqrt() / shape).clamp(max=1)
        right = (1 - width) * _between(-1, 1, count, generator)
        down = (1 - height) * _between(-1, 1, count, generator)
    if "shift" in names:
        right = right + 2 * SHIFT * _between(-1, 1, count, generator)
        down = down + 2 * SHIFT * _between(-1, 1, count, generator)
    turn = torch.zeros(count)
    if "rotate" in names:
        turn = torch.deg2rad(_between(-LARGEST_TURN, LARGEST_TURN, count, generator))
    mirror = torch.ones(count)
    if "flip" in names:
        mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    # Rows of the map from a place in the new image to the place in the old one that it shows.
    matrix = torch.stack(
        [
            torch.stack([mirror * width * turn.cos(), -height * turn.sin(), right], dim=1),
            torch.stack([mirror * width * turn.sin(), height * turn.cos(), down], dim=1),
        ],
        dim=1,
    ).to(images.device)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _recolour(images: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    count = len(images)

    def factor() -> Tensor:
        drawn = _between(1 - COLOUR_RANGE, 1 + COLOUR_RANGE, count, generator)
        return drawn.to(images.device).reshape(count, 1, 1, 1)

    weights = torch.tensor(_GREY, device=images.device).reshape(1, 3, 1, 1)
    if "colour" in names:
        images = images * factor()
        mean = (images * weights).sum(dim=1, keepdim=True).mean(dim=(2, 3), keepdim=True)
        images = torch.lerp(mean.expand_as(images), images, factor())
        grey = (images * weights).sum(dim=1, keepdim=True)
        images = torch.lerp(grey.expand_as(images), images, factor()).clamp(0, 255)
    if "grey" in names:
        is_grey = (torch.rand(count, generator=generator) < GREY_SHARE).to(images.device)
        grey = (images * weights).sum(dim=1, keepdim=True).expand_as(images)
        images = torch.where(is_grey.reshape(count, 1, 1, 1), grey, images)
    return images


def _erase(images: Tensor, generator: torch.Generator) -> Tensor:
    count, side = len(images), images.shape[-1]
    is_erased = torch.rand(count, generator=generator) < ERASED_SHARE
    area = _between(0.02, 0.2, count, generator)
    shape = _between(-math.log(3), math.log(3), count, generator).exp().sqrt()
    line = (torch.arange(side) + 0.5) / side

    def band(extent: Tensor) -> Tensor:
        first = torch.rand(count, generator=generator) * (1 - extent).clamp(min=0)
        return (line >= first[:, None]) & (line < (first + extent)[:, None])

    rows, columns = band(area.sqrt() * shape), band(area.sqrt() / shape)
    hole = is_erased[:, None, None] & rows[:, :, None] & columns[:, None, :]
    return images.masked_fill(hole[:, None].to(images.device), 127.0)


def _between(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)
