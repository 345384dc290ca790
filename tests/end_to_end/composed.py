"""docker-compose.yaml without containers: its commands and its environment, each as a process."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import psutil
import yaml
from waiting import wait_until

from emotion_core.local import processes
from emotion_core.local.credentials import load_or_create
from emotion_core.local.guardian import Guardian, end_everything
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
CONTROL = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
WORKERS = ("worker-cpu", "worker-gpu")

# What differs from a machine with an engine and a GPU, and nothing else.
_HERE = {
    "worker-gpu": {"EMOTION_DEVICE": "cpu"},
}


@dataclass(frozen=True)
class Composed:
    """The services of the file, on this machine."""

    home: Home
    services: dict[str, Any]
    variables: dict[str, str]
    """What ``.env`` would hold."""
    places: dict[str, str]
    """What names a container or a folder inside one, and what it is here."""
    ports: dict[str, int]
    programs: Path
    """PostgreSQL's."""
    children: list[processes.Child] = field(default_factory=list)

    def text(self, value: object) -> str:
        """A value of the file, with its variables filled in, as this machine knows it."""
        filled = re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", self._variable, str(value))
        filled = re.sub(r"@postgres/(\w+)", rf"@/\1?host={self.places['postgres']}", filled)
        for there, here in self.places.items():
            if there != "postgres":
                filled = filled.replace(there, here)
        return filled

    def environment(self, service: str) -> dict[str, str]:
        """Of one service: the file's, and what the images' ENV lines set."""
        own_home = self.home.path / "containers" / service
        own_home.mkdir(parents=True, exist_ok=True)
        named = self.services[service].get("environment", {})
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            processes.MARKER: self.home.id,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            "HOME": str(own_home),
            "HOSTNAME": socket.gethostname(),
            "NO_PROXY": "*",
            "AIRFLOW_HOME": str(own_home),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home.path / "task-logs"),
            # The test waits for it: look for silent tasks more often than every ten seconds.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports["api"]),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler"]),
            **{name: self.text(value) for name, value in named.items()},
            **_HERE.get(service, {}),
        }

    def start(self, service: str) -> processes.Child:
        """The service's command as a process."""
        command = [self.text(word) for word in self.services[service]["command"]]
        if service in WORKERS:
            # Two containers have two host names.
            command += ["--celery-hostname", f"celery@{service}"]
        program = shutil.which(command[0], path=str(Path(sys.executable).parent))
        assert program is not None, command
        return self.keep(
            processes.start(
                self.home,
                service,
                [program, *command[1:]],
                self.environment(service),
                working_dir=ROOT,
            )
        )

    def keep(self, child: processes.Child) -> processes.Child:
        """Take note of its end when everything ends."""
        self.children.append(child)
        return child

    def run(self, command: Sequence[str], environment: dict[str, str]) -> None:
        """One command that ends, as ``init`` does."""
        done = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def dump(self, database: str) -> str:
        """Everything that a database holds, as text."""
        return subprocess.run(
            [self.programs / "pg_dump", "--inserts", database],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": unquote(self.places["postgres"]),
                "PGUSER": "postgres",
                "PGPASSWORD": self.variables["POSTGRES_PASSWORD"],
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def logs(self) -> Iterator[tuple[str, str]]:
        """Every log of every service and task, by its name."""
        for folder in (self.home.logs_dir, self.home.path / "task-logs"):
            for path in folder.rglob("*"):
                if path.is_file():
                    yield path.name, path.read_text(encoding="utf-8", errors="replace")

    def check_health(self, service: str) -> subprocess.Popen[bytes]:
        """Begin the service's own health check; it ends with 0 where the service is well."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        words = [self.text(word).replace("$$", "$") for word in words]
        node = service if service in WORKERS else socket.gethostname()
        return subprocess.Popen(
            ["sh", "-c", *words] if kind == "CMD-SHELL" else words,
            env={
                **self.environment(service),
                "HOSTNAME": node,
            },
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, child: processes.Child) -> None:
        """kill -9 of a process with everything below it, as when its machine loses power."""
        if child.is_alive:
            leader = psutil.Process(child.popen.pid)
            processes.send([leader, *leader.children(recursive=True)][::-1], signal.SIGKILL)
            child.popen.wait()

    def _variable(self, found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        value = self.variables.get(name, "")
        assert value or kind == "-", f"{name}: {rest}"
        return value or rest


@contextmanager
def composed(folder: Path, variables: dict[str, str]) -> Iterator[Composed]:
    """PostgreSQL and Redis are up, the databases made, ``init`` has run; the rest is the test's.

    Args:
        folder: Empty; everything lies in it.
        variables: Of ``.env``, beside the secrets that ``make secrets`` draws.
    """
    home = Home(folder / "home")
    home.make()
    env_file = folder / ".env"
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "make_secrets.py", env_file],
        check=True,
        capture_output=True,
    )
    drawn = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    server = PostgresServer(home, load_or_create(home.secrets_path).postgres, durable=False)
    ports = dict(zip(("api", "scheduler", "redis"), free_ports(3), strict=True))
    started: list[processes.Child] = []
    with Guardian(home, remove=True):
        try:
            started.append(server.start())
            made = Composed(
                home,
                yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"],
                {**drawn, **variables},
                {
                    "postgres": quote(str(server.socket_dir), safe=""),
                    "redis:6379": f"127.0.0.1:{ports['redis']}",
                    "airflow-apiserver:8080": f"127.0.0.1:{ports['api']}",
                    "127.0.0.1:8080": f"127.0.0.1:{ports['api']}",
                    "127.0.0.1:8974": f"127.0.0.1:{ports['scheduler']}",
                    "/opt/emotion": str(ROOT),
                    "/var/lib/emotion": str(folder / "state"),
                    **{f"/srv/{name}": str(folder / name) for name in ("inbox", "data", "weights")},
                },
                ports,
                server.programs,
                started,
            )
            for name in ("state", "inbox", "data", "weights"):
                (folder / name).mkdir(exist_ok=True)
            _start_redis(made)
            _make_databases(made, server, load_or_create(home.secrets_path).postgres)
            made.run(
                [made.text(word) for word in made.services["init"]["command"]],
                made.environment("init"),
            )
            yield made
        finally:
            # Ending them in turn, as `make down` does, is tested elsewhere and takes its time.
            for child in started[1:]:
                made.kill(child)
            end_everything(home)
            server.remove()
            for child in started:
                child.popen.wait()


def _start_redis(made: Composed) -> None:
    """As the service does, on a free port of this machine alone."""
    log = made.home.logs_dir / "redis.log"
    shell, option, script = made.services["redis"]["command"]
    script = script.replace("$$", "$").replace(
        "requirepass %s\\n", f"requirepass %s\\nbind 127.0.0.1\\nport {made.ports['redis']}\\n"
    )
    made.keep(
        processes.start(
            made.home,
            "redis",
            [shell, option, script],
            {
                "PATH": os.environ["PATH"],
                "REDIS_PASSWORD": made.variables["REDIS_PASSWORD"],
                processes.MARKER: made.home.id,
            },
            working_dir=made.home.run_dir,
        )
    )
    wait_until(lambda: "Ready to accept connections" in log.read_text(), 30.0)


def _make_databases(made: Composed, server: PostgresServer, password: str) -> None:
    environment = {
        name: made.text(value) for name, value in made.services["postgres"]["environment"].items()
    }
    made.run(
        ["sh", str(ROOT / "deploy" / "databases.sh")],
        {
            **environment,
            "PATH": f"{server.programs}:{os.environ['PATH']}",
            "PGHOST": str(server.socket_dir),
            "PGPASSWORD": password,
            "EMOTION_SQL_DIR": str(ROOT / "sql"),
        },
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses; held together while they are drawn, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()
