"""The inbox: what has arrived in a folder, and whether it has arrived whole.

A file counts as whole when its folder, or one above it inside the inbox, holds a ``_SUCCESS``
marker, or when it has not been written to for a while. Everything else waits for the next night.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from emotion_core.errors import ScoringError
from emotion_core.store.batches import ArrivedFile
from emotion_core.vision.images import MAX_FILE_BYTES

SUCCESS_MARKER = b"_SUCCESS"
UNFINISHED_SUFFIXES = (b".tmp", b".part", b".partial", b".crdownload")


@dataclass(frozen=True)
class FoundFile:
    """A directory entry that has arrived, before its bytes are read."""

    path: bytes
    """Inside the inbox."""
    size: int
    modified_ns: int
    problem: str | None = None
    """Reason code, where the entry is nothing that could be read."""

    @property
    def delivery(self) -> tuple[bytes, int, int]:
        """As in :attr:`ArrivedFile.delivery`."""
        return (self.path, self.size, self.modified_ns)


@dataclass
class Scan:
    """One walk over an inbox; the counts are complete once :meth:`files` is exhausted."""

    root: Path
    now_ns: int
    settle_seconds: float
    count_ignored: int = 0
    """Markers, dot files and unfinished copies (``.tmp``, ``.part``)."""
    count_unsettled: int = 0
    """Files that may still be written to; the next scan looks again."""
    _folders: list[tuple[bytes, bool]] = field(default_factory=list)

    def files(self) -> Iterator[FoundFile]:
        """Arrived files, folder by folder, without ever holding the whole inbox in memory.

        Raises:
            ScoringError: The inbox is not a folder that can be read.
        """
        if not self.root.is_dir():
            raise ScoringError(f"the inbox {self.root} is not a folder: create it or set it right")
        self._folders = [(b"", False)]
        while self._folders:
            yield from self._files_of(*self._folders.pop())

    def _files_of(self, folder: bytes, is_complete: bool) -> Iterator[FoundFile]:
        try:
            entries = sorted(os.scandir(_join(os.fsencode(self.root), folder)), key=_name)
        except OSError as error:
            if not folder:
                raise ScoringError(f"the inbox {self.root} cannot be read: {error}") from error
            yield FoundFile(folder, 0, 0, problem="unreadable_file")
            return
        is_complete = is_complete or any(entry.name == SUCCESS_MARKER for entry in entries)
        for entry in entries:
            path = _join(folder, entry.name)
            if _is_ignored(entry.name):
                self.count_ignored += 1
            elif entry.is_dir(follow_symlinks=False):
                self._folders.append((path, is_complete))
            else:
                found = _look(entry, path)
                if found is not None and (is_complete or self._has_settled(found)):
                    yield found
                else:
                    self.count_unsettled += 1

    def _has_settled(self, found: FoundFile) -> bool:
        return self.now_ns - found.modified_ns >= self.settle_seconds * 1e9


def read_arrived(root: Path, found: FoundFile) -> ArrivedFile | None:
    """Read a file once to know its content; None when it was being written to meanwhile.

    Links, pipes and devices are never opened: each becomes a refusal with its reason.
    """
    if found.problem is not None:
        return _refused(found, found.problem, "nothing of it was opened")
    if found.size > MAX_FILE_BYTES:
        return _refused(
            found, "too_large_file", f"{found.size:,} bytes; the limit is {MAX_FILE_BYTES:,}"
        )
    try:
        data, after = read_regular_file(root, found.path)
    except OSError as error:
        return _refused(found, "unreadable_file", error.strerror or str(error))
    if (after.st_size, after.st_mtime_ns, len(data)) != (
        found.size,
        found.modified_ns,
        found.size,
    ):
        return None
    return ArrivedFile(
        path=found.path,
        size=found.size,
        modified_ns=found.modified_ns,
        sha256=hashlib.sha256(data).digest(),
    )


def read_regular_file(root: Path, path: bytes) -> tuple[bytes, os.stat_result]:
    """The bytes of a regular file inside ``root`` and its state after they were read.

    Raises:
        OSError: It cannot be opened, is not a regular file, or is a link.
    """
    # Non-blocking, so that a pipe under an image's name cannot hold a worker for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(_join(os.fsencode(root), path), flags)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        data = file.read(MAX_FILE_BYTES + 1)
        return data, os.fstat(handle)


def _look(entry: "os.DirEntry[bytes]", path: bytes) -> FoundFile | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    problem = None if stat.S_ISREG(status.st_mode) else "not_a_regular_file"
    return FoundFile(path, status.st_size, status.st_mtime_ns, problem)


def _is_ignored(name: bytes) -> bool:
    return name == SUCCESS_MARKER or name.startswith(b".") or name.endswith(UNFINISHED_SUFFIXES)


def _refused(found: FoundFile, code: str, detail: str) -> ArrivedFile:
    return ArrivedFile(found.path, found.size, found.modified_ns, None, code, detail)


def _name(entry: "os.DirEntry[bytes]") -> bytes:
    return entry.name


def _join(folder: bytes, name: bytes) -> bytes:
    # pathlib knows no byte paths, and a file name need not be text in any encoding.
    return os.path.join(folder, name)  # noqa: PTH118
