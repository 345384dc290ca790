"""Files that are complete or absent, whatever interrupts their writing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_MARK = ".partial-"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to the yielded path; when the block ends well, it becomes ``path`` at one stroke.

    The temporary file lies in the same folder (a rename across file systems copies), is flushed
    to disk before the rename, and is removed when the block raises.
    """
    temporary = path.with_name(f"{_MARK}{uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
