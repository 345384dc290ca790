"""A data set's images as one array, decoded and resized once for the whole training."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import DataError, ImageRefused
from emotion_core.training.labelled_set import LabelledSet, Sample
from emotion_core.vision.images import decode
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.processor import available_cores

_AT_ONCE = 512
"""Files whose bytes are in memory at the same time."""


def load_pixels(labelled_set: LabelledSet, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Every sample's pixels, in the order of ``labelled_set.samples``.

    Returns:
        uint8 [N, S, S, 3] with S = ``preprocessing.image_size``: 12 kB an image at 64 pixels,
        150 kB at 224.

    Raises:
        DataError: An image can no longer be read or decoded, or the array does not fit into
            memory.
    """
    samples = labelled_set.samples
    side = preprocessing.image_size
    try:
        pixels = np.empty((len(samples), side, side, 3), dtype=np.uint8)
    except MemoryError:
        size = len(samples) * side * side * 3 / 1e9
        raise DataError(
            f"{labelled_set.source} has {len(samples)} images, {size:.0f} GB at {side} pixels, "
            "more than the memory holds; use a smaller image_size or a larger machine"
        ) from None

    def fill(position: int, sample: Sample, data: bytes) -> None:
        try:
            pixels[position] = preprocessing.pixels(decode(data))
        except ImageRefused as refused:
            raise DataError(
                f"{sample.image_name} in {labelled_set.source} cannot be decoded any more "
                f"({refused}); read the data set again"
            ) from None

    # Pillow decodes and resizes outside Python's lock; reading stays with one thread.
    with ThreadPoolExecutor(available_cores()) as pool:
        for positions in _chunks(range(len(samples))):
            data = [labelled_set.read_image(samples[position]) for position in positions]
            list(pool.map(fill, positions, [samples[position] for position in positions], data))
    return pixels


def _chunks(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(positions), _AT_ONCE):
        yield positions[start : start + _AT_ONCE]
