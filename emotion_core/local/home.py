"""The folder that holds one installation's state: whose it is, what runs, who may start it."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emotion_core.errors import LocalSystemError
from emotion_core.settings import PACKAGE_DIR

PROJECT_DIR = PACKAGE_DIR.parent

_MARKER = "emotion-home.json"
# Two networks, Airflow's tables and logs, and room for a batch; less would end in half a run.
_MIN_FREE_BYTES = 1_000_000_000


class Home:
    """One ``EMOTION_HOME``. Nothing is written before :meth:`make`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        resolved = self.path.resolve()
        name = resolved.parent.name if resolved.name.startswith(".") else resolved.name
        readable = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:20] or "home"
        self.id = f"{readable}-{hashlib.sha256(os.fsencode(resolved)).hexdigest()[:8]}"
        """Names this installation in process environments and in folders outside of the home."""
        self.run_dir = self.path / "run"
        self.logs_dir = self.path / "logs"
        self.airflow_dir = self.path / "airflow"
        self.secrets_path = self.path / "secrets.json"

    @property
    def is_made(self) -> bool:
        """Whether this system made the folder."""
        return (self.path / _MARKER).is_file()

    @property
    def token(self) -> str:
        """Random, drawn when the folder was made: a folder made anew at the same place differs."""
        return str(self._marker()["token"])

    def make(self) -> None:
        """Create the folder, or check that the one found is ours and usable.

        Raises:
            LocalSystemError: The folder holds something else, belongs to another user, was moved
                or copied from elsewhere, or the disk is nearly full.
        """
        if self.is_made:
            self.require_owner()
            self.require_unmoved()
        elif self.path.is_dir() and not all(
            entry.name.startswith(f".{_MARKER}") for entry in self.path.iterdir()
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
            made_at = datetime.now(UTC).isoformat(timespec="seconds")
            marker: dict[str, Any] = {
                "what": "state of Emotion Batch Scoring; `make clean` removes it",
                "path": str(self.path.resolve()),
                "token": secrets.token_hex(16),
                "made_at": made_at,
            }
            # Of two who make it at once, the first one's stays: the databases know its token.
            temporary = self.path / f".{_MARKER}.{os.getpid()}"
            write_private_json(temporary, marker)
            with contextlib.suppress(FileExistsError):
                os.link(temporary, self.path / _MARKER)
            temporary.unlink()
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

    def require_unmoved(self) -> None:
        """Check that the folder is where it was made: databases and models name that place.

        Raises:
            LocalSystemError: It was moved or copied.
        """
        made_at_path = self._marker()["path"]
        if made_at_path != str(self.path.resolve()):
            raise LocalSystemError(
                f"{self.path} was made at {made_at_path} and has been moved or copied since; "
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
            try:
                yield True
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)

    def write_state(self, state: dict[str, Any]) -> None:
        """Record what runs here, for other terminals."""
        write_private_json(self.run_dir / "instance.json", state)

    def read_state(self) -> dict[str, Any] | None:
        """What :meth:`write_state` recorded last, or None."""
        return read_json(self.run_dir / "instance.json")

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
        forbidden = {Path("/"), PROJECT_DIR, *PROJECT_DIR.parents}
        with contextlib.suppress(RuntimeError):  # a user without a home folder
            forbidden.add(Path.home().resolve())
        if resolved in forbidden or (resolved / ".git").exists():
            raise LocalSystemError(
                f"{self.path} holds more than this system's state; remove it by hand"
            )

    def remove(self) -> None:
        """Delete the folder with everything in it, after :meth:`require_removable`."""
        self.require_removable()
        # The marker goes last: a removal that is interrupted can be repeated.
        for entry in sorted(self.path.iterdir(), key=lambda path: path.name == _MARKER):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.path.rmdir()

    def _marker(self) -> dict[str, Any]:
        marker = read_json(self.path / _MARKER)
        if marker is None or not {"path", "token"} <= marker.keys():
            raise LocalSystemError(
                f"{self.path / _MARKER} cannot be read; restore it, or remove {self.path} by hand"
            )
        return marker


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, or None when there is no such file or it is not a whole object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_private_json(path: Path, value: dict[str, Any]) -> None:
    """Write a file that only its owner can read; complete or absent, also after a crash."""
    # mkstemp makes the file 0600 from its first moment.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            json.dump(value, handle, indent=2)
            handle.write("\n")
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
