"""A data set's images as one array."""

from pathlib import Path

import numpy as np
import pytest
from tiny_faces import make_faces

from emotion_core.errors import DataError
from emotion_core.training import pixels as pixels_module
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.pixels import load_pixels
from emotion_core.vision.images import decode
from emotion_core.vision.preprocessing import Preprocessing


def test_pixels_stand_in_the_order_of_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_set = read_affectnet(make_faces(tmp_path / "faces"))
    preprocessing = Preprocessing(image_size=32)
    monkeypatch.setattr(pixels_module, "_AT_ONCE", 5)  # several rounds, the last one short

    pixels = load_pixels(labelled_set, preprocessing)

    assert (pixels.shape, pixels.dtype) == ((32, 32, 32, 3), np.uint8)
    for position, sample in enumerate(labelled_set.samples):
        expected = preprocessing.pixels(decode(labelled_set.read_image(sample)))
        assert np.array_equal(pixels[position], expected)


def test_an_image_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = make_faces(tmp_path / "faces")
    labelled_set = read_affectnet(folder)
    (folder / "images" / "7.jpg").unlink()

    with pytest.raises(DataError, match=r"7\.jpg"):
        load_pixels(labelled_set, Preprocessing(image_size=32))


def test_more_pixels_than_memory_is_a_sentence(tmp_path: Path) -> None:
    labelled_set = read_affectnet(make_faces(tmp_path / "faces"))

    with pytest.raises(DataError, match="image_size"):
        load_pixels(labelled_set, Preprocessing(image_size=3_000_000))
