"""Sources by name: a local folder or an object store."""

import os
from functools import lru_cache
from pathlib import Path

from emotion_core.files import is_address
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.scoring.source import Source, unreadable


def get_source(name: str) -> Source:
    """The source with this name, as :attr:`Source.name` gives it.

    Raises:
        ScoringError: It cannot be used here.
    """
    # Connections to a store do not outlive a fork.
    return _connect(name, os.getpid())


def require_source(name: str) -> None:
    """Stop where a source is not there, before a batch is opened for it.

    Raises:
        ScoringError: It is no folder or bucket that can be read.
        SourceUnreachableError: The store does not answer.
    """
    try:
        next(iter(get_source(name).names(b"")), None)
    except OSError as error:
        raise unreadable(name, error) from error


@lru_cache(maxsize=8)
def _connect(name: str, _process: int) -> Source:
    if is_address(name):
        # Its packages are an optional extra, and slow to import.
        from emotion_core.scoring.object_store import ObjectStore

        return ObjectStore(name)
    return LocalFolder(Path(name))
