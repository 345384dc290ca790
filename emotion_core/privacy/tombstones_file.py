"""The file beside the database that remembers what was erased, whatever backup is restored.

One line of JSON for each tombstone: its HMAC and when it was placed. Nothing in it names an image.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from emotion_core.errors import StorageError


def append_tombstones(path: Path, marks: Mapping[bytes, datetime]) -> None:
    """Add lines and have them on disk when this returns.

    Raises:
        StorageError: The file cannot be written.
    """
    lines = "".join(
        json.dumps({"content_hmac": mark.hex(), "erased_at": at.isoformat()}) + "\n"
        for mark, at in marks.items()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
                file.write(b"\n")  # the machine stopped in the middle of a line
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}); nothing was erased. Make room, or set "
            "EMOTION_ERASURES_FILE"
        ) from None


def read_tombstones(path: Path) -> dict[bytes, datetime]:
    """HMAC to when it was placed; empty where there is no file. Half a line is passed over.

    A line is on disk before its erasure is committed: one that was cut short never happened.

    Raises:
        StorageError: The file holds something else.
    """
    if not path.exists():
        return {}
    marks: dict[bytes, datetime] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.endswith(b"}"):
            continue
        try:
            told = json.loads(line)
            mark = bytes.fromhex(told["content_hmac"])
            marks.setdefault(mark, datetime.fromisoformat(told["erased_at"]))
        except (ValueError, KeyError, TypeError):
            raise StorageError(
                f"{path}, line {number}, is no tombstone; restore the file from its backup"
            ) from None
    return marks
