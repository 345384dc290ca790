"""Sources by name: a local folder or an object store."""

import os
from functools import lru_cache
from pathlib import Path

from emotion_core.files import is_address
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.scoring.source import Entry, Source, unreadable


def open_source(name: str) -> Source:
    """The source with this name, as :attr:`Source.name` gives it.

    Raises:
        ScoringError: It cannot be used here.
    """
    # Connections to a store do not outlive a fork.
    return _open_source(name, os.getpid())


def require_source(name: str) -> None:
    """Stop where a source is not there, before a batch is opened for it.

    Raises:
        ScoringError: It is no folder or bucket that can be read.
        SourceUnreachableError: The store does not answer.
    """
    try:
        next(iter(open_source(name).names(b"")), None)
    except OSError as error:
        raise unreadable(name, error) from error


def read_delivered(source: str, path: bytes) -> tuple[bytes, Entry]:
    """The bytes of a delivered file and its state after they were read, from any source.

    Args:
        source: As stored with the file.
        path: Inside the source.

    Raises:
        OSError: It cannot be opened or read, or is a link or anything else than a file.
        SourceUnreachableError: The store does not answer; this says nothing about the file.
    """
    return open_source(source).read(path)


def remove_delivered(source: str, path: bytes) -> None:
    """Remove a delivered file from any source; one that is gone already is no error.

    Raises:
        OSError: It cannot be removed.
        SourceUnreachableError: The store does not answer.
    """
    try:
        open_source(source).remove(path)
    except FileNotFoundError:
        return


@lru_cache(maxsize=8)
def _open_source(name: str, _process: int) -> Source:
    if is_address(name):
        # Its packages are an optional extra, and slow to import.
        from emotion_core.scoring.object_store import ObjectStore

        return ObjectStore(name)
    return LocalFolder(Path(name))
