"""A folder of this machine as a source: nothing but regular files is ever opened.

Whoever can write into an inbox must not be able to have other files read through it. Links are
not followed at any level of a path, also when a folder is replaced by a link between stat and
the read; pipes, devices and sockets are not opened; a file with a second name (hard link) is
refused, because the other name may lie outside and its bytes may change through it.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from emotion_core.scoring.source import Entry, storable_ns
from emotion_core.vision.images import MAX_FILE_BYTES

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that a pipe under an image's name cannot hold a worker for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KEPT_S = 0.5


class _OpenFolder:
    """A folder that was reached without following links; closed with its last user."""

    def __init__(self, path: bytes, handle: int) -> None:
        self.path = path
        self.handle = handle
        self.until = time.monotonic() + _KEPT_S

    def __del__(self) -> None:
        os.close(self.handle)


class LocalFolder:
    """A source on a file system."""

    # Reading small files is Python's own work: a second thread would only wait for the first.
    count_readers = 1

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = os.fsencode(root)
        self._prefix = os.path.join(self._root, b"")  # noqa: PTH118
        # Files come folder by folder: reaching one anew for each would cost more than the files.
        # Only for a moment, so that a folder put in its place is soon seen.
        self._kept: _OpenFolder | None = None

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

    def names(self, folder: bytes) -> Iterator[bytes]:
        """As :meth:`Source.names`."""
        with os.scandir(self._place(folder)) as found:
            for entry in found:
                if not entry.is_dir(follow_symlinks=False):
                    yield entry.name

    def stat(self, path: bytes) -> Entry | None:
        """As :meth:`Source.stat`."""
        try:
            status = os.stat(self._place(path), follow_symlinks=False)  # noqa: PTH116
        except OSError:
            return None
        return _entry(path.rpartition(b"/")[2], status)

    def open(self, path: bytes) -> BinaryIO:
        """As :meth:`Source.open`."""
        return os.fdopen(self._open_file(path)[0], "rb")

    def read(self, path: bytes, limit: int = MAX_FILE_BYTES) -> tuple[bytes, Entry]:
        """As :meth:`Source.read`."""
        handle, status = self._open_file(path)
        try:
            # A short read of a regular file is its end: one call reads the whole of it.
            wanted = min(status.st_size, limit) + 1
            data = os.read(handle, wanted)
            while len(data) == wanted <= limit:
                wanted = limit + 1
                data += os.read(handle, wanted - len(data))
            return data, _entry(path.rpartition(b"/")[2], os.fstat(handle))
        finally:
            os.close(handle)

    def remove(self, path: bytes) -> None:
        """As :meth:`Source.remove`; of a link the link itself."""
        with self._folder_of(path) as (place, name):
            os.unlink(name, dir_fd=place)

    def _open_file(self, path: bytes) -> tuple[int, os.stat_result]:
        """A descriptor of a regular file and its state, reached without following links."""
        parent, _, name = path.rpartition(b"/")
        if name in (b"", b".", b".."):
            raise OSError("leads out of the inbox")
        if parent or b"/" in path:
            try:
                handle = os.open(name, _FILE, dir_fd=self._open_folder(parent).handle)
            except FileNotFoundError:  # perhaps only in the folder that was there before
                self._kept = None
                handle = os.open(name, _FILE, dir_fd=self._open_folder(parent).handle)
        else:
            handle = os.open(self._prefix + name, _FILE)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise OSError("not a regular file")
        return handle, status

    def _open_folder(self, path: bytes) -> _OpenFolder:
        """The folder, open since a moment or now. Threads may ask side by side: each holds its own
        reference, so none is closed under another's hands."""
        kept = self._kept
        if kept is None or kept.path != path or time.monotonic() > kept.until:
            with self._folder_of(path + b"/_") as (place, _):
                kept = _OpenFolder(path, os.dup(place))
            self._kept = kept
        return kept

    @contextmanager
    def _folder_of(self, path: bytes) -> Iterator[tuple[int, bytes]]:
        """A descriptor of the folder that a path ends in, and the path's last part."""
        *folders, name = path.split(b"/")
        if b".." in folders or name in (b"", b".", b".."):
            raise OSError("leads out of the inbox")
        place = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for folder in folders:
                inner = os.open(folder, _FOLDER, dir_fd=place)
                os.close(place)
                place = inner
            yield place, name
        finally:
            os.close(place)

    def _place(self, path: bytes) -> bytes:
        # pathlib knows no byte paths, and a file name need not be text in any encoding.
        return os.path.join(self._root, path)  # noqa: PTH118


def _entry(name: bytes, status: os.stat_result) -> Entry:
    is_file, is_folder = stat.S_ISREG(status.st_mode), stat.S_ISDIR(status.st_mode)
    problem = None
    if is_file and status.st_nlink > 1:
        problem = "hard_link"
    elif not (is_file or is_folder):
        problem = "not_a_regular_file"
    return Entry(
        name,
        status.st_size,
        storable_ns(status.st_mtime_ns),
        min(status.st_mtime_ns, status.st_ctime_ns),
        is_folder,
        problem,
    )
