"""The one way from an image to a network's input."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from emotion_core.errors import WeightsError
from emotion_core.vision.preprocessing import Preprocessing


def test_pixels_are_a_square_of_bytes_in_rgb_order() -> None:
    image = Image.new("RGB", (300, 100), (250, 120, 10))

    pixels = Preprocessing(image_size=48).pixels(image)

    assert (pixels.shape, pixels.dtype) == ((48, 48, 3), np.uint8)
    assert pixels[20, 20].tolist() == [250, 120, 10]


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255

    pixels = Preprocessing(image_size=16).pixels(Image.fromarray(stripes))

    assert 100 < pixels[8, 8, 0] < 155


def test_an_image_of_the_right_size_is_left_alone() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)

    pixels = Preprocessing(image_size=32).pixels(Image.fromarray(noise))

    assert np.array_equal(pixels, noise)


def test_normalising_follows_the_formula_and_keeps_channels_last() -> None:
    preprocessing = Preprocessing(image_size=8)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)

    images = preprocessing.normalise(torch.from_numpy(pixels))

    expected = (pixels / 255 - np.array(preprocessing.mean)) / np.array(preprocessing.std)
    assert images.shape == (5, 3, 8, 8)
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert np.allclose(images.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_a_preprocessing_survives_its_json_with_the_same_fingerprint() -> None:
    before = Preprocessing(image_size=96, mean=(0.1, 0.2, 0.3))

    after = Preprocessing.from_dict(json.loads(json.dumps(before.to_dict())))

    assert after == before
    assert after.fingerprint == before.fingerprint


def test_every_difference_changes_the_fingerprint() -> None:
    first = Preprocessing(image_size=96)
    others = [
        replace(first, image_size=97),
        replace(first, mean=(0.5, 0.5, 0.5)),
        replace(first, std=(0.5, 0.5, 0.5)),
        replace(first, resize="nearest"),
        replace(first, channel_order="BGR"),
    ]

    assert len({p.fingerprint for p in [first, *others]}) == 6


@pytest.mark.parametrize(
    "change",
    [{"resize": "nearest"}, {"channel_order": "BGR"}, {"mean": [0.5]}, {"image_size": None}],
)
def test_a_preprocessing_that_this_code_does_not_do_is_refused(change: dict[str, object]) -> None:
    stored = Preprocessing(image_size=96).to_dict() | change

    with pytest.raises(WeightsError):
        Preprocessing.from_dict(stored)
