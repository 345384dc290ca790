"""The files of a data set, read where they lie: from a folder or straight out of a zip archive."""

import os
import stat
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Protocol

from emotion_core.errors import DataError

_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class FileRefused(Exception):  # noqa: N818  - an outcome that its reader turns into a listed row
    """One file cannot be read; its neighbours can. ``code`` is a short reason, as in exclusions."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class SourceFiles(Protocol):
    """Names are relative to the source, with ``/`` between folders, as found on the disk."""

    def names(self) -> list[str]:
        """Every ordinary file once, in no particular order; hidden files and folders left out."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """The whole file.

        Raises:
            FileRefused: ``too_large_file`` over ``limit`` bytes, else ``unreadable_file``.
        """
        ...


def open_source(source: Path) -> SourceFiles:
    """The files of a folder, or of a zip archive without unpacking it.

    Raises:
        DataError: There is nothing at ``source``, or it is neither a folder nor a zip archive.
    """
    if source.is_dir():
        return _Folder(source)
    if not source.exists():
        raise DataError(f"{source} does not exist; give a folder or a zip archive of a data set")
    if source.is_file() and zipfile.is_zipfile(source):
        return _Archive(source)
    raise DataError(f"{source} is neither a folder nor a readable zip archive")


def _is_hidden(part: str) -> bool:
    """macOS adds ``__MACOSX/._12.jpg`` to archives, and ``.DS_Store`` to folders."""
    return part.startswith(".") or part == "__MACOSX"


def _stop(error: OSError) -> None:
    """A folder that cannot be listed would silently make the data set smaller."""
    raise DataError(f"{error.filename} cannot be listed: {error.strerror}") from error


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        names: list[str] = []
        seen: set[str] = set()
        for folder, folders, files in os.walk(self._root, onerror=_stop, followlinks=True):
            # A link to a folder above would otherwise be walked for ever.
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(part for part in folders if not _is_hidden(part))
            relative = os.path.relpath(folder, self._root).replace(os.sep, "/")
            prefix = "" if relative == "." else f"{relative}/"
            names.extend(f"{prefix}{name}" for name in files if not _is_hidden(name))
        return names

    def read(self, name: str, limit: int) -> bytes:
        try:
            # Without O_NONBLOCK a named pipe called 5.jpg would hang the reader.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            with open(os.open(os.path.join(self._root, name), flags), "rb") as file:  # noqa: PTH118, PTH123
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise FileRefused("unreadable_file", "not an ordinary file")
                data = file.read(limit + 1)
        except OSError as error:
            raise FileRefused("unreadable_file", error.strerror or str(error)) from error
        if len(data) > limit:
            raise FileRefused("too_large_file", f"more than {limit:,} bytes")
        return data


class _Archive:
    """Reads members one at a time, never more than asked for, and writes nothing anywhere."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: tuple[int, zipfile.ZipFile, dict[str, zipfile.ZipInfo]] | None = None
        self._open()

    def __getstate__(self) -> dict[str, object]:
        return {"_path": self._path}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self._path = state["_path"]
        self._lock = threading.Lock()
        self._opened = None

    def _open(self) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
        """The archive, opened once per process: a forked child must not share the file position."""
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                try:
                    archive = zipfile.ZipFile(self._path)
                except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                    raise DataError(f"{self._path} cannot be read as a zip: {error}") from error
                members = {
                    # Archives made on Windows may hold backslashes.
                    info.filename.replace("\\", "/"): info
                    for info in archive.infolist()
                    if not info.is_dir()
                }
                self._opened = (os.getpid(), archive, members)
            return self._opened[1], self._opened[2]

    def names(self) -> list[str]:
        _, members = self._open()
        names = [name for name in members if not any(map(_is_hidden, name.split("/")))]
        locked = next((name for name in names if members[name].flag_bits & 0x1), None)
        if locked is not None:
            raise DataError(
                f"{self._path} is encrypted (for example {locked}); unpack it with its password "
                "and give the folder"
            )
        return names

    def read(self, name: str, limit: int) -> bytes:
        archive, members = self._open()
        info = members.get(name)
        if info is None:
            raise FileRefused("unreadable_file", "no longer in the archive")
        if info.compress_type not in _READABLE_METHODS:
            # bzip2 and LZMA members can grow without bound from one small block.
            raise FileRefused("unreadable_file", "compressed by a method other than deflate")
        if info.file_size > limit:
            raise FileRefused("too_large_file", f"{info.file_size:,} bytes, over {limit:,}")
        try:
            with archive.open(info) as member:
                # zipfile checks the CRC when it reaches the end, so read on until there is no more.
                data = member.read(limit + 1)
                rest = member.read(1) if len(data) <= limit else b""
        except (
            OSError,
            EOFError,
            ValueError,
            RuntimeError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise FileRefused("unreadable_file", str(error) or type(error).__name__) from error
        if len(data) > limit or rest:
            raise FileRefused("too_large_file", f"more than {limit:,} bytes")
        return data
