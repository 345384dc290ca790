"""The connection to PostgreSQL, and the role under which each piece of work is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

from emotion_core.errors import StoreError

Role = Literal["emotion_owner", "emotion_train", "emotion_score", "emotion_report", "emotion_erase"]


class Database:
    """One PostgreSQL database, reached through one login.

    Work is done inside :meth:`transaction`, as the least-privileged group role that can do it
    (``sql/roles.sql``). Where an administrator made no such roles, the login's own rights serve:
    a server with a single login works too, only with less between a fault and the tables.
    """

    def __init__(self, url: str) -> None:
        """Connects at the first use.

        Args:
            url: ``postgresql://user:password@host/database`` or its ``+psycopg2`` form.

        Raises:
            StoreError: The address is not one of PostgreSQL.
        """
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(
                "the database address is not a URL; write postgresql://user:password@host/database"
            ) from error
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg2")
        if parsed.drivername != "postgresql+psycopg2":
            raise StoreError(
                f"the database address begins with {parsed.drivername!r}; this system needs "
                "PostgreSQL: postgresql://user:password@host/database"
            )
        self.url = parsed
        self.engine: Engine = create_engine(
            parsed,
            pool_pre_ping=True,
            pool_size=2,
            connect_args={"application_name": "emotion", "connect_timeout": 10},
        )

    @property
    def place(self) -> str:
        """Host and database for messages; never the password."""
        host = self.url.host or self.url.query.get("host") or "localhost"
        return f"{self.url.database} at {host}"

    @contextmanager
    def transaction(self, role: Role) -> Iterator[Connection]:
        """One transaction as ``role``: committed when the block ends, undone when it raises.

        Raises:
            StoreError: The server cannot be reached or refuses the login.
        """
        with self.connect() as connection, connection.begin():
            if role in self._roles:
                connection.execute(text(f"SET LOCAL ROLE {role}"))
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection of the login itself, for what no single transaction can do.

        Raises:
            StoreError: The server cannot be reached or refuses the login.
        """
        try:
            connection = self.engine.connect()
        except (OperationalError, InterfaceError) as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise StoreError(f"cannot reach the database {self.place}: {reason}") from error
        with connection:
            yield connection

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

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
