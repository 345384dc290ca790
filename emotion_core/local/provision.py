"""Logins, databases, rights and tables, made or brought up to date; safe to repeat at any time."""

from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from emotion_core.errors import LocalSystemError
from emotion_core.local.credentials import Credentials
from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate

OUR_DATABASE = "emotion"
AIRFLOW_DATABASE = "airflow"
ANALYST = "emotion_analyst"

_OUR_LOGINS = ("emotion_migrate", "emotion_app", ANALYST)
_AIRFLOW_LOGIN = "airflow"


@dataclass(frozen=True)
class Addresses:
    """SQLAlchemy addresses, passwords included."""

    app: str
    """Our database for Airflow's tasks."""
    migrate: str
    """Our database for migrations alone."""
    analyst: str | None
    """Our database for people who look; None on a server of the user's own."""
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
        airflow=server.url(AIRFLOW_DATABASE, _AIRFLOW_LOGIN, credentials.airflow),
    )


def provision_ours(server: PostgresServer, credentials: Credentials) -> list[str]:
    """Make our database, its roles and logins and its tables.

    Returns:
        Names of the migrations that were applied.

    Raises:
        LocalSystemError: The server refuses; says what.
        StoreError: The tables are newer than this code.
    """
    roles = (SQL_DIR / "roles.sql").read_text(encoding="utf-8")
    try:
        _ensure_database(server, OUR_DATABASE)
        with _autocommit(server, OUR_DATABASE) as connection, connection.cursor() as cursor:
            cursor.execute(roles)
        _set_passwords(server, credentials, _OUR_LOGINS)
    except psycopg2.Error as error:
        raise LocalSystemError(f"the database could not be set up: {_reason(error)}") from error
    return migrate_tables(addresses(server, credentials).migrate)


def provision_airflow(server: PostgresServer, credentials: Credentials) -> None:
    """Make Airflow's database and its login, who owns it; Airflow makes the tables itself.

    Raises:
        LocalSystemError: The server refuses; says what.
    """
    login = sql.Identifier(_AIRFLOW_LOGIN)
    database = sql.Identifier(AIRFLOW_DATABASE)
    try:
        _ensure_role(server, _AIRFLOW_LOGIN)
        _ensure_database(server, AIRFLOW_DATABASE)
        _set_passwords(server, credentials, (_AIRFLOW_LOGIN,))
        with _autocommit(server, AIRFLOW_DATABASE) as connection, connection.cursor() as cursor:
            for statement in (
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, login),
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
                sql.SQL("ALTER SCHEMA public OWNER TO {}").format(login),
            ):
                cursor.execute(statement)
    except psycopg2.Error as error:
        raise LocalSystemError(
            f"Airflow's database could not be set up: {_reason(error)}"
        ) from error


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


def write_password_file(path: Path, server: PostgresServer, credentials: Credentials) -> None:
    """A password file for psql and its relatives, with the analyst's login alone."""
    fields = (str(server.place.socket_dir), "*", OUR_DATABASE, ANALYST, credentials.emotion_analyst)
    line = ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(line + "\n", encoding="utf-8")


class _autocommit:  # noqa: N801 - used as a with statement's verb
    """A superuser's connection that commits each statement, closed at the end of the block."""

    def __init__(self, server: PostgresServer, database: str = "postgres") -> None:
        self._connection = server.connect(database)
        self._connection.autocommit = True

    def __enter__(self) -> "psycopg2.extensions.connection":
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _ensure_role(server: PostgresServer, name: str) -> None:
    with _autocommit(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def _ensure_database(server: PostgresServer, name: str) -> None:
    with _autocommit(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            cursor.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
            )
        for shared in ("postgres", "template1"):
            cursor.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(shared))
            )


def _set_passwords(
    server: PostgresServer, credentials: Credentials, logins: tuple[str, ...]
) -> None:
    """Only the verifier travels, so that no log of the server can hold a password."""
    with _autocommit(server) as connection, connection.cursor() as cursor:
        for login in logins:
            verifier = encrypt_password(
                credentials.password(login), login, connection, "scram-sha-256"
            )
            cursor.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(login), sql.Literal(verifier)
                )
            )


def _reason(error: psycopg2.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
