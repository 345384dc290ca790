"""Processes that this installation started: starting, finding and ending them."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from emotion_core.local.home import PROJECT_DIR, Home

MARKER = "EMOTION_INSTANCE"
"""Environment variable of each Airflow process of an installation, tasks too; its value is
``Home.id``."""

_MAX_LOG_BYTES = 20_000_000


@dataclass(frozen=True)
class Child:
    """A process that we started and watch."""

    name: str
    popen: subprocess.Popen[bytes]
    log_path: Path

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    def last_lines(self, count: int = 8) -> str:
        """The end of its log, for an error message."""
        return last_lines(self.log_path, count)

    def keep_log_small(self) -> None:
        """Move a log that has grown long into ``.log.1``; the process writes on at its start."""
        if self.log_path.stat().st_size > _MAX_LOG_BYTES:
            shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
            os.truncate(self.log_path, 0)


def start(
    home: Home,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    working_dir: Path = PROJECT_DIR,
) -> Child:
    """Start a process in a session of its own, so that the terminal's Ctrl-C reaches only us.

    Its output goes to ``logs/<name>.log``; the log of the time before stays as ``.log.1``.
    """
    log_path = home.logs_dir / f"{name}.log"
    if log_path.exists():
        log_path.replace(log_path.with_suffix(".log.1"))
    log_path.touch(mode=0o600)
    with log_path.open("ab") as log:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=working_dir,
            start_new_session=True,
        )
    return Child(name, popen, log_path)


def of_home(home: Home) -> list[psutil.Process]:
    """Every live process that carries this home's mark.

    PostgreSQL's processes write over their environment: :class:`PostgresServer` finds those.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == home.id:
                found.append(process)
        except (psutil.Error, OSError, ValueError):
            continue  # ended meanwhile, or another user's
    return found


def end_at_once(home: Home) -> bool:
    """Kill Airflow's processes and tasks; True when there were any.

    None is asked: asked, a running task would tell Airflow that it failed. All are frozen before
    the first is killed, so that none can report the end of another. What was interrupted goes on
    at the next start: training from its last epoch, a batch from its ledger.
    """
    has_found = False
    for _ in range(5):  # a process may have started another just before it was frozen
        if not (running := of_home(home)):
            break
        has_found = True
        send(running, signal.SIGSTOP)
        send(running, signal.SIGKILL)
        wait_for_end(running, 5.0)
    return has_found


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process that has not ended by itself."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def wait_for_end(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they have ended; returns those that have not.

    A zombie has ended, though its parent has not taken note of it: psutil's own waiting does not
    know that of a process which is not our child.
    """
    deadline = time.monotonic() + seconds
    while (left := [p for p in processes if _is_running(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def last_lines(path: Path, count: int = 8) -> str:
    """The last non-empty lines of a log, however long the log is."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - 16_384))
            text = handle.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])
