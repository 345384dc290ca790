"""One running system: PostgreSQL and Airflow, started in order, watched, stopped in order."""

import importlib.metadata
import os
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import psutil

from emotion_core.errors import LocalSystemError
from emotion_core.local import airflow, provision, proxies
from emotion_core.local.airflow import Airflow
from emotion_core.local.airflow_api import AirflowApi
from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.display import Display
from emotion_core.local.guardian import end_everything
from emotion_core.local.home import PROJECT_DIR, Home
from emotion_core.local.postgres import VERSION, PostgresServer
from emotion_core.local.watch import Watch
from emotion_core.settings import Settings
from emotion_core.store.address import psql_address, read_address

DAGS = tuple(sorted(path.stem for path in (PROJECT_DIR / "dags").glob("*.py")))
"""Every DAG of the product: each file holds the one it is named after. All of them are unpaused: a
schedule is harmless before there is a champion."""

_HEALTHY_WITHIN_S = 240.0
# Start times are counted from a boot time that the system's clock may shift a little.
_STARTED_TOLERANCE_S = 5.0


@dataclass(frozen=True)
class State:
    """What another terminal needs to know of a running system."""

    airflow_url: str
    """Address of Airflow's pages."""
    database_url: str
    """Our database, by the login that tasks use."""
    psql: tuple[str, str]
    """A command that looks around in our database, as the analyst where the server is ours."""
    admin_password: str
    """Of the login ``admin`` on Airflow's pages."""

    @classmethod
    def read(cls, home: Home) -> "State | None":
        """The state of the system that is up in this home; None while it starts or stops."""
        stored = home.read_state()
        if supervisor(home) is None or "airflow_url" not in stored:
            return None
        values = {field.name: stored[field.name] for field in fields(cls)}
        return cls(**{**values, "psql": tuple(values["psql"])})


def supervisor(home: Home) -> psutil.Process | None:
    """The process that runs, starts or stops the system of this home, if one lives."""
    stored = home.read_state()
    try:
        process = psutil.Process(stored["pid"])
        # The number may be a later process's by now.
        is_same = abs(process.create_time() - stored["started"]) < _STARTED_TOLERANCE_S
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except (KeyError, psutil.NoSuchProcess):
        return None


@dataclass(frozen=True)
class Instance:
    """Starts the system of one home. The caller holds the home's lock."""

    home: Home
    settings: Settings
    environment: Mapping[str, str]
    display: Display
    watch: Watch

    def start(self, wanted_port: int | None) -> State:
        """Start everything and wait until it is healthy.

        Args:
            wanted_port: For Airflow's pages; None takes 8080 or the next free one.

        Raises:
            LocalSystemError: Something does not start; says what and why.
            StoreError: The database's tables are newer than this code.
        """
        self._record(None)
        if left := end_everything(self.home):
            self.display.say(f"stopped what an earlier start had left: {' and '.join(left)}")
        port = airflow.choose_port(wanted_port)
        if wanted_port is None and port != airflow.DEFAULT_PORT:
            self.display.say(f"port {airflow.DEFAULT_PORT} is taken; Airflow gets {port}")
        for name in proxies.unusable(self.environment):
            self.display.say(
                f"{name} names a proxy that Airflow cannot use (SOCKS, or no address): left out"
            )
        credentials = load_or_create(self.home.secrets_path)
        state, system, stamp = self._databases(credentials, port)
        with self.display.waiting("making Airflow's tables …"):
            if system.migrate_if_needed(stamp):
                self.display.say("Airflow's tables made")
        self._start_airflow(system, state)
        self._record(state)
        return state

    def stop(self) -> None:
        """End everything; nothing interrupts this."""
        self.watch.stop_watching()
        # Whatever becomes of the note for other terminals (a full disk, a removed folder), we stop.
        with suppress(OSError, LocalSystemError):
            self._record(None)
        with self.display.waiting("stopping …"):
            ended = end_everything(self.home)
        if ended:
            self.display.say(f"stopped {' and '.join(ended)}")

    def _record(self, state: State | None) -> None:
        """Say for other terminals who runs here, and what once it is up."""
        us = {"pid": os.getpid(), "started": psutil.Process().create_time()}
        self.home.write_state(us | (asdict(state) if state is not None else {}))

    def _databases(self, credentials: Credentials, port: int) -> tuple[State, Airflow, Path | None]:
        """Start the embedded server for whichever database is not the user's own."""
        own = self.settings.database_url
        own_migrate = self.settings.migrate_database_url
        own_airflow = self.environment.get(airflow.OWN_ADDRESS)
        for name, address in (
            ("EMOTION_DATABASE_URL", own),
            (self.settings.migrate_setting, own_migrate),
            (airflow.OWN_ADDRESS, own_airflow),
        ):
            if address is not None:  # before anything is started
                read_address(address, name)
        server = PostgresServer(self.home, credentials.postgres)
        applied: list[str] = []
        if own is None or own_airflow is None:
            with self.display.waiting("starting PostgreSQL …"):
                self.watch.add(server.start())
            self.display.say(f"PostgreSQL {VERSION} is up")
            applied = provision.provision(server, credentials)
        embedded = provision.addresses(server, credentials)
        if own is None:
            conninfo = provision.write_password_file(self.home.path / "pgpass", server, credentials)
            psql = (str(server.programs / "psql"), conninfo)
        else:
            applied = provision.migrate_tables(own_migrate or own, self.settings.migrate_setting)
            psql = ("psql", psql_address(own, "EMOTION_DATABASE_URL")[0])
        if applied:
            self.display.say(f"database migrated: {', '.join(applied)}")
        state = State(
            airflow_url=f"http://{airflow.HOST}:{port}",
            database_url=own or embedded.app,
            psql=psql,
            admin_password=credentials.admin,
        )
        environment = airflow.environment(
            self.environment,
            self.settings,
            self.home,
            credentials,
            port=port,
            airflow_url=own_airflow or embedded.airflow,
            app_url=state.database_url,
        )
        stamp = None if own_airflow else server.directory / "airflow-version"
        return state, Airflow(self.home, environment), stamp

    def _start_airflow(self, system: Airflow, state: State) -> None:
        for name in airflow.COMPONENTS:
            self.watch.add(system.start(name))
        with closing(AirflowApi(state.airflow_url, "admin", state.admin_password)) as api:
            wait_until_healthy(api, self.display)
            if not api.knows_us():
                raise LocalSystemError(
                    f"another Airflow took {state.airflow_url} while this one was starting; "
                    "start again, or choose another port: PORT=…"
                )
            for name, (slots, meaning) in airflow.POOLS.items():
                api.create_pool(name, slots, meaning)
            with self.display.waiting("waiting until Airflow has read the DAGs …"):
                _wait_until_none(lambda: _unread_dags(api))
        version = importlib.metadata.version("apache-airflow")
        self.display.say(f"Airflow {version} is healthy: {state.airflow_url}", style="green")


def wait_until_healthy(api: AirflowApi, display: Display) -> None:
    """Wait for every part of Airflow, saying as each comes up.

    Raises:
        LocalSystemError: They are not up in time; names them.
    """
    with display.waiting("starting Airflow: about half a minute …"):
        _wait_until_none(api.unhealthy, lambda part: display.say(f"Airflow's {part} is up"))


def _unread_dags(api: AirflowApi) -> list[str]:
    if errors := api.import_errors():
        raise LocalSystemError(f"Airflow cannot read a DAG: {'; '.join(errors)}")
    return [f"the DAG {dag_id}" for dag_id in DAGS if not api.has_dag(dag_id)]


def _wait_until_none(
    missing_parts: Callable[[], list[str]], say: Callable[[str], None] = lambda part: None
) -> None:
    """Ask what is missing until nothing is; ``say`` hears of each that came.

    Raises:
        LocalSystemError: Something is still missing after a while; names it.
    """
    deadline = time.monotonic() + _HEALTHY_WITHIN_S
    missing: list[str] = []
    while True:
        before, missing = missing, missing_parts()
        for part in before:
            if part not in missing:
                say(part)
        if not missing:
            return
        if time.monotonic() > deadline:
            raise LocalSystemError(
                f"Airflow did not come up within {_HEALTHY_WITHIN_S:.0f} seconds; still missing: "
                f"{', '.join(missing)}"
            )
        time.sleep(0.5)


def show_access(display: Display, state: State) -> None:
    """How to look at what runs."""
    display.show(f"Airflow     {state.airflow_url}")
    display.show(f"  login     admin  {state.admin_password}")
    display.show(f"Database    make psql    or    {shlex.join(state.psql)}")
