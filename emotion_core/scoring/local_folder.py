"""A folder of this machine as a source: nothing but regular files is ever opened.

Whoever can write into an inbox must not be able to have other files read through it. Links are
not followed at any level of a path, also when a folder is replaced by a link between the look and
the read; pipes, devices and sockets are not opened; a file with a second name (hard link) is
refused, because the other name may lie outside and its bytes may change through it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from emotion_core.scoring.source import Entry
from emotion_core.vision.images import MAX_FILE_BYTES

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that a pipe under an image's name cannot hold a worker for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalFolder:
    """A source on a file system."""

    # Reading small files is Python's own work: a second thread would only wait for the first.
    count_readers = 1

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = os.fsencode(root)

    def entries(self, folder: bytes) -> Iterator[Entry]:
        """As :meth:`Source.entries`."""
        with os.scandir(self._place(folder)) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    yield Entry(entry.name, is_folder=True)
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield _entry(entry.name, status)

    def look(self, path: bytes) -> Entry | None:
        """As :meth:`Source.look`."""
        try:
            status = os.stat(self._place(path), follow_symlinks=False)  # noqa: PTH116
        except OSError:
            return None
        return _entry(path.rpartition(b"/")[2], status)

    def open(self, path: bytes) -> BinaryIO:
        """As :meth:`Source.open`."""
        return os.fdopen(self._open(path), "rb")

    def read(self, path: bytes, limit: int = MAX_FILE_BYTES) -> tuple[bytes, Entry]:
        """As :meth:`Source.read`."""
        handle = self._open(path)
        try:
            # A short read of a regular file is its end: one call reads the whole of it.
            wanted = min(os.fstat(handle).st_size, limit) + 1
            data = os.read(handle, wanted)
            while len(data) == wanted <= limit:
                wanted = limit + 1
                data += os.read(handle, wanted - len(data))
            return data, _entry(path.rpartition(b"/")[2], os.fstat(handle))
        finally:
            os.close(handle)

    def _open(self, path: bytes) -> int:
        """A descriptor of a regular file, reached folder by folder without following links."""
        *folders, name = path.split(b"/")
        if b".." in folders or name in (b"", b".", b".."):
            raise OSError("leads out of the inbox")
        if not folders:
            handle = os.open(self._place(name), _FILE)
        else:
            place = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
            try:
                for folder in folders:
                    inner = os.open(folder, _FOLDER, dir_fd=place)
                    os.close(place)
                    place = inner
                handle = os.open(name, _FILE, dir_fd=place)
            finally:
                os.close(place)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError("not a regular file")
        return handle

    def _place(self, path: bytes) -> bytes:
        # pathlib knows no byte paths, and a file name need not be text in any encoding.
        return os.path.join(self._root, path)  # noqa: PTH118


def _entry(name: bytes, status: os.stat_result) -> Entry:
    problem = None
    if not stat.S_ISREG(status.st_mode):
        problem = None if stat.S_ISDIR(status.st_mode) else "not_a_regular_file"
    elif status.st_nlink > 1:
        problem = "hard_link"
    return Entry(
        name,
        status.st_size,
        status.st_mtime_ns,
        is_folder=stat.S_ISDIR(status.st_mode),
        problem=problem,
    )
