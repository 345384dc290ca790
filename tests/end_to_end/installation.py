"""A home of the tests' own, with the Makefile's commands, and the system that runs in it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from emotion_core.local.home import Home
from emotion_core.local.instance import State

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 300.0


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and what it said."""

    code: int
    text: str


@dataclass(frozen=True)
class Installation:
    """A home of the test's own; commands are those of the Makefile."""

    home: Path

    def run(self, *arguments: str) -> Ended:
        """One of the Makefile's commands, to its end."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout)

    @contextmanager
    def up(self) -> Iterator[State]:
        """The system runs while the block does; nothing of it is left afterwards."""
        log_path = self.home.with_suffix(".log")
        with log_path.open("wb") as log:
            started = subprocess.Popen(
                self._command("up", "--port", str(_free_port())),
                cwd=ROOT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                deadline = time.monotonic() + _PATIENCE_S
                while (state := State.read(Home(self.home))) is None:
                    assert started.poll() is None, log_path.read_text()
                    assert time.monotonic() < deadline, log_path.read_text()
                    time.sleep(0.2)
                yield state
            finally:
                started.send_signal(signal.SIGTERM)
                started.wait()
        assert self.processes() == []

    def processes(self) -> list[psutil.Process]:
        """Whatever still carries this home in its environment or on its command line."""
        found = []
        for process in psutil.process_iter():
            try:
                marks = [*process.cmdline(), process.environ().get("EMOTION_HOME", "")]
            except (psutil.Error, OSError):
                continue
            if process.pid != os.getpid() and str(self.home) in marks:
                found.append(process)
        return found

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "emotion_core.local", *arguments]

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "EMOTION"))
        }
        return {**inherited, "EMOTION_HOME": str(self.home), "PYTHONPATH": str(ROOT)}


@contextmanager
def installed() -> Iterator[Installation]:
    """An empty home, removed with its databases afterwards."""
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        made = Installation(Path(folder) / "home")
        yield made
        cleaned = made.run("clean")
        assert cleaned.code == 0, cleaned.text
        assert made.processes() == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
