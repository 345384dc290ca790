"""Files that somebody damaged on purpose: seeded, so that every run tries the same ones."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")


def originals(side: int = 40) -> list[bytes]:
    """One valid file of every kind that Pillow can write and that means something to decoders."""
    rng = np.random.default_rng(20)
    low = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
    colour = Image.fromarray(low).resize((side, side + 8), Image.Resampling.BICUBIC)
    other = colour.transpose(Image.Transpose.ROTATE_180)
    grey16 = Image.fromarray(
        np.linspace(0, 65535, side * side, dtype=np.uint16).reshape(side, side)
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "described"
    pages: dict[str, Any] = {"save_all": True, "append_images": [other]}
    return [
        _written(colour, "JPEG", quality=85),
        _written(colour, "JPEG", quality=60, progressive=True),
        _written(colour, "JPEG", quality=90, subsampling=0, exif=exif),
        _written(colour.convert("L"), "JPEG"),
        _written(colour.convert("CMYK"), "JPEG"),
        _written(colour, "MPO", **pages),
        _written(colour, "PNG"),
        _written(colour.convert("P"), "PNG", transparency=3),
        _written(colour.convert("RGBA"), "PNG", exif=exif),
        _written(grey16, "PNG"),
        _written(colour.convert("1"), "PNG"),
        _written(colour, "PNG", **pages),
        _written(colour, "WEBP", quality=70),
        _written(colour.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        _written(colour, "WEBP", **pages),
        _written(colour, "GIF", **pages),
        _written(colour, "TIFF", compression="tiff_lzw"),
        _written(colour, "TIFF", compression="jpeg"),
        _written(colour, "BMP"),
    ]


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """``count`` damaged files: bits flipped, cut, spliced, headers and lengths changed."""
    rng = np.random.default_rng(seed)
    whole = originals()
    for number in range(count):
        data = bytearray(whole[number % len(whole)])
        match int(rng.integers(0, 8)):
            case 0:  # noise anywhere
                for place in rng.integers(0, len(data), int(rng.integers(1, 30))):
                    data[place] = int(rng.integers(0, 256))
            case 1:  # single bits
                for place in rng.integers(0, len(data), int(rng.integers(1, 6))):
                    data[place] ^= 1 << int(rng.integers(0, 8))
            case 2:  # cut short
                del data[int(rng.integers(0, len(data))) :]
            case 3:  # the head of one, the tail of another
                tail = whole[int(rng.integers(0, len(whole)))]
                data[int(rng.integers(0, len(data))) :] = tail[int(rng.integers(0, len(tail))) :]
            case 4:  # the header alone: sizes, depths, tables
                for place in rng.integers(0, min(64, len(data)), int(rng.integers(1, 8))):
                    data[place] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF]))
            case 5:  # a length or an offset becomes extreme
                place = int(rng.integers(0, max(1, len(data) - 4)))
                data[place : place + 4] = bytes(rng.choice([0x00, 0x7F, 0xFF], 4).tolist())
            case 6:  # a piece is gone
                start = int(rng.integers(0, len(data)))
                del data[start : start + int(rng.integers(1, 64))]
            case _:  # a piece is there again and again
                start = int(rng.integers(0, len(data)))
                piece = data[start : start + int(rng.integers(1, 64))]
                data[start:start] = piece * int(rng.integers(1, 40))
        yield bytes(data)


def _written(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
