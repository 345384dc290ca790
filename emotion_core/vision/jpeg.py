"""The fast way for ordinary JPEGs: the same library as Pillow's, without what is around it.

Uses the package ``simplejpeg`` where it is installed; everything works without it, at about
two thirds of the speed.
"""

import struct
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Baseline, extended and progressive Huffman coding.
_FRAMES = (0xC0, 0xC1, 0xC2)
# Quantisation tables, Huffman tables, restart interval, comment, JFIF: nothing that turns,
# recolours or follows the picture.
_HARMLESS = (0xDB, 0xC4, 0xDD, 0xFE, 0xE0)
_SCAN = 0xDA


def plain_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JFIF file of 8-bit YCbCr without EXIF, XMP, profile or Adobe marks.

    None for everything else: such a file is for :func:`emotion_core.vision.images.decode`.
    Segment layout: ITU-T T.81, annex B.
    """
    if data[:4] != b"\xff\xd8\xff\xe0" or data[6:11] != b"JFIF\0":
        return None
    position, size = 2, None
    try:
        while True:
            start, marker, length = struct.unpack_from(">BBH", data, position)
            if start != 0xFF or length < 2:
                return None
            if marker == _SCAN:
                return size
            if marker in _FRAMES:
                precision, height, width, components = struct.unpack_from(
                    ">BHHB", data, position + 4
                )
                ids = data[position + 10 : position + 19 : 3]
                if size or (precision, components) != (8, 3) or ids != b"\1\2\3":
                    return None
                size = (width, height)
            elif marker not in _HARMLESS:
                return None
            position += 2 + length
    except struct.error:
        return None


def fast_jpeg(data: bytes, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8] | None:
    """Decode a file that :func:`plain_jpeg_size` knows, or None where that is not possible here.

    Args:
        data: The whole file.
        out: uint8 [height, width, 3], C-contiguous, to write into.

    Returns:
        uint8 [height, width, 3], the bytes that Pillow gives; ``out`` where it was given.
    """
    library = _simplejpeg()
    if library is None:
        return None
    try:
        # Strict: a warning of libjpeg ends here too, and Pillow decides.
        pixels: NDArray[np.uint8] = library.decode_jpeg(data, "RGB", buffer=out, strict=True)
    except MemoryError:
        raise
    except Exception:
        return None
    return pixels


@cache
def _simplejpeg() -> Any:
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg
