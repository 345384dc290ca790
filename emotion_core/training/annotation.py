"""One AffectNet annotation file: a tiny ``.npy`` holding a number, most often written as text."""

import io
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final

import numpy as np

from emotion_core.emotions import EXPRESSIONS
from emotion_core.training.source_files import FileRefused

BYTES_LIMIT = 64 * 1024
"""An annotation is about 150 bytes. More than this is read by nobody."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_VALUE = -2.0
_BEYOND_EXPRESSIONS = {8: "None", 9: "Uncertain", 10: "No-Face"}


@lru_cache(maxsize=512)
def _header(start: bytes) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    """dtype and shape of a ``.npy`` header; a data set holds thousands of files but few headers."""
    stream = io.BytesIO(start)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"npy format {version[0]}.{version[1]}")
    return dtype, tuple(shape)


def _header_length(data: bytes) -> int:
    if data[6:7] == b"\x01":
        return 10 + int.from_bytes(data[8:10], "little")
    return 12 + int.from_bytes(data[8:12], "little")


def read_number(data: bytes) -> float:
    """The one number in a ``.npy`` file.

    Accepts what AffectNet and its copies hold: a 0-d array (or one element) of text (``'0.34'``,
    ``'3.0'``), bytes, integers or floats. The header is judged before anything is allocated, so
    one that claims terabytes costs nothing, and no pickle is ever loaded.

    Args:
        data: The file's bytes.

    Raises:
        FileRefused: ``pickled_annotation`` for object arrays, ``unreadable_annotation`` for
            anything else that is not one number.
    """
    try:
        length = _header_length(data)
        dtype, shape = _header(data[:length])
    except Exception as error:  # numpy's header parser raises whatever literal_eval meets
        raise FileRefused("unreadable_annotation", f"not an npy file: {error}") from error
    if dtype.hasobject:
        raise FileRefused("pickled_annotation", "holds a Python object, which is never loaded")
    if math.prod(shape) != 1:
        raise FileRefused("unreadable_annotation", f"holds an array {shape}, expected one number")
    body = data[length:]
    if len(body) < dtype.itemsize:
        raise FileRefused("unreadable_annotation", "the file is cut short")
    if dtype.kind not in "USiuf" or dtype.itemsize == 0:
        raise FileRefused("unreadable_annotation", f"holds {dtype}, expected a number")
    try:
        value = np.frombuffer(body, dtype=dtype, count=1)[0]
        text = value.decode("ascii") if isinstance(value, bytes) else str(value)
    except ValueError as error:
        raise FileRefused("unreadable_annotation", "holds text that is not readable") from error
    text = text.strip()
    if text.lower() in ("nan", "+nan", "-nan"):
        raise FileRefused("not_a_number", "the value is NaN")
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise FileRefused("unreadable_annotation", f"{text[:40]!r} is not a number")
    return float(text)


def _read_expression(data: bytes) -> int:
    """The expression's id, 0–7 in :data:`emotion_core.emotions.EXPRESSIONS`' order.

    Raises:
        FileRefused: As :func:`read_number`, and ``no_value_label`` for AffectNet's -2,
            ``expression_out_of_range`` for any other number that is no expression.
    """
    number = read_number(data)
    if number == _NO_VALUE:
        raise FileRefused("no_value_label", "the expression is -2, AffectNet's 'no value'")
    if number not in range(len(EXPRESSIONS)):
        meaning = _BEYOND_EXPRESSIONS.get(int(number))
        detail = f"the expression is {number:g}, expected 0 to {len(EXPRESSIONS) - 1}"
        if meaning and number == int(number):
            detail += f" (AffectNet's {number:g} is {meaning!r})"
        raise FileRefused("expression_out_of_range", detail)
    return int(number)


def _read_dimension(dimension: str, data: bytes) -> float:
    """Valence or arousal, in [-1, 1].

    Raises:
        FileRefused: As :func:`read_number`, and ``no_value_label`` for AffectNet's -2,
            ``valence_out_of_range`` or ``arousal_out_of_range`` outside [-1, 1].
    """
    number = read_number(data)
    if number == _NO_VALUE:
        raise FileRefused("no_value_label", f"the {dimension} is -2, AffectNet's 'no value'")
    if not -1.0 <= number <= 1.0:
        raise FileRefused(
            f"{dimension}_out_of_range",
            f"the {dimension} is {number:g}, expected -1 to 1; bring all values to that scale",
        )
    return number + 0.0  # -0.0 becomes 0.0, so that fingerprints agree


READERS: Final[Mapping[str, Callable[[bytes], float]]] = MappingProxyType(
    {
        "exp": _read_expression,
        "val": partial(_read_dimension, "valence"),
        "aro": partial(_read_dimension, "arousal"),
    }
)
"""By the file name's ending, what its bytes say."""
