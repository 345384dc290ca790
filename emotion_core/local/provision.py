"""Logins, databases, rights and tables, made or brought up to date; safe to repeat at any time."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import encrypt_password, make_dsn

from emotion_core.errors import LocalSystemError
from emotion_core.local.credentials import Credentials
from emotion_core.local.home import PROJECT_DIR
from emotion_core.local.postgres import SUPERUSER, PostgresServer
from emotion_core.settings import SQL_DIR
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate

OUR_DATABASE = "emotion"
ANALYST = "emotion_analyst"

PASSWORDS = {
    "airflow": "AIRFLOW_DB_PASSWORD",
    "emotion_migrate": "EMOTION_MIGRATE_PASSWORD",
    "emotion_app": "EMOTION_APP_PASSWORD",
    ANALYST: "EMOTION_ANALYST_PASSWORD",
    SUPERUSER: "POSTGRES_PASSWORD",
}
"""Login, and the variable that deploy/databases.sh reads its password from."""


@dataclass(frozen=True)
class Addresses:
    """SQLAlchemy addresses, passwords included."""

    app: str
    """Our database for Airflow's tasks."""
    migrate: str
    """Our database for migrations alone."""
    analyst: str
    """Our database for people who look."""
    airflow: str
    """Airflow's own database."""


def addresses(server: PostgresServer, credentials: Credentials) -> Addresses:
    """The addresses of the embedded server's databases."""

    def ours(login: str) -> str:
        return server.url(OUR_DATABASE, login, credentials.password(login))

    return Addresses(
        app=ours("emotion_app"),
        migrate=ours("emotion_migrate"),
        analyst=ours(ANALYST),
        airflow=server.url("airflow", "airflow", credentials.airflow),
    )


def provision(server: PostgresServer, credentials: Credentials) -> list[str]:
    """Make both databases, the roles and logins, and our tables; Airflow makes its own.

    Returns:
        Names of the migrations that were applied.

    Raises:
        LocalSystemError: The server refuses; says what.
        StoreError: The tables are newer than this code.
    """
    connection = server.connect()
    try:
        # Only the verifiers travel, so that no log of the server can hold a password.
        verifiers = {
            variable: encrypt_password(
                credentials.password(login), login, connection, "scram-sha-256"
            )
            for login, variable in PASSWORDS.items()
        }
    finally:
        connection.close()
    done = subprocess.run(
        ["/bin/sh", PROJECT_DIR / "deploy" / "databases.sh"],
        env={**server.client_environment(), **verifiers, "EMOTION_SQL_DIR": str(SQL_DIR)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LocalSystemError(f"the databases could not be set up: {done.stderr.strip()}")
    return migrate_tables(addresses(server, credentials).migrate)


def migrate_tables(url: str, name: str = "the database address") -> list[str]:
    """Bring our tables to this code's version, on any server.

    Args:
        url: By a login that may change tables.
        name: The setting that holds it, for messages.

    Raises:
        StoreError: The server cannot be reached, or its tables are newer than this code.
    """
    database = Database(url, name)
    try:
        return migrate(database)
    finally:
        database.close()


def write_password_file(path: Path, server: PostgresServer, credentials: Credentials) -> str:
    """Write a password file with the analyst's login alone; returns the conninfo that uses it."""
    fields = (str(server.socket_dir), "*", OUR_DATABASE, ANALYST, credentials.emotion_analyst)
    line = ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(line + "\n", encoding="utf-8")
    return str(make_dsn(host=server.socket_dir, dbname=OUR_DATABASE, user=ANALYST, passfile=path))
