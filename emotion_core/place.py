"""Where images and results lie, as people write it: a folder's path or ``s3://bucket/folder``."""

import os
import posixpath
import re
from pathlib import Path
from typing import Final

from emotion_core.errors import PlaceError

MAX_PLACE_BYTES: Final = 1_000
"""An index row of PostgreSQL holds 2,704 bytes; it has to hold a source and a path inside it."""

_ADDRESS = re.compile(r"s3://([^/]+)(?:/(.*))?", re.IGNORECASE | re.DOTALL)
# Whoever writes these means an address, and would get a folder of that name.
_NEARLY_ADDRESS = re.compile(r"s3[an]?(:|//)|[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")


def is_address(name: str) -> bool:
    """Whether a place is an object store's address rather than a folder's path."""
    return "://" in name


def real_name(place: str) -> str:
    """A place without links in its path, to know two spellings of one folder for the same."""
    return place if is_address(place) else os.path.realpath(place)


def place_named(written: str) -> str:
    """The place that is meant, the same however it is spelt: an absolute path or an address.

    ``~`` is a home; ``.``, ``..``, doubled and last slashes are gone. A link in a path stays.

    Raises:
        PlaceError: It names no place; says why.
    """
    try:
        return _storable(_named(written))
    except PlaceError as error:
        raise PlaceError(f"{written[:80]!r} names no place: {error}") from None


def folder_at(path: str) -> str:
    """The absolute path of a folder that is there, whatever its name looks like.

    Raises:
        PlaceError: Its name cannot be stored.
    """
    # Behind a link `..` leads elsewhere than the text says.
    is_plain = ".." not in Path(path).parts
    whole = os.path.abspath(path) if is_plain else os.path.realpath(path)  # noqa: PTH100
    return _storable("/" + whole.lstrip("/"))


def _named(written: str) -> str:
    if not written.strip():
        raise PlaceError("it is empty; write a folder or s3://bucket/folder")
    if written != written.strip():
        raise PlaceError("it begins or ends with a space; take that away")
    if (variable := _VARIABLE.search(written)) is not None:
        raise PlaceError(f"nothing replaces {variable.group()} in it; write the whole path")
    if (address := _ADDRESS.fullmatch(written)) is not None:
        bucket, folder = address.groups()
        path = posixpath.normpath("/" + (folder or "").lstrip("/"))
        return f"s3://{bucket}{path.rstrip('/')}"
    if _NEARLY_ADDRESS.match(written):
        raise PlaceError("an address is written s3://bucket/folder, and a folder as its path")
    return _folder(written)


def _folder(written: str) -> str:
    if "\0" in written:
        raise PlaceError("a path holds no zero byte")
    try:
        return folder_at(str(Path(written).expanduser()))
    except RuntimeError:
        home = written.partition("/")[0]
        raise PlaceError(f"{home} is nobody's home; write the whole path") from None


def _storable(place: str) -> str:
    try:
        length = len(place.encode())
    except UnicodeEncodeError:
        raise PlaceError(f"{place!r} is not UTF-8; rename the folder") from None
    if length > MAX_PLACE_BYTES:
        raise PlaceError(f"it is {length:,} bytes long; {MAX_PLACE_BYTES:,} are possible")
    return place
