"""An object store as a source: ``s3://bucket/folder``, through universal-pathlib and fsspec.

Credentials and endpoint come from where every AWS program finds them: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_ENDPOINT_URL``, the shared configuration or the machine's role.
"""

import errno
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO

from emotion_core.errors import ScoringError, SourceUnreachableError
from emotion_core.scoring.source import Entry, storable_ns
from emotion_core.vision.images import MAX_FILE_BYTES

_MAX_KEY_BYTES = 1_024
_NO_NAMES = ("", ".", "..")


class ObjectStore:
    """A source in an object store. An object's name is text, stored as UTF-8.

    A listing of one level is held in memory, 1 to 2 kB per object: for a delivery of more than
    some hundred thousand objects use several folders.
    """

    count_readers = 8

    def __init__(self, name: str) -> None:
        """Connects at the first use.

        Args:
            name: The address, ``s3://bucket/folder``.

        Raises:
            ScoringError: The packages for it are not installed, or it is no address.
        """
        self.name = name.rstrip("/")
        try:
            from upath import UPath

            # A listing kept in memory would hide what arrives later.
            place = UPath(self.name, use_listings_cache=False)
            self._files = place.fs
        except (ImportError, ValueError) as error:
            raise ScoringError(
                f"the inbox {self.name} cannot be used here ({error}); for s3:// install "
                "emotion-batch-scoring[s3]"
            ) from error
        self._root = str(place.path).rstrip("/")
        # A folder's names are asked for and then its entries: one listing answers both.
        self._listed: tuple[bytes, list[dict[str, Any]]] | None = None

    def entries(self, folder: bytes) -> Iterator[Entry]:
        """As :meth:`Source.entries`.

        A key with an empty part, ``.`` or ``..`` is an entry with a problem: other programs would
        look for it elsewhere, or nowhere.
        """
        listed, self._listed = self._listed, None
        place = self._place(folder)
        found = listed[1] if listed is not None and listed[0] == folder else self._list(folder)
        for details in found:
            inside = str(details["name"])[len(place) + 1 :]
            if inside.rstrip("/") not in _NO_NAMES:
                yield _entry(details)
            elif details.get("type") == "directory":
                with self._answering():
                    prefix = inside.rstrip("/") + "/"
                    below = self._files.find(place, prefix=prefix, detail=True)
                for key, about in below.items():
                    yield from _misnamed(key[len(place) + 1 :], about)
            else:
                yield from _misnamed(inside, details)

    def names(self, folder: bytes) -> Iterator[bytes]:
        """As :meth:`Source.names`."""
        found = self._list(folder)
        self._listed = (folder, found)
        for details in found:
            if details.get("type") != "directory":
                yield str(details["name"]).rpartition("/")[2].encode()

    def stat(self, path: bytes) -> Entry | None:
        """As :meth:`Source.stat`."""
        try:
            with self._answering():
                return _entry(self._files.info(self._place(path)))
        except OSError:
            return None

    def open(self, path: bytes) -> BinaryIO:
        """As :meth:`Source.open`."""
        with self._answering():
            stream: BinaryIO = self._files.open(self._place(path), "rb")
        return stream

    def read(self, path: bytes, limit: int = MAX_FILE_BYTES) -> tuple[bytes, Entry]:
        """As :meth:`Source.read`."""
        with self._answering():
            # The range is asked for with the ETag that was seen: an object that is replaced in
            # between is an error, never a mixture.
            with self._files.open(self._place(path), "rb", cache_type="none") as stream:
                details = dict(stream.details)
                if details.get("type") == "directory":
                    raise FileNotFoundError(errno.ENOENT, "a folder, not an object")
                data: bytes = stream.read(min(int(details["size"]), limit + 1))
            return data, _entry(details)

    def remove(self, path: bytes) -> None:
        """As :meth:`Source.remove`. A bucket that keeps versions keeps the former ones."""
        place = self._place(path)
        with self._answering():
            self._files.info(place)  # a store says nothing about an object that is not there
            self._files.rm_file(place)

    def _list(self, folder: bytes) -> list[dict[str, Any]]:
        try:
            with self._answering():
                found: list[dict[str, Any]] = self._files.ls(self._place(folder), detail=True)
        except FileNotFoundError:
            # A store has no empty folders; only a bucket that is not there is a mistake.
            with self._answering():
                if folder or self._files.exists(self._root.partition("/")[0]):
                    return []
            raise
        return found

    def _place(self, path: bytes) -> str:
        try:
            text = path.decode()
        except UnicodeDecodeError:
            raise FileNotFoundError(errno.ENOENT, "an object's name is UTF-8") from None
        if len(path) > _MAX_KEY_BYTES:
            raise FileNotFoundError(errno.ENAMETOOLONG, "an object's name is shorter")
        return f"{self._root}/{text}" if text else self._root

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Tells a store that does not answer from an object that cannot be read."""
        try:
            yield
        except (FileNotFoundError, PermissionError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ESTALE, errno.EISDIR):
                raise
            raise SourceUnreachableError(
                f"the object store of {self.name} does not answer: "
                f"{type(error).__name__}: {str(error)[:200]}"
            ) from error


def _misnamed(inside: str, details: dict[str, Any]) -> Iterator[Entry]:
    """An object with a key that is no path; nothing for the empty one that marks a folder."""
    if str(details["name"]).endswith("/") and not details["size"]:
        return
    entry = _entry(details)
    yield replace(entry, name=inside.encode(), problem="unusable_name")


def _entry(details: dict[str, Any]) -> Entry:
    name = str(details["name"]).rstrip("/").rpartition("/")[2].encode()
    if details.get("type") == "directory":
        return Entry(name, is_folder=True)
    modified = details.get("LastModified") or details.get("mtime") or details.get("created")
    seconds = int(modified.timestamp()) if isinstance(modified, datetime) else int(modified or 0)
    tag = zlib.crc32(str(details.get("ETag", "")).strip('"').encode()) % 1_000_000_000
    modified_ns = storable_ns(seconds * 1_000_000_000 + tag)
    return Entry(name, int(details["size"] or 0), modified_ns, modified_ns)
