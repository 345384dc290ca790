"""What a source of images is: a tree of files behind one small interface."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from emotion_core.errors import ScoringError
from emotion_core.store.batches import ArrivedFile
from emotion_core.vision.images import MAX_FILE_BYTES

T = TypeVar("T")
R = TypeVar("R")

MAX_PATH_BYTES = 1_600
"""See :data:`emotion_core.files.MAX_PLACE_BYTES`: the two of them fit into one index row."""

_EARLIEST_NS, _LATEST_NS = -(2**63), 2**63 - 1
"""What a bigint holds: the years 1677 to 2262."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says about one name, before its bytes are read."""

    name: bytes
    """The last part of its path."""
    size: int = 0
    modified_ns: int = 0
    """Nanoseconds since 1970; see :func:`storable_ns`. For an object, digits of its ETag stand in
    place of the fraction of a second that object stores do not keep."""
    written_ns: int = 0
    """When it was last written to, as far as that can be told: a time of change in the future is
    somebody's setting, and the system's own record of the change counts then."""
    is_folder: bool = False
    problem: str | None = None
    """Reason code, where this is nothing that may be read."""


class Source(Protocol):
    """A tree of files. Paths are bytes, relative to the source, with ``/`` between parts."""

    name: str
    """As stored with every file: an absolute folder or an address such as ``s3://bucket/in``."""
    count_readers: int
    """How many reads side by side are worth while."""

    def entries(self, folder: bytes) -> Iterator[Entry]:
        """What lies directly in a folder, in any order, without holding a large one in memory.

        Raises:
            OSError: The folder cannot be read.
        """

    def names(self, folder: bytes) -> Iterator[bytes]:
        """The names of all that is no folder, as :meth:`entries` but cheaper.

        Raises:
            OSError: The folder cannot be read.
        """

    def stat(self, path: bytes) -> Entry | None:
        """The entry of one path; None when nothing is there."""

    def open(self, path: bytes) -> BinaryIO:
        """The bytes of a file, as a stream to be closed.

        Raises:
            OSError: It cannot be opened, or is a link or anything else than a file.
        """

    def read(self, path: bytes, limit: int = MAX_FILE_BYTES) -> tuple[bytes, Entry]:
        """The bytes of a file, at most ``limit + 1``, and its state after they were read.

        Raises:
            OSError: It cannot be opened or read, or is a link or anything else than a file.
            SourceUnreachableError: The store does not answer; this says nothing about the file.
        """

    def remove(self, path: bytes) -> None:
        """Remove a file.

        Raises:
            FileNotFoundError: Nothing is there.
            OSError: It cannot be removed.
            SourceUnreachableError: The store does not answer.
        """


def map_files(source: Source, read: Callable[[T], R], files: Iterable[T]) -> Iterator[R]:
    """``read`` of each file in turn, as many side by side as the source is worth."""
    if source.count_readers == 1:
        yield from map(read, files)
        return
    with ThreadPoolExecutor(source.count_readers, thread_name_prefix="read") as readers:
        yield from readers.map(read, files)


def unreadable(name: str, error: OSError) -> ScoringError:
    """What to say of a source that cannot be read."""
    return ScoringError(
        f"the inbox {name} is not a folder that can be read: {error.strerror or error}; create it "
        "or set it right"
    )


def storable_ns(modified_ns: int) -> int:
    """A time of change as the tables can hold it: one beyond 1677 or 2262 becomes the nearest."""
    return min(max(modified_ns, _EARLIEST_NS), _LATEST_NS)


def arrived(path: bytes, entry: Entry) -> ArrivedFile:
    """A file that has arrived, before its bytes are read; without a code where they can be."""
    code = entry.problem
    if len(path) > MAX_PATH_BYTES:
        code = "path_too_long"
        mark = hashlib.sha256(path).hexdigest()[:16]
        path = path[: MAX_PATH_BYTES - 20] + f"…{mark}".encode()
    return ArrivedFile(path, entry.size, entry.modified_ns, None, code)


def join(folder: bytes, name: bytes) -> bytes:
    """A path from its folder and its last part; the source itself is the empty folder."""
    return folder + b"/" + name if folder else name


def readable(path: bytes) -> str:
    """A path for messages: control characters and what is not UTF-8 are made visible."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
