"""Processes that this installation started: starting, recording, finding and ending them."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from emotion_core.local.home import Home, read_json, write_private_json

MARKER = "EMOTION_INSTANCE"
"""Environment variable that every process of an installation carries; its value is ``Home.id``."""

# Creation times are counted from a boot time that the system's clock may shift a little.
_CREATED_TOLERANCE_S = 5.0
_MAX_LOG_BYTES = 20_000_000


@dataclass(frozen=True)
class Record:
    """One process, told apart from a later one that got the same number."""

    name: str
    pid: int
    created: float
    """Seconds since 1970."""

    @classmethod
    def of(cls, name: str, pid: int) -> "Record":
        """Record a live process.

        Raises:
            psutil.NoSuchProcess: It has ended already.
        """
        return cls(name, pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The process if it still lives."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CREATED_TOLERANCE_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def to_json(self) -> dict[str, object]:
        """For a file."""
        return {"name": self.name, "pid": self.pid, "created": self.created}

    @classmethod
    def from_json(cls, value: object) -> "Record | None":
        """The inverse of :meth:`to_json`; None for anything else."""
        match value:
            case {"name": str(name), "pid": int(pid), "created": float(created)}:
                return cls(name, pid, created)
        return None


@dataclass(frozen=True)
class Child:
    """A process that we started and watch."""

    name: str
    popen: subprocess.Popen[bytes]
    log_path: Path

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; also takes note of its end."""
        return self.popen.poll() is None

    def last_lines(self, count: int = 8) -> str:
        """The end of its log, for an error message."""
        return last_lines(self.log_path, count)

    def keep_log_small(self) -> None:
        """Move a log that has grown long into ``.log.1``; the process writes on at its start."""
        if self.log_path.stat().st_size > _MAX_LOG_BYTES:
            shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
            os.truncate(self.log_path, 0)

    def reap(self) -> None:
        """Take note of its end, so that it does not stay behind as a zombie."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(timeout=1.0)


def start(
    home: Home,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    user: tuple[int, int] | None = None,
    working_dir: Path | None = None,
) -> Child:
    """Start a process in a session of its own, so that the terminal's Ctrl-C reaches only us.

    Its output goes to ``logs/<name>.log``; the log of the time before stays as ``.log.1``.

    Args:
        user: User and group id to become; None stays the same.
    """
    log_path = home.logs_dir / f"{name}.log"
    if log_path.exists():
        log_path.replace(log_path.with_suffix(".log.1"))
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            env={**environment, MARKER: home.id},
            cwd=working_dir,
            start_new_session=True,
            user=None if user is None else user[0],
            group=None if user is None else user[1],
            extra_groups=None if user is None else [],
        )
    finally:
        os.close(descriptor)
    try:
        record = Record.of(name, popen.pid)
    except psutil.NoSuchProcess:
        return Child(name, popen, log_path)
    write_private_json(home.run_dir / f"process-{name}.json", record.to_json())
    return Child(name, popen, log_path)


def recorded(home: Home) -> list[Record]:
    """The records of all processes that were started from this home, dead ones included."""
    found = (
        Record.from_json(read_json(path)) for path in sorted(home.run_dir.glob("process-*.json"))
    )
    return [record for record in found if record is not None]


def forget(home: Home) -> None:
    """Drop all records, once nothing runs any more."""
    for path in home.run_dir.glob("process-*.json"):
        path.unlink(missing_ok=True)


def of_home(home: Home) -> list[psutil.Process]:
    """Every live process of this home: recorded, descended from a recorded one, or marked.

    Processes that wrote over their own environment (PostgreSQL's do) are found only through
    their records.
    """
    found: dict[int, psutil.Process] = {}
    for record in recorded(home):
        process = record.process()
        if process is not None:
            found[process.pid] = process
            for descendant in _descendants(process):
                found[descendant.pid] = descendant
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == home.id:
                found[process.pid] = process
        except (psutil.Error, OSError, ValueError):
            continue  # ended meanwhile, or another user's
    found.pop(os.getpid(), None)
    return [p for p in found.values() if _is_running(p)]


def end(processes: Iterable[psutil.Process], patience_s: float) -> None:
    """Ask every process to end; kill those that have not after ``patience_s`` seconds."""
    remaining = list(processes)
    for process in remaining:
        send(process, signal.SIGTERM)
    remaining = wait_for_end(remaining, patience_s)
    for process in remaining:
        send(process, signal.SIGKILL)
    wait_for_end(remaining, 5.0)


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes at once."""
    processes = list(processes)
    for process in processes:
        send(process, signal.SIGKILL)
    wait_for_end(processes, 5.0)


def wait_for_end(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they are gone; returns those that are not."""
    deadline = time.monotonic() + seconds
    remaining = [p for p in processes if _is_running(p)]
    while remaining and time.monotonic() < deadline:
        time.sleep(0.05)
        remaining = [p for p in remaining if _is_running(p)]
    return remaining


def last_lines(path: Path, count: int = 8) -> str:
    """The last non-empty lines of a log, however long the log is."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - 16_384))
            text = handle.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def send(process: psutil.Process, number: signal.Signals) -> None:
    """Send a signal, unless the process has ended by itself."""
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # ended by itself
