"""A home of the tests' own, with the Makefile's commands, and the system that runs in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from composed import free_ports
from waiting import wait_until

from emotion_core.local.home import Home
from emotion_core.local.instance import State

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 300.0


@dataclass(frozen=True)
class Installation:
    """A home of the test's own; commands are those of the Makefile."""

    home: Path

    def run(self, *arguments: str) -> str:
        """A command to its end, which must be good; returns what it said."""
        done = subprocess.run(**self.command(*arguments), stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def up(self) -> Iterator[State]:
        """The system runs while the block does; nothing of it is left afterwards."""
        log, home = self.home.with_suffix(".log"), Home(self.home)
        with log.open("wb") as output:
            started = subprocess.Popen(
                **self.command("up", "--port", str(free_ports(1)[0])), stdout=output
            )
        try:
            wait_until(
                lambda: State.read(home) is not None or started.poll() is not None, _PATIENCE_S
            )
            state = State.read(home)
            assert state is not None, log.read_text()
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

    def command(self, *arguments: str) -> dict[str, Any]:
        """Arguments of ``subprocess``."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "EMOTION"))
        }
        return {
            "args": [sys.executable, "-m", "emotion_core.local", *arguments],
            "cwd": ROOT,
            "env": {**inherited, "EMOTION_HOME": str(self.home), "PYTHONPATH": str(ROOT)},
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
        }
