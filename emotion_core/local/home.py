"""The folder that holds one installation's state: whose it is, what runs, who may start it."""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emotion_core.errors import LocalSystemError
from emotion_core.files import replacing
from emotion_core.settings import PACKAGE_DIR

PROJECT_DIR = PACKAGE_DIR.parent

_MARKER = "emotion-home.json"
# Two networks, Airflow's tables and logs, and room for a batch; less would end in half a run.
_MIN_FREE_BYTES = 1_000_000_000


class Home:
    """One ``EMOTION_HOME``. Nothing is written before :meth:`make`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.id = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:12]
        """Names this installation in the environment of its processes."""
        self.run_dir = self.path / "run"
        self.logs_dir = self.path / "logs"
        self.airflow_dir = self.path / "airflow"
        self.secrets_path = self.path / "secrets.json"
        self._marker_path = self.path / _MARKER

    @property
    def is_made(self) -> bool:
        """Whether this system made the folder."""
        return self._marker_path.is_file()

    def make(self) -> None:
        """Create the folder, or check that the one found is ours and usable.

        Raises:
            LocalSystemError: The folder holds something else, belongs to another user, was moved
                or copied from elsewhere, or the disk is nearly full.
        """
        if self.is_made:
            self.require_owner()
            self._require_unmoved()
        elif self.path.is_dir() and not all(
            entry.name.endswith(f"-{_MARKER}") for entry in self.path.iterdir()
        ):
            raise LocalSystemError(
                f"{self.path} is not empty and was not made by this system; "
                "set EMOTION_HOME to a new folder"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:
            raise LocalSystemError(
                f"{self.path} cannot be made ({error.strerror}); set EMOTION_HOME to another folder"
            ) from error
        free = shutil.disk_usage(self.path).free
        if free < _MIN_FREE_BYTES:
            raise LocalSystemError(
                f"the disk of {self.path} has only {free / 1e6:.0f} MB left; "
                f"free at least {_MIN_FREE_BYTES / 1e9:.0f} GB or set EMOTION_HOME to another disk"
            )
        if not self.is_made:
            # Passwords, logs and faces are in here: nobody else's business.
            self.path.chmod(0o700)
            write_private_json(
                self._marker_path,
                {
                    "what": "state of Emotion Batch Scoring; `make clean` removes it",
                    "path": str(self.path.resolve()),
                },
            )
        for folder in (self.run_dir, self.logs_dir, self.airflow_dir):
            folder.mkdir(exist_ok=True)

    def require_owner(self) -> None:
        """Check that the folder belongs to the user who runs this.

        Raises:
            LocalSystemError: It is another user's.
        """
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise LocalSystemError(
                f"{self.path} belongs to the user with id {owner}, this is {os.geteuid()}; "
                "run as that user or set EMOTION_HOME to a new folder"
            )

    def _require_unmoved(self) -> None:
        """Databases and models name the place where the folder was made."""
        made_at = (read_json(self._marker_path) or {}).get("path")
        if made_at is None:
            raise LocalSystemError(
                f"{self._marker_path} cannot be read; restore it, or remove {self.path} by hand"
            )
        if made_at != str(self.path.resolve()):
            raise LocalSystemError(
                f"{self.path} was made at {made_at} and has been moved or copied since; "
                "move it back, or run `make clean` to start afresh here"
            )

    @contextmanager
    def locked(self, wait_seconds: float = 0.0) -> Iterator[bool]:
        """Hold the lock that lets one process at a time start or stop this installation.

        Yields False when somebody else still held it after ``wait_seconds``. The system frees the
        lock of a process that was killed.
        """
        self.run_dir.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + wait_seconds
        with (self.run_dir / "lock").open("w") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        yield False
                        return
                    time.sleep(0.1)
            yield True  # closing the file frees the lock

    def write_state(self, state: dict[str, Any]) -> None:
        """Record what runs here, for other terminals."""
        write_private_json(self.run_dir / "instance.json", state)

    def read_state(self) -> dict[str, Any]:
        """What :meth:`write_state` recorded last; empty where there is nothing."""
        return read_json(self.run_dir / "instance.json") or {}

    def require_removable(self) -> None:
        """Check that this folder is ours to delete with everything in it.

        Raises:
            LocalSystemError: It was not made by this system, belongs to another user, or holds
                something that this system never makes.
        """
        if not self.is_made:
            raise LocalSystemError(
                f"{self.path} has no {_MARKER}: it was not made by this system and is left alone"
            )
        self.require_owner()
        resolved = self.path.resolve()
        # Unlike Path.home, this leaves "~" for a user without a home folder.
        users = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111
        if resolved in (users, PROJECT_DIR, *PROJECT_DIR.parents) or (resolved / ".git").exists():
            raise LocalSystemError(
                f"{self.path} holds more than this system's state; remove it by hand"
            )

    def remove(self) -> None:
        """Delete the folder with everything in it, after :meth:`require_removable`."""
        self.require_removable()
        # The marker goes last: a removal that is interrupted can be repeated.
        for entry in sorted(self.path.iterdir(), key=lambda path: path == self._marker_path):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.path.rmdir()


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, or None when there is no such file or it is not a whole object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_private_json(path: Path, value: dict[str, Any]) -> None:
    """Write a file that only its owner can read; complete or absent, also after a crash."""
    text = json.dumps(value, indent=2) + "\n"
    with replacing(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8")
