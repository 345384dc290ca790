"""The connection to PostgreSQL, and the role under which each piece of work is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

from psycopg2 import BINARY
from psycopg2.extensions import connection as DriverConnection
from psycopg2.extensions import new_type, register_type
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from emotion_core.errors import StoreError
from emotion_core.store.address import read_address

Role = Literal["emotion_owner", "emotion_train", "emotion_score", "emotion_report", "emotion_erase"]

_SESSION = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "standard_conforming_strings": "on",
    "extra_float_digits": "1",
    "default_transaction_isolation": "read committed",
    "search_path": "public",
}
"""What our statements and their readers rest on, whatever ``PGOPTIONS``, a role or a database sets
for others. An address that holds ``options`` of its own keeps its ``search_path``."""

_BYTES = new_type(
    BINARY.values, "BYTES", lambda value, cursor: value and bytes(BINARY(value, cursor))
)
"""``bytea`` as ``bytes``, where the driver gives a view of memory."""


class Database:
    """One PostgreSQL database, reached through one login.

    Work is done inside :meth:`transaction`, as the least-privileged group role that can do it
    (``sql/roles.sql``). Where an administrator made no such roles, the login's own rights serve:
    a server with a single login works too, only with less between a fault and the tables.
    """

    def __init__(self, url: str, name: str = "the database address") -> None:
        """Connects at the first use.

        Args:
            url: As :func:`emotion_core.store.address.read_address` takes it.
            name: The setting that holds it, for messages.

        Raises:
            StoreError: The address is not one of PostgreSQL.
        """
        self.url = read_address(url, name)
        ours = {"application_name": "emotion", "connect_timeout": 10}
        self.engine: Engine = create_engine(
            self.url,
            pool_pre_ping=True,
            pool_size=2,
            # Values are file names and people's keys: they belong in no log.
            hide_parameters=True,
            connect_args={
                **{option: value for option, value in ours.items() if option not in self.url.query},
                "client_encoding": "UTF8",
            },
        )
        event.listen(self.engine, "connect", self._settle)

    @property
    def place(self) -> str:
        """Host and database for messages; never the password."""
        host = self.url.host or self.url.query.get("host") or "localhost"
        return f"{self.url.database} at {host}"

    @contextmanager
    def transaction(self, role: Role) -> Iterator[Connection]:
        """One transaction as ``role``: committed when the block ends, undone when it raises.

        Raises:
            StoreError: As :meth:`connect`.
        """
        with self.connect() as connection, connection.begin():
            self.become(connection, role)
            yield connection

    def become(self, connection: Connection, role: Role) -> None:
        """Be ``role`` until the connection's transaction ends, where there is such a role."""
        if role in self._roles:
            # A limit for people who ask is none for work that takes its time.
            connection.execute(text(f"SET LOCAL ROLE {role}; SET LOCAL statement_timeout = 0"))

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection of the login itself, for what no single transaction can do.

        Raises:
            StoreError: The server cannot be reached, refuses the login, or the database is not
                encoded in UTF-8.
        """
        try:
            connection = self.engine.connect()
        except DBAPIError as error:
            reason = answer(error)
            raise StoreError(f"cannot reach the database {self.place}: {reason}") from error
        with connection:
            yield connection

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    def _settle(self, connection: DriverConnection, record: object) -> None:
        """Once for each new connection: refuse what cannot hold our texts, set the rest right."""
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(
                f"the database {self.place} is encoded in {encoding}, this system needs UTF8: make "
                "another with `createdb --encoding UTF8 --template template0`"
            )
        settings = dict(_SESSION)
        if "options" in self.url.query:
            del settings["search_path"]
        register_type(_BYTES, connection)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config(name, value, false) FROM unnest(%s, %s) AS wanted(name, value)",
                (list(settings), list(settings.values())),
            )
        connection.commit()

    @cached_property
    def _roles(self) -> frozenset[str]:
        """The group roles that this login may become."""
        with self.connect() as connection:
            names = connection.execute(
                text(
                    "SELECT rolname FROM pg_roles "
                    "WHERE rolname LIKE 'emotion\\_%' AND pg_has_role(oid, 'MEMBER')"
                )
            ).scalars()
            return frozenset(names)


def answer(error: BaseException) -> str | None:
    """The message of the server or its client, in one line; None for an error of anything else."""
    if not isinstance(error, DBAPIError):
        return None
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
