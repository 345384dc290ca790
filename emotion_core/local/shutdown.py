"""Ending everything that one installation started, whoever started it and however it ended."""

import signal

import psutil

from emotion_core.local import processes
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer

_PATIENCE_S = 15.0
_POSTGRES = "postgres"
_SCHEDULER = "scheduler"


def end_everything(home: Home) -> list[str]:
    """End Airflow's processes and tasks first, PostgreSQL last; returns the names of what ran.

    Running tasks are killed, not asked: asked, they would tell Airflow that they failed. Killed,
    they are what they are, interrupted, and Airflow starts them again at its next start. Every
    step can take that: training goes on from its last epoch, the ledger's leases expire.
    """
    names = [r.name for r in processes.recorded(home) if r.process() is not None]
    count = _end_airflow(home)
    if count and not names:
        names.append(f"{count} processes left behind")
    if PostgresServer(home, "").stop() and _POSTGRES not in names:
        names.append(_POSTGRES)
    processes.forget(home)
    return names


def _end_airflow(home: Home) -> int:
    count = 0
    for _ in range(3):  # a process may start another just before it ends
        roots = {r.pid: r.name for r in processes.recorded(home) if r.process() is not None}
        postgres = {pid for pid, name in roots.items() if name == _POSTGRES}
        running = [p for p in processes.of_home(home) if not _is_below(p, postgres)]
        if not running:
            break
        count += len(running)
        for process in running:
            if roots.get(process.pid) is not None:
                processes.send(process, signal.SIGTERM)
        tasks = [p for p in running if roots.get(p.pid) is None and _is_task(p, roots)]
        processes.kill(tasks)
        processes.end(running, _PATIENCE_S)
    return count


def _is_task(process: psutil.Process, roots: dict[int, str]) -> bool:
    """Below the scheduler, or below nothing that is ours: its parent was killed."""
    try:
        parents = [roots[parent.pid] for parent in process.parents() if parent.pid in roots]
    except psutil.Error:
        return False
    return not parents or parents[-1] == _SCHEDULER


def _is_below(process: psutil.Process, pids: set[int]) -> bool:
    try:
        return process.pid in pids or any(parent.pid in pids for parent in process.parents())
    except psutil.Error:
        return False
