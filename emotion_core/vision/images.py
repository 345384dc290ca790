"""Safe decoding: bytes from anybody become an RGB image or a refusal, never a crash."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from emotion_core.errors import ImageRefused
from emotion_core.vision.jpeg import fast_jpeg, plain_jpeg_size

if TYPE_CHECKING:
    from emotion_core.vision.preprocessing import Preprocessing

MAX_FILE_BYTES = 32 * 1024 * 1024
"""Larger files are refused unread; a photograph of 40 megapixels is about 15 MB as JPEG."""

MAX_PIXELS = 40_000_000
"""Declared width × height above this is refused before a pixel is decoded (120 MB as RGB)."""

MAX_ASPECT = 10
"""Longer side over shorter side; squashed to a square nothing of a longer strip is left to see."""

FORMATS = ("JPEG", "PNG", "WEBP")
"""Pillow's decoders that may run. Every other one is attack surface and no camera's output."""

# What a refused file begins with, to say "send it as JPEG" instead of "not an image".
_OWN_SIGNATURES = {"JPEG": (0, b"\xff\xd8\xff"), "PNG": (0, b"\x89PNG"), "WebP": (8, b"WEBP")}
_OTHER_SIGNATURES = {
    "GIF": (0, b"GIF8"),
    "BMP": (0, b"BM"),
    "TIFF": (0, b"II*\0", b"MM\0*"),
    "JPEG 2000": (4, b"jP  "),
    "ICO": (0, b"\0\0\1\0"),
    "Photoshop": (0, b"8BPS"),
    "PDF": (0, b"%PDF"),
    "HEIC": (4, b"ftypheic", b"ftypheix", b"ftypmif1"),
    "AVIF": (4, b"ftypavif"),
}

_SIXTEEN_TO_EIGHT = ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)


def decode(data: bytes) -> Image.Image:
    """The picture a viewer would show, as 8-bit RGB.

    What each kind of file means here:

    - animated PNG or WebP, and the several pictures of an MPO: the first picture in the file;
    - transparency (alpha channel, palette or colour-key): composited on black, so that colour
      hidden under transparent pixels never reaches a network;
    - 16-bit grey: scaled by 255/65535 (Pillow's own conversion would clip nearly all to white);
      16-bit colour: the high byte, as Pillow's decoder gives it;
    - CMYK, YCCK, grey, palette and bilevel: converted to RGB without a colour profile;
    - EXIF orientation: applied, a damaged EXIF block is ignored.

    Args:
        data: The whole file. JPEG, PNG and WebP are recognised by content, not by name.

    Returns:
        An image of mode ``RGB`` with its pixels loaded, width and height at least 1.

    Raises:
        ImageRefused: With one of the codes ``empty_file``, ``too_large_file``, ``not_an_image``,
            ``unsupported_format``, ``truncated``, ``too_many_pixels``, ``extreme_aspect``,
            ``too_much_memory``, ``decode_error``.
    """
    if not data:
        raise ImageRefused("empty_file", "the file holds no bytes")
    if len(data) > MAX_FILE_BYTES:
        raise ImageRefused(
            "too_large_file", f"{len(data):,} bytes; at most {MAX_FILE_BYTES:,} are read"
        )
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        _refuse_size(*image.size)
        image.load()
        _turn_upright(image)
        return _to_rgb(image)
    except ImageRefused:
        raise
    except UnidentifiedImageError:
        raise _unrecognised(data) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(str(error)) from None
    except MemoryError:
        raise ImageRefused("too_much_memory", "its decoder asked for too much memory") from None
    # Hostile files raise nearly anything: SyntaxError, struct.error, IndexError, ValueError.
    except Exception as error:
        raise _damaged(error) from None


def decode_pixels(data: bytes, preprocessing: "Preprocessing", out: NDArray[np.uint8]) -> None:
    """Write ``preprocessing.pixels(decode(data))`` into ``out``, faster for plain JPEGs.

    libjpeg-turbo is called directly where that gives the same bytes as Pillow, which calls the
    same library; anything out of the ordinary, a warning included, goes through :func:`decode`,
    whose verdict counts.

    Args:
        data: The whole file.
        preprocessing: Part of the model.
        out: uint8 [S, S, 3], C-contiguous; undefined when the file is refused.

    Raises:
        ImageRefused: As :func:`decode`.
    """
    size = plain_jpeg_size(data) if len(data) <= MAX_FILE_BYTES else None
    if size is not None:
        _refuse_size(*size)
        if size == (preprocessing.image_size, preprocessing.image_size):
            if fast_jpeg(data, out) is not None:
                return
        elif (pixels := fast_jpeg(data)) is not None:
            out[:] = preprocessing.pixels(Image.fromarray(pixels))
            return
    out[:] = preprocessing.pixels(decode(data))


def prepare_decoders() -> None:
    """Load every decoder that may run, so that none is loaded under a memory limit."""
    for file_format in ("JPEG", "MPO", "PNG", "WEBP"):
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16)).save(buffer, file_format)
        decode(buffer.getvalue())
        fast_jpeg(buffer.getvalue())


def _refuse_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(f"{width:,} × {height:,}")
    if max(width, height) > MAX_ASPECT * min(width, height) > 0:
        raise ImageRefused(
            "extreme_aspect", f"{width:,} × {height:,}; at most {MAX_ASPECT} times as long as wide"
        )


def _too_many_pixels(detail: str) -> ImageRefused:
    return ImageRefused("too_many_pixels", f"{detail}; at most {MAX_PIXELS:,} pixels are decoded")


def _unrecognised(data: bytes) -> ImageRefused:
    if own := _format_of(data, _OWN_SIGNATURES):
        return ImageRefused("decode_error", f"begins like a {own} but its header is unreadable")
    if other := _format_of(data, _OTHER_SIGNATURES):
        return ImageRefused("unsupported_format", f"looks like {other}; send JPEG, PNG or WebP")
    return ImageRefused("not_an_image", f"begins with {data[:8].hex(' ')}, no known image format")


def _format_of(data: bytes, signatures: Mapping[str, tuple[Any, ...]]) -> str | None:
    found = (
        name for name, (at, *begins) in signatures.items() if data.startswith(tuple(begins), at)
    )
    return next(found, None)


def _damaged(error: Exception) -> ImageRefused:
    text = f"{type(error).__name__}: {error}"[:200]
    code = "truncated" if "truncated" in str(error).lower() else "decode_error"
    return ImageRefused(code, text)


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: S110  - a damaged EXIF block says nothing about the pixels
        pass


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Through a table: arithmetic on 40 megapixels would take a gigabyte.
        wide = np.asarray(image).clip(0, 65535).astype(np.uint16)
        return Image.fromarray(_SIXTEEN_TO_EIGHT[wide]).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        black = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, layered).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
