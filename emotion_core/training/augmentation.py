"""Chance variations of training images, made on the batch where it lies."""

import torch
from torch import Tensor

SHIFT_SHARE = 16
"""Images move by up to 1/16 of their side in each direction."""


def flip_and_shift(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the images and move each by a few pixels; edges are repeated.

    Neither changes what a face expresses: the labels stay.

    Args:
        pixels: uint8 [N, S, S, 3] on any device.
        generator: Of the CPU, so that the same seed gives the same images on every device.

    Returns:
        A new tensor of the same shape, type and device.
    """
    count, side = pixels.shape[:2]
    reach = side // SHIFT_SHARE
    is_mirrored = torch.rand(count, 1, generator=generator) < 0.5
    down, right = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator)
    line = torch.arange(side)
    rows = (line + down).clamp(0, side - 1)
    columns = (line + right).clamp(0, side - 1)
    columns = torch.where(is_mirrored, side - 1 - columns, columns)
    image = torch.arange(count, device=pixels.device)[:, None, None]
    rows, columns = rows.to(pixels.device), columns.to(pixels.device)
    return pixels[image, rows[:, :, None], columns[:, None, :]]
