"""Kills the running system in every way a machine knows, and starts it again. `make kills`

Not part of `make test`: it takes about eight minutes. For each way it prints how many processes
were left half a minute later, how many after `make down`, and whether the next start succeeded.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from installation import Installation

from emotion_core.local import processes
from emotion_core.local.home import Home
from emotion_core.local.instance import State, supervisor
from emotion_core.local.postgres import PostgresServer

PATIENCE_S = 30.0
UP_WITHIN_S = 240.0
SMALL_DEMO = ("demo", "--exit", "--faces", "8", "--epochs", "1")

Kill = Callable[[subprocess.Popen[str], Home], None]


def to_group(number: signal.Signals) -> Kill:
    """What a terminal does on Ctrl-C: the signal reaches everybody in the foreground."""
    return lambda make, home: os.killpg(make.pid, number)


def to_make(number: signal.Signals) -> Kill:
    """The command itself, and nobody below it."""
    return lambda make, home: make.send_signal(number)


def to_supervisor(make: subprocess.Popen[str], home: Home) -> None:
    """kill -9 of the process that runs everything."""
    running = supervisor(home)
    assert running is not None
    running.kill()


def to_part(name: str) -> Kill:
    """kill -9 of one of the parts."""

    def kill(make: subprocess.Popen[str], home: Home) -> None:
        leaders, _ = PostgresServer(home, "").running()
        airflow = [p for p in processes.of_home(home) if name in " ".join(p.cmdline())]
        first = [min(airflow, key=psutil.Process.create_time)] if airflow else []
        processes.send(leaders if name == "postgres" else first, signal.SIGKILL)

    return kill


def by_down(make: subprocess.Popen[str], home: Home) -> None:
    """`make down` from another terminal."""
    Installation(home.path).run("down")


WAYS: dict[str, tuple[str, float | None, Kill]] = {
    # what is done: (command, seconds after its start or None for when it is up, how)
    "Ctrl-C": ("up", None, to_group(signal.SIGINT)),
    "SIGTERM to the command": ("up", None, to_make(signal.SIGTERM)),
    "kill -9 of the command": ("up", None, to_make(signal.SIGKILL)),
    "kill -9 of the supervisor": ("up", None, to_supervisor),
    "kill -9 of PostgreSQL": ("up", None, to_part("postgres")),
    "kill -9 of Airflow's scheduler": ("up", None, to_part("scheduler")),
    "make down from another terminal": ("up", None, by_down),
    "kill -9 of the command, 2 s after its start": ("up", 2.0, to_make(signal.SIGKILL)),
    "kill -9 of the command, 12 s after its start": ("up", 12.0, to_make(signal.SIGKILL)),
    "kill -9 of the command, 50 s into the demo": ("demo", 50.0, to_make(signal.SIGKILL)),
}


def command(here: Installation, *arguments: str) -> subprocess.Popen[str]:
    """One of the Makefile's commands, in a process group of its own as a shell starts it."""
    return subprocess.Popen(
        **here.command(*arguments), stdout=subprocess.PIPE, text=True, process_group=0
    )


def is_up(home: Home, since: float) -> bool:
    """Whether everything was started after ``since`` and Airflow answers."""
    state = State.read(home)
    if state is None or not state.airflow_url or supervisor(home) is None:
        return False
    return time.time() - since > 25


def others(home: Home) -> list[psutil.Process]:
    """What still runs of this home."""
    leaders, postgres = PostgresServer(home, "").running()
    return [*processes.of_home(home), *leaders, *postgres]


def try_way(here: Installation, name: str) -> bool:
    """Start, kill, count, clean up; returns whether all went well."""
    verb, seconds, kill = WAYS[name]
    home, began = Home(here.home), time.time()
    running = command(here, *(SMALL_DEMO if verb == "demo" else [verb]))
    while not is_up(home, began) if seconds is None else time.time() - began < seconds:
        if running.poll() is not None or time.time() - began > UP_WITHIN_S:
            print(f"{name:48} did not start:\n{running.communicate()[0]}", flush=True)
            return False
        time.sleep(0.5)
    kill(running, home)
    killed = time.time()
    while others(home) and time.time() - killed < PATIENCE_S:
        time.sleep(0.5)
    left, took = len(others(home)), time.time() - killed
    here.run("down")
    left_after = len(others(home))
    running.kill()
    running.wait()
    print(f"{name:48} {left:3} left after {took:4.1f} s, {left_after} after make down", flush=True)
    return left_after == 0


def main() -> int:
    """Every way in turn, on one home; then a demo that must end well."""
    with tempfile.TemporaryDirectory(prefix="emotion-kills-") as folder:
        here = Installation(Path(folder) / "home")
        went_well = [try_way(here, name) for name in WAYS]
        here.run(*SMALL_DEMO)
        print("a demo after all that ended well", flush=True)
        here.run("clean")
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
