"""One running system: PostgreSQL and Airflow, started in order, watched, stopped in order."""

import contextlib
import importlib.metadata
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import psutil

from emotion_core.errors import LocalSystemError
from emotion_core.local import airflow, provision, proxies
from emotion_core.local.airflow import Airflow
from emotion_core.local.airflow_api import AirflowApi
from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.display import Display
from emotion_core.local.home import PROJECT_DIR, Home
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.postgres_place import VERSION
from emotion_core.local.processes import Record
from emotion_core.local.shutdown import end_everything
from emotion_core.local.watch import Watch
from emotion_core.settings import Settings
from emotion_core.store.address import psql_address, read_address

DAGS = tuple(sorted(path.stem for path in (PROJECT_DIR / "dags").glob("*.py")))
"""Every DAG of the product: each file holds the one it is named after. All of them are unpaused: a
schedule is harmless before there is a champion."""

_HEALTHY_WITHIN_S = 240.0


@dataclass(frozen=True)
class State:
    """What another terminal needs to know of a running system."""

    airflow_url: str
    """Address of Airflow's pages."""
    database_url: str
    """Our database, by the login that tasks use."""
    psql: tuple[str, ...]
    """A command that looks around in our database; it asks for no password."""
    password_file: str | None
    """``PGPASSFILE`` of that command."""
    admin_password: str
    """Of the login ``admin`` on Airflow's pages."""

    @classmethod
    def read(cls, home: Home) -> "State | None":
        """The state of the system that is up in this home; None while it starts or stops."""
        stored = home.read_state() or {}
        if supervisor(home) is None or "airflow_url" not in stored:
            return None
        values = {field.name: stored[field.name] for field in fields(cls)}
        return cls(**{**values, "psql": tuple(values["psql"])})


class Instance:
    """Starts the system of one home. The caller holds the home's lock."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        environment: Mapping[str, str],
        display: Display,
        watch: Watch,
    ) -> None:
        self.home = home
        self._settings = settings
        self._environment = environment
        self._display = display
        self._watch = watch

    def start(self, wanted_port: int | None) -> State:
        """Start everything and wait until it is healthy.

        Args:
            wanted_port: For Airflow's pages; None takes 8080 or the next free one.

        Raises:
            LocalSystemError: Something does not start; says what and why.
            StoreError: The database's tables are newer than this code.
        """
        owner = Record.of("supervisor", os.getpid()).to_json()
        self.home.write_state({"supervisor": owner})
        left = end_everything(self.home)
        if left:
            self._display.say(f"stopped what an earlier start had left: {', '.join(left)}")
        port = airflow.choose_port(wanted_port)
        if wanted_port is None and port != airflow.DEFAULT_PORT:
            self._display.say(f"port {airflow.DEFAULT_PORT} is taken; Airflow gets {port}")
        for name in proxies.unusable(self._environment):
            self._display.say(
                f"{name} names a proxy that Airflow cannot use (SOCKS, or no address): left out"
            )
        credentials = load_or_create(self.home.secrets_path)
        database_url, airflow_database_url, psql, password_file = self._databases(credentials)
        system = Airflow(
            self.home,
            airflow.environment(
                self._environment,
                self._settings,
                self.home,
                credentials,
                port=port,
                airflow_url=airflow_database_url,
                app_url=database_url,
            ),
        )
        state = State(
            airflow_url=f"http://{airflow.HOST}:{port}",
            database_url=database_url,
            psql=psql,
            password_file=password_file,
            admin_password=credentials.admin,
        )
        with self._display.waiting("making Airflow's tables …"):
            if system.migrate_if_needed():
                self._display.say("Airflow's tables made")
        self._start_airflow(system, state, credentials)
        self.home.write_state({"supervisor": owner, **asdict(state)})
        return state

    def stop(self) -> None:
        """End everything; nothing interrupts this."""
        self._watch.stand_down()
        # Whatever becomes of the note for other terminals (a full disk, a removed folder), we stop.
        with contextlib.suppress(OSError):
            self.home.write_state({"supervisor": Record.of("supervisor", os.getpid()).to_json()})
        with self._display.waiting("stopping …"):
            ended = end_everything(self.home)
            self._watch.reap()
        if ended:
            self._display.say(f"stopped {', '.join(ended)}")

    def _databases(self, credentials: Credentials) -> tuple[str, str, tuple[str, ...], str | None]:
        """Start the embedded server for whichever database is not the user's own."""
        own = self._settings.database_url
        own_airflow = self._environment.get(airflow.OWN_ADDRESS)
        for name, address in (
            ("EMOTION_DATABASE_URL", own),
            (self._settings.migrate_setting, self._settings.migrate_database_url),
            (airflow.OWN_ADDRESS, own_airflow),
        ):
            if address is not None:  # before anything is started
                read_address(address, name)
        server = PostgresServer(self.home, credentials.postgres)
        if own is None or own_airflow is None:
            with self._display.waiting("starting PostgreSQL …"):
                child, notes = server.start()
            self._watch.add(child)
            for note in notes:
                self._display.say(note)
            self._display.say(f"PostgreSQL {VERSION} is up")
        embedded = provision.addresses(server, credentials)
        if own_airflow is None:
            provision.provision_airflow(server, credentials)
        if own is None:
            applied = provision.provision_ours(server, credentials)
            password_file = self.home.path / "pgpass"
            provision.write_password_file(password_file, server, credentials)
            psql: tuple[str, ...] = (
                str(server.program_psql),
                *("-h", str(server.place.socket_dir), "-U", provision.ANALYST),
                provision.OUR_DATABASE,
            )
            passwords: str | None = str(password_file)
        else:
            applied = provision.migrate_tables(
                self._settings.migrate_database_url or own, self._settings.migrate_setting
            )
            psql, passwords = ("psql", psql_address(own, "EMOTION_DATABASE_URL")[0]), None
        if applied:
            self._display.say(f"database migrated: {', '.join(applied)}")
        return own or embedded.app, own_airflow or embedded.airflow, psql, passwords

    def _start_airflow(self, system: Airflow, state: State, credentials: Credentials) -> None:
        for name in airflow.COMPONENTS:
            self._watch.add(system.start(name))
        api = AirflowApi(state.airflow_url, "admin", credentials.admin)
        try:
            wait_until_healthy(api, self._display)
            if not api.knows_us():
                raise LocalSystemError(
                    f"another Airflow took {state.airflow_url} while this one was starting; "
                    "start again, or choose another port: PORT=…"
                )
            for name, (slots, meaning) in airflow.POOLS.items():
                api.create_pool(name, slots, meaning)
            self._wait_for_dags(api)
        finally:
            api.close()
        version = importlib.metadata.version("apache-airflow")
        self._display.say(f"Airflow {version} is healthy: {state.airflow_url}", style="green")

    def _wait_for_dags(self, api: AirflowApi) -> None:
        deadline = time.monotonic() + _HEALTHY_WITHIN_S
        with self._display.waiting("waiting until Airflow has read the DAGs …"):
            while missing := [dag_id for dag_id in DAGS if not api.has_dag(dag_id)]:
                if errors := api.import_errors():
                    raise LocalSystemError(f"Airflow cannot read a DAG: {'; '.join(errors)}")
                if time.monotonic() > deadline:
                    raise LocalSystemError(
                        f"Airflow has not read {', '.join(missing)} within "
                        f"{_HEALTHY_WITHIN_S:.0f} seconds; see {self.home.logs_dir}"
                    )
                time.sleep(0.5)


def supervisor(home: Home) -> psutil.Process | None:
    """The process that runs, starts or stops the system of this home, if one lives."""
    record = Record.from_json((home.read_state() or {}).get("supervisor"))
    return None if record is None else record.process()


def wait_until_healthy(api: AirflowApi, display: Display) -> None:
    """Wait for every part of Airflow, saying as each comes up.

    Raises:
        LocalSystemError: They are not up in time; names them.
    """
    deadline = time.monotonic() + _HEALTHY_WITHIN_S
    missing: list[str] = []
    with display.waiting("starting Airflow: about half a minute …"):
        while True:
            before, missing = missing, api.unhealthy()
            for part in before:
                if part not in missing:
                    display.say(f"Airflow's {part} is up")
            if not missing:
                return
            if time.monotonic() > deadline:
                raise LocalSystemError(
                    f"Airflow did not come up within {_HEALTHY_WITHIN_S:.0f} seconds; "
                    f"still missing: {', '.join(missing)}"
                )
            time.sleep(0.5)


def show_way_in(display: Display, state: State) -> None:
    """How to look at what runs."""
    display.show(f"Airflow     {state.airflow_url}")
    display.show(f"  login     admin  {state.admin_password}")
    by_hand = f"    or    PGPASSFILE={state.password_file} {' '.join(state.psql)}"
    display.show("Database    make psql" + (by_hand if state.password_file is not None else ""))
