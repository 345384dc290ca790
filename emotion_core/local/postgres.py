"""The embedded PostgreSQL: one cluster per home, over a Unix socket, every password checked."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from emotion_core.errors import LocalSystemError
from emotion_core.local import postgres_place, processes
from emotion_core.local.home import Home
from emotion_core.local.postgres_place import Place
from emotion_core.local.processes import Child

SUPERUSER = "postgres"

_START_PATIENCE_S = 120.0
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "120",
    # After each checkpoint the first change of a page writes the whole page: a night of a million
    # files should not force many.
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
# For tests: a crash of the machine would lose the data, a crash of the server does not.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """The server of one home."""

    def __init__(self, home: Home, superuser_password: str, *, durable: bool = True) -> None:
        self.home = home
        self.place: Place = postgres_place.locate(home)
        self._password = superuser_password
        self._durable = durable
        self._child: Child | None = None

    @property
    def program_psql(self) -> Path:
        """The psql that belongs to this server."""
        return self.place.programs / "psql"

    def start(self) -> tuple[Child, list[str]]:
        """Start the server and wait until it answers; make its cluster first where there is none.

        Whatever an earlier server left behind (a dead lock file, a server whose owner was killed)
        is ended or cleared away first.

        Returns:
            The process, and sentences about what had to be put right.

        Raises:
            LocalSystemError: It does not start; holds the end of its log.
        """
        notes = []
        if not postgres_place.is_of(self.home, self.place):
            self.stop()
            kept = postgres_place.set_aside(self.place)
            notes.append(f"the database of a removed folder at this place was kept as {kept}")
        self.place = postgres_place.prepare(self.home)
        if self.stop():
            notes.append("stopped a PostgreSQL that an earlier start had left running")
        if not self.place.data_dir.exists():
            self._create_cluster()
        (self.place.data_dir / "postmaster.pid").unlink(missing_ok=True)
        deadline = time.monotonic() + _START_PATIENCE_S
        while True:
            child = self._launch()
            if self._wait_until_ready(child, deadline):
                return child, notes
            # Processes of a server that was killed hold its memory for a moment.
            if "shared memory" not in child.last_lines() or time.monotonic() > deadline:
                raise LocalSystemError(
                    f"PostgreSQL did not start; the end of {child.log_path}:\n{child.last_lines()}"
                )
            time.sleep(0.5)

    def stop(self, *, patience_s: float = 20.0) -> bool:
        """End the server, whoever started it; True when there was one.

        First without waiting for clients, then without tidying up, then by force: PostgreSQL
        repairs itself at the next start.
        """
        leader, others = self.running()
        found = bool(leader or others)
        for number, seconds in ((signal.SIGINT, patience_s), (signal.SIGQUIT, 5.0)):
            if leader is None:
                break
            processes.send(leader, number)
            processes.wait_for_end([leader, *others], seconds)
            leader, others = self.running()
        processes.kill([*others, *([leader] if leader else [])])
        if self._child is not None:
            self._child.reap()
        return found

    def running(self) -> tuple[psutil.Process | None, list[psutil.Process]]:
        """The server's live processes: the one that leads, and the others."""
        data_dir = self.place.data_dir
        leader, others = None, []
        for process in psutil.process_iter(["name", "cmdline"]):
            try:
                if process.info["name"] != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if str(data_dir) in (process.info["cmdline"] or []):
                    leader = process
                elif Path(process.cwd()) == data_dir.resolve():
                    others.append(process)
            except (psutil.Error, OSError):
                continue  # ended meanwhile, or another user's
        return leader, others

    def url(self, database: str, user: str, password: str) -> str:
        """SQLAlchemy's address of one database for one login."""
        host = quote(str(self.place.socket_dir), safe="")
        return (
            f"postgresql+psycopg2://{user}:{quote(password, safe='')}@/{quote(database)}"
            f"?host={host}"
        )

    def connect(self, database: str = "postgres") -> "psycopg2.extensions.connection":
        """A superuser's connection, for making databases and logins and for nothing else."""
        return psycopg2.connect(
            host=str(self.place.socket_dir),
            dbname=database,
            user=SUPERUSER,
            password=self._password,
            connect_timeout=5,
            # Whatever PG* variables say of servers elsewhere.
            client_encoding="UTF8",
            hostaddr="",
            options="",
        )

    def remove(self) -> None:
        """Stop the server and delete its cluster."""
        self.stop()
        postgres_place.remove(self.home)

    def _create_cluster(self) -> None:
        """``initdb`` beside the final place: one that is interrupted leaves nothing half made."""
        unfinished = self.place.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.place.directory) as password_file:
            password_file.write(self._password + "\n")
            password_file.flush()
            if self.place.user is not None:
                os.chown(password_file.name, *self.place.user)
            command = [
                str(self.place.programs / "initdb"),
                *("--pgdata", str(unfinished), "--username", SUPERUSER),
                *("--pwfile", password_file.name, "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *(() if self._durable else ("--no-sync",)),
            ]
            user = self.place.user
            done = subprocess.run(
                command,
                env=_environment(),
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                user=None if user is None else user[0],
                group=None if user is None else user[1],
                extra_groups=None if user is None else [],
            )
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise LocalSystemError(
                f"PostgreSQL's cluster could not be made in {self.place.directory}: "
                f"{_first_line(done.stderr)}"
            )
        postgres_place.sign(self.home, self.place)
        unfinished.rename(self.place.data_dir)

    def _launch(self) -> Child:
        settings = {**_SETTINGS, "unix_socket_directories": str(self.place.socket_dir)}
        if not self._durable:
            settings |= _NOT_DURABLE
        command = [str(self.place.programs / "postgres"), "-D", str(self.place.data_dir)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._child = processes.start(
            self.home,
            "postgres",
            command,
            _environment(),
            user=self.place.user,
            working_dir=Path("/"),
        )
        return self._child

    def _wait_until_ready(self, child: Child, deadline: float) -> bool:
        while child.is_alive:
            try:
                self.connect().close()
            except psycopg2.OperationalError as error:
                if "password authentication failed" in str(error):
                    self.stop()
                    raise LocalSystemError(
                        f"the passwords in {self.home.secrets_path} are not those of the database "
                        f"in {self.place.directory}; restore the file, or run `make clean`"
                    ) from error
                if time.monotonic() > deadline:
                    self.stop()
                    return False
                time.sleep(0.02)
            else:
                return True
        return False


def _environment() -> dict[str, str]:
    """PostgreSQL's programs get nothing of ours: PG* variables would change what they do."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["no reason given"])[0]
