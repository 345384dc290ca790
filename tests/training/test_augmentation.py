"""Chance variations that keep the face and its labels."""

import pytest
import torch

from emotion_core.training.augmentation import ERASED_SHARE, GREY_SHARE, augment
from emotion_core.training.recipe import AUGMENTATIONS


def columns_and_rows(side: int, count: int) -> torch.Tensor:
    """Images whose red is the column and whose green is the row, times four."""
    line = torch.arange(side, dtype=torch.uint8) * 4
    image = torch.zeros(side, side, 3, dtype=torch.uint8)
    image[:, :, 0] = line
    image[:, :, 1] = line[:, None]
    return image.repeat(count, 1, 1, 1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_half_of_the_images_are_mirrored_exactly() -> None:
    pixels = columns_and_rows(side=32, count=400)

    varied = augment(pixels, ["flip"], seeded())

    is_mirrored = varied[:, 16, 20, 0] < varied[:, 16, 12, 0]
    expected = torch.where(is_mirrored[:, None, None, None], pixels.flip(2), pixels)
    assert 150 < int(is_mirrored.sum()) < 250
    assert torch.allclose(varied, expected.float(), atol=1e-3)


def test_a_shift_is_a_sixteenth_at_most() -> None:
    pixels = columns_and_rows(side=64, count=400)

    moved = (augment(pixels, ["shift"], seeded())[:, 32, 32, :2] - 128) / 4

    assert moved.abs().max() <= 4.001
    assert moved.min() < -3.5
    assert moved.max() > 3.5


def test_a_crop_shows_a_part_and_never_leaves_the_image() -> None:
    pixels = columns_and_rows(side=64, count=300)

    varied = augment(pixels, ["crop"], seeded())

    extent = (varied[:, 32, -1, 0] - varied[:, 32, 0, 0]) / 252
    tall = (varied[:, -1, 32, 1] - varied[:, 0, 32, 1]) / 252
    assert (extent * tall).min() > 0.55
    assert (extent * tall).max() <= 1.001
    assert (extent * tall).mean() < 0.9


def test_a_turn_keeps_the_middle() -> None:
    pixels = columns_and_rows(side=64, count=50)

    varied = augment(pixels, ["rotate"], seeded())

    assert (varied[:, 31:33, 31:33, :2].mean(dim=(1, 2)) - 126).abs().max() < 1
    assert (varied[:, 32, 60, 1] - 128).abs().max() > 20


def test_grey_takes_the_colour_from_its_share_of_the_images() -> None:
    pixels = torch.randint(0, 256, (600, 8, 8, 3), dtype=torch.uint8, generator=seeded(1))

    varied = augment(pixels, ["grey"], seeded())

    is_grey = (varied.std(dim=3) < 1e-3).all(dim=2).all(dim=1)
    assert abs(float(is_grey.float().mean()) - GREY_SHARE) < 0.05
    assert torch.equal(varied[~is_grey], pixels[~is_grey].float())


def test_erasing_hides_a_rectangle_in_its_share_of_the_images() -> None:
    pixels = torch.zeros(600, 32, 32, 3, dtype=torch.uint8)

    hidden = augment(pixels, ["erase"], seeded())[..., 0] == 127

    is_erased = hidden.flatten(1).any(dim=1)
    area = hidden.flatten(1).float().mean(dim=1)
    rows, columns = hidden.any(dim=2).sum(dim=1), hidden.any(dim=1).sum(dim=1)
    assert abs(float(is_erased.float().mean()) - ERASED_SHARE) < 0.06
    assert area.max() < 0.24
    assert torch.equal(hidden.flatten(1).sum(dim=1), rows * columns)  # a full rectangle


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_one_repeats_itself_by_its_generator_and_stays_in_range(name: str) -> None:
    pixels = torch.randint(0, 256, (40, 16, 16, 3), dtype=torch.uint8, generator=seeded(1))
    before = pixels.clone()

    first, again, other = (augment(pixels, [name], seeded(seed)) for seed in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(pixels, before)
    assert first.shape == pixels.shape
    assert first.min() >= 0
    assert first.max() <= 255.001


def test_no_augmentation_hands_the_pixels_on() -> None:
    pixels = columns_and_rows(side=32, count=2)

    assert augment(pixels, [], seeded()) is pixels
