"""A database of a test module's own: tombstones belong to one key."""

from sqlalchemy.engine import make_url

from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR

BLANK = "emotion_blank"
"""The migrated database without rows that others are copied from; nobody connects to it."""


class Own:
    """One database of a test module's own, migrated, by login."""

    def __init__(self, server: PostgresServer, urls: dict[str, str], name: str) -> None:
        self.server, self.name = server, name
        self.urls = {
            login: make_url(url).set(database=name).render_as_string(hide_password=False)
            for login, url in urls.items()
        }

    def make(self, template: str = BLANK) -> None:
        """Create it, with roles and tables."""
        self.admin(f'CREATE DATABASE "{self.name}" TEMPLATE {template}', database="postgres")
        self.admin((SQL_DIR / "roles.sql").read_text())

    def make_empty(self) -> None:
        """Create it with its roles, as an administrator does before the first migration."""
        self.make("template1")

    def drop(self) -> None:
        """Remove it, whoever is connected."""
        self.admin(f'DROP DATABASE "{self.name}" WITH (FORCE)', database="postgres")

    def admin(self, statement: str, database: str | None = None) -> None:
        """A statement of the server's administrator, committed at once."""
        connection = self.server.connect(database or self.name)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()
