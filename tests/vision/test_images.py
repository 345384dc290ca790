"""Decoding what anybody may have sent."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emotion_core.errors import ImageRefused
from emotion_core.vision import images, jpeg
from emotion_core.vision.images import decode, decode_pixels
from emotion_core.vision.jpeg import plain_jpeg_size
from emotion_core.vision.preprocessing import Preprocessing


def encoded(image: Image.Image, file_format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def photograph(size: tuple[int, int] = (64, 48)) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise)


def left_red_right_blue() -> Image.Image:
    image = Image.new("RGB", (64, 32), (255, 0, 0))
    image.paste((0, 0, 255), (32, 0, 64, 32))
    return image


def png_that_claims(width: int, height: int) -> bytes:
    return png(width, height, depth=8, colour=2, pixels=zlib.compress(b"\0" * 64))


def png(width: int, height: int, *, depth: int, colour: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IDAT", pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_decode_to_rgb(file_format: str) -> None:
    data = encoded(photograph(), file_format)

    image = decode(data)

    assert (image.mode, image.size) == ("RGB", (64, 48))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"Dear sir or madam, please find attached", "not_an_image"),
        (b"\x00", "not_an_image"),
        (encoded(photograph(), "GIF"), "unsupported_format"),
        (encoded(photograph(), "BMP"), "unsupported_format"),
        (encoded(photograph(), "TIFF"), "unsupported_format"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "unsupported_format"),
        (encoded(photograph(), "JPEG")[:30], "truncated"),
        (encoded(photograph(), "PNG")[:12], "decode_error"),
        (encoded(photograph(), "JPEG")[:-600], "truncated"),
        (encoded(photograph(), "PNG")[:-600], "truncated"),
        (png_that_claims(65_000, 65_000), "too_many_pixels"),
        (png_that_claims(10_000, 5_000), "too_many_pixels"),
        (png_that_claims(0, 10), "decode_error"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_reason(data: bytes, code: str) -> None:
    with pytest.raises(ImageRefused) as refusal:
        decode(data)

    assert refusal.value.code == code
    assert refusal.value.detail


def test_a_file_over_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 1000)

    with pytest.raises(ImageRefused) as refusal:
        decode(encoded(photograph(), "PNG"))

    assert refusal.value.code == "too_large_file"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_cut_or_damaged_file_is_refused_or_decoded_never_a_crash(file_format: str) -> None:
    rng = np.random.default_rng(7)
    whole = encoded(photograph((24, 24)), file_format)
    hostile = [bytearray(whole[:length]) for length in range(0, len(whole), 7)]
    for _ in range(100):
        hostile.append(bytearray(whole))
        for position in rng.integers(0, len(whole), 4):
            hostile[-1][position] = int(rng.integers(0, 256))

    for data in hostile:
        try:
            assert decode(bytes(data)).mode == "RGB"
        except ImageRefused as refusal:
            assert refusal.code


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)

    image = decode(encoded(Image.fromarray(ramp), "PNG"))

    assert np.array_equal(np.asarray(image)[:, :, 0].ravel(), np.arange(256))


def hidden_colour() -> Image.Image:
    hidden = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    hidden.paste((0, 255, 0, 255), (0, 0, 4, 8))
    hidden.paste((0, 0, 200, 128), (4, 0, 8, 4))
    return hidden


def palette() -> Image.Image:
    made = Image.new("P", (8, 8), 0)
    made.putpalette([255, 0, 0, 0, 255, 0])
    made.paste(1, (0, 0, 4, 8))
    return made


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (hidden_colour(), {}, {(0, 0): (0, 255, 0), (6, 6): (0, 0, 0), (6, 0): (0, 0, 100)}),
        (palette(), {"transparency": 0}, {(0, 0): (0, 255, 0), (6, 6): (0, 0, 0)}),
        (palette(), {}, {(0, 0): (0, 255, 0), (6, 6): (255, 0, 0)}),
        (
            left_red_right_blue(),
            {"transparency": (255, 0, 0)},
            {(0, 0): (0, 0, 0), (63, 0): (0, 0, 255)},
        ),
        (Image.new("L", (9, 9), 77), {}, {(4, 4): (77, 77, 77)}),
        (Image.new("1", (9, 9), 1), {}, {(4, 4): (255, 255, 255)}),
    ],
    ids=["hidden colour", "transparent entry", "palette", "colour key", "grey", "bilevel"],
)
def test_hidden_colour_is_black_and_every_mode_becomes_rgb(
    image: Image.Image, options: dict[str, Any], expected: dict[tuple[int, int], tuple[int, ...]]
) -> None:
    found = decode(encoded(image, "PNG", **options))

    assert {place: pixel(found, *place) for place in expected} == expected


def test_cmyk_becomes_rgb() -> None:
    image = decode(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))

    red, green, blue = pixel(image, 8, 8)

    assert red > 230
    assert max(green, blue) < 25


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_shows_the_picture_upright(orientation: int) -> None:
    corner = Image.new("RGB", (32, 16), (0, 0, 0))
    corner.paste((255, 255, 255), (0, 0, 16, 8))  # white top left, when upright
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = corner.transpose(undo[orientation]) if orientation in undo else corner

    image = decode(encoded(stored, "PNG", exif=exif))

    assert image.size == (32, 16)
    assert np.array_equal(np.asarray(image), np.asarray(corner))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_damaged_exif_block_is_ignored() -> None:
    data = encoded(photograph(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\xff" * 30)

    image = decode(data)

    assert image.size == (64, 48)


@pytest.mark.parametrize(
    ("file_format", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True}), ("MPO", {"quality": 95})],
)
def test_an_animation_or_a_collection_is_its_first_picture(
    file_format: str, options: dict[str, Any]
) -> None:
    red, blue = Image.new("RGB", (16, 16), (255, 0, 0)), Image.new("RGB", (16, 16), (0, 0, 255))
    data = encoded(red, file_format, save_all=True, append_images=[blue], **options)

    image = decode(data)

    assert pixel(image, 8, 8)[0] > 240 and pixel(image, 8, 8)[2] < 15
    assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("size", "code"),
    [((100, 10), None), ((101, 10), "extreme_aspect"), ((7, 100), "extreme_aspect")],
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_strip_is_refused_because_nothing_of_it_is_left_as_a_square(
    size: tuple[int, int], code: str | None, file_format: str
) -> None:
    data = encoded(photograph(size), file_format)

    for attempt in (decode, lambda given: decode_pixels(given, Preprocessing(16), pixels_of(16))):
        if code is None:
            attempt(data)
        else:
            with pytest.raises(ImageRefused) as refusal:
                attempt(data)
            assert refusal.value.code == code


def test_sixteen_bit_colour_is_its_high_byte() -> None:
    # Pillow writes no such file: samples of eight bits, each followed by a low byte.
    high = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    rows = b"".join(b"\0" + np.stack([row, 255 - row], -1).tobytes() for row in high)

    image = decode(png(4, 4, depth=16, colour=2, pixels=zlib.compress(rows)))

    assert np.array_equal(np.asarray(image), high)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 95},
        {"quality": 30},
        {"quality": 85, "subsampling": 0},
        {"quality": 85, "subsampling": 1},
        {"quality": 75, "progressive": True},
        {"quality": 75, "restart_marker_rows": 1},
        {"quality": 75, "comment": b"a comment"},
    ],
)
@pytest.mark.parametrize("size", [(48, 48), (97, 61)])
def test_the_fast_way_gives_the_same_pixels_bit_by_bit(
    options: dict[str, Any], size: tuple[int, int]
) -> None:
    data = encoded(photograph(size), "JPEG", **options)
    out = pixels_of(48)

    decode_pixels(data, Preprocessing(48), out)

    assert plain_jpeg_size(data) == size
    assert np.array_equal(out, Preprocessing(48).pixels(decode(data)))


@pytest.mark.parametrize(
    "data",
    [
        encoded(photograph(), "JPEG", exif=Image.Exif().tobytes() or b"Exif\0\0"),
        encoded(photograph().convert("CMYK"), "JPEG"),
        encoded(photograph().convert("L"), "JPEG"),
        encoded(photograph(), "JPEG", icc_profile=b"x" * 200),
        encoded(photograph(), "JPEG")[:20],
        encoded(photograph(), "PNG"),
        b"",
    ],
)
def test_anything_out_of_the_ordinary_is_left_to_the_thorough_way(data: bytes) -> None:
    assert plain_jpeg_size(data) is None


def test_without_the_fast_library_everything_works_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jpeg, "_simplejpeg", lambda: None)
    data, out = encoded(photograph()), pixels_of(48)

    decode_pixels(data, Preprocessing(48), out)

    assert np.array_equal(out, Preprocessing(48).pixels(decode(data)))


def pixels_of(side: int) -> np.ndarray:
    return np.empty((side, side, 3), np.uint8)
