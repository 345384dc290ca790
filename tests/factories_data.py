"""Makers of small AffectNet folders, sound and broken."""

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from emotion_core.training.labelled_set import LabelledSet


def make_image(number: int, size: int = 24, suffix: str = "jpg") -> bytes:
    """A small picture whose bytes differ from those of every other number."""
    pixels = np.random.default_rng(number).integers(0, 255, (size, size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG" if suffix == "png" else "JPEG")
    return buffer.getvalue()


def make_npy(value: object) -> bytes:
    """An ``.npy`` file as ``np.save`` writes it."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(value), allow_pickle=True)
    return buffer.getvalue()


def write_sample(
    root: Path,
    sample_id: str,
    *,
    expression: object = "0",
    valence: object = "0.1",
    arousal: object = "-0.2",
    image: bytes | None = None,
    suffix: str = "jpg",
) -> Path:
    """One face with its annotations; returns the image's path."""
    images, annotations = root / "images", root / "annotations"
    images.mkdir(parents=True, exist_ok=True)
    annotations.mkdir(exist_ok=True)
    for kind, value in {"exp": expression, "val": valence, "aro": arousal}.items():
        if value is not None:
            (annotations / f"{sample_id}_{kind}.npy").write_bytes(make_npy(value))
    path = images / f"{sample_id}.{suffix}"
    number = zlib.crc32(os.fsencode(f"{root.name}/{sample_id}"))
    path.write_bytes(make_image(number, suffix=suffix) if image is None else image)
    return path


def write_affectnet(root: Path, *, per_expression: int = 2, first: int = 0) -> Path:
    """A sound set: ids with gaps, all eight expressions, labels as 0-d arrays of text."""
    for n in range(8 * per_expression):
        write_sample(
            root,
            str(first + 3 * n),
            expression=str(n % 8),
            valence=f"{-0.9 + 1.8 * n / (8 * per_expression):.6g}",
            arousal=f"{0.7 - n / (8 * per_expression):.6g}",
            image=make_image(first + 3 * n),
        )
    return root


def npy_with_header(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """An ``.npy`` file whose header may lie."""
    text = repr(dict(header)).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def zip_folder(folder: Path, archive: Path, prefix: str = "") -> Path:
    """Every file of a folder in a zip, below a prefix."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, prefix + path.relative_to(folder).as_posix())
    return archive


def codes(found: LabelledSet) -> dict[str, str]:
    """Reasons of what was left out, by the file's name."""
    return {exclusion.name: exclusion.code for exclusion in found.exclusions}
