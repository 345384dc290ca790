"""A small process that outlives its starter by a moment, to end what a killed starter left."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from emotion_core.local.home import PROJECT_DIR, Home
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.processes import end_at_once

_LOCK_PATIENCE_S = 2.0


def end_everything(home: Home) -> list[str]:
    """End Airflow with its tasks, then PostgreSQL, whoever started them; returns what ran."""
    ran = {"Airflow": end_at_once(home), "PostgreSQL": PostgresServer(home, "").stop()}
    return [name for name, has_run in ran.items() if has_run]


class Guardian:
    """Runs beside us for the length of a ``with`` block.

    It waits at the end of a pipe. When we leave the block it is told so and ends; when we are
    killed, whatever the signal, the pipe breaks and it ends everything that we started.
    """

    def __init__(self, home: Home, *, remove: bool = False) -> None:
        """``remove``: after our violent end, also delete the home (for those made by tests)."""
        # A module of its own, so that it loads little: it stays as long as we do.
        command = [sys.executable, "-m", "emotion_core.local.guardian", str(home.path)]
        self._process = subprocess.Popen(
            [*command, "remove"] if remove else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_DIR,
            start_new_session=True,
        )

    def __enter__(self) -> "Guardian":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(b".")


def guard(path: Path, *, remove: bool) -> None:
    """The guardian's own work; returns when there is nothing more to guard."""
    if os.read(sys.stdin.fileno(), 1):
        return
    home = Home(path)
    if not home.is_made:
        return
    with home.locked(_LOCK_PATIENCE_S) as is_ours:
        # Somebody else holds the lock: a new start, which clears away by itself.
        if is_ours:
            end_everything(home)
    if remove:
        home.remove()


if __name__ == "__main__":
    guard(Path(sys.argv[1]), remove="remove" in sys.argv[2:])
