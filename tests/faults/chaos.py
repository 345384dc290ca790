"""A night on which everything fails: workers killed, frozen and cut off, the server restarted."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ledger_worker
import psutil

LEASE_SECONDS = 1.0


@dataclass
class Chaos:
    """What was done to the workers, and what they died of."""

    count_kills: int = 0
    count_frozen: int = 0
    count_cut_off: int = 0
    count_restarts: int = 0
    seconds: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)


def make_chaos(
    restartable: Any,
    night: Any,
    start: Callable[..., Any],
    log_path: Path,
    *,
    workers: int,
    chunk: int,
    infer_seconds: float,
    kill_every: float,
    restart_every: float,
    most_kills: int,
) -> Chaos:
    """Keep ``workers`` processes at work until nothing is left, harming them all the while.

    Args:
        kill_every: Seconds between two kills; one in eight is a freeze past the lease instead.
        restart_every: Seconds between two immediate restarts of the server.
        most_kills: Then they may finish in peace.
    """
    chance = random.Random(20_261_122)
    chaos = Chaos()
    began = time.monotonic()
    next_kill, next_restart = began + kill_every, began + restart_every
    crew: list[Any] = []
    thaw: list[tuple[float, Any]] = []
    while True:
        now = time.monotonic()
        for at, frozen in [entry for entry in thaw if entry[0] <= now]:
            thaw.remove((at, frozen))
            _send(frozen, signal.SIGCONT)
        ended = [process for process in crew if not process.is_alive()]
        if any(process.exitcode == 0 for process in ended):
            break  # it saw that nothing is left
        crew = [process for process in crew if process not in ended]
        while len(crew) < workers:
            crew.append(
                start(
                    ledger_worker.run,
                    night.url,
                    night.model_version_id,
                    str(log_path),
                    name=f"worker {len(crew)}",
                    chunk=chunk,
                    lease_seconds=LEASE_SECONDS,
                    infer_seconds=infer_seconds,
                )
            )
        if now >= next_kill and chaos.count_kills < most_kills:
            next_kill = now + kill_every
            victim = chance.choice(crew)
            match chance.randrange(16):
                case 0 | 1:
                    if victim not in [frozen for _, frozen in thaw]:
                        _send(victim, signal.SIGSTOP)
                        thaw.append((now + 2 * LEASE_SECONDS, victim))
                        chaos.count_frozen += 1
                case 2:
                    chaos.count_cut_off += _cut_off(restartable)
                case _:
                    chaos.count_kills += _send(victim, signal.SIGKILL)
        if now >= next_restart and chaos.count_kills < most_kills:
            restartable.restart_at_once()
            chaos.count_restarts += 1
            next_restart = time.monotonic() + restart_every
        time.sleep(0.01)
    for _, frozen in thaw:
        _send(frozen, signal.SIGCONT)
    for process in crew:
        process.join()
    chaos.seconds = time.monotonic() - began
    for name in log_path.read_text().split() if log_path.exists() else ():
        chaos.errors[name] = chaos.errors.get(name, 0) + 1
    return chaos


def _send(process: Any, number: int) -> int:
    """1 when it lived to get the signal."""
    if process.is_alive() and psutil.pid_exists(process.pid):
        os.kill(process.pid, number)
        return 1
    return 0


def _cut_off(restartable: Any) -> int:
    """The server ends every connection of the workers."""
    connection = restartable.server.connect("emotion")
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'emotion'"
            )
            return int(cursor.fetchone()[0])
    finally:
        connection.close()
