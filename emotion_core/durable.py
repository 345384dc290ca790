"""Files that are complete or absent, whatever interrupts their writing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from emotion_core.errors import StorageError

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
