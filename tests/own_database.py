"""A database of a test module's own: tombstones belong to one key."""

from sqlalchemy.engine import make_url

from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate


class Own:
    """One database of a test module's own, migrated, by login."""

    def __init__(self, server: PostgresServer, urls: dict[str, str], name: str) -> None:
        self.server, self.name = server, name
        self.urls = {
            login: make_url(url).set(database=name).render_as_string(hide_password=False)
            for login, url in urls.items()
        }

    def make(self) -> None:
        """Create it, with roles and tables."""
        self.make_empty()
        database = Database(self.urls["emotion_migrate"])
        migrate(database)
        database.close()

    def make_empty(self) -> None:
        """Create it with its roles, as an administrator does before the first migration."""
        self.admin(f'CREATE DATABASE "{self.name}"', database="postgres")
        self.admin((SQL_DIR / "roles.sql").read_text())

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
