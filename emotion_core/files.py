"""Names and places of files, and files that are complete or absent.

Airflow's run ids hold ``:`` and ``+``, which folders and URLs must not. A place is a folder's path
or ``s3://bucket/folder``, as people write it.
"""

import hashlib
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from emotion_core.errors import PlaceError, StorageError

# --- names ---------------------------------------------------------------------------------


def folder_name(key: str) -> str:
    """A name safe for folders and URLs, the same for the same key, different for different keys.

    Keys that are already safe stay readable as they are; any other gets eight hex digits of its
    SHA-256 so that two keys which differ only in what was replaced do not meet.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", key).strip("._")[:100]
    if safe == key:
        return safe
    return f"{safe}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


# --- places --------------------------------------------------------------------------------

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


# --- writing ------------------------------------------------------------------------------------

_MARK = ".partial-"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to the yielded path; when the block ends well, it becomes ``path`` at one stroke.

    The temporary file lies in the same folder (a rename across file systems copies), is flushed
    to disk before the rename, and is removed when the block raises.

    Raises:
        StorageError: The file cannot be written; names it and the reason.
    """
    temporary = path.with_name(f"{_MARK}{uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if reason := _refusal(error):
            raise StorageError(
                f"{path} cannot be written ({reason}); make room, or choose another folder"
            ) from None
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file through :func:`replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def remove_partial(folder: Path) -> None:
    """Delete what a killed process left of :func:`replacing` in ``folder``."""
    for left in folder.glob(f"{_MARK}*"):
        left.unlink(missing_ok=True)


def _refusal(error: BaseException) -> str | None:
    """What the operating system said. Libraries that write in Rust or C++ hide it in a text."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if "os error" in str(error).lower() else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
