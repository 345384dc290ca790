"""Chance variations that keep the face and its labels."""

import torch

from emotion_core.training.augmentation import flip_and_shift


def columns_and_rows(side: int, count: int) -> torch.Tensor:
    """Images whose red is the column and whose green is the row."""
    line = torch.arange(side, dtype=torch.uint8)
    image = torch.zeros(side, side, 3, dtype=torch.uint8)
    image[:, :, 0] = line
    image[:, :, 1] = line[:, None]
    return image.repeat(count, 1, 1, 1)


def test_images_move_by_a_sixteenth_at_most_and_half_of_them_are_mirrored() -> None:
    pixels = columns_and_rows(side=64, count=400)

    varied = flip_and_shift(pixels, torch.Generator().manual_seed(0))

    middle = varied[:, 32, 32].int()
    is_mirrored = varied[:, 32, 40, 0] < varied[:, 32, 24, 0]
    assert varied.shape == pixels.shape
    assert varied.dtype == torch.uint8
    assert 150 < int(is_mirrored.sum()) < 250
    assert set(middle[:, 1].tolist()) == set(range(28, 37))
    assert set(middle[~is_mirrored, 0].tolist()) == set(range(28, 37))
    assert set(middle[is_mirrored, 0].tolist()) == set(range(27, 36))


def test_the_same_generator_gives_the_same_images() -> None:
    pixels = columns_and_rows(side=32, count=10)

    first = flip_and_shift(pixels, torch.Generator().manual_seed(3))
    second = flip_and_shift(pixels, torch.Generator().manual_seed(3))
    other = flip_and_shift(pixels, torch.Generator().manual_seed(4))

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_images_given_are_left_alone() -> None:
    pixels = columns_and_rows(side=32, count=4)
    before = pixels.clone()

    flip_and_shift(pixels, torch.Generator().manual_seed(0))

    assert torch.equal(pixels, before)
