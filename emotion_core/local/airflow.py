"""Airflow on this machine: its settings, its tables, and its four processes."""

import contextlib
import importlib.metadata
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emotion_core.cli.machine import user_name
from emotion_core.errors import LocalSystemError
from emotion_core.local import processes, proxies
from emotion_core.local.credentials import UI_USERS, Credentials
from emotion_core.local.home import PROJECT_DIR, Home, write_private_json
from emotion_core.settings import Settings

HOST = "127.0.0.1"
DEFAULT_PORT = 8080
COMPONENTS = {
    "api-server": ("api-server",),
    # Task logs lie in this machine's own folder, where the pages read them: no log server that
    # would listen on every network interface.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
"""Name of each process and the arguments of its command."""

POOLS = {
    "gpu": (1, "Training: one network at a time on the one device"),
    "scoring": (max(1, (os.cpu_count() or 2) // 2), "Scoring workers, which use several cores"),
    "cpu": (max(2, os.cpu_count() or 2), "Everything that is neither training nor scoring"),
}
"""Name, slots and meaning. A task whose pool does not exist would wait for ever."""

_ROLES = {"admin": "admin", "operator": "op", "viewer": "viewer"}
OWN_ADDRESS = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_NOT_FOR_TASKS = {
    "EMOTION_MIGRATE_DATABASE_URL",  # a login that may change tables
    # PostgreSQL's client would take these for every connection, Airflow's too.
    *("PGCLIENTENCODING", "PGDATESTYLE", "PGHOSTADDR", "PGOPTIONS", "PGTZ"),
}
# glibc gives big tensors back after every operation and faults them in again: keeping them makes
# training and scoring 1.5 to 2 times as fast. Read at exec; tasks are forked from the scheduler.
_FOR_TASKS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
    # Threads that spin while they wait for one another slow a machine with other work down to a
    # tenth; Airflow's own processes are such work.
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True)
class Airflow:
    """One home's Airflow."""

    home: Home
    environment: Mapping[str, str]
    """Of every process; see :func:`environment`."""

    def migrate_if_needed(self, stamp: Path | None) -> bool:
        """Make or update Airflow's own tables; False when they are as this version left them.

        Args:
            stamp: Where to note the version that made them; None for a server of the user's own.

        Raises:
            LocalSystemError: Airflow cannot; holds the end of its log.
        """
        version = importlib.metadata.version("apache-airflow")
        if stamp is not None and stamp.exists() and stamp.read_text() == version:
            return False
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        migration = processes.start(self.home, "airflow-migrate", command, self.environment)
        if migration.popen.wait() != 0:
            raise LocalSystemError(
                f"Airflow's tables could not be made; the end of {migration.log_path}:\n"
                f"{migration.last_lines()}"
            )
        if stamp is not None:
            stamp.write_text(version)
        return True

    def start(self, name: str) -> processes.Child:
        """Start one of :data:`COMPONENTS`."""
        tuned = _FOR_TASKS if name == "scheduler" else {"MALLOC_ARENA_MAX": "2"}
        return processes.start(
            self.home,
            name,
            [sys.executable, "-m", "airflow", *COMPONENTS[name]],
            {**tuned, **self.environment},
        )


def environment(
    base: Mapping[str, str],
    settings: Settings,
    home: Home,
    credentials: Credentials,
    *,
    port: int,
    airflow_url: str,
    app_url: str,
) -> dict[str, str]:
    """The environment of Airflow's processes, tasks included.

    Args:
        base: The user's own; what it says of Airflow's tuning holds, where things are does not.
        airflow_url: Airflow's own database.
        app_url: Our database, by the login that tasks use. No other login's password is in here.
    """
    logins_path = home.airflow_dir / "logins.json"
    write_private_json(logins_path, {name: credentials.password(name) for name in UI_USERS})
    address = f"http://{HOST}:{port}"
    fixed = {
        "AIRFLOW_HOME": str(home.airflow_dir),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": credentials.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": credentials.jwt_secret,
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_DIR / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": credentials.fernet_key,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_DIR / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(logins_path),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{user}:{role}" for user, role in _ROLES.items()
        ),
        OWN_ADDRESS: airflow_url,
        "EMOTION_DATABASE_URL": app_url,
        "EMOTION_DATA_DIR": str(settings.data_dir),
        "EMOTION_DEVICE": settings.device,
        "EMOTION_HOME": str(home.path),
        processes.MARKER: home.id,
        "EMOTION_INBOX_DIR": settings.inbox,
        "EMOTION_REPORTS_DIR": str(settings.reports_dir),
        "EMOTION_RUNS_DIR": str(settings.runs_dir),
        "PYTHONPATH": str(PROJECT_DIR),
        # A killed process should not take its last words with it.
        "PYTHONUNBUFFERED": "1",
        # Airflow gives its processes titles, which by default overwrite the environment that
        # the system shows; ours are found by a variable in it.
        "SPT_NOENV": "1",
    }
    if settings.weights_dir is not None:
        fixed["EMOTION_WEIGHTS_DIR"] = str(settings.weights_dir)
    tuned = {
        "AIRFLOW__API__INSTANCE_NAME": "Emotion Batch Scoring",
        "AIRFLOW__API__WORKERS": "1",
        # The schedules are harmless before there is a champion, and Airflow pauses nothing that
        # an operator would have to find first.
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # Looking the host's full name up can hang without a network.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        # A line for every look of every open page would hide what matters.
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "http.access=WARNING",
        # After an interruption the scheduler is up before the server that its tasks report to,
        # and on a busy machine that server is slow: neither is worth a failed try.
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "10",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        # A task whose scheduler was killed goes on half a minute after the next start.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
    }
    kept = {name: value for name, value in base.items() if name not in _NOT_FOR_TASKS}
    # A user without a name, as in containers: Airflow asks for one.
    named = {"LOGNAME": base.get("LOGNAME") or user_name()}
    return {**tuned, **proxies.usable(kept), **named, **fixed}


def choose_port(wanted: int | None) -> int:
    """The port for Airflow's pages: the one asked for, else 8080 or the next free one.

    Raises:
        LocalSystemError: The one asked for is taken, or no port is free.
    """
    if wanted is not None:
        if not 1 <= wanted <= 65535:
            raise LocalSystemError(f"PORT is {wanted}; use a number from 1 to 65535")
        if not _is_free(wanted):
            raise LocalSystemError(
                f"port {wanted} is taken by another program; stop it, or choose another port: "
                f"PORT={wanted + 1 if wanted < 65535 else DEFAULT_PORT}"
            )
        return wanted
    for port in range(DEFAULT_PORT, DEFAULT_PORT + 200):
        if _is_free(port):
            return port
    raise LocalSystemError(
        f"no port from {DEFAULT_PORT} to {DEFAULT_PORT + 199} is free; choose one: PORT=…"
    )


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        # As the server itself does: connections that are still closing are not in its way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise LocalSystemError(
                f"port {port} may not be used by this user; choose one above 1023"
            ) from error
        except OSError:
            return False
    return True
