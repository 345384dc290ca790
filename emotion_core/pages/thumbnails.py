"""Small pictures of single images, for those who asked for them."""

import base64
import io
from typing import Final

from emotion_core.vision.images import decode

SIDE: Final = 64
"""Pixels of the longer side."""


def thumbnail(data: bytes) -> str:
    """An image file as a small ``data:image/jpeg`` address, without its metadata.

    Raises:
        ImageRefused: It cannot be decoded.
    """
    image = decode(data)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
