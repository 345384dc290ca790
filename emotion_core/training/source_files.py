"""The files of a data set, read where they lie: from a folder or straight out of a zip archive."""

import os
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from emotion_core.errors import DataError

_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}

_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
OTHER_IMAGES = (
    *(".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif"),
    *(".jfif", ".jpe", ".jp2", ".jxl"),
)
"""Endings of images that a layout may not provide for: they are named, not passed over."""

_UNPACK = "unpack it and give the folder"
_GIVE_ALL = "give the folder or zip archive of the whole data set"
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive that is cut short: copy or download it again"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7z archive: {_UNPACK}"),
    (0, b"Rar!", f"a rar archive: {_UNPACK}"),
    (0, b"\x1f\x8b", f"a gzip file: {_UNPACK}"),
    (0, b"BZh", f"a bzip2 file: {_UNPACK}"),
    (0, b"\xfd7zXZ", f"an xz file: {_UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"a zstd file: {_UNPACK}"),
    (257, b"ustar", f"a tar archive: {_UNPACK}"),
    (0, b"\xff\xd8\xff", f"a single image: {_GIVE_ALL}"),
    (0, b"\x89PNG", f"a single image: {_GIVE_ALL}"),
    (8, b"WEBP", f"a single image: {_GIVE_ALL}"),
    (0, b"\x93NUMPY", f"a single annotation: {_GIVE_ALL}"),
    (0, b"<", "a page of the web: download the file itself"),
)
"""Where which bytes tell what a file is that is no readable zip archive."""


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
        DataError: There is nothing at ``source``, or it is neither a folder nor a zip archive; says
            what it seems to be.
    """
    if source.is_dir():
        return _Folder(source)
    if not source.exists():
        file = next((above for above in source.parents if above.is_file()), None)
        raise DataError(
            f"{source} does not exist; "
            + (f"{file} is a file: " if file else "")
            + "give a folder or a zip archive of a data set"
        )
    if source.is_file() and zipfile.is_zipfile(source):
        return _Archive(source)
    raise DataError(f"{source} is neither a folder nor a readable zip archive{nature(source)}")


def require_suffix(name: str, suffixes: Sequence[str]) -> None:
    """Check an image's ending.

    Raises:
        FileRefused: ``unsupported_format``: it is none of ``suffixes``.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in suffixes:
        raise FileRefused(
            "unsupported_format", f"{suffix} is not read here; convert it to .jpg or .png"
        )


def packed(source: Path, names: Sequence[str]) -> str:
    """What to do about a source in which no image was found, where it is packed once more.

    Returns:
        A clause with a semicolon before it; empty for a source that is not packed.
    """
    if not names:
        return "; it is empty"
    inner = next((name for name in sorted(names) if name.lower().endswith(_ARCHIVES)), None)
    if inner is None:
        return ""
    if not source.is_dir():
        return f"; it holds another archive, {inner}: unpack {source.name}, then give that one"
    if inner.lower().endswith(".zip"):
        return f"; it holds {inner}: give the archive's own path"
    return f"; it holds {inner}: {_UNPACK}"


def nature(file: Path) -> str:
    """What a file is that is no readable zip archive, and what to do about it.

    Returns:
        A clause with a colon before it; empty where the file tells nothing.
    """
    if not file.is_file():
        return ""
    try:
        with file.open("rb") as opened:
            start = opened.read(512).lstrip(b"\r\n\t ")
    except OSError as error:
        return f": it cannot be read ({error.strerror})"
    if not start:
        return ": it is empty; copy or download it again"
    found = (what for place, mark, what in _SIGNATURES if start[place:].startswith(mark))
    return "".join(f": it is {what}" for what in list(found)[:1])


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
    """Reads members one at a time, never more than asked for, and writes nothing anywhere.

    ``zipfile`` gives each opened member its own position: threads may read side by side.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DataError(f"{path} cannot be read as a zip: {error}") from error
        self._members = {
            # Archives made on Windows may hold backslashes.
            info.filename.replace("\\", "/"): info
            for info in self._archive.infolist()
            if not info.is_dir()
        }

    def names(self) -> list[str]:
        names = [name for name in self._members if not any(map(_is_hidden, name.split("/")))]
        locked = next((name for name in names if self._members[name].flag_bits & 0x1), None)
        if locked is not None:
            raise DataError(
                f"{self._path} is encrypted (for example {locked}); unpack it with its password "
                "and give the folder"
            )
        return names

    def read(self, name: str, limit: int) -> bytes:
        info = self._members.get(name)
        if info is None:
            raise FileRefused("unreadable_file", "no longer in the archive")
        if info.compress_type not in _READABLE_METHODS:
            # bzip2 and LZMA members can grow without bound from one small block.
            method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
            raise FileRefused(
                "unreadable_file",
                f"compressed by {method}, which is not read here; unpack the archive and give the "
                "folder",
            )
        if info.file_size > limit:
            raise FileRefused("too_large_file", f"{info.file_size:,} bytes, over {limit:,}")
        try:
            with self._archive.open(info) as member:
                # zipfile checks the CRC when it reaches the end, so read on until there is no more.
                data = member.read(limit + 1)
                rest = member.read(1) if len(data) <= limit else b""
        # OSError, EOFError, BadZipFile, zlib.error, RuntimeError: a damaged member raises any.
        except Exception as error:
            raise FileRefused("unreadable_file", str(error) or type(error).__name__) from error
        if len(data) > limit or rest:
            raise FileRefused("too_large_file", f"more than {limit:,} bytes")
        return data
